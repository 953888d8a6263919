"""Document numbers: unique, without holes, by rules that the administrator keeps (product.md 4.9.6 编号规则). One UPDATE of the
counter row holds the series until commit."""
import datetime as dt
import re
from dataclasses import dataclass

from flask_appbuilder import Model
from sqlalchemy import String, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from . import clock, entity, parameters
from .rules import RuleError
from .words import _, _l

TOKENS = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d"}
TOKEN = re.compile(r"\{(yyyy|yy|MM|dd|0{2,8})\}|([\w./#-]+)")
RESTARTS = (("day", _l("anew every day")), ("month", _l("anew every month")), ("year", _l("anew every year")), ("never", _l("never anew")))
NEEDED = {"day": ("%d", "%m", "%y"), "month": ("%m", "%y"), "year": ("%y",), "never": ()}
LONGEST = 32


class Counter(Model):
    """The last number given in a series (a pattern on a day)."""

    __tablename__ = "counter"
    series: Mapped[str] = mapped_column(String(80), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Rule:
    """How an entity's numbers are made: the pattern in Python's words, when counting begins anew, and with which number."""

    pattern: str
    restart: str
    start: int = 1

    def series(self, day: dt.date) -> str:
        """The part of a number before its sequence, as of the first day of the count: 'KH20261125-'."""
        first = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1), "never": dt.date(2000, 1, 1)}[self.restart]
        return self.pattern.split("{seq")[0].format(day=first)

    @property
    def is_plain(self) -> bool:
        """Whether every number of a series begins with the series itself."""
        return self.restart == finest(self.pattern)


def finest(pattern: str) -> str:
    """When a pattern's numbers would begin anew by its dates alone."""
    return next(restart for restart, needed in NEEDED.items() if all(mark in pattern.lower() for mark in needed))


def said(pattern: str) -> str:
    """A pattern as people write it: 'KH{yyyy}{MM}{dd}-{0000}'."""
    dates = re.sub(r"\{day:([^}]*)\}", lambda m: "".join(f"{{{next(t for t, mark in TOKENS.items() if mark == d)}}}"
                                                        for d in re.findall("%.", m[1])), pattern)
    return re.sub(r"\{seq:0(\d)d\}", lambda m: "{" + "0" * int(m[1]) + "}", dates)


def read(text: str) -> str:
    """The pattern that somebody wrote; RuleError says what is wrong with it."""
    parts = TOKEN.findall(text)
    if "".join(f"{{{token}}}" if token else plain for token, plain in parts) != text or not text:
        raise RuleError(_("Write letters, digits and - _ . / # beside {yyyy} {yy} {MM} {dd} and {0000}."))
    if sum(token.startswith("0") for token, _plain in parts) != 1:
        raise RuleError(_("The running number {0000} stands in it once."))
    made = "".join(f"{{seq:0{len(token)}d}}" if token.startswith("0") else f"{{day:{TOKENS[token]}}}" if token else plain
                   for token, plain in parts)
    if len(made.format(day=dt.date(2026, 11, 25), seq=10**8)) > LONGEST:
        raise RuleError(_("At most %(max)d characters.", max=LONGEST))
    return made


def numbered_columns(model):
    """The columns of a model that are document numbers."""
    return [c for c in model.__table__.columns if c.info.get("pattern")]


def declare() -> None:
    """Declare the rule of every entity with a number as parameters; once all models are there."""
    for model in entity.entities():
        for column in numbered_columns(model):
            name, pattern = f"number.{model.__tablename__}", column.info["pattern"]
            parameters.declare(name, _l("Numbering rules"), column.info["label"], "pattern", said(pattern),
                               _l("The next record gets the number shown; numbers given already stay."), check=check_rule)
            parameters.declare(f"{name}.restart", _l("Numbering rules"), _l("Counting begins anew"), "choice", finest(pattern),
                               choices=RESTARTS, within=name)
            parameters.declare(f"{name}.start", _l("Numbering rules"), _l("First number"), "whole", 1, within=name, low=1, high=9_999_999,
                               unit=_l("first"))


def rule_of(session, model) -> Rule:
    """The rule of a model's numbers as the administrator keeps it."""
    name = f"number.{model.__tablename__}"
    return Rule(read(parameters.get(session, name)), parameters.get(session, f"{name}.restart"), parameters.get(session, f"{name}.start"))


def check_rule(values: dict, key: str) -> None:
    """A rule makes every number once: its dates are as fine as its restarts, and no other entity counts in the same series. `values`:
    all parameters as they would be."""
    pattern, restart = read(values[key]), values[f"{key}.restart"]
    if not all(mark in pattern.lower() for mark in NEEDED[restart]):
        raise RuleError(_("Counting anew that often would give numbers twice: put year, month or day into the rule."))
    before = values[key].split("{0")[0]
    for other, text in values.items():
        if other != key and parameters.KNOWN[other].kind == "pattern" and text.split("{0")[0] == before:
            raise RuleError(_("“%(name)s” has the same rule already.", name=parameters.KNOWN[other].label))


def preview(session, rule: Rule) -> str:
    """The number that the next record would get."""
    day = clock.today()
    last = session.connection().scalar(select(Counter.last).where(Counter.series == rule.series(day)))
    return rule.pattern.format(day=day, seq=rule.start if last is None else last + 1)


def take(session, rule: Rule, how_many: int = 1) -> list[str]:
    """Take the next numbers of a series inside the session's transaction."""
    day, line, t = clock.today(), session.connection(), Counter.__table__
    series = rule.series(day)
    bump = update(t).where(t.c.series == series).values(last=t.c.last + how_many)
    if line.execute(bump).rowcount == 0:
        try:
            with line.begin_nested():
                line.execute(insert(t).values(series=series, last=rule.start - 1))
        except IntegrityError:  # another transaction opened the series first
            pass
        line.execute(bump)
    last = line.scalar(select(t.c.last).where(t.c.series == series))
    return [rule.pattern.format(day=day, seq=n) for n in range(last - how_many + 1, last + 1)]


def give_back(session, model) -> None:
    """After an undo: set this day's counters of a model to the highest number still there. Where the numbers of a series begin
    differently (counting goes on over its dates) the number is not used again."""
    for column in numbered_columns(model):
        rule = rule_of(session, model)
        if not rule.is_plain:
            continue
        series = rule.series(clock.today())
        top = session.connection().scalar(select(func.max(column)).where(column.startswith(series, autoescape=True)))
        found = re.match(r"\d+", top[len(series):]) if top else None
        last = int(found[0]) if found else rule.start - 1
        session.connection().execute(update(Counter.__table__).where(
            Counter.__table__.c.series == series).values(last=last))


@event.listens_for(Session, "before_flush")
def _give_numbers(session, _context, _instances):
    """Every new row without a number gets one; one UPDATE for all rows of a series. Numbers given by hand are passed over."""
    waiting: dict = {}
    for row in session.new:
        for column in numbered_columns(type(row)) if hasattr(row, "__table__") else ():
            if not getattr(row, column.key):
                waiting.setdefault((type(row), column.key), []).append(row)
    for (model, key), rows in waiting.items():
        for row, number in zip(rows, _free(session, rule_of(session, model), getattr(model, key), len(rows)), strict=True):
            setattr(row, key, number)


def _free(session, rule, column, how_many) -> list[str]:
    """The next numbers of a series that no row of the table has, not even one in the trash or in this flush."""
    given = {getattr(row, column.key) for row in session.new if isinstance(row, column.class_)}
    found: list[str] = []
    while len(found) < how_many:
        fresh = take(session, rule, how_many - len(found))
        used = given | set(session.connection().scalars(select(column).where(column.in_(fresh))))
        found += [number for number in fresh if number not in used]
    return found

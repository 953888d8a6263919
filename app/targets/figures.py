"""Targets against what was reached: the figures of the target page, the roll-up and the desktop. All amounts in hundredths."""
import calendar
import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select

from app.core import clock, tally

from . import pace
from .models import KINDS, Target


@dataclass(frozen=True)
class Figure:
    """What somebody should reach and has reached in a period. `goal` is None where nobody set one; `pace`: the share of the
    period's working days that is gone (0 to 1), `days`: working days left with today, 0 when it is over."""

    own: int | None = None
    assigned: int | None = None
    goal: int | None = None
    actual: int = 0
    pace: float = 0.0
    days: int = 0

    @property
    def mixed(self) -> bool:
        """Whether the goal adds up assigned targets and own ones, so that neither sum is it."""
        return self.goal != (self.own if self.assigned is None else self.assigned)

    @property
    def rate(self) -> float | None:
        """Reached of the goal in percent, one decimal."""
        return round(100 * self.actual / self.goal, 1) if self.goal else None

    @property
    def gap(self) -> int | None:
        """Goal less reached; below zero when it is exceeded."""
        return None if self.goal is None else self.goal - self.actual

    @property
    def a_day(self) -> int | None:
        """What each working day that is left must bring."""
        return -(-self.gap // self.days) if self.gap and self.gap > 0 and self.days else None

    @property
    def mood(self) -> str:
        """g reached or ahead of the working days gone, y up to ten points behind, r further behind; '' without a goal, and as long as
        none has gone and nothing is reached."""
        if self.rate is None or not (self.rate or self.pace):
            return ""
        return "g" if self.rate >= min(100, 100 * self.pace) else "y" if self.rate >= 100 * self.pace - 10 else "r"


@dataclass(frozen=True)
class Period:
    """Some whole months, e.g. a quarter."""

    label: str
    months: tuple  # 'yyyy-mm', in order

    @property
    def first(self) -> dt.date:
        """The first day."""
        return dt.date(int(self.months[0][:4]), int(self.months[0][5:]), 1)

    @property
    def last(self) -> dt.date:
        """The last day."""
        year, month = int(self.months[-1][:4]), int(self.months[-1][5:])
        return dt.date(year, month, calendar.monthrange(year, month)[1])


def months_of(year: int, first: int = 1, last: int = 12) -> tuple:
    """('2026-01', …)."""
    return tuple(f"{year}-{month:02d}" for month in range(first, last + 1))


def around(day: dt.date, key: str) -> Period:
    """The month, quarter or year that holds a day."""
    quarter = (day.month - 1) // 3 * 3 + 1
    span = {"month": (day.month, day.month), "quarter": (quarter, quarter + 2), "year": (1, 12)}[key]
    return Period(key, months_of(day.year, *span))


def goals(session, people, first: str, last: str, by: str = "slot") -> dict:
    """{(kind, slot): (own, assigned, goal)} sums over some people (None: everybody that the person sees); `by` as in `tally.read`."""
    month, owner = (Target.year, Target.month), (Target.owner_id,)
    key = {"slot": month, "owner": owner, "both": (*owner, *month)}[by]
    at = Target.year * 100 + Target.month
    wanted = select(func.sum(Target.own), func.sum(Target.assigned), func.sum(func.coalesce(Target.assigned, Target.own)), Target.kind,
                    *key).where(Target.year.between(int(first[:4]), int(last[:4])), at >= int(first.replace("-", "")),
                                at <= int(last.replace("-", ""))).group_by(Target.kind, *key)
    if people is not None:
        wanted = wanted.where(Target.owner_id.in_(sorted(people)))
    found = {}
    for own, assigned, goal, kind, *where in session.execute(wanted):
        place = where if by == "owner" else [*where[:-2], f"{where[-2]}-{where[-1]:02d}"]
        found[kind, *place] = tuple(None if v is None else int(v) for v in (own, assigned, goal))
    return found


def reached(session, people, first: str, last: str, by: str = "slot") -> dict:
    """{(kind, slot): hundredths}: signed and received in fen, new customers times 100; `by` as in `tally.read`."""
    found = tally.read(session, KINDS, people, first, last, by)
    return {key: 100 * n if key[0] == "customers" else amount for key, (n, amount, _more) in found.items()}


def _sum(values):
    known = [v for v in values if v is not None]
    return sum(known) if known else None


def add_up(session, wanted: dict, done: dict, kind: str, period: Period) -> Figure:
    """The figure of a period out of the goals and sums by slot."""
    rows = [wanted.get((kind, slot), (None, None, None)) for slot in period.months]
    own, assigned, goal = (_sum(row[n] for row in rows) for n in range(3))
    today = clock.today()
    return Figure(own, assigned, goal, sum(done.get((kind, slot), 0) for slot in period.months),
                  pace.gone(session, period.first, period.last, today), pace.left(session, period.first, period.last, today))


def of_group(found: dict, members) -> dict:
    """What `goals` or `reached` gave by "both", summed over some people: {(kind, slot): value}."""
    made: dict = {}
    for (kind, owner, slot), value in found.items():
        if owner in members:
            before = made.get((kind, slot))
            made[kind, slot] = value if before is None else before + value if isinstance(value, int) else tuple(
                _sum(pair) for pair in zip(before, value, strict=True))
    return made


def years(session, people) -> list[int]:
    """The years with targets or results of some people, and this one."""
    now = clock.today().year
    low, t = select(func.min(Target.year)), tally.Cell.__table__.c
    first = select(func.min(t.slot)).where(t.kind.in_(KINDS))
    if people is not None:
        low, first = low.where(Target.owner_id.in_(sorted(people))), first.where(t.owner_id.in_(sorted(people)))
    low, first = session.scalar(low), session.scalar(first)
    return list(range(min(filter(None, (low, first and int(first[:4]), now))), now + 1))


def columns(year: int | None, month: int | None, known: list[int], word) -> list[Period]:
    """What is set side by side: year alone, the months of that year; month alone, that month over the years; both, that one month;
    none, whole years (manual 4.2). `word(n)`: what a month is called."""
    if year and month:
        return [Period(f"{year}-{month:02d}", months_of(year, month, month))]
    if year:
        return [Period(word(m), months_of(year, m, m)) for m in range(1, 13)]
    if month:
        return [Period(str(y), months_of(y, month, month)) for y in known]
    return [Period(str(y), months_of(y)) for y in known]


def table(session, people, periods: list[Period], kinds=KINDS) -> dict:
    """{kind: [Figure of each period]} of some people taken together."""
    slots = [slot for period in periods for slot in period.months]
    wanted, done = goals(session, people, min(slots), max(slots)), reached(session, people, min(slots), max(slots))
    return {kind: [add_up(session, wanted, done, kind, period) for period in periods] for kind in kinds}

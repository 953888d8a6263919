"""System parameters: each with its meaning and its default, kept by the administrator, effective at once (manual 4.9.6).

A module declares what it lets the administrator decide; the page is made of the declarations. Groups are the first word of the key.
"""
import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Text, event, select
from sqlalchemy.orm import Session, mapped_column

from . import fields, memo, money
from .entity import Entity
from .rules import RuleError
from .words import _, _l

LONGEST = {"text": 200, "note": 2000, "pattern": 60}


@dataclass(frozen=True)
class Known:
    """A declared parameter. Kinds: text note whole money flag choice time pattern file. `choices` for a choice: (code, label);
    `unit` stands behind a number; `within`: the key in whose row it stands; `check(values, key)` raises RuleError, `values` being all
    parameters as they would be; `after(session)` is called when the value has changed. A file is kept as 'digest:name', `accept` says
    which endings, `public` lets everybody who is signed in see it."""

    key: str
    group: object
    label: object
    kind: str
    default: object
    help: object = ""
    low: int = 0
    high: int = 10**9
    choices: tuple = ()
    unit: object = ""
    within: str = ""
    check: Callable | None = None
    after: Callable | None = None
    accept: tuple = ()
    public: bool = False

    @property
    def place(self) -> str:
        """The group's name in addresses."""
        return self.key.partition(".")[0]


class Parameter(Entity):
    """The value of one parameter where it is not the default."""

    memo = "parameters"
    key = fields.text(_l("Parameter"), 60, required=True, unique=True)
    value = mapped_column(Text, info={"label": _l("Value"), "kind": "note"}, active_history=True)

    def __repr__(self) -> str:
        return str(KNOWN[self.key].label) if self.key in KNOWN else self.key


KNOWN: dict[str, Known] = {}


def declare(key: str, group, label, kind: str, default, help="", **more) -> None:
    """A module declares a parameter."""
    KNOWN[key] = Known(key, group, label, kind, default, help, **more)


def _typed(known: Known, text: str | None):
    if known.kind in ("whole", "money"):
        return int(text) if text not in (None, "") else known.default
    return text == "1" if known.kind == "flag" else text or ""


def get(session, key: str):
    """The value of a parameter in its type: text, int (fen for money), bool."""
    kept = memo.recall(session, "parameters", "all", lambda: dict(session.execute(select(Parameter.key, Parameter.value)).all()))
    known = KNOWN[key]
    return _typed(known, kept[key]) if key in kept else known.default


def put(session, key: str, value) -> None:
    """Keep a parameter's value (in its type); logged like any change."""
    text = ("1" if value else "0") if KNOWN[key].kind == "flag" else "" if value is None else str(value)
    row = session.scalars(select(Parameter).where(Parameter.key == key)).first()
    if row is None:
        session.add(Parameter(key=key, value=text))
    elif row.value != text:
        row.value = text


def read(known: Known, text: str):
    """What somebody typed, in the parameter's type; RuleError with a sentence for what cannot be."""
    if known.kind == "flag":
        return text == "1"
    if known.kind in LONGEST and len(text) > LONGEST[known.kind]:
        raise RuleError(_("At most %(max)d characters.", max=LONGEST[known.kind]), known.key)
    if known.kind == "time" and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text):
        raise RuleError(_("Give a time as 08:30."), known.key)
    if known.kind == "choice" and text not in dict(known.choices):
        raise RuleError(_("Choose one of the list."), known.key)
    return _number(known, text) if known.kind in ("whole", "money") else text


def _number(known: Known, text: str) -> int:
    try:
        number = money.read(text) if known.kind == "money" else int(text)
    except ValueError:
        raise RuleError(_("This is not a number."), known.key) from None
    if known.kind == "whole" and not known.low <= number <= known.high:
        raise RuleError(_("Between %(low)d and %(high)d.", low=known.low, high=known.high), known.key)
    if number < 0:
        raise RuleError(_("Not below zero."), known.key)
    return number


def check(values: dict) -> dict[str, str]:
    """What the modules say against these values of all parameters: key -> sentence."""
    said: dict[str, str] = {}
    for key, known in KNOWN.items():
        try:
            if known.check:
                known.check(values, key)
        except RuleError as no:
            said[key] = str(no)
    return said


def shown(known: Known, value) -> str:
    """A value as a person reads it."""
    if known.kind == "flag":
        return _("On") if value else _("Off")
    if known.kind == "choice":
        return str(dict(known.choices).get(value, value))
    if known.kind == "file":
        return value.partition(":")[2]
    return money.shown(value) if known.kind == "money" else str(value)


def shown_text(key: str, text: str | None) -> str:
    """A kept value, as the log has it, for people."""
    known = KNOWN.get(key)
    return "" if text is None else shown(known, _typed(known, text)) if known else text


@event.listens_for(Session, "after_flush")
def _tell(session, _context):
    """Whoever leans on a parameter hears of every change, be it by the page or by an undo."""
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, Parameter) and (known := KNOWN.get(row.key)) and known.after:
            session.info.setdefault("parameters", []).append(known.after)


@event.listens_for(Session, "after_flush_postexec")
def _after(session, _context):
    for after in session.info.pop("parameters", ()):
        after(session)

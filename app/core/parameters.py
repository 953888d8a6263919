"""System parameters: each with its meaning and its default, kept by the administrator, effective at once (manual 4.9.6)."""
from dataclasses import dataclass

from sqlalchemy import Text, select
from sqlalchemy.orm import mapped_column

from . import fields, memo
from .entity import Entity
from .words import _l


@dataclass(frozen=True)
class Known:
    """A declared parameter. Kinds: text note whole money flag choice; `choices` for kind choice: (code, label)."""

    key: str
    group: object
    label: object
    kind: str
    default: object
    help: object = ""
    low: int = 0
    high: int = 10**9
    choices: tuple = ()


class Parameter(Entity):
    """The value of one parameter where it is not the default."""

    memo = "parameters"
    key = fields.text(_l("Parameter"), 60, required=True, unique=True)
    value = mapped_column(Text, info={"label": _l("Value"), "kind": "note"}, active_history=True)

    def __repr__(self) -> str:
        return str(KNOWN[self.key].label) if self.key in KNOWN else self.key


KNOWN: dict[str, Known] = {}


def declare(key: str, group, label, kind: str, default, help="", **limits) -> None:
    """A module declares a parameter."""
    KNOWN[key] = Known(key, group, label, kind, default, help, **limits)


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

"""The record that a cell names."""
import re

from sqlalchemy import select

from app.core.describe import describe, target_model
from app.customers.rules import name_key


def ids(session, one, value: str, inside=None) -> list[int]:
    """At most two ids of the visible records that a ref's cell may mean; `inside`: the id of the record that the ref lies within."""
    model = target_model(one)
    wanted = select(model.id).limit(2)
    if inside is not None and (holder := describe(model).get(one.info["within"])):
        wanted = wanted.where(getattr(model, holder.key) == inside)
    for clause in _clauses(model, value):
        if found := list(session.scalars(wanted.where(clause))):
            return found
    return _both(session, model, wanted, value)


def _codes(model) -> list:
    return [getattr(model, name) for name in ("number", "code") if hasattr(model, name)]


def _clauses(model, value):
    """By number or code, by name; a contract's term by its number."""
    yield from (column == value for column in _codes(model))
    if hasattr(model, "name_key"):
        yield model.name_key == name_key(value)
    elif hasattr(model, "name"):
        yield model.name == value
    elif hasattr(model, "term") and (digits := re.findall(r"\d+", value)):
        yield model.term == int(digits[0][:6])


def _both(session, model, wanted, value) -> list[int]:
    """A cell as an export writes it: number or code, a blank, the record's name."""
    code, blank, name = value.partition(" ")
    for column in _codes(model) if blank else ():
        found = session.scalars(select(model).where(model.id.in_(wanted.where(column == code).scalar_subquery()))).first()
        if found is not None and " ".join(str(found).split()) == " ".join(name.split()):
            return [found.id]
    return []

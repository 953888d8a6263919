"""Data scope: who sees which rows, written once below every view (product.md 4.9.1 数据权限).

Every ORM SELECT is narrowed to the living rows that the acting person may see. To opt out, a statement says
`.execution_options(everyone=True)` or `with_trash=True`; the census greps for these words. Bulk UPDATE/DELETE and
statements over Core tables are not covered and therefore live in core/ only.
"""
from sqlalchemy import Date, ForeignKey, Index, Integer, String, event, false, or_, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, with_loader_criteria

from . import actor, clock
from .entity import Entity, Owned, entities
from .words import _l


class Collaborator(Entity):
    """A person who may see (or also edit) one record of somebody else (协作人), until a day or for good."""

    memo = "security"  # what is shared is remembered with the person's rights
    __table_args__ = (Index("ix_collaborator_row", "entity", "row_id"), {"extend_existing": True})
    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    employee_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id"), index=True, info={
        "kind": "ref", "label": _l("Collaborator"), "target": "ab_user", "required": True})
    employee = relationship("Employee", foreign_keys=[employee_id])
    may_write: Mapped[bool] = mapped_column(default=False, info={"kind": "flag", "label": _l("May edit")})
    until = mapped_column(Date, info={"kind": "date", "label": _l("Until")})


def shared_with(model, who, *, write=False):
    """Ids of the model's rows that are shared with a person today, as a subquery."""
    c = Collaborator.__table__.c
    clauses = [c.entity == model.__tablename__, c.employee_id == who.id, c.deleted_at.is_(None),
               or_(c.until.is_(None), c.until >= clock.today())]
    if write:
        clauses.append(c.may_write)
    return select(c.row_id).where(*clauses)


def tables_above(model) -> set[str]:
    """The table of an entity and of those whose sharing it inherits (a contact its customer's)."""
    parent = getattr(model, "scope_parent", None)
    return {model.__tablename__} | (tables_above(getattr(model, parent).property.mapper.class_) if parent else set())


def _own_or_shared(model, who, write, c):
    own = c.owner_id.in_(sorted(who.reach))
    if who.shares is not None and model.__tablename__ not in who.shares:
        return own  # an OR would keep SQLite from reading in the order of an index
    return or_(own, c.id.in_(shared_with(model, who, write=write)))


def visible(model, who: actor.Actor | None, *, write: bool = False, columns=None):
    """The clause "this person may see (or edit) this row"; `columns`: where to read the columns from."""
    if who is None or (who.reach is None and who.id):
        return true()
    if who is actor.NOBODY or not who.id:
        return false()
    c = columns if columns is not None else model
    clause = _own_or_shared(model, who, write, c)
    parent = getattr(model, "scope_parent", None)
    if parent is None:
        return clause
    above = getattr(model, parent).property.mapper.class_
    table = above.__table__
    ids = select(table.c.id).where(visible(above, who, write=write, columns=table.c), table.c.deleted_at.is_(None))
    return or_(clause, getattr(c, f"{parent}_id").in_(ids))


def may_edit(session, row, who: actor.Actor | None) -> bool:
    """Whether a person may change a row that he sees: not when it is only shared for reading."""
    if who is None or not isinstance(row, Owned) or who.reach is None or row.owner_id in who.reach:
        return True
    model = type(row)
    found = session.scalar(select(model.id).where(model.id == row.id, visible(model, who, write=True)))
    return found is not None


_living = with_loader_criteria(Entity, lambda cls: cls.deleted_at.is_(None), include_aliases=True, propagate_to_loaders=False)


def _criteria(who: actor.Actor | None) -> list:
    """The loader criteria of a person, made once a day for each change of his rights."""
    if who is None or (who.reach is None and who.id):
        return []
    key = ("criteria", clock.today())
    if key not in who.memo:
        who.memo[key] = [
            with_loader_criteria(cls, visible(cls, who), include_aliases=True, propagate_to_loaders=False)
            for cls in entities() if issubclass(cls, Owned)]
    return who.memo[key]


@event.listens_for(Session, "do_orm_execute")
def _narrow(state):
    """Add trash mark and scope to every ORM SELECT."""
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    options = state.execution_options
    if not options.get("with_trash"):
        state.statement = state.statement.options(_living)
    if not options.get("everyone"):
        for criterion in _criteria(actor.current()):
            state.statement = state.statement.options(criterion)



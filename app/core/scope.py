"""Data scope: who sees which rows, written once below every view (product.md 4.9.1 数据权限).

Every ORM SELECT is narrowed to the living rows that the acting person may see. To opt out, a statement says
`.execution_options(everyone=True)` or `with_trash=True`; the census greps for these words. Bulk UPDATE/DELETE and
statements over Core tables are not covered and therefore live in core/ only.
"""
from sqlalchemy import Date, ForeignKey, Index, Integer, String, case, event, false, or_, select, true
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, with_loader_criteria
from sqlalchemy.orm.interfaces import CriteriaOption
from sqlalchemy.orm.util import LoaderCriteriaOption
from sqlalchemy.sql.cache_key import anon_map

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


def reach_of(model, who: actor.Actor) -> frozenset[int] | None:
    """Ids of the owners whose rows of this model a person sees, None = all. A model that is `personal` (tasks) shows
    other people's rows only to who holds its right 'oversee', however wide his data scope is."""
    if getattr(model, "personal", False) and not who.may(model.__tablename__.replace("_", ""), "oversee"):
        return frozenset({who.id})
    return who.reach


def _own_or_shared(model, who, write, c):
    reach = reach_of(model, who)
    own = c.owner_id.in_(sorted(reach)) if len(reach) > 1 else c.owner_id == min(reach)  # IN costs a look a row
    if who.shares is not None and model.__tablename__ not in who.shares:
        return own  # an OR would keep SQLite from reading in the order of an index
    return or_(own, c.id.in_(shared_with(model, who, write=write)))


def visible(model, who: actor.Actor | None, *, write: bool = False, columns=None):
    """The clause "this person may see (or edit) this row"; `columns`: where to read the columns from."""
    if who is None:
        return true()
    if who is actor.NOBODY or not who.id:
        return false()
    if reach_of(model, who) is None:
        return true()
    c = columns if columns is not None else model
    clause = _own_or_shared(model, who, write, c)
    parent = getattr(model, "scope_parent", None)
    if parent is None:
        return clause
    above = getattr(model, parent).property.mapper.class_
    table = above.__table__
    ids = select(table.c.id).where(visible(above, who, write=write, columns=table.c), table.c.deleted_at.is_(None))
    return or_(clause, getattr(c, f"{parent}_id").in_(ids))


def is_wide(model, who: actor.Actor | None) -> bool:
    """Whether a person sees rows of this model by more ways than by their owner, so that no index gives them in order."""
    return who is not None and getattr(model, "scope_parent", None) is not None and reach_of(model, who) is not None


def may_edit(session, row, who: actor.Actor | None) -> bool:
    """Whether a person may change a row that he sees: not when it is only shared for reading."""
    model = type(row)
    if who is None or not isinstance(row, Owned) or (reach := reach_of(model, who)) is None or row.owner_id in reach:
        return True
    found = session.scalar(select(model.id).where(model.id == row.id, visible(model, who, write=True)))
    return found is not None


def seeing(session, row, people, *, write=False) -> set[int]:
    """Ids of those of some actors who may see (or edit) a row: asked by the very clauses that narrow their statements, a few dozen
    persons in one statement."""
    model, found, todo = type(row), set(), list(people)
    if not issubclass(model, Owned):
        return {who.id for who in todo}
    while todo:
        some, room = [], 5000  # bound values of one statement
        while todo and len(some) < 50 and room > 0:
            some.append(todo.pop())
            room -= len(reach_of(model, some[-1]) or ())
        told = [case((visible(model, who, write=write), 1), else_=0).label(f"p{who.id}") for who in some]
        answer = session.execute(select(*told).select_from(model).where(model.id == row.id).execution_options(everyone=True)).first()
        found |= {who.id for who, sees in zip(some, answer or (), strict=False) if sees}
    return found


_living = with_loader_criteria(Entity, lambda cls: cls.deleted_at.is_(None), include_aliases=True, propagate_to_loaders=False)


def _criteria(who: actor.Actor | None) -> list:
    """The loader criteria of a person, made once a day for each change of his rights."""
    if who is None:
        return []
    key = ("criteria", clock.today())
    if key not in who.memo:
        who.memo[key] = [_Together([
            _Narrowed(cls, visible(cls, who), include_aliases=True, propagate_to_loaders=False)
            for cls in entities() if issubclass(cls, Owned) and (not who.id or reach_of(cls, who) is not None)])]
    return who.memo[key]


class _Narrowed(LoaderCriteriaOption):
    """The criteria of one entity. SQLAlchemy forgets to tell the clause of an alias that is joined by an ON of its own whose columns
    are meant."""

    _traverse_internals = LoaderCriteriaOption._traverse_internals  # of its cache key

    def _resolve_where_criteria(self, ext_info):
        found = super()._resolve_where_criteria(ext_info)
        return ext_info._adapter.traverse(found) if ext_info.is_aliased_class else found


class _Together(CriteriaOption):
    """The criteria of all entities as one option. SQLAlchemy makes a statement's cache key out of its options for every
    statement anew, which with twenty entities took longer than the statement; the key of these is made once. Equal keys of two
    persons share the compiled SQL; the bound values are each one's own."""

    def __init__(self, criteria):
        self.criteria, self._bound = criteria, []
        seen = anon_map()
        self._key = (type(self), *(one._gen_cache_key(seen, self._bound) for one in criteria))

    def _gen_cache_key(self, _anon_map, bindparams):
        bindparams.extend(self._bound)
        return self._key

    def process_compile_state(self, compile_state):
        """Called by SQLAlchemy when a statement is compiled."""
        for one in self.criteria:
            one.process_compile_state(compile_state)

    def process_compile_state_replaced_entities(self, compile_state, mapper_entities):
        """The same when the entities of a statement were replaced."""
        self.process_compile_state(compile_state)

    def get_global_criteria(self, attributes):
        """The same for compound statements."""
        for one in self.criteria:
            one.get_global_criteria(attributes)


@event.listens_for(Session, "do_orm_execute")
def _narrow(state):
    """Add trash mark and scope to every ORM SELECT."""
    if not state.is_select or state.is_column_load or state.is_relationship_load:
        return
    options = state.execution_options
    living = () if options.get("with_trash") else (_living,)
    criteria = () if options.get("everyone") else _criteria(actor.current())
    if living or criteria:
        state.statement = state.statement.options(*living, *criteria)



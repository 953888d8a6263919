"""What hangs on a record: living rows of other entities that point to it. Asked before every delete and undo."""
from sqlalchemy import and_, exists, func, select
from sqlalchemy.orm import aliased

from .changes import Change
from .entity import entities


def _pointers(model, parts=False):
    """(entity, column) of everything that may hang on a model. Parts of a record (`part_of`) and refs declared with
    `hangs=False` do not count, unless `parts`."""
    for other in entities():
        if getattr(other, "part_of", None) and not parts:
            continue
        for column in other.__table__.columns:
            points = any(key.column.table is model.__table__ for key in column.foreign_keys)
            if points and (parts or column.info.get("hangs", True)) and not column.info.get("system") and column.info.get("label"):
                yield other, column


def hanging(session, row) -> list[tuple[type, int]]:
    """(entity, how many) of the rows that refer to a record over the whole company."""
    found = []
    for model, column in _pointers(type(row)):
        wanted = select(func.count(model.id)).where(column == row.id).execution_options(everyone=True)
        if n := session.scalar(wanted):
            found.append((model, n))
    return found


def pointing(session, row) -> list[tuple[type, int]]:
    """(entity, how many) of the rows, living or in the trash, that lead to a record and are no part of it."""
    found = []
    for model, column in _pointers(type(row), parts=True):
        if getattr(model, "part_of", None) == row.__tablename__:
            continue
        wanted = select(func.count(model.id)).where(column == row.id).execution_options(everyone=True, with_trash=True)
        if n := session.scalar(wanted):
            found.append((model, n))
    return found


def held(session, model, ids, batch_id: int) -> set[int]:
    """Those of some ids to which rows point (living or in the trash) that this batch has not touched, or others since."""
    ours, since = aliased(Change), aliased(Change)
    found: set[int] = set()
    for other, column in _pointers(model, parts=True):
        if any(key.ondelete for key in column.foreign_keys) or not other.audited:
            continue  # these follow by themselves
        of_row = and_(ours.entity == other.__tablename__, ours.row_id == other.id)
        later = exists().where(since.entity == ours.entity, since.row_id == ours.row_id, since.id > ours.id, since.batch_id != batch_id)
        wanted = select(column).where(column.in_(sorted(ids)), ~exists().where(of_row, ours.batch_id == batch_id, ~later)).distinct()
        found |= set(session.scalars(wanted.execution_options(everyone=True, with_trash=True)))
    return found

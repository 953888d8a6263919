"""What hangs on a record: living rows of other entities that point to it. Asked before every delete."""
from sqlalchemy import func, select

from .entity import entities


def hanging(session, row) -> list[tuple[type, int]]:
    """(entity, how many) of the rows that refer to a record over the whole company. Parts of the record (`part_of`) and refs
    declared with `hangs=False` do not count."""
    found = []
    for model in entities():
        if getattr(model, "part_of", None):
            continue
        for column in model.__table__.columns:
            points = any(key.column.table is row.__table__ for key in column.foreign_keys)
            if points and column.info.get("hangs", True) and not column.info.get("system") and column.info.get("label"):
                wanted = select(func.count(model.id)).where(column == row.id).execution_options(everyone=True)
                if n := session.scalar(wanted):
                    found.append((model, n))
    return found

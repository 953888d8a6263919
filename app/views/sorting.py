"""Lists that go downwards: the largest first and what is blank at the end, on both databases."""
from sqlalchemy import select, union_all

from app.extensions import db


def blanks_first(column) -> bool:
    """Whether downwards begins with what is blank: so on PostgreSQL, where a column may be blank; SQLite puts it at the end."""
    return db.engine.dialect.name == "postgresql" and getattr(column.expression, "nullable", True)


def downwards(column):
    """The order "the largest first, blanks last"."""
    return column.desc().nulls_last() if blanks_first(column) else column.desc()


def both(column, id_, way: str) -> tuple:
    """What to sort by; the id breaks ties."""
    return (column, id_) if way == "asc" else (downwards(column), id_.desc())


def page_downwards(wanted, id_, column, size: int, first: int):
    """SELECT of the ids of a page: an index holds the blanks above all values, so each kind is taken from it by itself."""
    found = wanted.add_columns(column.label("by"))
    parts = (found.where(column.is_not(None)).order_by(column.desc(), id_.desc()), found.where(column.is_(None)).order_by(id_.desc()))
    kinds = union_all(*(select(part.limit(first + size).subquery()) for part in parts)).subquery()
    return select(kinds.c.id).order_by(kinds.c.by.desc().nulls_last(), kinds.c.id.desc()).limit(size).offset(first)

"""Ids for many rows at once, so that the ORM can insert them in one statement."""
from sqlalchemy import func, select, text


def reserve_ids(session, model, how_many: int) -> list[int]:
    """Unused ids of a model, in order. SQLite: under the write lock that the transaction holds; PostgreSQL: its sequence."""
    if session.get_bind().dialect.name == "sqlite":
        last = session.connection().scalar(select(func.max(model.__table__.c.id))) or 0
        return list(range(last + 1, last + 1 + how_many))
    sequence = f"{model.__tablename__}_id_seq"
    wanted = text("SELECT nextval(CAST(:name AS regclass)) FROM generate_series(1, :n)")
    return sorted(session.connection().execute(wanted, {"name": sequence, "n": how_many}).scalars())

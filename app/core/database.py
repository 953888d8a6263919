"""How a connection behaves: SQLite durable, concurrent and fair to writers; PostgreSQL with time limits."""
from contextvars import ContextVar

from sqlalchemy import Engine, event

writing: ContextVar[bool] = ContextVar("writing", default=True)
"""Whether the next transaction will write: a GET request says no. On SQLite a writing transaction takes the write
lock at once, so that it waits its turn instead of failing half-way (a read transaction cannot be upgraded)."""


@event.listens_for(Engine, "connect")
def _open(connection, _record):
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "busy_timeout=20000",
                       "cache_size=-32000", "mmap_size=268435456", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def _begin(connection):
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")

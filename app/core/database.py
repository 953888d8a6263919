"""How a connection behaves: SQLite durable, concurrent and fair to writers; PostgreSQL with time limits.

Durability on SQLite: WAL with synchronous=FULL. NORMAL would keep the database whole as well, but a power cut could take back the
last commits, which were acknowledged to somebody; FULL waits for the disk at each commit (one fsync of the WAL, a few ms). Long
imports commit in chunks of hundreds of rows and hardly feel it.
"""
import time
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Engine, event

writing: ContextVar[bool] = ContextVar("writing", default=True)
"""Whether the next transaction will write: a GET request says no. On SQLite a writing transaction takes the write
lock at once, so that it waits its turn instead of failing half-way (a read transaction cannot be upgraded)."""


@contextmanager
def reading():
    """A block whose transactions only read, however long: nobody waits for them."""
    token = writing.set(False)
    try:
        yield
    finally:
        writing.reset(token)


patience: ContextVar[float] = ContextVar("patience", default=0)
"""Seconds that the statements of one transaction may take in all (PostgreSQL: each statement); 0 = no limit (jobs, commands).
A request says how patient it is, so that one person's slow question does not stop the others (promise 33)."""

synchronous = "FULL"  # tests say OFF
STEPS = 50_000  # SQLite's instructions between two looks at the clock: about a millisecond


def _until(limit: list):
    """SQLite's progress handler: not zero stops the statement."""
    return lambda: 1 if limit[0] and time.monotonic() > limit[0] else 0


@event.listens_for(Engine, "connect")
def _open(connection, record):
    if type(connection).__module__.startswith("sqlite3"):
        connection.isolation_level = None  # the driver must not begin transactions by itself
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "busy_timeout=20000",
                       "cache_size=-8000", "mmap_size=2147418112", "temp_store=MEMORY", "journal_size_limit=67108864"):
            connection.execute(f"PRAGMA {pragma}")
        record.info["until"] = limit = [0.0]
        connection.set_progress_handler(_until(limit), STEPS)


@event.listens_for(Engine, "begin")
def _begin(connection):
    seconds = patience.get()
    if connection.dialect.name == "sqlite":
        connection.connection.info["until"][0] = 0.0
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing.get() else "BEGIN")
        connection.connection.info["until"][0] = time.monotonic() + seconds if seconds else 0.0
    elif seconds:
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}; SET LOCAL lock_timeout = '20s'")

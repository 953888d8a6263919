"""The whole database from SQLite to an empty PostgreSQL: one transaction there, one snapshot here, counts and checksums of every table
compared with what was really written."""
import datetime as dt
import hashlib
import json
from dataclasses import dataclass

from flask_appbuilder import Model
from sqlalchemy import JSON, Text, cast, func, select, text, type_coerce

from .rules import RuleError
from .search.index import SearchEntry, kept

CHUNK = 5000
FOREIGN = text("SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
               "WHERE contype = 'f' AND connamespace = current_schema()::regnamespace")
INDEXES = text("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND indexname NOT IN "
               "(SELECT conname FROM pg_constraint WHERE connamespace = current_schema()::regnamespace)")


@dataclass
class Moved:
    """One table: how many rows, and the checksums on both sides (sums of the rows' hashes, so that order does not matter)."""

    name: str
    rows: int
    source: int
    target: int = 0
    there: int = 0

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same."""
        return (self.rows, self.source) == (self.there, self.target)


def _columns(table, sqlite: bool) -> list:
    """What to read: JSON as the text it is; the search tokens are made anew."""
    wanted = [c for c in table.columns if c is not SearchEntry.__table__.c.tokens]
    return [(type_coerce(c, Text) if sqlite else cast(c, Text)).label(c.name) if isinstance(c.type, JSON) else c for c in wanted]


def _hash(table, row) -> int:
    """A row's hash, the same for the same values in both databases; JSON's null is no value."""
    values = [json.dumps(json.loads(v), sort_keys=True) if isinstance(c.type, JSON) and v not in (None, "null") else
              None if isinstance(c.type, JSON) else
              v.isoformat() if isinstance(v, dt.date) else int(v) if isinstance(v, bool) else v
              for c, v in zip((c for c in table.columns if c is not SearchEntry.__table__.c.tokens), row, strict=True)]
    return int.from_bytes(hashlib.blake2b(repr(values).encode(), digest_size=8).digest(), "big")


def _rows(line, table):
    with line.execute(select(*_columns(table, line.dialect.name == "sqlite")).execution_options(yield_per=CHUNK)) as found:
        yield from found


def _copy(source, target, table) -> Moved:
    names = [c.name for c in _columns(table, True)]
    search = table is SearchEntry.__table__
    into = ", ".join(f'"{n}"' for n in (*names, *(["tokens"] if search else ())))
    moved = Moved(table.name, 0, 0)
    with target.connection.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({into}) FROM STDIN') as out:
        for row in _rows(source, table):
            out.write_row((*row, kept(row.id, row.source)) if search else tuple(row))
            moved.rows, moved.source = moved.rows + 1, (moved.source + _hash(table, row)) % 2**64
    return moved


def checksum(line, table) -> tuple[int, int]:
    """(how many rows, the sum of their hashes) of a table: the same for the same rows in both databases, in any order."""
    rows = total = 0
    for row in _rows(line, table):
        rows, total = rows + 1, (total + _hash(table, row)) % 2**64
    return rows, total


def _sequences(line, table) -> None:
    """New rows get ids above the moved ones."""
    for column in table.primary_key.columns:
        name = line.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        top = line.scalar(select(func.max(column))) if name else None
        if top:
            line.execute(select(func.setval(name, top)))


def check_empty(line, tables) -> None:
    """Refuse a target in which somebody works already."""
    for table in tables:
        if table.name in ("ab_user", "customer") and line.scalar(select(func.count()).select_from(table)):
            raise RuleError("The target holds data already: give an empty database.")


def move(source, target, tell=lambda moved: None, *, over: bool = False) -> list[Moved]:
    """Copy everything from one engine to another, whose tables are there and empty (`over`: are emptied); raises RuleError and leaves
    the target untouched when one table differs afterwards. `tell` hears of each table."""
    tables, found = Model.metadata.sorted_tables, []
    with source.connect() as here, target.begin() as there:
        if not over:
            check_empty(there, tables)
        foreign, indexes = there.execute(FOREIGN).all(), there.execute(INDEXES).all()
        for table, name, _made in foreign:
            there.execute(text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))
        for name, _made in indexes:
            there.execute(text(f'DROP INDEX "{name}"'))
        for table in tables:
            there.execute(text(f'TRUNCATE "{table.name}"'))
            found.append(_copy(here, there, table))
        for _name, made in indexes:
            there.execute(text(made))
        for table, name, made in foreign:
            there.execute(text(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {made}'))
        for table, moved in zip(tables, found, strict=True):
            moved.there, moved.target = checksum(there, table)
            _sequences(there, table)
            tell(moved)
        if wrong := [moved.name for moved in found if not moved.equal]:
            raise RuleError(f"Not moved, these tables differ: {', '.join(wrong)}")
    with target.connect().execution_options(isolation_level="AUTOCOMMIT") as there:  # without statistics the first hour is a slow one
        there.execute(text("VACUUM ANALYZE " + ", ".join(f'"{table.name}"' for table in tables)))
    return found

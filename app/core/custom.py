"""Own fields of the main entities, made by the administrator without a restart (自定义字段).

The values of a row stand in one JSON column, `more`, under keys like 'x7'; a key is described like a column and read and written
like an attribute, so that lists, forms, filters, imports, exports and the log know no difference. Lists that are sorted or narrowed by
such a field read an index over the expression that picks it out (`build`, done by a job).
"""
import datetime as dt
from decimal import Decimal

from sqlalchemy import JSON, BigInteger, Index, Integer, String, delete, event, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column
from sqlalchemy.sql.expression import FunctionElement, literal_column
from sqlalchemy.types import TypeDecorator

from . import actor, choices, describe, entity, fields, jobs, memo, money, periods, schedule, search
from .describe import Field
from .entity import Entity
from .words import _l, named

choices.fixed("custom_kind", [
    ("text", _l("Text")), ("quantity", _l("Number value")), ("money", _l("Amount")), ("date", _l("Date")), ("choice", _l("Choice")),
    ("several", _l("Several choices")), ("ref", _l("Person"))])
choices.fixed("custom_entity", [
    ("customer", _l("Customers")), ("contact", _l("Contacts")), ("followup", _l("Follow-ups")), ("opportunity", _l("Sales opportunities")),
    ("quote", _l("Quotes")), ("contract", _l("Contracts and orders")), ("payment", _l("Payments")), ("expense", _l("Expenses")),
    ("product", _l("Products")), ("task", _l("Tasks and memos"))])
MOST, FAST = 60, 12  # fields of one entity; of these with an index


class IsoDay(TypeDecorator):
    """A day kept as 'yyyy-mm-dd'."""

    impl, cache_ok = String, True

    @property
    def python_type(self):
        return dt.date

    def process_bind_param(self, value, dialect):
        return value.isoformat() if isinstance(value, dt.date) else value

    def process_result_value(self, value, dialect):
        return dt.date.fromisoformat(value) if value else None


TYPES = {"text": String(), "choice": String(), "several": String(), "quantity": BigInteger(), "money": BigInteger(), "ref": Integer(),
         "date": IsoDay()}


class picked(FunctionElement):
    """The value of a key of a JSON column; the same words in a query and in its index."""

    name, inherit_cache = "picked", True

    def __init__(self, column, key: str, kind: str):
        self.type = TYPES[kind]
        super().__init__(column, literal_column(f"{key}:{'number' if isinstance(self.type, (BigInteger, Integer)) else 'text'}"))


def _words(dialect: str, column: str, mark: str) -> str:
    key, kind = mark.split(":")
    if dialect == "sqlite":
        return f"json_extract({column}, '$.{key}')"
    return f"CAST({column} ->> '{key}' AS BIGINT)" if kind == "number" else f"({column} ->> '{key}')"


@compiles(picked)
def _picked(element, compiler, **kw):
    column, mark = element.clauses
    return _words(compiler.dialect.name, compiler.process(column, **kw), mark.name)


class Extended:
    """An entity that may have own fields."""

    @declared_attr
    def more(cls) -> Mapped[dict | None]:
        kept = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
        return mapped_column(kept, sort_order=95, active_history=True)


class CustomField(Entity):
    """One own field of one entity; its key in the rows is 'x' and its id, for ever."""

    memo = "fields"
    __table_args__ = (Index("ix_custom_field_entity", "entity"), {"extend_existing": True})
    entity = fields.choice(_l("Record"), "custom_entity", required=True)
    name = fields.text(_l("Field name"), 40, required=True)
    name_en = fields.text(_l("English name"), 60)
    kind = fields.choice(_l("Kind of field"), "custom_kind", required=True, default="text")
    required = fields.flag(_l("Must be filled in"))
    first = fields.text(_l("Value of a new record"), 200)
    section = fields.text(_l("Section"), 60)
    position = fields.whole(_l("Position"), default=0)
    help = fields.text(_l("Hint"), 120)
    in_list = fields.flag(_l("Column of the list"))
    is_sorted = fields.flag(_l("Sorted and filtered often"))
    is_searched = fields.flag(_l("Found by the search"))
    is_ready = fields.flag(_l("Set up"), default=True, readonly=True)  # its indexes and search entries are made

    @property
    def key(self) -> str:
        """The key of its values."""
        return f"x{self.id}"


class Value:
    """The attribute of an own field: the value of a row, the expression of a class."""

    def __init__(self, key: str, kind: str):
        self.key, self.kind = key, kind

    def __get__(self, row, owner):
        if row is None:
            return picked(owner.more, self.key, self.kind)
        return typed(self.kind, (row.more or {}).get(self.key))

    def __set__(self, row, value):
        put(row, self.key, value)


def typed(kind: str, raw):
    """A kept value in its Python type."""
    return dt.date.fromisoformat(raw) if kind == "date" and isinstance(raw, str) else raw


def put(row, key: str, value) -> None:
    """Write the value of a key into a row; nothing is kept of an empty one."""
    kept = {k: v for k, v in (row.more or {}).items() if k != key}
    if value not in (None, ""):
        kept[key] = value.isoformat() if isinstance(value, dt.date) else value
    row.more = kept or None


# ---- description ----------------------------------------------------------------------------------------------
def first_of(kind: str, said: str | None):
    """A function that gives what a new record begins with."""
    if not said:
        return lambda: None
    return {"money": lambda: money.to_fen(said), "quantity": lambda: int(Decimal(said) * 1000), "date": lambda: periods.day(said),
            "ref": lambda: actor.current_id() if said == "me" else int(said)}.get(kind, lambda: said)


def _described(model, row) -> Field:
    """The description of one field; its attribute is put on the entity."""
    key, kind = f"x{row.id}", row.kind
    setattr(model, key, Value(key, kind))
    info = {"custom": row.id, "kind": kind, "section": row.section or "", "first": first_of(kind, row.first), "help": row.help or "",
            "in_list": bool(row.in_list), "searched": bool(row.is_searched) and kind == "text", "fast": bool(row.is_sorted)}
    return Field(
        name=key, label=named(row.name, row.name_en), kind=kind, model=model, key=key, required=bool(row.required),
        size=200 if kind == "text" else None, choices=list_name(row.id) if kind in ("choice", "several") else None,
        target="ab_user" if kind == "ref" else None, masked=True, sort=key, import_names=tuple(filter(None, (row.name, row.name_en))),
        info=info)


def list_name(number: int) -> str:
    """The choice list of a field."""
    return f"custom_{number}"


def _load(session) -> dict:
    t = CustomField.__table__
    wanted = select(t).where(t.c.deleted_at.is_(None)).order_by(t.c.position, t.c.id)
    found: dict = {}
    for row in session.connection().execute(wanted):
        model = entity.by_name(row.entity)
        found.setdefault(model, {})[f"x{row.id}"] = _described(model, row)
    return found


def fields_of(session, model) -> dict[str, Field]:
    """The own fields of an entity by key, in order; remembered until one changes."""
    return memo.recall(session, "fields", "all", lambda: _load(session)).get(model, {})


def _lists(session) -> dict:
    own = memo.recall(session, "fields", "all", lambda: _load(session)).values()
    what = dict(choices.FIXED["custom_entity"])
    return {one.choices: f"{what[one.model.__tablename__]} · {one.label}" for found in own for one in found.values() if one.choices}


choices.OWN.append(_lists)


def use_session(session_of) -> None:
    """Say where the descriptions are read: a function that gives the session, None where there is none (while the program starts)."""
    def own(model):
        session = session_of()
        return fields_of(session, model) if session is not None else {}
    describe.MORE[:] = [own]


# ---- indexes --------------------------------------------------------------------------------------------------
def _index_words(dialect: str, field: Field) -> dict[str, str]:
    """Name of each index of a field -> the statement that makes it."""
    table, mark = field.model.__table__, "number" if isinstance(TYPES[field.kind], (BigInteger, Integer)) else "text"
    what = _words(dialect, "more", f"{field.key}:{mark}")
    how = {"all": f"({what}), id"} | ({"own": f"owner_id, ({what}), id"} if "owner_id" in table.c else {})
    now = "CONCURRENTLY IF NOT EXISTS" if dialect == "postgresql" else "IF NOT EXISTS"
    return {f"ix_{table.name}_{name}_{field.key}":
            f"CREATE INDEX {now} ix_{table.name}_{name}_{field.key} ON {table.name} ({columns}) WHERE deleted_at IS NULL"
            for name, columns in how.items()}


def _todo(session) -> list[str]:
    """Statements for the indexes that are wanted and missing, and for those that no field wants any more."""
    dialect, wanted = session.get_bind().dialect.name, {}
    for own in memo.recall(session, "fields", "all", lambda: _load(session)).values():
        for field in own.values():
            if field.info["fast"] and field.kind != "several":
                wanted |= _index_words(dialect, field)
    have = set(session.connection().execute(text(HAVE[dialect])).scalars())
    return [words for name, words in wanted.items() if name not in have] + [f"DROP INDEX {name}" for name in sorted(have - wanted.keys())]


def build(session) -> int:
    """Make and drop the indexes as the fields want it; returns how many statements ran. Commits; on PostgreSQL nobody waits."""
    engine, todo = session.get_bind(), _todo(session)
    session.commit()
    level = {"isolation_level": "AUTOCOMMIT"} if engine.dialect.name == "postgresql" else {}
    with engine.connect().execution_options(**level) as line:
        for words in todo:
            line.execute(text(words))
        line.commit()
    return len(todo)


@jobs.kind("own_fields")
def _work(job, session, progress):
    """Indexes, then the search entries of the entities whose searched fields have changed."""
    t = CustomField.__table__
    waiting = session.connection().execute(select(t.c.id, t.c.entity).where(t.c.is_ready.is_(False))).all()
    done = build(session)
    for name in sorted({name for _id, name in waiting}):
        if hasattr(entity.by_name(name), "search_names"):
            search.rebuild(session, entity.by_name(name), progress)
    session.connection().execute(update(t).where(t.c.id.in_([number for number, _name in waiting])).values(is_ready=True))
    return {"indexes": done}


@schedule.every("own_fields", 1)
def _look(session):
    """Whether there is work to do for own fields; once a minute, so that a new schema too gets its indexes again."""
    t, j = CustomField.__table__, jobs.Job.__table__
    line = session.connection()
    busy = line.scalar(select(j.c.id).where(j.c.kind == "own_fields", j.c.state.in_(("queued", "running"))).limit(1))
    waits = line.scalar(select(t.c.id).where(t.c.is_ready.is_(False), t.c.deleted_at.is_(None)).limit(1))
    if not busy and (waits or _todo(session)):
        jobs.enqueue(session, "own_fields", {}, label=str(_l("Own fields")))


HAVE = {"sqlite": "SELECT name FROM sqlite_master WHERE type = 'index' AND name GLOB 'ix_*_x[0-9]*' AND sql LIKE '%json_extract(more%'",
        "postgresql": "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() AND indexname ~ '^ix_.*_x[0-9]+$' "
                      "AND indexdef LIKE '%more ->>%'"}


# ---- the end --------------------------------------------------------------------------------------------------
@event.listens_for(Session, "after_flush")
def _strip(session, _context):
    """A field that is purged takes its values along; one in the trash keeps them."""
    for row in session.deleted:
        if isinstance(row, CustomField) and session.info.get("purge"):
            table = entity.by_name(row.entity).__tablename__
            sqlite, c = session.get_bind().dialect.name == "sqlite", choices.Choice.__table__
            session.connection().execute(delete(c).where(c.c.list_name == list_name(row.id)))
            session.connection().execute(text(
                f"UPDATE {table} SET more = json_remove(more, '$.{row.key}') WHERE json_type(more, '$.{row.key}') IS NOT NULL" if sqlite
                else f"UPDATE {table} SET more = more - '{row.key}' WHERE jsonb_exists(more, '{row.key}')"))

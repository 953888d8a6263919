"""Operation batches and field-level changes: the audit log and the before-images of undo in one.

Every write is part of a `Batch` (who, when, what kind, how many rows); every changed row leaves a `Change` with the
old and new values of its fields, in the same transaction: no row without its log, no log without its row. Kept for ever.
"""
import datetime as dt
from contextlib import contextmanager
from decimal import Decimal

from flask_appbuilder import Model
from sqlalchemy import JSON, Index, String, event, insert, inspect, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship
from sqlalchemy.orm.attributes import set_committed_value

from . import actor, clock, events, fields
from .words import _, _l

SKIPPED = {"id", "version", "created_at"}
STAMPS = {"changed_at", "changed_by_id"}  # put back by an undo, not worth a log alone


class Batch(Model):
    """One operation of one person: an edit, an import, a mass change."""

    __tablename__ = "batch"
    __table_args__ = (Index("ix_batch_actor", "actor_id", "id"), Index("ix_batch_at", "at", "id"), {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40), info={"kind": "choice", "label": _l("Operation"), "choices": "operation"})
    entity: Mapped[str] = mapped_column(String(40), default="", info={"kind": "choice", "label": _l("Kind"), "choices": "record_kind"})
    label: Mapped[str] = mapped_column(String(200), default="", info={"kind": "text", "label": _l("Record")})
    actor_id: Mapped[int | None] = mapped_column(info={
        "kind": "ref", "label": _l("Person"), "target": "ab_user", "nobody": _l("The system")})
    actor = relationship("Employee", primaryjoin="foreign(Batch.actor_id) == Employee.id", viewonly=True)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now, info={"kind": "moment", "label": _l("Time")})
    count: Mapped[int] = mapped_column(default=0, info={"kind": "whole", "label": _l("Rows")})
    undone_at: Mapped[dt.datetime | None] = mapped_column(info={"kind": "moment", "label": _l("Taken back")})
    undoes_id: Mapped[int | None]

    def __repr__(self) -> str:
        return self.label or self.kind


class Change(Model):
    """One changed row: verb add, edit, delete or restore; `old` and `new` hold the changed columns only."""

    __tablename__ = "change"
    __table_args__ = (Index("ix_change_row", "entity", "row_id"), fields.partial("ix_change_deleted", "verb = 'delete'", "id"),
                      {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    batch_id: Mapped[int] = mapped_column(index=True)
    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    verb: Mapped[str] = mapped_column(String(10))
    version: Mapped[int]
    actor_id: Mapped[int | None]
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    old: Mapped[dict | None] = mapped_column(JSON)
    new: Mapped[dict | None] = mapped_column(JSON)


def to_json(value):
    """A column's value as JSON keeps it."""
    if isinstance(value, (dt.datetime, dt.date)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def put_back(row, name: str, value) -> None:
    """Give a row the logged value of a field, be it a column or an own field (that may be deleted since)."""
    column = row.__table__.c.get(name)
    if column is not None:
        setattr(row, name, from_json(column, value))
    else:
        row.more = {**{k: v for k, v in (row.more or {}).items() if k != name}, **({name: value} if value is not None else {})} or None


def from_json(column, value):
    """The way back of `to_json` for a column."""
    if value is None:
        return None
    kind = column.type.python_type
    return kind.fromisoformat(value) if kind in (dt.datetime, dt.date) else value


def named(rows: list) -> str:
    """Some records in one short label: the first three by name, of more how many."""
    told = "、".join(str(row)[:40] for row in rows[:3])
    return told if len(rows) <= 3 else _("%(names)s and others, %(n)d in all", names=told, n=len(rows))


@contextmanager
def operation(session, kind: str, entity: str = "", label: str = "", undoes_id: int | None = None):
    """Name the batch of the writes inside the block (one transaction)."""
    session.info["operation"] = {"kind": kind, "entity": entity, "label": label[:200], "undoes_id": undoes_id}
    try:
        yield
        session.flush()
    finally:
        session.info.pop("operation", None)


@contextmanager
def moving(session, kind: str):
    """What a change of hands by the flushes inside the block is called."""
    session.info["moving"] = kind
    try:
        yield
    finally:
        session.info.pop("moving")


def start_batch(session, kind: str, entity: str, label: str) -> int:
    """Open a batch that spans several transactions (an import); use with `in_batch`."""
    return _new_batch(session, kind=kind, entity=entity, label=label[:200])


@contextmanager
def in_batch(session, batch_id: int):
    """Writes inside the block belong to an open batch."""
    session.info["lasting_batch"] = batch_id
    try:
        yield
        session.flush()
    finally:
        session.info.pop("lasting_batch", None)


def _new_batch(session, **values) -> int:
    row = dict(actor_id=actor.current_id(), at=clock.now(), count=0, **values)
    return session.connection().execute(insert(Batch.__table__).values(row)).inserted_primary_key[0]


def batch_id(session, verb: str, entity: str, label: str) -> int:
    """The batch of this transaction, opened at its first change."""
    lasting = session.info.get("lasting_batch")
    if lasting:
        return lasting
    if "batch" not in session.info:
        said = session.info.get("operation") or {"kind": verb, "entity": entity, "label": label[:200]}
        session.info["batch"] = _new_batch(session, **said)
    return session.info["batch"]


def _values(row, columns) -> dict:
    held = row.__dict__  # not the attributes: a hundred thousand new rows are read here
    found = {c: to_json(v) for c in columns if (v := held.get(c)) is not None}
    return found | found.pop("more") if "more" in found else found


def _change(row, verb):
    """(verb, old, new) of a row, or None when nothing worth a log has changed."""
    state = inspect(row)
    hidden = SKIPPED | getattr(row, "unlogged", frozenset())
    keys = [a.key for a in state.mapper.column_attrs if a.key not in hidden]
    if verb == "add":
        return verb, None, _values(row, keys)
    old, new = {}, {}
    for key in filter(state.committed_state.__contains__, keys):  # the others were not touched; asking each takes longer than all else
        history = state.attrs[key].history
        if key == "more" and history.has_changes():
            _own_fields(old, new, (history.deleted or [None])[0] or {}, row.more or {})
        elif history.has_changes() and history.deleted:
            old[key], new[key] = to_json(history.deleted[0]), to_json(getattr(row, key))
        elif history.has_changes():
            old[key], new[key] = None, to_json(getattr(row, key))
    if old == new or set(new) <= STAMPS:
        return None
    if "deleted_at" in new:
        verb = "delete" if row.deleted_at else "restore"
    return verb, old, new


def _own_fields(old, new, before, after) -> None:
    """Own fields are logged one by one."""
    for key in before.keys() | after.keys():
        if before.get(key) != after.get(key):
            old[key], new[key] = before.get(key), after.get(key)


def _gather(session):
    for verb, rows in (("add", session.new), ("edit", session.dirty), ("purge", session.deleted)):
        for row in rows:
            if getattr(row, "audited", False):
                found = _change(row, verb) if verb != "purge" else (verb, _values(row, inspect(row).mapper.columns.keys()), None)
                if found:
                    yield row, found


@event.listens_for(Session, "before_flush")
def _note_versions(session, _context, _instances):
    """Of rows whose version stands on a class below their table's own (employees are FAB's users): SQLAlchemy writes several of them by
    one UPDATE and then tells all of them the new version of the first."""
    below = [row for row in session.dirty if type(row).__mapper__.version_id_col is not None
             and type(row).__mapper__.base_mapper.version_id_col is None]
    session.info["versions"] = [(row, row.version) for row in below if session.is_modified(row, include_collections=False)]


def _right_versions(session) -> None:
    for row, was in session.info.pop("versions", ()):
        set_committed_value(row, "version", was + 1)


@event.listens_for(Session, "after_flush")
def _write(session, _context):
    _right_versions(session)
    rows = []
    for row, (verb, old, new) in _gather(session):
        batch = batch_id(session, verb, row.__tablename__, str(row))
        rows.append({"batch_id": batch, "entity": row.__tablename__, "row_id": row.id, "verb": verb, "old": old, "new": new,
                     "version": getattr(row, "version", 0) or 0, "actor_id": actor.current_id(), "at": clock.now()})
    if rows:
        keep(session, rows)


def keep(session, rows: list[dict]) -> None:
    """Log changed rows of one batch (the columns of `Change`), and announce them."""
    line, t = session.connection(), Batch.__table__
    line.execute(insert(Change.__table__), rows)
    line.execute(update(t).where(t.c.id == rows[0]["batch_id"]).values(count=t.c.count + len(rows)))
    events.changed.send(session, rows=rows)


@event.listens_for(Session, "after_commit")
def _remember(session):
    if "batch" in session.info:
        session.info["last_batch"] = session.info.pop("batch")


@event.listens_for(Session, "after_rollback")
def _close(session):
    session.info.pop("batch", None)



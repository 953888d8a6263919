"""Sums kept on the row they belong to (received on a contract): made anew by SQL in the transaction of every change;
and limits that such sums must not pass.

Not a business change of the row: no version, no log. Undo, import and actions all pass through the flush, so nobody
can forget it.
"""
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, bindparam, event, func, inspect, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.util import identity_key

from .rules import RuleError


@dataclass(frozen=True)
class Rollup:
    """target.`column` = sum of `amount` over the living rows of `source` whose `key` is the target's id and that `counts`."""

    target: type
    column: str
    source: type
    key: str
    amount: ColumnElement
    counts: tuple = ()

    @property
    def sources(self) -> tuple:
        """(model, key) of the rows whose change asks for new sums."""
        return ((self.source, self.key),)

    def refresh(self, session, ids=None) -> set[int]:
        """Make the sums of some targets (all without `ids`) anew; returns the ids of the written rows."""
        t, s = self.target.__table__, self.source.__table__
        total = select(func.coalesce(func.sum(self.amount), 0)).where(s.c[self.key] == t.c.id, s.c.deleted_at.is_(None), *self.counts)
        change = update(t).values({self.column: total.correlate(t).scalar_subquery()})
        session.connection().execute(change if ids is None else change.where(t.c.id.in_(sorted(ids))))
        return ids or set()

    @property
    def columns(self) -> tuple:
        """What is kept."""
        return (self.column,)


@dataclass(frozen=True)
class Derived:
    """Columns of `target` that `make(session, ids)` works out from `sources`, (model, key) each: {target id: {column: value}} for the
    keys in `ids`."""

    target: type
    columns: tuple
    sources: tuple
    make: Callable

    def refresh(self, session, ids) -> set[int]:
        """Work the columns out for some keys; returns the ids of the written rows."""
        made = self.make(session, ids)
        write(session, self.target, self.columns, made)
        return set(made)


def write(session, target, columns, made: dict) -> None:
    """Write worked-out columns, {id: {column: value}}: no version, no log."""
    t = target.__table__
    if made:
        change = update(t).where(t.c.id == bindparam("_id")).values({name: bindparam(f"_{name}") for name in columns})
        session.connection().execute(change, [{"_id": i, **{f"_{n}": value for n, value in values.items()}} for i, values in made.items()])


@dataclass(frozen=True)
class Limit:
    """The sum of `amount` over the living rows of `source` that `counts` is never above target.`column`; `said(sum, limit)` says why."""

    target: type
    column: str
    source: type
    key: str
    amount: ColumnElement
    said: Callable
    counts: tuple = ()
    columns: tuple = ()

    @property
    def sources(self) -> tuple:
        """(model, key) of the rows whose change may break it."""
        return (self.source, self.key), (self.target, "id")

    def refresh(self, session, ids) -> set[int]:
        """Raises RuleError when the sum of one of the targets is above its limit."""
        t, s = self.target.__table__, self.source.__table__
        total = func.sum(self.amount)
        above = session.connection().execute(select(total, t.c[self.column]).join(s, s.c[self.key] == t.c.id).where(
            t.c.id.in_(sorted(ids)), s.c.deleted_at.is_(None), *self.counts).group_by(t.c.id).having(total > t.c[self.column])).first()
        if above:
            raise RuleError(self.said(*map(int, above)))
        return set()


ROLLUPS: list = []


def keep(target, column: str, source, key: str, amount, *counts) -> None:
    """Declare a kept sum."""
    ROLLUPS.append(Rollup(target, column, source, key, amount, counts))


def limit(target, column: str, source, key: str, amount, said, *counts) -> None:
    """Declare a limit."""
    ROLLUPS.append(Limit(target, column, source, key, amount, said, counts))


def derive(target, columns: str, make, *sources) -> None:
    """Declare kept columns that a function works out."""
    ROLLUPS.append(Derived(target, tuple(columns.split()), sources, make))


def _touched(session, one) -> set[int]:
    """The keys of the rows that are being written, before and after."""
    found: set = set()
    for rows in (session.new, session.dirty, session.deleted):
        for row in rows:
            for model, key in one.sources:
                if isinstance(row, model):
                    found |= {*(inspect(row).attrs[key].history.deleted or ()), getattr(row, key)}
    return found - {None}


def put(session, row, **values) -> None:
    """Keep derived values on one row: no version, no log, like the sums."""
    t = type(row).__table__
    session.connection().execute(update(t).where(t.c.id == row.id).values(values))
    session.expire(row, list(values))


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    for n, one in enumerate(ROLLUPS):
        if ids := _touched(session, one):
            session.info.setdefault("rollups", {}).setdefault(n, set()).update(ids)


@event.listens_for(Session, "after_flush_postexec")
def _sum(session, _context):
    for n, keys in sorted(session.info.pop("rollups", {}).items()):
        one = ROLLUPS[n]
        for i in one.refresh(session, keys):
            if (row := session.identity_map.get(identity_key(one.target, i))) is not None:
                session.expire(row, one.columns)


@event.listens_for(Session, "after_rollback")
def _forget(session):
    session.info.pop("rollups", None)

"""Sums kept on the row they belong to (received on a contract): made anew by SQL in the transaction of every change.

Not a business change of the row: no version, no log. Undo, import and actions all pass through the flush, so nobody
can forget it.
"""
from dataclasses import dataclass

from sqlalchemy import ColumnElement, event, func, inspect, select, update
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class Rollup:
    """target.`column` = sum of `amount` over the living rows of `source` whose `key` is the target's id and that `counts`."""

    target: type
    column: str
    source: type
    key: str
    amount: ColumnElement
    counts: tuple = ()


ROLLUPS: list[Rollup] = []


def keep(target, column: str, source, key: str, amount, *counts) -> None:
    """Declare a kept sum."""
    ROLLUPS.append(Rollup(target, column, source, key, amount, counts))


def _touched(session, one: Rollup) -> set[int]:
    """Ids of the targets whose sources are being written, before and after."""
    found: set = set()
    for rows in (session.new, session.dirty, session.deleted):
        for row in rows:
            if isinstance(row, one.source):
                history = inspect(row).attrs[one.key].history
                found |= {*(history.deleted or ()), getattr(row, one.key)}
    return found - {None}


def refresh(session, one: Rollup, ids=None) -> None:
    """Make the sums of some targets (all without `ids`) anew."""
    t, s = one.target.__table__, one.source.__table__
    total = select(func.coalesce(func.sum(one.amount), 0)).where(s.c[one.key] == t.c.id, s.c.deleted_at.is_(None), *one.counts)
    change = update(t).values({one.column: total.correlate(t).scalar_subquery()})
    session.connection().execute(change if ids is None else change.where(t.c.id.in_(sorted(ids))))


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    for n, one in enumerate(ROLLUPS):
        if ids := _touched(session, one):
            session.info.setdefault("rollups", {}).setdefault(n, set()).update(ids)


@event.listens_for(Session, "after_flush_postexec")
def _sum(session, _context):
    for n, ids in session.info.pop("rollups", {}).items():
        one = ROLLUPS[n]
        refresh(session, one, ids)
        for row in session.identity_map.values():
            if isinstance(row, one.target) and row.id in ids:
                session.expire(row, [one.column])


@event.listens_for(Session, "after_rollback")
def _forget(session):
    session.info.pop("rollups", None)

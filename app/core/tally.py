"""Figures kept by person and month (or stage): what desktop, targets and reports ask for costs the same at any size.

A cell (kind, owner, slot) counts and sums the living rows of one model. Cells that a transaction touched are made anew from
their rows when it commits: first all of them are locked in one order, then summed, so that two people at once lose nothing.
"""
import datetime as dt
from dataclasses import dataclass
from itertools import groupby

from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Index,
    String,
    and_,
    bindparam,
    delete,
    event,
    func,
    insert,
    inspect,
    literal,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from . import clock


class Cell(Model):
    """One kept figure. `slot`: 'yyyy-mm' of the office's calendar or a code; owner 0: nobody's rows."""

    __tablename__ = "tally"
    __table_args__ = (Index("ix_tally_slot", "kind", "slot", "owner_id"), {"extend_existing": True})
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    owner_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    slot: Mapped[str] = mapped_column(String(40), primary_key=True)
    n: Mapped[int] = mapped_column(default=0)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    more: Mapped[int] = mapped_column(BigInteger, default=0)


@dataclass(frozen=True)
class Tally:
    """What is kept: how many living rows of `model` that meet `counts`, by owner and `slot` (a date, a moment or a code), with the
    sums of `amount` and `more`. `only`: (attribute, value) that a row always or never has. `watch`: further attributes whose
    change matters. `through`: (other model, its attribute, own column): a change there touches the cells of the rows it leads to."""

    kind: str
    model: type
    slot: str
    amount: object = None
    more: object = None
    only: tuple = ()
    counts: tuple = ()
    watch: tuple = ()
    through: tuple = ()


KEPT: dict[str, Tally] = {}
DAYS = "days"
BEFORE: list = []  # later modules: function(session) that brings rows made from others up to date before the cells
REBUILD: list = []  # the same for a whole database


def keep(kind: str, model, slot: str, **more) -> None:
    """Declare a kept figure."""
    KEPT[kind] = Tally(kind, model, slot, **more)


def month_of(value) -> str:
    """The slot of a day or a moment."""
    return (clock.to_office(value) if isinstance(value, dt.datetime) else value).strftime("%Y-%m")


def next_month(slot: str) -> str:
    """'2026-12' -> '2027-01'."""
    year, month = int(slot[:4]), int(slot[5:])
    return f"{year + month // 12}-{month % 12 + 1:02d}"


def _day(slot: str) -> dt.date:
    return dt.date(int(slot[:4]), int(slot[5:]), 1)


def _by_month(one: Tally) -> bool:
    return isinstance(one.model.__table__.c[one.slot].type, (Date, DateTime))


def _within(one: Tally, slot: str):
    column = one.model.__table__.c[one.slot]
    if not _by_month(one):
        return column == slot
    return _until(column, _day(slot), _day(next_month(slot)))


def _until(column, first: dt.date, after: dt.date):
    since, end = map(clock.day_start, (first, after)) if isinstance(column.type, DateTime) else (first, after)
    return and_(column >= since, column < end)


# ---- noting what a transaction touches ------------------------------------------------------------------------
def _changed(row, name) -> set:
    history = inspect(row).attrs[name].history
    return {*(history.deleted or ()), getattr(row, name)}


def _matters(session, row, one: Tally) -> bool:
    if row in session.new or row in session.deleted:
        return True
    attrs = inspect(row).attrs
    return any(attrs[name].history.has_changes() for name in ("owner_id", one.slot, "deleted_at", *one.watch))


def _slots(one, values) -> set:
    return {month_of(v) if _by_month(one) else v for v in values if v is not None}


def _touch(session, one: Tally, row, noted) -> None:
    if isinstance(row, one.model) and (not one.only or getattr(row, one.only[0]) == one.only[1]) and _matters(session, row, one):
        noted.setdefault(one.kind, set()).update(
            (owner or 0, slot) for owner in _changed(row, "owner_id") for slot in _slots(one, _changed(row, one.slot)))
    for model, name, column in one.through:
        if isinstance(row, model):
            session.info.setdefault("tally_through", {}).setdefault((one.kind, column), set()).update(_changed(row, name) - {None})


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    noted = session.info.setdefault("tally", {})
    for rows in (session.new, session.dirty, session.deleted):
        for row in rows:
            for one in KEPT.values():
                _touch(session, one, row, noted)


def columns(model) -> set[str]:
    """What `moved` must know of a model's rows; nothing of one that is not counted."""
    return {name for one in KEPT.values() if one.model is model for name in ("owner_id", one.slot)}


def moved(session, model, rows) -> None:
    """Note rows that a statement changed around the session: mappings of `columns`, as they were and as they are."""
    noted = session.info.setdefault("tally", {})
    for one in KEPT.values():
        if one.model is model:
            noted.setdefault(one.kind, set()).update((row["owner_id"] or 0, slot) for row in rows for slot in _slots(one, (row[one.slot],)))


@event.listens_for(Session, "after_rollback")
def _forget(session):
    session.info.pop("tally", None), session.info.pop("tally_through", None)


# ---- making cells anew ----------------------------------------------------------------------------------------
@event.listens_for(Session, "before_commit")
def _settle(session):
    if session.in_nested_transaction():
        return
    session.flush()
    for bring in BEFORE:
        bring(session)
    session.flush()
    noted = session.info.pop("tally", {})
    for (kind, column), ids in session.info.pop("tally_through", {}).items():
        noted.setdefault(kind, set()).update(_led_to(session, KEPT[kind], column, ids))
    wanted = sorted((kind, owner, slot) for kind, cells in noted.items() for owner, slot in cells)
    if wanted:
        _lock(session, wanted)
        _make(session, wanted)


def _led_to(session, one: Tally, column: str, ids):
    t = one.model.__table__
    rows = session.connection().execute(select(t.c.owner_id, t.c[one.slot]).where(t.c[column].in_(sorted(ids))))
    return {(owner or 0, slot) for owner, value in rows for slot in _slots(one, (value,))}


def _lock(session, cells) -> None:
    """The rows of the cells, made where they are missing, held until the end of the transaction."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    t = Cell.__table__
    held = dialect.insert(t).values(n=0, amount=0, more=0).on_conflict_do_update(
        index_elements=["kind", "owner_id", "slot"], set_={"n": t.c.n})
    session.connection().execute(held, [{"kind": k, "owner_id": o, "slot": s, "n": 0, "amount": 0, "more": 0} for k, o, s in cells])


def _figures(one: Tally):
    t = one.model.__table__
    sums = [literal_column("0") if what is None else func.coalesce(func.sum(what), 0) for what in (one.amount, one.more)]
    return func.coalesce(t.c.owner_id, 0), func.count(), *sums


def _counted(one: Tally) -> list:
    """The clauses of the rows that count."""
    t = one.model.__table__
    return [t.c.deleted_at.is_(None), *([t.c[one.only[0]] == one.only[1]] if one.only else ()), *one.counts]


def _rows(one: Tally, slot: str, owners=None):
    t = one.model.__table__
    wanted = select(*_figures(one)).select_from(t).where(_within(one, slot), *_counted(one)).group_by(t.c.owner_id)
    if owners is None:
        return wanted
    nobody = (t.c.owner_id.is_(None),) if 0 in owners else ()
    return wanted.where(or_(t.c.owner_id.in_(sorted(owners - {0})), *nobody))


def _make(session, cells) -> None:
    line, t, values = session.connection(), Cell.__table__, []
    by_slot = sorted(cells, key=lambda cell: (cell[0], cell[2]))
    for (kind, slot), group in groupby(by_slot, key=lambda cell: (cell[0], cell[2])):
        owners = {owner for _kind, owner, _slot in group}
        found = {row[0]: row[1:] for row in line.execute(_rows(KEPT[kind], slot, owners))}
        for owner in sorted(owners):
            n, amount, more = map(int, found.get(owner, (0, 0, 0)))
            values.append({"k": kind, "o": owner, "s": slot, "n": n, "amount": amount, "more": more})
    line.execute(update(t).where(t.c.kind == bindparam("k"), t.c.owner_id == bindparam("o"), t.c.slot == bindparam("s")), values)


def rebuild(session) -> None:
    """All cells anew: after rows were brought in around the session (a migration, a benchmark)."""
    for bring in REBUILD:
        bring(session)
    session.connection().execute(delete(Cell.__table__))
    _count(session, KEPT.values())


def _count(session, kept) -> None:
    """The cells of kinds that have none yet."""
    line = session.connection()
    for one in kept:
        for slot in _all_slots(line, one):
            made = [{"kind": one.kind, "slot": slot, "owner_id": owner, "n": int(n), "amount": int(amount), "more": int(more)}
                    for owner, n, amount, more in line.execute(_rows(one, slot))]
            if made:
                line.execute(insert(Cell.__table__), made)


def _all_slots(line, one: Tally) -> list[str]:
    column = one.model.__table__.c[one.slot]
    if not _by_month(one):
        return [slot for slot in line.execute(select(column).distinct()).scalars() if slot]
    low, high = line.execute(select(func.min(column), func.max(column))).one()
    slots = [month_of(low)] if low else []
    while slots and slots[-1] < month_of(high):
        slots.append(next_month(slots[-1]))
    return slots


def fill(session) -> None:
    """Make the cells that a database has none of yet: all of them, or those of a kind that a new version keeps."""
    there = set(session.connection().execute(select(Cell.kind).distinct()).scalars())
    if there:
        _count(session, [one for one in KEPT.values() if one.kind not in there])
    else:
        rebuild(session)


def read(session, kinds, people, first: str = "", last: str | None = None, by: str = "slot", days=()) -> dict:
    """{(kind, slot): (n, amount, more)} over some people (None: everybody), slots from `first` to `last`; `by` "owner": the key is
    (kind, owner id), "both": (kind, owner id, slot). `days` (kinds, first, last): their rows in these few days as well,
    under the slot DAYS."""
    t = Cell.__table__.c
    key = {"slot": [t.slot], "owner": [t.owner_id], "both": [t.owner_id, t.slot]}[by]
    wanted = select(func.sum(t.n), func.sum(t.amount), func.sum(t.more), t.kind, *key).where(
        t.kind.in_(kinds), t.slot >= first).group_by(t.kind, *key)
    if last is not None:
        wanted = wanted.where(t.slot <= last)
    if people is not None:
        wanted = wanted.where(t.owner_id.in_(sorted(people)))
    if days:
        wanted = wanted.union_all(*_of_days(days[0], people, *days[1:]))
    return {tuple(at): (int(n), int(amount), int(more)) for n, amount, more, *at in session.execute(wanted)}


def _of_days(kinds, people, first: dt.date, last: dt.date) -> list:
    """SELECTs of what `read` gives, from the rows of some days that no cell holds alone, as the slot DAYS."""
    parts = []
    for one in map(KEPT.get, kinds):
        t = one.model.__table__
        whose = () if people is None else (t.c.owner_id.in_(sorted(people)),)
        parts.append(select(*_figures(one)[1:], literal(one.kind), literal(DAYS)).select_from(t).where(
            _until(t.c[one.slot], first, last + dt.timedelta(1)), *_counted(one), *whose))
    return parts

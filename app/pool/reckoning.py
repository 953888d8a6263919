"""When a customer falls into which pool, and the fall itself. The moment is kept on the customer (`pool_at`) by every change that bears on
it; what falls due is reckoned once more before it falls, so that the figure is a reminder and the rules decide."""
import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Integer, case, event, func, insert, literal, select
from sqlalchemy.orm import Session

from app.contracts.models import Contract
from app.core import actor, changes, clock, jobs, mass, memo, parameters, rollup, schedule
from app.core.scope import Collaborator
from app.core.words import _l
from app.customers.models import Contact, Customer
from app.opportunities.models import Opportunity
from app.security.models import Department, Employee
from app.security.rules import members

from .models import OwnerMove, Pool, PoolRule

POOL = _l("Customer pools")
CHUNK = 1000
parameters.declare("pool.warn_days", POOL, _l("Days of warning before a customer falls into the pool"), "whole", 3,
                   _l("The owner sees the customer among the things to do today."), low=0, high=60)


@dataclass(frozen=True)
class Rule:
    """A rule in force; `owners`: ids of the people whose customers fall, None = everybody's; `levels`: None = all."""

    pool_id: int
    cause: str
    days: int
    starts_at: dt.datetime
    levels: frozenset | None
    owners: frozenset | None
    spares_won: bool
    spares_open: bool

    def moment(self, row, start, deals) -> dt.datetime | None:
        """When the rule lets a customer fall; None: it does not touch it. `start`: since when the present owner has had it."""
        if (self.levels is not None and row.level not in self.levels) or (self.owners is not None and row.owner_id not in self.owners):
            return None
        if (self.spares_won and row.is_won) or (self.spares_open and deals and deals.open):
            return None
        since = {"idle": row.last_follow_at, "opportunity": deals and deals.newest,
                 "deal": row.won_at and clock.day_start(row.won_at)}[self.cause]
        closed = clock.day_start(deals.closed) if self.spares_open and deals and deals.closed else None
        return max(max(filter(None, (start, since, closed))) + dt.timedelta(self.days), self.starts_at)


def in_force(session) -> list[Rule]:
    """The rules of the pools in use, remembered until a pool, a rule or the staff changes."""
    def load():
        wanted = select(PoolRule, Pool.department_id).join(Pool, Pool.id == PoolRule.pool_id).where(Pool.is_stopped.is_not(True))
        return [Rule(r.pool_id, r.cause, r.days, clock.day_start(r.starts_on), frozenset(r.levels.split(",")) if r.levels else None,
                     frozenset(session.scalars(members(department))) if department else None, bool(r.spares_won), bool(r.spares_open))
                for r, department in session.execute(wanted.order_by(Pool.id, PoolRule.id))]
    return memo.recall(session, "pool", "rules", load)


# ---- the moment -----------------------------------------------------------------------------------------------
def fates(session, ids) -> dict[int, tuple]:
    """{customer id: (moment, rule)} of those that somebody has and that some rule lets fall; four statements."""
    rules, line, c, m, o = in_force(session), session.connection(), Customer.__table__.c, OwnerMove.__table__.c, Opportunity.__table__.c
    ids = sorted(ids)
    rows = line.execute(select(c.id, c.owner_id, c.level, c.created_at, c.last_follow_at, c.is_won, c.won_at).where(
        c.id.in_(ids), c.owner_id.is_not(None), c.deleted_at.is_(None), c.is_locked.is_not(True))).all() if rules else []
    moved = dict(line.execute(select(m.customer_id, func.max(m.at)).where(m.customer_id.in_(ids)).group_by(m.customer_id)).all())
    deals = {d.customer_id: d for d in line.execute(select(
        o.customer_id, func.max(o.created_at).label("newest"), func.max(o.closed_on).label("closed"),
        func.sum(case((o.closed_on.is_(None), 1), else_=0)).label("open")).where(
        o.customer_id.in_(ids), o.deleted_at.is_(None)).group_by(o.customer_id))} if rows else {}
    found: dict = {}
    for row in rows:
        start = max(row.created_at, moved.get(row.id, row.created_at))
        known = [(at, n) for n, rule in enumerate(rules) if (at := rule.moment(row, start, deals.get(row.id)))]
        if known:
            at, n = min(known)
            found[row.id] = (at, rules[n])
    return found


def reckon(session, ids) -> dict[int, dict]:
    """`pool_at` of some customers; nothing while no rule was ever made."""
    return {i: {"pool_at": at} for i, at in _moments(session, ids).items()} if in_force(session) else {}


def _moments(session, ids) -> dict:
    return {**dict.fromkeys(ids), **{i: at for i, (at, _rule) in fates(session, ids).items()}}


rollup.derive(Customer, "pool_at", reckon, (Customer, "id"), (Opportunity, "customer_id"), (Contract, "customer_id"))


def _write(session, moments: dict) -> None:
    rollup.write(session, Customer, ("pool_at",), {i: {"pool_at": at} for i, at in moments.items()})


@jobs.kind("pool")
def reckon_all(job, session, progress):
    """Every customer's moment anew after the rules, or who belongs where, have changed; commits by the thousand."""
    c, last, changed, done = Customer.__table__.c, 0, 0, 0
    while rows := session.connection().execute(select(c.id, c.pool_at).where(c.id > last, c.deleted_at.is_(None)).order_by(c.id).limit(
            CHUNK)).all():
        moments = _moments(session, [r.id for r in rows])
        new = {r.id: moments[r.id] for r in rows if moments[r.id] != r.pool_at}
        _write(session, new)
        session.commit()
        last, changed, done = rows[-1].id, changed + len(new), done + len(rows)
        progress(done)
    return {"changed": changed}


def _bears(row) -> bool:
    """Whether a row says who falls when: pools, rules, and in which department somebody is."""
    return isinstance(row, (Pool, PoolRule, Department)) or (
        isinstance(row, Employee) and row._sa_instance_state.attrs["department_id"].history.has_changes())


@event.listens_for(Session, "after_flush")
def _rules_changed(session, _context):
    """Reckon anew, once a transaction."""
    if any(_bears(row) for rows in (session.new, session.dirty, session.deleted) for row in rows):
        memo.touch(session, "pool")
        t = jobs.Job.__table__
        line = session.connection()
        if line.scalar(select(PoolRule.__table__.c.id).limit(1)) and not line.scalar(
                select(t.c.id).where(t.c.kind == "pool", t.c.state == "queued").limit(1)):
            line.execute(insert(t).values(kind="pool", label=str(POOL), params={}, owner_id=actor.current_id()))


# ---- from hand to hand ----------------------------------------------------------------------------------------
@event.listens_for(Session, "after_flush")
def _moves(session, _context):
    """Write down every change of a customer's owner."""
    kind = "undo" if session.info.get("restoring") else session.info.get("moving", "transfer")
    rows = []
    for row in session.dirty:
        if isinstance(row, Customer) and (was := row._sa_instance_state.attrs["owner_id"].history).has_changes():
            rows.append({
                "customer_id": row.id, "kind": kind, "from_id": was.deleted[0] if was.deleted else None, "to_id": row.owner_id,
                "pool_id": row.pool_id or _pool_before(row), "by_id": actor.current_id(), "at": clock.now()})
    if rows:
        session.connection().execute(insert(OwnerMove.__table__), rows)


def _pool_before(row):
    was = row._sa_instance_state.attrs["pool_id"].history.deleted
    return was[0] if was else None


@event.listens_for(Customer.owner_id, "set")
def _out_of_the_pool(customer, owner, _former, _initiator):
    """Who has an owner is in no pool."""
    if owner is not None and customer.pool_id is not None:
        customer.pool_id = customer.pooled_at = None


# ---- the fall -------------------------------------------------------------------------------------------------
def _next(session, moment):
    """When the next customer falls, looked at once a minute at least."""
    c = Customer.__table__.c
    minute = moment - (moment - dt.datetime(2000, 1, 1)) % dt.timedelta(minutes=1) + dt.timedelta(minutes=1)
    first = session.connection().scalar(select(func.min(c.pool_at)).where(c.pool_at > moment, c.deleted_at.is_(None)))
    return min(first, minute) if first else minute


@schedule.entry("pool", _next)
def sweep(session) -> int:
    """Let everything fall that is due: each once, however many workers sweep; a thousand a transaction, one operation a pool that the
    administrator can take back. Returns how many fell."""
    c, batches, fallen = Customer.__table__.c, {}, 0
    while ids := list(session.connection().execute(select(c.id).where(c.pool_at <= clock.now(), c.deleted_at.is_(None)).order_by(
            c.pool_at).limit(CHUNK)).scalars()):
        found = fates(session, ids)
        due = {i: rule.pool_id for i, (at, rule) in found.items() if at <= clock.now()}
        _write(session, {i: found.get(i, (None,))[0] for i in ids if i not in due})
        for pool in sorted(set(due.values())):
            fallen += _fall(session, pool, [i for i in due if due[i] == pool], batches)
        session.commit()
    return fallen


def _fall(session, pool: int, ids, batches) -> int:
    if pool not in batches:
        batches[pool] = changes.start_batch(session, "fall", "customer", session.get(Pool, pool).name)
    with changes.in_batch(session, batches[pool]):
        return len(put(session, pool, ids, "fall"))


def put(session, pool: int, ids, kind: str) -> list[int]:
    """Take customers off their owners into a pool, and their contacts along; nobody works along on them any more. Returns the ids of
    those that somebody had."""
    t, m, p = Customer.__table__, OwnerMove.__table__, Contact.__table__
    values = {"owner_id": None, "pool_id": pool, "pooled_at": clock.now(), "former_owner_id": t.c.owner_id, "pool_at": None}
    gone = mass.change(session, Customer, ids, values, t.c.owner_id.is_not(None))
    line = session.connection()
    if gone:
        line.execute(insert(m).from_select(
            ["customer_id", "kind", "from_id", "pool_id", "by_id", "at"],
            select(t.c.id, literal(kind), t.c.former_owner_id, t.c.pool_id, literal(actor.current_id(), Integer),
                   literal(clock.now())).where(t.c.id.in_(gone))))
        former = dict(line.execute(select(t.c.id, t.c.former_owner_id).where(t.c.id.in_(gone))).all())
        along = line.execute(select(p.c.id, p.c.customer_id, p.c.owner_id).where(p.c.customer_id.in_(gone), p.c.deleted_at.is_(None))).all()
        mass.change(session, Contact, [c.id for c in along if c.owner_id == former[c.customer_id]], {"owner_id": None})
        _end_sharing(session, gone)
    return gone


def _end_sharing(session, ids) -> None:
    c = Collaborator.__table__.c
    shared = session.connection().execute(select(c.id).where(
        c.entity == "customer", c.row_id.in_(ids), c.deleted_at.is_(None))).scalars().all()
    if mass.change(session, Collaborator, shared, {"deleted_at": clock.now()}):
        memo.touch(session, "security")

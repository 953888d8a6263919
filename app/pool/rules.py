"""What the business says of the pools: claiming, assigning, putting back, limits (product.md 6 no. 4). No Flask, no commit."""
import datetime as dt

from sqlalchemy import and_, event, false, func, select
from sqlalchemy.orm import Session

from app.core import actor, changes, clock, parameters
from app.core.rules import RuleError
from app.core.words import _, _l, ngettext
from app.customers import rules as customers
from app.customers.models import Contact, Customer
from app.security import handover
from app.security.models import Employee
from app.security.rules import members

from . import reckoning
from .models import OwnerMove, Pool

parameters.declare("pool.owner_limit", reckoning.POOL, _l("Most customers of one owner"), "whole", 0,
                   _l("Nobody can claim, make or be given more; 0 is no limit."), low=0, high=10**6)
parameters.declare("pool.limit_counts_won", reckoning.POOL, _l("Won customers count towards the limit"), "flag", True,
                   _l("Switched off, customers with a signed contract are not counted."))
parameters.declare("pool.lock_limit", reckoning.POOL, _l("Most locked customers of one owner"), "whole", 0,
                   _l("Locked customers never fall into the pool; 0 is no limit."), low=0, high=10**6)


# ---- named filters --------------------------------------------------------------------------------------------
def falling(days: int):
    """Falls into the pool within so many days."""
    return and_(Customer.pool_at.is_not(None), Customer.pool_at < clock.now() + dt.timedelta(days))


def open_to(session, who) -> list[Pool]:
    """The pools that a person may look into: those of his department and above, those for everybody; who sees all rows sees all pools."""
    pools = session.scalars(select(Pool).order_by(Pool.id)).all()
    wide = who is None or who.reach is None
    return [p for p in pools if wide or p.department_id is None or who.id in set(session.scalars(members(p.department_id)))]


def lying_in(pools):
    """The clause: customers that lie in one of some pools."""
    return Customer.pool_id.in_([p.id for p in pools]) if pools else false()


# ---- saving ---------------------------------------------------------------------------------------------------
def check_pool(session, pool) -> None:
    """Limits are not negative."""
    for name in ("daily_limit", "wait_days"):
        if (getattr(pool, name) or 0) < 0:
            raise RuleError(_("This must not be negative."), name)


def check_rule(session, rule) -> None:
    """Between a day and ten years."""
    if not 1 <= (rule.days or 0) <= 3650:
        raise RuleError(_("Between %(low)d and %(high)d.", low=1, high=3650), "days")


# ---- limits ---------------------------------------------------------------------------------------------------
def room(session, owner: int) -> int | None:
    """How many customers a person may still get; None: as many as he likes."""
    limit = parameters.get(session, "pool.owner_limit")
    if not limit:
        return None
    won = () if parameters.get(session, "pool.limit_counts_won") else (Customer.is_won.is_not(True),)
    held = select(func.count()).select_from(select(Customer.id).where(Customer.owner_id == owner, *won).limit(limit + 1).subquery())
    return limit - session.scalar(held.execution_options(everyone=True))


def over_limit(session, gets: dict) -> list[str]:
    """What the preview of a hand-over warns of: who would get more customers than he may have; then the hand-over is refused."""
    found, limit = [], parameters.get(session, "pool.owner_limit")
    for owner, ids in gets.get("customer", {}).items():
        left = room(session, owner)
        if left is not None and (more := _counted(session, ids) - left) > 0:
            found.append(_(
                "%(name)s would have %(more)d customers more than one may have (%(n)d). Part it among several, or raise the limit.",
                name=session.get(Employee, owner), more=more, n=limit))
    return found


def _counted(session, ids: list[int]) -> int:
    """How many of some customers count towards the limit."""
    if parameters.get(session, "pool.limit_counts_won"):
        return len(ids)
    parts = (ids[at:at + reckoning.CHUNK] for at in range(0, len(ids), reckoning.CHUNK))
    return sum(session.scalar(select(func.count(Customer.id)).where(
        Customer.id.in_(part), Customer.is_won.is_not(True)).execution_options(everyone=True)) for part in parts)


handover.WARNINGS.append(over_limit)


def _gains(session) -> set[int]:
    """Who gets a customer by this flush."""
    found = {row.owner_id for row in session.new if isinstance(row, Customer)}
    found |= {row.owner_id for row in session.dirty
              if isinstance(row, Customer) and row._sa_instance_state.attrs["owner_id"].history.has_changes()}
    return {owner for owner in found if owner}


@event.listens_for(Session, "after_flush")
def _keep_to_the_limit(session, _context):
    """Whoever gets a customer stays within the limit: by any form, action or interface; imports and the way back are free."""
    if actor.current() is None or session.info.get("importing") or session.info.get("restoring"):
        return
    for owner in sorted(_gains(session)):
        with session.no_autoflush:
            if (left := room(session, owner)) is not None and left < 0:
                raise RuleError(_("%(name)s has as many customers as one may have (%(n)d).", name=session.get(Employee, owner),
                                  n=parameters.get(session, "pool.owner_limit")), "owner")


def _check_locks(session, rows) -> None:
    limit = parameters.get(session, "pool.lock_limit")
    for owner in {row.owner_id for row in rows} if limit else ():
        held = session.scalar(select(func.count(Customer.id)).where(
            Customer.owner_id == owner, Customer.is_locked.is_(True)).execution_options(everyone=True))
        if held + sum(row.owner_id == owner and not row.is_locked for row in rows) > limit:
            raise RuleError(_("At most %(n)d customers of one owner can be locked.", n=limit))


customers.LOCKING.append(_check_locks)


# ---- actions --------------------------------------------------------------------------------------------------
def _lie_here(session, rows, pools) -> None:
    known = {p.id for p in pools}
    for row in rows:
        if row.owner_id is not None or row.pool_id not in known:
            raise RuleError(_("%(name)s is not in the pool any more.", name=row.name))


def claimed_today(session, who, pool: int) -> int:
    """How many customers of a pool a person has claimed since this morning."""
    m = OwnerMove
    return session.scalar(select(func.count(m.id)).where(
        m.to_id == who.id, m.kind == "claim", m.pool_id == pool, m.at >= clock.day_start(clock.today())))


def waits_until(row, pool, who) -> dt.datetime | None:
    """The moment from which the former owner may claim a customer again; None: now."""
    if not pool.wait_days or row.former_owner_id != who.id or row.pooled_at is None:
        return None
    until = row.pooled_at + dt.timedelta(pool.wait_days)
    return until if until > clock.now() else None


def claim(session, rows):
    """领取: customers of the pool become one's own, within the limits of the pool."""
    who = actor.current()
    for pool in _locked(session, rows):
        mine = [row for row in rows if row.pool_id == pool.id]
        done = claimed_today(session, who, pool.id)
        if pool.daily_limit and done + len(mine) > pool.daily_limit:
            raise RuleError(_("Of %(pool)s one may claim %(limit)d customers a day; today you have claimed %(done)d.",
                              pool=pool.name, limit=pool.daily_limit, done=done))
        for row in mine:
            if until := waits_until(row, pool, who):
                raise RuleError(_("%(name)s was yours: you may claim it again from %(at)s on.", name=row.name,
                                  at=clock.to_office(until).strftime("%Y-%m-%d %H:%M")))
    _give(session, rows, who.id, "claim")
    return ngettext("%(num)d customer claimed.", "%(num)d customers claimed.", len(rows))


def assign(session, rows, owner):
    """分配: give customers of the pool to somebody; neither the daily limit nor the waiting time binds here."""
    _locked(session, rows)
    person = session.get(Employee, owner)
    if person is None or not person.active:
        raise RuleError(_("This person does not work here any more."), "owner")
    _give(session, rows, owner, "assign")
    return ngettext("%(num)d customer assigned.", "%(num)d customers assigned.", len(rows))


def _locked(session, rows):
    """The pools of some rows, held against others who claim at this moment; refuses rows that are not there any more."""
    _lie_here(session, rows, open_to(session, actor.current()))
    wanted = {row.pool_id for row in rows}
    return session.scalars(select(Pool).where(Pool.id.in_(wanted)).order_by(Pool.id).with_for_update()).all()


def _give(session, rows, owner: int, kind: str) -> None:
    ids = [row.id for row in rows]
    for person in session.scalars(select(Contact).where(Contact.customer_id.in_(ids), Contact.owner_id.is_(None)).execution_options(
            everyone=True)).all():
        person.owner_id = owner
    for row in rows:
        row.owner_id = owner
    with changes.moving(session, kind):
        session.flush()


def release(session, rows, pool):
    """放入公海: give customers up; whoever had them waits as after a fall."""
    target = session.get(Pool, pool)
    if target is None or target.is_stopped:
        raise RuleError(_("This pool is not in use."), "pool")
    for row in rows:
        if row.is_locked:
            raise RuleError(_("%(name)s is locked: unlock it first.", name=row.name))
    session.flush()
    done = reckoning.put(session, pool, [row.id for row in rows], "release")
    return ngettext("%(num)d customer put into the pool.", "%(num)d customers put into the pool.", len(done))


def history(session, customer: int, limit: int = 100) -> list[OwnerMove]:
    """负责人记录: who had a customer when, newest first."""
    return list(session.scalars(select(OwnerMove).where(OwnerMove.customer_id == customer).order_by(OwnerMove.id.desc()).limit(limit)))


def count(session, pools) -> dict[int, int]:
    """{pool: how many customers lie in it}."""
    found = select(Customer.pool_id, func.count(Customer.id)).where(lying_in(pools)).group_by(Customer.pool_id)
    return dict(session.execute(found.execution_options(everyone=True)).all())

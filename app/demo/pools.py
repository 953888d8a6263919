"""The demo company's pool: one for the sales department, with customers that nobody looked after."""
import datetime as dt

from sqlalchemy import select

from app.core import clock
from app.core.rollup import write
from app.customers.models import Customer
from app.pool import reckoning
from app.pool.models import Pool, PoolRule
from app.security.models import Department


def _almost(session) -> None:
    """Some C customers whom nobody has called yet are about to fall, so that the desks warn of them."""
    fresh = select(Customer).where(Customer.level == "C", Customer.last_follow_at.is_(None), Customer.is_won.is_not(True),
                                   Customer.created_at > clock.now() - dt.timedelta(140)).order_by(Customer.id).limit(24)
    for n, customer in enumerate(session.scalars(fresh), 1):
        customer.created_at = clock.now() - dt.timedelta(days=150) + dt.timedelta(hours=3 * n)


def fill(session) -> int:
    """A pool, its rules and what falls by them today; returns how many customers lie in it."""
    department = session.scalar(select(Department.id).where(Department.name == "销售部"))
    pool = Pool(name="销售公海", department_id=department, daily_limit=10, wait_days=7, note="长期没有跟进的 C 级客户，谁跟进谁负责。")
    session.add(pool)
    session.flush()
    session.add_all([PoolRule(pool_id=pool.id, cause="idle", days=days, levels=levels, starts_on=clock.today()) for days, levels in ((150, "C"), (400, "A,B"))])
    _almost(session)
    session.flush()
    ids = session.scalars(select(Customer.id)).all()
    for at in range(0, len(ids), 500):
        write(session, Customer, ("pool_at",), reckoning.reckon(session, ids[at:at + 500]))
    return reckoning.sweep(session)

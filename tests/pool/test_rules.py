"""公海: what falls when, who may take it, and that everything of it can be taken back."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.core import clock, jobs, parameters, schedule, tally, undo
from app.core.changes import Batch, Change
from app.core.scope import Collaborator
from app.customers import rules as customers
from app.customers.models import Contact, Customer
from app.pool import reckoning, rules
from app.pool.models import OwnerMove, Pool
from app.security.models import Department
from tests.story import at_once, refused

NOW = dt.datetime(2026, 11, 25, 2, 0)  # 10:00 in the office
DAY = dt.timedelta(1)


@pytest.fixture
def pool(make):
    """华东公海 with one rule: 30 days without a follow-up."""
    made = make.pool(name="华东公海", wait_days=7, daily_limit=2)
    make.pool_rule(pool_id=made.id, days=30)
    return made


def old(make, owner="li", **over):
    """A customer made and last followed up 40 days ago."""
    return make.customer(owner=owner, **{"created_at": NOW - 60 * DAY, "last_follow_at": NOW - 40 * DAY, **over})


def fell(session) -> set:
    """Names of what lies in a pool."""
    session.expire_all()
    return set(session.scalars(select(Customer.name).where(Customer.pool_id.is_not(None)).execution_options(everyone=True)))


def test_the_moment_is_exact(session, make, pool):
    """Thirty days after the last follow-up to the second, and not a second before; the countdown stood on the customer."""
    with clock.frozen(NOW):
        one = make.customer(name="恒远", created_at=NOW - 60 * DAY, last_follow_at=NOW - 20 * DAY)
        session.refresh(one)
        due = NOW + 10 * DAY
        assert one.pool_at == due
        assert reckoning._next(session, due - dt.timedelta(seconds=20)) == due, "the tick comes at the moment, not at the next minute"
    with clock.frozen(due - dt.timedelta(seconds=1)):
        assert reckoning.sweep(session) == 0
    with clock.frozen(due):
        assert reckoning.sweep(session) == 1 and reckoning.sweep(session) == 0
        session.expire_all()
        assert (one.owner_id, one.pool_id, one.pooled_at, one.pool_at) == (None, pool.id, due, None)


def test_the_kept_figures_follow_what_falls_and_comes_back(session, make, people, pool):
    """Desktop and targets count new customers by owner and month: of what lies in a pool nobody is the owner."""
    with clock.frozen(NOW):
        made = [old(make), old(make), make.customer(created_at=NOW - 60 * DAY, last_follow_at=NOW)]
        month = tally.month_of(NOW - 60 * DAY)
        session.commit()

        def counted():
            cells = tally.read(session, ["customers"], None, month, month, by="owner")
            return [cells.get(("customers", owner), (0,))[0] for owner in (people["li"], 0)]
        assert counted() == [len(made), 0]
        reckoning.sweep(session)
        assert counted() == [1, 2]
        undo.take_back(session, session.scalar(select(Batch.id).order_by(Batch.id.desc()).limit(1)))
        session.commit()
        assert counted() == [len(made), 0]


def test_each_cause_each_exemption_and_each_level(session, make, people, pool):
    """What keeps a customer: follow-up, opportunity, sale, lock, level, another department, a rule that does not work yet."""
    south = make.pool(name="华南公海", department_id=session.scalar(select(Department.id).where(Department.name == "华南部")))
    make.pool_rule(pool_id=pool.id, cause="opportunity", days=50, levels="A,B", spares_won=False, spares_open=False)
    make.pool_rule(pool_id=south.id, cause="deal", days=45)
    make.pool_rule(pool_id=south.id, cause="idle", days=1, starts_on=dt.date(2027, 1, 1))
    stay = {"last_follow_at": NOW - DAY}
    with clock.frozen(NOW):
        old(make, name="没人跟进")
        old(make, name="刚跟进", **stay)
        old(make, name="锁定", is_locked=True)
        old(make, name="成交", is_won=True, won_at=(NOW - 400 * DAY).date())
        make.opportunity(customer_id=old(make, name="有机会").id)
        make.opportunity(customer_id=old(make, name="昨天输单").id, closed_on=(NOW - DAY).date(), stage="lost")
        old(make, name="A级无机会", level="A", **stay)
        old(make, name="C级无机会", level="C", **stay)
        make.opportunity(customer_id=old(make, name="A级有老机会", level="A", **stay).id, created_at=NOW - 51 * DAY)
        make.opportunity(customer_id=old(make, name="A级有新机会", level="A", **stay).id, created_at=NOW - 49 * DAY)
        old(make, "zhao", name="华南无成交", **stay)
        old(make, "li", name="华东无成交", **stay)
        make.customer(owner="li", name="刚到手", created_at=NOW - 60 * DAY, last_follow_at=NOW - 40 * DAY)
        session.scalars(select(Customer).where(Customer.name == "刚到手")).one().owner_id = people["wang"]
        session.commit()
        reckoning.sweep(session)
        assert fell(session) == {"没人跟进", "A级无机会", "A级有老机会", "华南无成交"}
        where = dict(session.execute(select(Customer.name, Pool.name).join(Pool, Pool.id == Customer.pool_id)).all())
        assert where["华南无成交"] == "华南公海" and where["没人跟进"] == "华东公海"
        assert reckoning.sweep(session) == 0
    with clock.frozen(NOW + 40 * DAY):
        reckoning.sweep(session)
        assert {"昨天输单", "刚到手"} <= fell(session) and not {"锁定", "成交", "有机会"} & fell(session)


def test_rules_that_change_are_reckoned_anew(session, make, pool):
    """A new rule, a stopped pool, a move to another department: the worker reckons every moment once more."""
    with clock.frozen(NOW):
        one = old(make, name="恒远", last_follow_at=NOW - 20 * DAY)
        session.execute(jobs.Job.__table__.delete())
        session.commit()
        make.pool_rule(pool_id=pool.id, days=21)
        job = session.scalars(select(jobs.Job).where(jobs.Job.kind == "pool")).one()
        jobs.run(session, job.id, None)
        session.refresh(one)
        assert one.pool_at == NOW + DAY
        pool.is_stopped = True
        session.commit()
        jobs.run(session, session.scalars(select(jobs.Job.id).where(jobs.Job.state == "queued")).one(), None)
        session.refresh(one)
        assert one.pool_at is None


def test_the_fall_is_logged_and_taken_back_whole(session, make, people, as_, pool):
    """Contacts go along; history stays; after the administrator's undo every row is as before and has a new period."""
    with clock.frozen(NOW):
        one = old(make, name="恒远")
        person, other = make.contact(customer_id=one.id), make.contact(owner="wang", customer_id=one.id)
        make.collaborator(row_id=one.id, employee_id=people["zhao"])
        tables = Customer.__table__, Contact.__table__, Collaborator.__table__
        session.commit()
        before = [dict(r._mapping) for x in tables for r in session.execute(select(x).order_by(x.c.id))]
        session.rollback()
        reckoning.sweep(session)
        session.expire_all()
        assert (person.owner_id, other.owner_id, one.former_owner_id) == (None, people["wang"], people["li"])
        logged = session.scalars(select(Change).where(Change.entity == "customer", Change.row_id == one.id).order_by(Change.id.desc())).first()
        assert (logged.old["owner_id"], logged.new["owner_id"], logged.actor_id) == (people["li"], None, None)
        batch = session.scalars(select(Batch).order_by(Batch.id.desc())).first()
        assert (batch.kind, batch.count, batch.label) == ("fall", 3, "华东公海")
        with as_("zhao"):
            assert session.scalar(select(Customer.id)) is None, "who worked along sees it no more"
        with as_("li"), refused("不是您", session=session):
            undo.take_back(session, batch.id)
        with as_("admin"):
            assert undo.take_back(session, batch.id) == []
            session.commit()
        with as_("zhao"):
            assert session.scalar(select(Customer.id)) == one.id
        after = [dict(r._mapping) for x in tables for r in session.execute(select(x).order_by(x.c.id))]
        for a, b in zip(before, after, strict=True):
            assert {k for k in a if a[k] != b[k]} <= {"version", "pool_at"}
        session.refresh(one)
        assert one.pool_at == NOW + 30 * DAY, "not again at the next tick"
        assert reckoning.sweep(session) == 0
        assert [m.kind for m in rules.history(session, one.id)] == ["undo", "fall"]


def test_claiming_within_the_limits(session, make, people, as_, pool):
    """The former owner waits, nobody claims more than the day allows, the contacts come along, two cannot claim the same."""
    with clock.frozen(NOW):
        rows = [old(make, name=f"恒远{n}") for n in range(5)]
        person = make.contact(customer_id=rows[0].id)
        reckoning.sweep(session)
    with clock.frozen(NOW + DAY):
        session.expire_all()
        with as_("li"), refused("12-02", session=session):
            rules.claim(session, [rows[0]])
        with as_("wang"):
            rules.claim(session, rows[:2])
            session.commit()
            assert rows[0].owner_id == person.owner_id == people["wang"] and rows[0].pool_id is None and rows[0].pool_at == NOW + 31 * DAY
            with refused("每天最多", session=session):
                rules.claim(session, [rows[2]])
            with refused("不在公海", session=session):
                rules.claim(session, [rows[0]])
        with as_("qian"):
            rules.assign(session, [rows[2]], people["wang"])
            session.commit()
    with clock.frozen(NOW + 2 * DAY), as_("wang"):
        rules.claim(session, [rows[3]])
        session.commit()
    with clock.frozen(NOW + 7 * DAY), as_("li"):
        rules.claim(session, [rows[4]])
        session.commit()
    assert fell(session) == set()


def test_a_pool_of_another_department_is_closed(session, make, as_, pool):
    pool.department_id = session.scalar(select(Department.id).where(Department.name == "华东部"))
    session.commit()
    with clock.frozen(NOW):
        one = old(make)
        reckoning.sweep(session)
        session.expire_all()
        with as_("zhao"), refused("不在公海", session=session):
            rules.claim(session, [one])
        with as_("zhao"):
            assert rules.open_to(session, reckoning.actor.current()) == []
        with as_("wang"):
            rules.claim(session, [one])


def test_the_owners_limit(session, make, people, as_, pool):
    """Nobody gets more than the limit by claiming, making or being given; won ones may be free; imports are."""
    parameters.put(session, "pool.owner_limit", 2)
    session.commit()
    with clock.frozen(NOW), as_("wang"):
        make.customer(owner="wang"), make.customer(owner="wang")
        with refused("2", "owner", session):
            make.customer(owner="wang")
        one = make.customer(owner="li")
        with refused("2", "owner", session):
            customers.transfer(session, [one], people["wang"])
            session.flush()
        parameters.put(session, "pool.limit_counts_won", False)
        session.scalars(select(Customer).where(Customer.owner_id == people["wang"])).first().is_won = True
        session.commit()
        make.customer(owner="wang")
    parameters.put(session, "pool.lock_limit", 1)
    session.commit()
    with as_("li"):
        customers.lock(session, [one])
        session.commit()
        with refused("1"):
            customers.lock(session, [make.customer(owner="li")])


def test_giving_up_and_a_lock(session, make, people, as_, pool):
    """放入公海 by hand: a locked one stays; the undo of who did it brings it back."""
    with clock.frozen(NOW), as_("li"):
        one, locked = make.customer(name="恒远"), make.customer(is_locked=True)
        with refused("解锁", session=session):
            rules.release(session, [one, locked], pool.id)
        rules.release(session, [one], pool.id)
        session.commit()
        assert fell(session) == {"恒远"}
        assert undo.take_back(session, session.info["last_batch"]) == []
        session.commit()
        assert fell(session) == set() and one.owner_id == people["li"]


def test_two_workers_let_each_fall_once(app, session, make, pool):
    """Both ticks at the same moment: one takes the entry; even two sweeps side by side move each customer once."""
    with clock.frozen(NOW):
        for _n in range(30):
            old(make)
        session.rollback()

        def work():
            from app.extensions import db
            with clock.frozen(NOW):
                schedule.tick(db.session)
                return reckoning.sweep(db.session)
        assert sum(at_once(app, [work, work])) == 30
    session.expire_all()
    assert len(session.scalars(select(OwnerMove.id)).all()) == 30
    assert sum(session.scalars(select(Batch.count).where(Batch.kind == "fall"))) == 30

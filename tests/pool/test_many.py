"""A hundred thousand customers (a fifth of them on PostgreSQL; CRM_MANY says otherwise), two workers, a clock that moves: exactly the right
ones fall, each once."""
import datetime as dt
import os
import random
import time

from sqlalchemy import func, insert, select, text

from app.core import clock, jobs, schedule
from app.core.changes import Batch, Change
from app.customers.models import Contact, Customer
from app.opportunities.models import Opportunity
from app.pool import reckoning
from app.pool.models import OwnerMove
from app.security.models import Department
from tests.story import at_once

MANY = int(os.environ.get("CRM_MANY") or (20_000 if "postgresql" in os.environ.get("CRM_TEST_DATABASE_URL", "") else 100_000))
DAY = dt.timedelta(1)
NOW = dt.datetime(2026, 11, 25, 2, 0)
RULES = [("idle", 60, None, True, True), ("idle", 30, "C", True, True), ("opportunity", 55, "A,B", False, False), ("deal", 70, "B", False, True)]


def company(session, people) -> list[dict]:
    """Rows as they stand in the table, most of them looked after of late."""
    dice, rows, deals = random.Random(41), [], []
    owners = [people["li"], people["wang"], people["zhao"]]
    for n in range(1, MANY + 1):
        made = NOW - dt.timedelta(days=dice.randrange(1, 400), seconds=dice.randrange(86_400))
        followed = None if dice.random() < 0.02 else max(made, NOW - dt.timedelta(seconds=int(86_400 * 62 * dice.random() ** 3)))
        won = dice.random() < 0.3
        rows.append({"id": n, "name": f"客户{n}", "name_key": f"客户{n}", "number": f"KH{n}", "owner_id": dice.choice(owners), "level": dice.choice("AABC"),
                     "created_at": made, "changed_at": made, "last_follow_at": followed, "is_locked": dice.random() < 0.1, "is_won": won,
                     "won_at": (made + dt.timedelta(days=dice.randrange(0, 300))).date() if won else None, "version": 1})
        if dice.random() < 0.85:
            opened = NOW - dt.timedelta(seconds=int(86_400 * 57 * dice.random() ** 2))
            deals.append({"name": f"机会{n}", "customer_id": n, "owner_id": rows[-1]["owner_id"], "stage": "s1", "created_at": max(made, opened), "changed_at": made,
                          "closed_on": (opened + 2 * DAY).date() if dice.random() < 0.6 else None, "version": 1, "staged_at": made, "number": f"JH{n}"})
    found = {r["id"]: {**r, "deals": []} for r in rows}
    for d in deals:
        found[d["customer_id"]]["deals"].append(d)
    for r in rows:  # as the changes of a year left them; every tenth is not reckoned yet
        r["pool_at"] = None if r["id"] % 10 == 0 else due_at(found[r["id"]], people["zhao"])
    for table, many in ((Customer.__table__, rows), (Opportunity.__table__, deals)):
        session.execute(insert(table), many)
    session.execute(insert(Contact.__table__), [{"name": f"联系人{r['id']}", "customer_id": r["id"], "owner_id": r["owner_id"], "version": 1,
                                                 "created_at": NOW, "changed_at": NOW} for r in rows if r["id"] % 5 == 0])
    session.commit()
    return list(found.values())


def due_at(row, south) -> dt.datetime | None:
    """The moment by the words of the rules, reckoned apart from the program."""
    if row["is_locked"]:
        return None
    found = []
    for cause, days, levels, spares_won, spares_open in RULES:
        if (levels and row["level"] not in levels) or (spares_won and row["is_won"]):
            continue
        if cause == "deal" and row["owner_id"] != south:
            continue
        if spares_open and any(d["closed_on"] is None for d in row["deals"]):
            continue
        since = [row["created_at"]]
        since += [row["last_follow_at"]] if cause == "idle" and row["last_follow_at"] else []
        since += [d["created_at"] for d in row["deals"]] if cause == "opportunity" else []
        since += [clock.day_start(row["won_at"])] if cause == "deal" and row["won_at"] else []
        since += [clock.day_start(d["closed_on"]) for d in row["deals"]] if spares_open else []
        found.append(max(since) + days * DAY)
    return max(min(found), clock.day_start(dt.date(2026, 11, 24))) if found else None


def test_exactly_the_right_ones_once_with_two_workers(app, session, make, people):
    rows = company(session, people)
    everybody, south = make.pool(name="公海"), make.pool(name="华南公海", department_id=session.scalar(
        select(Department.id).where(Department.name == "华南部")))
    for cause, days, levels, won, deal in RULES:
        make.pool_rule(pool_id=(south if cause == "deal" else everybody).id, cause=cause, days=days, levels=levels, spares_won=won, spares_open=deal,
                       starts_on=dt.date(2026, 11, 24))
    job, since = session.scalars(select(jobs.Job.id).where(jobs.Job.kind == "pool")).one(), time.perf_counter()
    with clock.frozen(NOW - 2 * DAY):
        jobs.run(session, job, None)
    reckoned = time.perf_counter() - since
    assert 0 < session.get(jobs.Job, job).result["changed"] <= MANY // 10
    expected = {r["id"]: at for r in rows if (at := due_at(r, people["zhao"]))}
    t = Customer.__table__.c
    assert dict(session.execute(select(t.id, t.pool_at).where(t.pool_at.is_not(None))).all()) == expected
    fallen, seconds = set(), 0.0
    session.rollback()
    with clock.frozen(NOW - 2 * DAY):
        schedule.tick(session)  # the entry's first moment

    def tick(moment):
        from app.extensions import db
        with clock.frozen(moment):
            return schedule.tick(db.session).count("pool")

    def both_sweep(moment):
        from app.extensions import db
        with clock.frozen(moment):
            reckoning.sweep(db.session)
            return 1

    fallen, seconds = set(), 0.0
    for moment, work, ran in ((NOW - DAY, tick, 1), (NOW, tick, 1), (NOW + dt.timedelta(hours=5), both_sweep, 2), (NOW + DAY, tick, 1)):
        session.rollback()
        since = time.perf_counter()
        assert sum(at_once(app, [lambda: work(moment), lambda: work(moment)])) == ran, "one worker takes the entry"  # noqa: B023
        seconds += time.perf_counter() - since
        now_in = set(session.execute(select(t.id).where(t.pool_id.is_not(None))).scalars())
        assert now_in == {i for i, at in expected.items() if at <= moment}, moment
        fallen |= now_in
    m = OwnerMove.__table__.c
    assert session.scalar(select(func.count()).select_from(OwnerMove)) == len(fallen) == len(set(session.execute(select(m.customer_id)).scalars()))
    logged = session.scalar(select(func.count(Change.id)).where(Change.entity == "customer", Change.row_id.in_(select(t.id).where(t.pool_id.is_not(None)))))
    assert logged == len(fallen) and session.scalar(select(func.count(t.id)).where(t.version > 2)) == 0
    contacts = select(func.count(Contact.id)).where(Contact.owner_id.is_(None))
    assert session.scalar(contacts) == sum(i % 5 == 0 for i in fallen)
    assert session.scalar(select(func.sum(Batch.count)).where(Batch.kind == "fall")) == len(fallen) + sum(i % 5 == 0 for i in fallen)
    print(f"pool: {MANY} customers, all moments reckoned in {reckoned:.1f} s, {len(fallen)} fell in {seconds:.1f} s")
    if session.get_bind().dialect.name == "postgresql":  # row by row its foreign keys would be asked for half a minute
        session.execute(text("TRUNCATE customer CASCADE"))
        session.commit()

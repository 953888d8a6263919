"""The sales of a made-up company of any size beside its customers: `python -m tests.load.sales` with CRM_DATABASE_URL set to a
database that `tests.load.data` has filled. For N customers 0.3 N opportunities, 0.2 N contracts, 0.6 N plans and payments over
three years that end today, and targets of everybody; by Core bulk inserts, then the kept figures anew."""
import datetime as dt
import random
import time

from sqlalchemy import func, insert, select

from .data import CHUNK, chunks

STAGES = ("s1", "s2", "s3", "s4", "s5", "won", "won", "won", "lost", "lost")
RATES = {"s1": 1000, "s2": 3000, "s3": 5000, "s4": 7000, "s5": 9000, "won": 10_000, "lost": 0}


def _stamps(at, owner):
    return {"owner_id": owner, "created_at": at, "changed_at": at, "created_by_id": owner, "version": 1}


def _deals(customers, dice, today):
    for n, (customer, owner) in enumerate(customers, 1):
        stage = dice.choice(STAGES)
        at = dt.datetime.combine(today - dt.timedelta(dice.randrange(1, 60 if stage[0] == "s" else 1000)), dt.time(3))
        yield {"id": n, "number": f"JH-{n:08d}", "name": f"产线改造{n}", "customer_id": customer, "stage": stage, "rate": RATES[stage],
               "furthest": stage if stage != "lost" else "s2", "amount": dice.randrange(10**6, 10**8), "staged_at": at,
               "closed_on": at.date() if stage in ("won", "lost") else None, "closes_on": at.date() + dt.timedelta(40), **_stamps(at, owner)}


def _contracts(customers, dice, today):
    for n, (customer, owner) in enumerate(customers, 1):
        on = today - dt.timedelta(dice.randrange(1000))
        yield {"id": n, "number": f"HT-{n:08d}", "name": f"设备合同{n}", "kind": "contract", "customer_id": customer, "signed_on": on, "invoiced": 0, "spent": 0,
               "ends_on": on + dt.timedelta(365), "amount": 3 * dice.randrange(10**6, 10**7), "state": "running" if n % 40 else "void", "approval": "none",
               **_stamps(dt.datetime.combine(on, dt.time(3)), owner)}


def _money(contracts, dice, today):
    """(plan, payment or None) of three terms each: what is due was mostly paid."""
    n = 0
    for c in contracts:
        for term in (1, 2, 3):
            n += 1
            due = c["signed_on"] + dt.timedelta(40 * term)
            paid = due <= today and c["state"] != "void" and dice.random() < 0.96
            common = {"id": n, "contract_id": c["id"], "customer_id": c["customer_id"], "amount": c["amount"] // 3,
                      **_stamps(c["created_at"], c["owner_id"])}
            yield {**common, "term": term, "due_on": due, "remind_days": 3, "received": c["amount"] // 3 if paid else 0}, {
                **common, "number": f"HK-{n:08d}", "plan_id": n, "paid_on": due, "method": "wire", "check": "confirmed",
                "approval": "none"} if paid else None


def fill(session, share: float = 1.0) -> dict:
    """Insert everything; `share` of the full proportions."""
    from app.contracts.models import Contract
    from app.core import clock, tally
    from app.customers.models import Customer
    from app.opportunities.models import Opportunity
    from app.payments.models import Payment, PaymentPlan
    from app.targets.models import Target
    dice, today, line = random.Random(3), clock.today(), session.connection()
    count = line.scalar(select(func.count()).select_from(Customer.__table__))
    buyers = line.execute(select(Customer.id, Customer.owner_id).order_by(Customer.id).limit(int(0.3 * count * share))).all()
    for part in chunks(_deals(buyers, dice, today)):
        line.execute(insert(Opportunity.__table__), part)
    contracts = list(_contracts(buyers[:int(0.2 * count * share)], dice, today))
    received: dict = {}
    pairs = list(_money(contracts, dice, today))
    for _plan, payment in pairs:
        if payment:
            received[payment["contract_id"]] = received.get(payment["contract_id"], 0) + payment["amount"]
    for part in chunks(contracts):
        line.execute(insert(Contract.__table__), [{**c, "received": received.get(c["id"], 0)} for c in part])
    for part in chunks(pairs, CHUNK):
        line.execute(insert(PaymentPlan.__table__), [plan for plan, _p in part])
        line.execute(insert(Payment.__table__), [p for _plan, p in part if p])
    owners = {owner for _c, owner in buyers}
    session.add_all(Target(owner_id=o, year=y, month=m, kind=k, assigned=10**8, own=None) for o in owners for y in (today.year - 1, today.year)
                    for m in range(1, 13) for k in ("signed", "received", "customers"))
    tally.rebuild(session)
    session.commit()
    return {"opportunities": len(buyers), "contracts": len(contracts), "plans": len(pairs), "payments": sum(p is not None for _plan, p in pairs)}


if __name__ == "__main__":
    from sqlalchemy import text

    from app import create_app
    from app.extensions import db
    started, made = time.monotonic(), create_app()
    with made.app_context():
        print(fill(db.session), f"in {time.monotonic() - started:.1f} s")
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))

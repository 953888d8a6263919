"""Receivables: what is outstanding, how old, when it may come (product.md 4.7 应收款, 账龄). Sums are SQL over the plans."""

import datetime as dt

from sqlalchemy import and_, case, func, select

from app.contracts.models import Contract
from app.contracts.rules import is_valid
from app.core import clock
from app.customers.models import Customer
from app.security.models import Employee

from .models import Payment, PaymentPlan, counted
from .rules import open_plans

BUCKETS = ((0, 30), (31, 60), (61, 90), (91, None))
OPEN = PaymentPlan.amount - PaymentPlan.received


def _aged(first, last):
    """The outstanding of plans overdue by first to last days."""
    today = clock.today()
    clause = PaymentPlan.due_on < today if first == 0 else PaymentPlan.due_on <= today - dt.timedelta(first)
    if last is not None:
        clause = and_(clause, PaymentPlan.due_on >= today - dt.timedelta(last))
    return func.coalesce(func.sum(case((clause, OPEN), else_=0)), 0)


def _sums():
    today = clock.today()
    return [func.count().label("n"), func.coalesce(func.sum(OPEN), 0).label("open"),
            func.coalesce(func.sum(case((PaymentPlan.due_on >= today, OPEN), else_=0)), 0).label("coming"),
            *(_aged(*bucket).label(f"aged{n}") for n, bucket in enumerate(BUCKETS))]


GROUPS = {"customer": (PaymentPlan.customer_id, Customer, Customer.name), "contract": (PaymentPlan.contract_id, Contract, Contract.number),
          "owner": (PaymentPlan.owner_id, Employee, Employee.name)}


def by(session, group: str, limit: int = 100) -> list[dict]:
    """Outstanding plans by customer, contract or person: {id, name, n, open, coming, aged0…aged3}, the largest first."""
    key, model, name = GROUPS[group]
    wanted = select(key.label("id"), *_sums()).where(open_plans()).group_by(key).order_by(func.sum(OPEN).desc()).limit(limit)
    rows = [dict(r._mapping) for r in session.execute(wanted)]
    known = select(model.id, name).where(model.id.in_([r["id"] for r in rows])).execution_options(everyone=True)
    names = dict(session.execute(known).all())
    return [{**{k: int(v) for k, v in r.items() if k != "id"}, "id": r["id"], "name": names.get(r["id"], "—")} for r in rows]


def total(session) -> dict[str, int]:
    """The same over everything that the person sees, and what valid contracts lack in all (planned or not)."""
    found = {k: int(v) for k, v in session.execute(select(*_sums()).where(open_plans())).one()._mapping.items()}
    found["contracts"] = int(session.scalar(select(func.coalesce(func.sum(Contract.amount - Contract.received), 0)).where(is_valid())))
    return found


def expected(session, weeks: int = 4, months: int = 6) -> list[dict]:
    """Cash that is planned: the coming weeks, then the coming months: {label, first, last, n, open} in fen."""
    today = clock.today()
    monday = today - dt.timedelta(today.weekday())
    spans = [("week", monday + dt.timedelta(7 * n), monday + dt.timedelta(7 * n + 6)) for n in range(weeks)]
    for n in range(months):
        at = today.year * 12 + today.month - 1 + n
        first = dt.date(at // 12, at % 12 + 1, 1)
        spans.append(("month", first, dt.date((at + 1) // 12, (at + 1) % 12 + 1, 1) - dt.timedelta(1)))
    by_day = session.execute(select(PaymentPlan.due_on, func.count(), func.sum(OPEN)).where(open_plans(), PaymentPlan.due_on.between(
        min(first for _kind, first, _last in spans), max(last for _kind, _first, last in spans))).group_by(PaymentPlan.due_on)).all()
    found = []
    for kind, first, last in spans:
        within = [(n, left) for day, n, left in by_day if first <= day <= last]
        found.append({"kind": kind, "first": first, "last": last, "n": sum(n for n, _left in within),
                      "open": int(sum(left for _n, left in within))})
    return found


def received_between(session, first, last) -> int:
    """Fen received from the first to the last day by payments that count."""
    return int(session.scalar(select(func.coalesce(func.sum(Payment.amount), 0)).where(
        counted(Payment.__table__), Payment.paid_on.between(first, last))))

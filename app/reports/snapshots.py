"""At a month's turn its reports are kept as they were: later changes do not touch them (peers 2.12)."""
import datetime as dt
from functools import partial

from sqlalchemy import delete, func, insert, select

from app.contracts.models import Contract
from app.core import clock, jobs, schedule
from app.core.describe import describe
from app.customers.models import Customer

from . import products
from .figures import RANKED, REPORTS, STEPS, Asked, _figures, came, labels, within
from .models import Snapshot


def _turn(session, moment: dt.datetime) -> dt.datetime:
    """Ten past midnight of the office's first of a month, after a moment (naive UTC)."""
    day = clock.to_office(moment - dt.timedelta(minutes=10)).date()
    return clock.day_start(dt.date(day.year + day.month // 12, day.month % 12 + 1, 1)) + dt.timedelta(minutes=10)


@schedule.entry("report snapshot", _turn)
def enqueue(session) -> None:
    """The month that has just ended."""
    last = clock.today().replace(day=1) - dt.timedelta(1)
    jobs.enqueue(session, "snapshot", {"month": f"{last:%Y-%m}"})


@jobs.kind("snapshot")
def _job(job, session, progress):
    return {"rows": take(session, job.params["month"], progress)}


def take(session, month: str, progress=None) -> int:
    """Keep every report of a month, by owner; a second time replaces the first. Returns the number of rows."""
    first = dt.date(int(month[:4]), int(month[5:]), 1)
    last = dt.date(first.year + first.month // 12, first.month % 12 + 1, 1) - dt.timedelta(1)
    session.execute(delete(Snapshot.__table__).where(Snapshot.__table__.c.month == month))
    made, asked, span = 0, _parts(), f"{first}~{last}"
    for n, (report, name, read_) in enumerate(asked, 1):
        rows = read_(session, span)
        if rows:
            session.execute(insert(Snapshot.__table__), [
                {"month": month, "report": report, "field": name, "taken_at": clock.now(), **row} for row in rows])
        made += len(rows)
        if progress:
            progress(n, len(asked))
    return made


def _parts() -> list[tuple]:
    """(report, field, function(session, period) -> rows) of all that is kept."""
    return [*((report.key, name, partial(_rows, report, name)) for report in REPORTS.values() for name in report.names),
            *(("ranking", report.key, partial(_rows, report, "owner")) for report in RANKED),
            *(("products", group, partial(_sold, group)) for group in products.GROUPS), ("conversion", "step", _came)]


def _sold(group, session, span) -> list[dict]:
    found = session.execute(products.sold(group, Contract.owner_id).where(*Asked(span).clauses(REPORTS["contracts"]))).all()
    named = products.names(session, group, [row[0] for row in found])
    return [{"value": value and str(value), "label": named.get(value, "—")[:255], "owner_id": who or 0, "n": n, "amount": int(fen)}
            for value, who, n, _quantity, fen in found]


def _came(session, span) -> list[dict]:
    found = session.execute(select(Customer.owner_id, *came()).select_from(Customer).where(
        *Asked(span).clauses(REPORTS["customers"])).group_by(Customer.owner_id))
    return [{"value": step, "label": step, "owner_id": row.owner_id or 0, "n": row._mapping[step], "amount": 0}
            for row in found for step, _label in STEPS]


def _rows(report, name, session, span) -> list[dict]:
    one = describe(report.model)[name]
    value = func.nullif(one.attribute, "") if one.kind in ("text", "choice") else one.attribute
    owner = report.model.owner_id
    found = session.execute(select(value, owner, *_figures(report)).select_from(report.model).where(
        report.clause(), within(report, span)).group_by(value, owner)).all()
    names = labels(session, one, [row[0] for row in found])
    return [{"value": None if v is None else str(v)[:255], "label": str(names.get(v, v) or "—")[:255], "owner_id": who or 0, "n": n,
             "amount": int(amount)} for v, who, n, amount in found]


def months(session) -> list[str]:
    """The months that are kept, the newest first."""
    return list(session.scalars(select(Snapshot.month).distinct().order_by(Snapshot.month.desc())))


def read(session, month: str, report: str, people) -> dict[str, list[dict]]:
    """{field: [{value, label, n, amount}]} of a kept month over some people (None: everybody), the largest first."""
    wanted = select(Snapshot.field, Snapshot.value, Snapshot.label, func.sum(Snapshot.n), func.sum(Snapshot.amount)).where(
        Snapshot.month == month, Snapshot.report == report).group_by(Snapshot.field, Snapshot.value, Snapshot.label)
    if people is not None:
        wanted = wanted.where(Snapshot.owner_id.in_(sorted(people)))
    found: dict = {}
    for name, value, label, n, amount in session.execute(wanted):
        found.setdefault(name, []).append({"value": value, "label": label, "n": int(n), "amount": int(amount)})
    return {name: sorted(rows, key=lambda r: (-r["amount"], -r["n"], r["label"])) for name, rows in found.items()}

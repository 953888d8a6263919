"""The reports: counts and sums of one list by one field, out of SQL; each row opens exactly the rows of that list (product.md, the
"Reports" lines of every chapter)."""
import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

from sqlalchemy import func, select

from app.contracts.models import Contract
from app.contracts.rules import is_valid
from app.core import choices, clock
from app.core.describe import describe, target_model
from app.core.words import _, _l
from app.customers.models import Customer, Followup
from app.expenses.models import Expense
from app.expenses.rules import counts as expense_counts
from app.opportunities.models import Opportunity
from app.payments.models import Payment, counted
from app.targets.models import Credit
from app.views import cells, conditions

TOP = 12


@dataclass(frozen=True)
class Report:
    """A list that is counted: by its fields `groups`, within a period of `day`. `clause` is what counts, `quick` the list's named
    filter of the same meaning; `amount` is summed too."""

    key: str
    label: object
    model: type
    day: str
    groups: str
    amount: object = None
    clause: Callable = field(default=lambda: Customer.id.is_not(None))
    quick: str = "all"

    @property
    def entity(self) -> str:
        """Whose list it is and whose right it asks."""
        return self.model.__tablename__.replace("_", "")

    @property
    def names(self) -> list[str]:
        """The fields it is counted by."""
        return self.groups.split()

    @property
    def moment(self):
        """The attribute of the period."""
        return getattr(self.model, self.day)


def _all(model):
    return lambda: model.id.is_not(None)


REPORTS = {r.key: r for r in (
    Report("customers", _l("Customers"), Customer, "created_at", "level status source industry region owner", clause=_all(Customer)),
    Report("followups", _l("Follow-ups"), Followup, "happened_at", "method owner", clause=_all(Followup)),
    Report("opportunities", _l("Sales opportunities"), Opportunity, "created_at", "stage source kind owner loss_reason", Opportunity.amount,
           _all(Opportunity)),
    Report("contracts", _l("Contracts and orders"), Contract, "signed_on", "owner customer kind state", Contract.amount, is_valid, "valid"),
    Report("payments", _l("Payments"), Payment, "paid_on", "owner customer method kind", Payment.amount,
           lambda: counted(Payment.__table__), "counted"),
    Report("expenses", _l("Expenses"), Expense, "spent_on", "kind owner customer", Expense.amount, expense_counts, "counted"))}


@dataclass(frozen=True)
class Asked:
    """What a page asks for: a period ('' = all), whose rows ('' = all that the person sees), the people of that circle."""

    period: str = ""
    whose: str = ""
    people: frozenset | None = None

    def clauses(self, report: Report) -> list:
        """The WHERE of a report."""
        found = [report.clause()]
        if self.period:
            found.append(within(report, self.period))
        if self.whose and self.people is not None:
            found.append(report.model.owner_id.in_(sorted(self.people)))
        return found

    def link(self, report: Report, **more) -> str:
        """The list of a report, narrowed the same way."""
        args = {"quick": report.quick, **({report.day: self.period} if self.period else {}), **more}
        if self.whose:
            args["owner" if self.whose.isdecimal() else "whose"] = args.get("owner", self.whose) if self.whose.isdecimal() else self.whose
        return f"/{report.entity}/list/?" + urlencode(args)


def within(report: Report, period: str):
    """The clause "in this period"; ValueError for one that is none."""
    return conditions.within(report.moment, describe(report.model)[report.day].kind, period)


def _figures(report: Report) -> list:
    amount = report.amount if report.amount is not None else None
    return [func.count(), func.coalesce(func.sum(amount), 0)] if amount is not None else [func.count(), func.count() * 0]


def total(session, report: Report, asked: Asked) -> tuple[int, int]:
    """(number, fen) of a report."""
    n, amount = session.execute(select(*_figures(report)).select_from(report.model).where(*asked.clauses(report))).one()
    return n, int(amount)


def spread(session, report: Report, name: str, asked: Asked, limit: int | None = TOP) -> list[dict]:
    """Rows by the values of a field, the largest first: {label, value, n, amount, url}."""
    one = describe(report.model)[name]
    value = func.nullif(one.attribute, "") if one.kind in ("text", "choice") else one.attribute
    first, second = _figures(report)
    order = second if report.amount is not None else first
    wanted = select(value, first, second).select_from(report.model).where(*asked.clauses(report)).group_by(value).order_by(
        order.desc(), first.desc(), value)
    rows = session.execute(wanted.limit(limit) if limit else wanted).all()
    names = labels(session, one, [row[0] for row in rows])
    return [{"label": names.get(found, found) or "—", "value": found, "n": n, "amount": int(amount),
             "url": asked.link(report, **{name: condition(one, found)})} for found, n, amount in rows]


def condition(one, value) -> str:
    """What the list's condition takes for a value."""
    if value is None or value == "":
        return "="
    return f"={value}" if one.kind == "text" else str(value)


def labels(session, one, values) -> dict:
    """What the values of a field are called."""
    if one.kind == "choice":
        return {v: choices.label(session, cells.list_of(one), v, english=cells.english()) for v in values}
    if one.kind == "ref" and one.target == "ab_user":
        return cells.people()
    if one.kind == "ref":
        model, ids = target_model(one), [v for v in values if v]
        # names of the customers of visible rows
        return {row.id: str(row) for row in session.scalars(select(model).where(model.id.in_(ids)).execution_options(everyone=True))}
    return {}


def months(session, report: Report, asked: Asked, many: int = 12) -> list[dict]:
    """The last months, the oldest first: {label 'yyyy-mm', n, amount, url}; the period is not asked, whose is."""
    found, plain = [], Asked("", asked.whose, asked.people)
    firsts = [conditions.month(clock.today(), shift) for shift in range(1 - many, 2)]
    for first, after in zip(firsts, firsts[1:], strict=False):
        span = f"{first}~{after - dt.timedelta(1)}"
        here = Asked(span, plain.whose, plain.people)
        n, amount = total(session, report, here)
        found.append({"label": f"{first:%Y-%m}", "value": span, "n": n, "amount": amount, "url": here.link(report)})
    return found


# ---- conversion -----------------------------------------------------------------------------------------------
STEPS = [("made", _l("New customers")), ("followed", _l("Followed up")), ("deal", _l("With an opportunity")),
         ("quoted", _l("With a quote")), ("won", _l("Signed"))]


def reached(step: str):
    """The clause "this customer came so far"; ValueError for an unknown step."""
    from app.quotes.models import Quote
    if step not in dict(STEPS):
        raise ValueError(step)
    of = {"followed": Followup, "deal": Opportunity, "quoted": Quote, "won": Contract}.get(step)
    if of is None:
        return Customer.id.is_not(None)
    valid = [is_valid()] if of is Contract else []
    # what hangs on a customer that is seen counts, whoever wrote it
    return select(of.id).where(of.customer_id == Customer.id, of.deleted_at.is_(None), *valid).exists()


def came() -> list:
    """How many customers came how far, a column a step."""
    return [func.count().filter(reached(step)).label(step) for step, _label in STEPS]


def conversion(session, asked: Asked) -> list[dict]:
    """The customers made in the period, and how many of them came how far: {label, n, rate of the first, url}."""
    report = REPORTS["customers"]
    counted = session.execute(select(*came()).select_from(Customer).where(*asked.clauses(report))).one()._mapping
    return [{**row, "url": asked.link(report, reached=row["value"])} for row in steps(counted)]


def steps(counted) -> list[dict]:
    """{label, value, n, rate of the first} of the steps, out of {step: number}."""
    whole = counted.get("made", 0)
    return [{"label": str(label), "value": step, "n": counted.get(step, 0), "amount": 0,
             "rate": round(100 * counted.get(step, 0) / whole) if whole else None} for step, label in STEPS]


# ---- ranking --------------------------------------------------------------------------------------------------
RANKED = (*(Report(kind, label, Credit, "day", "owner", Credit.amount, partial(Credit.kind.__eq__, kind), kind)
            for kind, label in (("signed", _l("Signing")), ("received", _l("Receipt")))),
          *(REPORTS[key] for key in ("customers", "followups", "opportunities")))


def ranking(session, asked: Asked) -> list[dict]:
    """People by what they signed, each his part of what several share: {id, label, cells {report: {n, amount, url}}}."""
    return lined_up({report.key: spread(session, report, "owner", asked, None) for report in RANKED})


def lined_up(found: dict) -> list[dict]:
    """The same out of {report: its rows by person}."""
    people: dict = {}
    for key, rows in found.items():
        for row in rows:
            people.setdefault(row["value"], {"id": row["value"], "label": row["label"], "cells": {}})["cells"][key] = row
    return sorted(people.values(), key=lambda p: tuple(-(p["cells"].get(k) or {"amount": 0})["amount"] for k in ("signed", "received")))


def spent_share(session, asked: Asked) -> dict:
    """Expenses against contracts and money of the period: {spent, signed, received, share %, profit} in fen (product.md 4.8)."""
    sums = {key: total(session, REPORTS[key], asked)[1] for key in ("expenses", "contracts", "payments")}
    return {**sums, "share": round(100 * sums["expenses"] / sums["contracts"], 1) if sums["contracts"] else None,
            "profit": sums["payments"] - sums["expenses"]}


def caption(report: Report, name: str) -> str:
    """Customers by level."""
    return _("%(what)s by %(field)s", what=report.label, field=describe(report.model)[name].label)



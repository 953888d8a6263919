"""The figures of the work desktop. What is counted by month comes from kept figures (core.tally), so that it costs the same over
ten customers and over a million; each figure names the list whose total it equals."""
import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.contracts.models import Contract
from app.core import clock, periods, scope, tally
from app.core.words import _l
from app.customers import rules as customers
from app.customers.models import Customer
from app.opportunities.rules import stages
from app.payments.models import Payment, PaymentPlan
from app.payments.rules import open_plans
from app.targets import figures, pace
from app.targets.models import KINDS, Credit
from app.views.conditions import month


@dataclass
class Circle:
    """Whose figures are asked for: `key` of the address, `people` (None: everybody), the part of a list's address that says so."""

    key: str
    people: frozenset | None
    query: dict = field(default_factory=dict)

    def link(self, entity: str, **args) -> str:
        """The list of an entity narrowed to this circle."""
        return f"/{entity}/list/?" + urlencode({"quick": "all", **args, **self.query})


def circle(who, key: str) -> Circle:
    """A circle of a person by its name, a department or a colleague's id; KeyError beyond his reach."""
    return Circle(key, who.circle(key), {"owner": key} if key.isdecimal() else {"whose": key})


@dataclass(frozen=True)
class Measure:
    """What brief and ranking count: the number or (`money`) the sum of the kept figure `kind`, and the list that equals it: `entity`
    within the period by `day`, under `args`."""

    key: str
    label: object
    kind: str
    entity: str
    day: str
    args: tuple = ()
    money: bool = False

    def link(self, around: Circle, first: dt.date, last: dt.date) -> str:
        """The list of a circle's rows in a period."""
        return around.link(self.entity, **dict(self.args), **{self.day: f"{first}~{last}"})

    def of(self, found: tuple) -> int:
        """The figure out of (n, amount, more)."""
        return found[1] if self.money else found[0]


MEASURES = {m.key: m for m in (
    Measure("customers", _l("New customers"), "customers", "customer", "created_at"),
    Measure("contacts", _l("New contacts"), "contacts", "contact", "created_at"),
    Measure("opportunities", _l("New opportunities"), "opportunities", "opportunity", "created_at"),
    Measure("contracts", _l("New contracts"), "contracts", "contract", "signed_on", (("quick", "valid"),)),
    Measure("signed", _l("Contract amount"), "signed", "credit", "day", (("kind", "signed"),), True),
    Measure("expected", _l("Amount of opportunities"), "opportunities", "opportunity", "created_at", (), True),
    Measure("received", _l("Received amount"), "received", "credit", "day", (("kind", "received"),), True),
    Measure("followups", _l("New follow-ups"), "followups", "followup", "happened_at"))}
RANKED = [MEASURES[key] for key in ("signed", "received", "contracts", "customers", "contacts", "followups")]
COUNTED = sorted({m.kind for m in MEASURES.values()})


def owned(model, people) -> list:
    """The clause "belongs to these people", said on top of the scope so that an index serves: of one person his own, of several
    the one that holds the order (their rows are close to its end; gathering all of them to sort would grow with the table)."""
    if people is None:
        return []
    return [model.owner_id == min(people)] if len(people) == 1 else [func.coalesce(model.owner_id, 0).in_(sorted(people))]


class Sum(NamedTuple):
    """What some kept cells add up to."""

    n: int = 0
    amount: int = 0
    more: int = 0


def added(sums) -> Sum:
    """Several together."""
    return Sum(*map(sum, zip(*sums, strict=True))) if (sums := list(sums)) else Sum()


class Board:
    """The kept figures and targets of a circle, read in two statements and asked many times."""

    def __init__(self, session, around: Circle, period: str):
        self.session, self.circle, self.today = session, around, clock.today()
        self.period = figures.around(self.today, period)
        self.former = periods.compared(f"this_{period}", self.today)
        self.first = min(tally.month_of(self.former[0]), f"{month(self.today, -11):%Y-%m}")
        (first, last), self.whole = self.former, []  # of the former period: whole months from the cells, days from their rows
        while (after := month(first, 1)) <= last + dt.timedelta(1):
            self.whole.append(f"{first:%Y-%m}")
            first = after
        kinds, days = (*COUNTED, "deals", "due", "won", "lost"), (COUNTED, first, last) if first <= last else ()
        self.cells = {key: Sum(*v) for key, v in tally.read(session, kinds, around.people, days=days).items()
                      if key[0] in ("deals", "due") or key[1] >= self.first}
        self.goals = figures.goals(session, around.people, self.first, f"{self.today.year}-12")
        self.done = {k: 100 * v.n if k[0] == "customers" else v.amount for k, v in self.cells.items() if k[0] in KINDS}

    def figure(self, kind: str, period=None) -> figures.Figure:
        """Target and result of a kind in a period."""
        return figures.add_up(self.session, self.goals, self.done, kind, period or self.period)

    def total(self, kind: str, months) -> Sum:
        """The cells of some months."""
        return added(self.cells.get((kind, slot), Sum()) for slot in months)

    @cached_property
    def before(self) -> dict[str, Sum]:
        """What the former period had brought by the same day."""
        return {kind: added([self.total(kind, self.whole), self.cells.get((kind, tally.DAYS), Sum())]) for kind in COUNTED}

    def keys(self) -> list[dict]:
        """签单额, 回款额, 新增客户: result, target, pace, what the former period had by the same day, and the list that equals it."""
        return [{"kind": kind, "figure": self.figure(kind), "url": MEASURES[kind].link(self.circle, self.period.first, self.period.last),
                 "before": 100 * self.before[kind].n if kind == "customers" else self.before[kind].amount} for kind in KINDS]

    def brief(self, who) -> list[dict]:
        """销售简报: what is new in the period, what the former one had by the same day, the list that it equals."""
        return [{"measure": m, "value": m.of(self.total(m.kind, self.period.months)), "before": m.of(self.before[m.kind]),
                 "url": m.link(self.circle, self.period.first, self.period.last)} for m in MEASURES.values() if who.may(m.entity, "read")]

    def pipeline(self) -> dict:
        """在谈机会: number, amount and weighted amount of the open deals, by stage in order."""
        way = [s for s in stages(self.session).values() if s.kind == "open"]
        rows = [{"stage": s, "sum": self.cells.get(("deals", s.code), Sum()),
                 "url": self.circle.link("opportunity", quick="open", stage=s.code)} for s in way]
        whole = [r["sum"] for r in rows]
        won, lost = (self.total(kind, self.period.months) for kind in ("won", "lost"))
        days = f"{self.period.first}~{self.period.last}"
        ends = {kind: self.circle.link("opportunity", quick=kind, closed_on=days) for kind in ("won", "lost")}
        return {"rows": rows, "n": sum(s.n for s in whole), "amount": sum(s.amount for s in whole), "weighted": sum(s.more for s in whole),
                "url": self.circle.link("opportunity", quick="open"), "won": won, "lost": lost, "ends": ends,
                "rate": round(100 * won.n / (won.n + lost.n)) if won.n + lost.n else None, "top": max((s.n for s in whole), default=0)}

    def overdue(self) -> dict:
        """应收逾期: whole months from the kept cells, this month's days and the oldest day from their index."""
        this = f"{self.today:%Y-%m}"
        past = {slot: s for (kind, slot), s in sorted(self.cells.items()) if kind == "due" and slot < this and s.n}
        rule = [open_plans(), *owned(PaymentPlan, self.circle.people)]
        left = func.coalesce(func.sum(PaymentPlan.amount - PaymentPlan.received), 0)
        first = figures.Period("", (min(past, default=this),))
        oldest = select(func.min(PaymentPlan.due_on)).where(
            *rule, PaymentPlan.due_on.between(first.first, first.last), PaymentPlan.due_on < self.today).correlate(None)
        n, amount, day = self.session.execute(select(func.count(), left, oldest.scalar_subquery()).select_from(PaymentPlan).where(
            *rule, PaymentPlan.due_on >= self.today.replace(day=1), PaymentPlan.due_on < self.today)).one()
        ages = [sum(s.amount for slot, s in past.items() if slot < f"{month(self.today, -2):%Y-%m}"),
                *(past.get(f"{month(self.today, shift):%Y-%m}", Sum()).amount for shift in (-2, -1)), int(amount)]
        return {"n": n + sum(s.n for s in past.values()), "amount": sum(ages), "ages": ages,
                "days": (self.today - day).days if day else 0, "url": self.circle.link("paymentplan", quick="late")}

    def trend(self) -> dict:
        """Signed and received of the last twelve months with the target's steps, by month and by quarter, in ten thousand yuan."""
        months = [month(self.today, shift) for shift in range(-11, 1)]
        quarters = sorted({figures.around(m, "quarter").months for m in months})
        by_month = [(f"{m.month}月", (f"{m:%Y-%m}",)) for m in months]
        by_quarter = [(f"{q[0][:4]} Q{int(q[0][5:]) // 3 + 1}", q) for q in quarters]
        return {"month": self._set(by_month), "quarter": self._set(by_quarter)}

    def _set(self, spans):
        def wan(fen):
            return round(fen / 1_000_000, 2)
        columns = [{"name": kind, "type": "bar", "data": [{
            "value": wan(sum(self.done.get((kind, slot), 0) for slot in slots)),
            "url": self.circle.link("credit", kind=kind, day=f"{figures.Period('', slots).first}~{figures.Period('', slots).last}")}
            for _label, slots in spans]} for kind in ("signed", "received")]
        aims = [sum((self.goals.get(("signed", slot)) or (0, 0, 0))[2] or 0 for slot in slots) for _label, slots in spans]
        steps = [{"name": "target", "type": "line", "step": True, "data": [{"value": wan(aim)} for aim in aims]}] if any(aims) else []
        return {"labels": [label for label, _slots in spans], "series": [*columns, *steps]}


# ---- lists of the cards ---------------------------------------------------------------------------------------
def near_payments(session, around: Circle, limit: int = 7) -> list[PaymentPlan]:
    """Overdue terms and those of the next seven days, the oldest first."""
    until = clock.today() + dt.timedelta(7)
    wanted = select(PaymentPlan).where(open_plans(), PaymentPlan.due_on <= until, *owned(PaymentPlan, around.people))
    return list(session.scalars(wanted.order_by(PaymentPlan.due_on, PaymentPlan.id).limit(limit).options(
        joinedload(PaymentPlan.customer).load_only(Customer.name))))


def recent(session, around: Circle, kind: str, limit: int = 7) -> list[Credit]:
    """The newest signings or receipts of a circle: 近期订单, 近期到账."""
    wanted = select(Credit).where(Credit.kind == kind, *owned(Credit, around.people)).order_by(Credit.day.desc(), Credit.id.desc())
    return list(session.scalars(wanted.limit(limit).options(
        joinedload(Credit.customer).load_only(Customer.name),
        joinedload(Credit.contract).load_only(Contract.name, Contract.number, Contract.amount, Contract.received, Contract.state),
        joinedload(Credit.payment).load_only(Payment.number))))


def ranking(session, who, around: Circle, period) -> list[tuple]:
    """(measure, [{id, value, rate, url}]) of the people of a circle, the best first; two statements."""
    first, last = period.months[0], period.months[-1]
    cells = tally.read(session, [m.kind for m in RANKED], around.people, first, last, "owner")
    aims, found = figures.goals(session, around.people, first, last, "owner"), []
    for m in (m for m in RANKED if who.may(m.entity, "read")):
        values = [(owner, m.of(sums)) for (kind, owner), sums in cells.items() if kind == m.kind and owner and m.of(sums)]
        best = sorted(values, key=lambda one: -one[1])[:8]
        found.append((m, [{"id": owner, "value": value, "rate": _rate(aims.get((m.key, owner)), value if m.money else 100 * value),
                           "url": m.link(Circle("", None, {"owner": owner}), period.first, period.last)} for owner, value in best]))
    return found


def _rate(aim, done: int) -> int | None:
    """Percent of the goal of (own, assigned, goal), where there is one."""
    return round(100 * done / aim[2]) if aim and aim[2] else None


def idle_clauses(session, who, people) -> list[tuple]:
    """(key, model, clauses) of the customers that nobody called for so many days, for `today.Today.totals`."""
    reach = scope.reach_of(Customer, who)
    return [(f"idle{step}", Customer, [customers.idle(days), Customer.deleted_at.is_(None), *owned(
        Customer, people if reach is None or people is not None else reach)]) for step, days in customers.idle_days(session).items()]


def forgotten(session, around: Circle, limit: int = 5) -> list[Customer]:
    """The customers that wait longest for a call."""
    since = func.coalesce(Customer.last_follow_at, Customer.created_at)
    wanted = select(Customer).where(customers.idle(min(customers.idle_days(session).values())), *owned(Customer, around.people))
    return list(session.scalars(wanted.order_by(since, Customer.id).limit(limit)))


def remaining(session, today: dt.date) -> int:
    """Working days of this month that are left, today among them."""
    this = figures.around(today, "month")
    return pace.left(session, this.first, this.last, today)

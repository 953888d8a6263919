"""What to do today, over everything that asks for a hand: one ranked list, and the true total of each source (peers: work desk).

A source is a named filter of a list, so that its total and the list that it opens cannot differ.
"""
import datetime as dt
from collections import Counter

from sqlalchemy import Date, DateTime, String, case, cast, extract, func, literal, null, select, union_all

from app.approvals import rules as approvals
from app.approvals.models import Approval
from app.contracts import rules as contracts
from app.contracts.models import Contract
from app.core import clock, parameters, scope
from app.core.today import SOURCES, Source, keep
from app.core.words import _, _l
from app.customers import rules as customers
from app.customers.models import Contact, Customer
from app.opportunities import rules as deals
from app.opportunities.models import Opportunity
from app.payments import rules as payments
from app.payments.models import PaymentPlan
from app.quotes import rules as quotes
from app.quotes.models import Quote
from app.tasks import rules as tasks
from app.tasks.models import Task
from app.views.listing import CAP

EACH, ROWS = 8, 16
NUMBER, AMOUNT = Opportunity.id.type, Opportunity.amount.type


def _tasks(clause):
    return lambda session, who, mine: tasks.mine(who) & clause() if mine else clause()


def _plain(rule):
    return lambda session, who, mine: rule(who)


def _checked(clause):
    """A clause that no index shall serve: the rows come in the order of the due date, and the first that meet it are enough."""
    return case((clause, 1), else_=0) == 1


def _ending(session, who, mine):
    first, days = clock.today(), parameters.get(session, "contract.warn_days")
    return Contract.ends_on.between(first, first + dt.timedelta(days)) & _checked(contracts.ending(days))


_plan = {"model": PaymentPlan, "due": PaymentPlan.due_on, "title": cast(PaymentPlan.term, String), "page": "/paymentplan/show/{}",
         "detail": PaymentPlan.amount - PaymentPlan.received, "customer": PaymentPlan.customer_id, "does": "pay follow",
         "says": lambda term: _("Collect term %(n)s", n=term)}
_task = {"model": Task, "title": Task.title, "page": "/task/show/{}", "customer": Task.customer_id, "does": "finish later"}
_call = {"model": Customer, "due": Customer.next_follow_at, "title": Customer.name, "page": "/customer/show/{}", "customer": Customer.id,
         "detail": Customer.last_follow_text, "does": "follow later", "says": lambda name: _("Contact %(name)s", name=name)}
keep(
    Source(10, "approval", _l("Waiting for my approval"), Approval, ("mine", "mine"), _plain(approvals.waiting_for_me), Approval.created_at,
           Approval.title, "/approval/show/{}", lambda name: _("Approve: %(name)s", name=name), Approval.amount, does="open", tone="b",
           owned=False),
    Source(20, "late", _l("Overdue tasks"), quick=("late", "all_late"), rule=_tasks(tasks.is_late), due=Task.ends_at, tone="r", **_task),
    Source(30, "plan", _l("Overdue payments"), quick=("late", "late"), rule=_plain(payments.late), tone="r", **_plan),
    Source(40, "call", _l("Overdue calls"), quick=("overdue", "overdue"), rule=_plain(customers.overdue), tone="r", **_call),
    Source(50, "task", _l("Tasks of today"), quick=("due", "all_due"), rule=_tasks(tasks.due_today), due=Task.starts_at, tone="b", **_task),
    Source(60, "today", _l("Calls of today"), quick=("later", "later"), rule=_plain(customers.later_today), tone="b", **_call),
    Source(70, "soon", _l("Payments due in 3 days"), quick=("soon", "soon"), rule=_plain(payments.soon), **_plan),
    Source(80, "quote", _l("Quotes expiring"), Quote, ("expiring", "expiring"), _plain(quotes.expiring), Quote.valid_until, Quote.name,
           "/quote/show/{}", lambda name: _("Quote expires: %(name)s", name=name), Quote.amount, Quote.customer_id),
    Source(90, "contract", _l("Contracts ending"), Contract, ("ending", "ending"), _ending, Contract.ends_on,
           Contract.name, "/contract/show/{}", lambda name: _("Contract ends: %(name)s", name=name), Contract.amount, Contract.customer_id),
    Source(100, "deal", _l("Deals stuck"), Opportunity, ("stuck", "stuck"), lambda s, who, mine: deals.is_open() & _checked(deals.slow(s)),
           Opportunity.staged_at, Opportunity.name, "/opportunity/show/{}", lambda name: _("Move on: %(name)s", name=name),
           Opportunity.amount, Opportunity.customer_id),
    Source(110, "birthday", _l("Birthdays this month"), Contact, ("birthday", "birthday"), _plain(customers.contact_birthday),
           Contact.birthday, Contact.name, "/contact/show/{}", lambda name: _("Birthday: %(name)s", name=name),
           customer=Contact.customer_id, tone="v", wide=False))
SINCE = ("deal", "approval")  # their date is when it began, not when it is due


def _clauses(session, source: Source, who, people) -> list:
    mine = people == {who.id}
    found = [source.rule(session, who, mine), source.model.deleted_at.is_(None)]
    if source.owned and not (mine and source.model is Task):
        reach = scope.reach_of(source.model, who)
        wanted = people if reach is None else reach if people is None else people & reach
        if wanted is not None:
            found.append(source.model.owner_id.in_(sorted(wanted)))
    return found


def _typed(column, kind):
    """A column where it has this type, else an empty one: parts of a union need the same types."""
    fits = column is not None and (kind is None or isinstance(column.type, kind))
    return column if fits else cast(null(), kind() if kind else NUMBER)


def _part(source: Source, clauses):
    """The first rows of a source as columns that all sources share."""
    upcoming, order, amount = [], source.due, source.detail
    if source.key == "birthday":
        order = extract("day", source.due)
        upcoming = [order >= clock.today().day]
    text = _typed(source.detail, String)
    amount = cast(null(), AMOUNT) if source.detail is None or isinstance(source.detail.type, String) else cast(source.detail, AMOUNT)
    first = select(
        literal(source.key).label("source"), source.model.id.label("id"), cast(source.title, String).label("title"), text.label("text"),
        amount.label("amount"), _typed(source.due, Date).label("day"), _typed(source.due, DateTime).label("moment"),
        _typed(source.customer, None).label("customer_id"), (source.model.owner_id if source.owned else cast(null(), NUMBER)).label(
            "owner_id")).where(
        *clauses, *upcoming).order_by(order, source.model.id).limit(EACH).subquery()
    return select(first)


class Today:
    """What asks for a hand today over a circle: `people`, None is everybody. `sources` are those that the person may see."""

    def __init__(self, session, who, people):
        self.session, self.people = session, people
        self.sources = [s for s in SOURCES if who.may(s.entity, "read") and (s.wide or people is not None)]
        self.clauses = {s.key: _clauses(session, s, who, people) for s in self.sources}

    @property
    def cap(self) -> int:
        """Up to where totals are counted: "10,000+", over the whole company "1,000+", so that the cost does not grow with the table."""
        return 1_001 if self.people is None else CAP

    def rows(self) -> list[dict]:
        """The ranked rows: two statements, whatever the number of sources."""
        if not self.sources:
            return []
        parts = union_all(*(_part(s, self.clauses[s.key]) for s in self.sources)).subquery()
        # every part is narrowed to the people above, who lie within the person's reach
        found = [dict(r._mapping) for r in self.session.execute(select(parts).execution_options(everyone=True))]
        rank = {s.key: n for n, s in enumerate(self.sources)}
        found.sort(key=lambda r: (rank[r["source"]], r["day"] or dt.date.min, r["moment"] or dt.datetime.min, r["id"]))
        found = _shared_out(found)
        names = _names(self.session, {r["customer_id"] for r in found} - {None})
        return [_row(r, self.sources[rank[r["source"]]], names) for r in found]

    def totals(self, also=()) -> dict[str, int]:
        """{source: how many, capped} and of each (key, model, clauses) in `also`; one statement."""
        asked = [(s.key, s.model, self.clauses[s.key]) for s in self.sources]
        wanted = [select(func.count()).select_from(select(model.id).where(*clauses).limit(self.cap).subquery()).scalar_subquery().label(key)
                  for key, model, clauses in (*asked, *also)]
        return dict(self.session.execute(select(*wanted)).one()._mapping) if wanted else {}


def _shared_out(found) -> list[dict]:
    """As many rows as there is room for, in their order: each source has its share before one fills the list."""
    share, seen, first, rest = max(2, ROWS // max(1, len({r["source"] for r in found}))), Counter(), [], []
    for at, row in enumerate(found):
        seen[row["source"]] += 1
        (first if seen[row["source"]] <= share else rest).append(at)
    return [found[at] for at in sorted((first + rest)[:ROWS])]


def _names(session, ids) -> dict:
    # customers that stand on rows of one's own
    known = select(Customer.id, Customer.name).where(Customer.id.in_(sorted(ids))).execution_options(everyone=True)
    return dict(session.execute(known).all()) if ids else {}


def _row(r: dict, source: Source, names: dict) -> dict:
    words, late = when(r)
    customer = "" if source.model is Customer else names.get(r["customer_id"], "")
    return {**r, "url": source.page.format(r["id"]), "said": source.says(r["title"]), "customer": customer, "when": words, "late": late,
            "tone": source.tone, "label": str(source.label), "does": source.does.split()}


def when(r: dict) -> tuple[str, bool]:
    """What stands before a row: 逾期3天, 14:00, 明天, 11-28; and whether it is late."""
    day, today = r["day"] or clock.to_office(r["moment"]).date(), clock.today()
    if r["source"] in SINCE:
        return _("%(n)d days", n=(today - day).days), False
    if r["source"] == "birthday":
        return day.strftime("%m-%d"), False
    if r["source"] == "task":  # it has begun, it is not late
        clock_time = clock.to_office(r["moment"]).strftime("%H:%M")
        return _("Today") if day < today or clock_time == "00:00" else clock_time, False
    if day < today:
        return _("%(n)d d late", n=(today - day).days), True
    if day == today and r["moment"]:
        return clock.to_office(r["moment"]).strftime("%H:%M"), r["moment"] < clock.now()
    return _("Today") if day == today else _("Tomorrow") if day == today + dt.timedelta(1) else day.strftime("%m-%d"), False

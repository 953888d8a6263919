"""What stands on the calendar (manual 4.2 日历): tasks and memos without exception, next follow-ups, payment terms, expected closings,
ends of contracts; each kind is a layer with a colour of its own. The number of statements does not depend on what there is."""
import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import and_, or_, select

from app.contracts.models import Contract
from app.contracts.rules import under_way
from app.core import clock
from app.core.scope import Collaborator
from app.core.words import _, _l
from app.customers.models import Customer
from app.opportunities.models import Opportunity
from app.opportunities.rules import is_open
from app.payments.models import PaymentPlan
from app.payments.rules import open_plans
from app.tasks import repeating
from app.tasks import rules as tasks
from app.tasks.models import Task

LAYERS = {  # layer: (label, entity whose right it asks)
    "task": (_l("Tasks"), "task"), "memo": (_l("Memos"), "task"), "handed": (_l("Handed out by me"), "task"),
    "call": (_l("Next follow-ups"), "customer"), "plan": (_l("Planned payments"), "paymentplan"),
    "deal": (_l("Expected closings"), "opportunity"), "contract": (_l("Contract ends"), "contract")}
MOST = 600  # of one kind; more is said, not drawn
CALL = dt.timedelta(minutes=30)  # how long a promised call is drawn
DAY = dt.timedelta(1)


@dataclass(frozen=True)
class Event:
    """One thing on the calendar. `key`: '<entity>-<id>', of an occurrence with '@yyyy-mm-dd'; `start`, `end`: the office's days
    (`end` is the first one after it) when `all_day`, else the office's own time without zone; `moves`: may be dragged, 2 = resized too."""

    key: str
    layer: str
    title: str
    start: dt.datetime | dt.date
    end: dt.datetime | dt.date
    all_day: bool
    url: str
    owner_id: int | None
    customer_id: int | None = None
    customer: str = ""
    moves: int = 0
    done: bool = False
    late: bool = False


def events(session, who, people, first: dt.date, last: dt.date) -> tuple[list[Event], set[str]]:
    """What happens from `first` to `last` (both included) to some people (ids; None: everybody) as far as `who` may see it, in order
    of time; and the entities of which there is more than is told."""
    parts = {"task": _tasks, "customer": _calls, "paymentplan": _plans, "opportunity": _deals, "contract": _ends}
    found, more = [], set()
    for entity, part in parts.items():
        if who.may(entity, "read"):
            made = part(session, who, people, first, last)
            more |= {entity} if len(made) > MOST else set()
            found += made
    names = _names(session, {e.customer_id for e in found} - {None})
    named = [replace(e, customer=names.get(e.customer_id, "")) for e in found]
    return sorted(named, key=lambda e: (e.start.isoformat(), e.key)), more


def _names(session, ids) -> dict:
    # customers that stand on rows which the person sees
    wanted = select(Customer.id, Customer.short_name, Customer.name).where(Customer.id.in_(sorted(ids))).execution_options(everyone=True)
    return {key: short or name for key, short, name in session.execute(wanted)} if ids else {}


def _days(first, last) -> tuple[dt.datetime, dt.datetime]:
    return clock.day_start(first), clock.day_start(last + DAY)


def _rows(session, model, people, rule, order):
    whose = [] if people is None else [model.owner_id.in_(sorted(people))]
    return session.scalars(select(model).where(*rule, *whose).order_by(order, model.id).limit(MOST + 1)).all()


# ---- tasks and memos ------------------------------------------------------------------------------------------
def _of_people(who, people):
    """The clause: one of these people is to do it; on one's own calendar also what one wrote down for others."""
    if people is None:
        return []
    if people == {who.id}:
        return [or_(tasks.mine(who), Task.created_by_id == who.id)]
    c = Collaborator
    shared = select(c.row_id).where(c.entity == "task", c.employee_id.in_(sorted(people)), c.may_write, c.employee_id != Task.created_by_id)
    return [or_(Task.owner_id.in_(sorted(people)), Task.id.in_(shared))]


def _tasks(session, who, people, first, last):
    since, till = _days(first, last)
    whose = _of_people(who, people)
    single = and_(Task.repeat.is_(None), Task.starts_at < till, Task.ends_at >= since)
    rows = session.scalars(select(Task).where(single, *whose).order_by(Task.starts_at, Task.id).limit(MOST + 1)).all()
    going = and_(Task.repeat.is_not(None), Task.state != "done", Task.starts_at < till,
                 or_(Task.repeat_until.is_(None), Task.repeat_until >= first - dt.timedelta(31)))
    series = session.scalars(select(Task).where(going, *whose).order_by(Task.id).limit(MOST)).all()
    found = [_task(who, people, row, vars(row)) for row in rows]
    for row, day in repeating.occurrences(session, series, first - dt.timedelta(31), last):
        times = repeating.times(row, day)
        if times["ends_at"] >= since:
            found.append(_task(who, people, row, times, f"@{day}"))
    return found


def _task(who, people, row, times, on="") -> Event:
    handed = people == {who.id} and row.created_by_id == who.id != row.owner_id
    late = row.kind == "task" and row.state != "done" and times["ends_at"] < clock.now()
    start, end = (times["first_on"], times["last_on"] + DAY) if row.is_all_day else (
        clock.to_office(times["starts_at"]), clock.to_office(times["ends_at"]))
    return Event(f"task-{row.id}{on}", "handed" if handed else row.kind, row.title, start, end, row.is_all_day,
                 f"/task/show/{row.id}{on.replace('@', '?on=')}", row.owner_id, row.customer_id, moves=2 if who.may("task", "edit") else 0,
                 done=row.state == "done", late=late)


# ---- what other modules promise -------------------------------------------------------------------------------
def _calls(session, who, people, first, last):
    since, till = _days(first, last)
    at = Customer.next_follow_at
    moves = int(who.may("customer", "edit"))
    return [_call(row, moves) for row in _rows(session, Customer, people, (at >= since, at < till), at)]


def _call(row, moves) -> Event:
    local = clock.to_office(row.next_follow_at)
    all_day = local.time() == dt.time()  # only a day was promised
    midnight = dt.datetime.combine(local.date() + DAY, dt.time())
    span = (local.date(), local.date() + DAY) if all_day else (local, min(local + CALL, midnight - dt.timedelta(minutes=1)))
    return Event(f"customer-{row.id}", "call", _("Contact %(name)s", name=row.short_name or row.name), *span, all_day,
                 f"/customer/show/{row.id}?tab=timeline", row.owner_id, row.id, moves=moves, late=row.next_follow_at < clock.now())


def _dated(entity, layer, row, day, title, moves) -> Event:
    return Event(f"{entity}-{row.id}", layer, title, day, day + DAY, True, f"/{entity}/show/{row.id}", row.owner_id, row.customer_id,
                 moves=moves, late=day < clock.today())


def _plans(session, who, people, first, last):
    moves = int(who.may("paymentplan", "edit"))
    rows = _rows(session, PaymentPlan, people, (open_plans(), PaymentPlan.due_on.between(first, last)), PaymentPlan.due_on)
    return [_dated("paymentplan", "plan", r, r.due_on, _("Collect term %(n)s", n=r.term or 1), moves) for r in rows]


def _deals(session, who, people, first, last):
    moves = int(who.may("opportunity", "edit"))
    rows = _rows(session, Opportunity, people, (is_open(), Opportunity.closes_on.between(first, last)), Opportunity.closes_on)
    return [_dated("opportunity", "deal", r, r.closes_on, _("Closing: %(name)s", name=r.name), moves) for r in rows]


def _ends(session, who, people, first, last):
    rule = (under_way(), Contract.ends_on.between(first, last))
    rows = _rows(session, Contract, people, rule, Contract.ends_on)
    return [_dated("contract", "contract", r, r.ends_on, _("Contract ends: %(name)s", name=r.name), 0) for r in rows]

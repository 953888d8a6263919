"""What falls due and is told to whom: tasks, follow-ups, payment terms, ends of quotes and contracts, approvals that wait, customers that
soon fall into the pool, birthdays. Looked for again and again, written once (`rules.put`). No Flask, no commit."""
import calendar
import datetime as dt

from sqlalchemy import Date, and_, extract, func, literal, or_, select
from sqlalchemy.orm import selectinload

from app.approvals import rules as approvals
from app.approvals.models import Approval
from app.contracts.models import Contract
from app.contracts.rules import under_way
from app.core import clock, parameters, schedule
from app.core.money import shown
from app.core.spans import days_between
from app.core.words import _
from app.customers.models import Contact, Customer
from app.payments.models import PaymentPlan
from app.payments.rules import MOST_AHEAD, open_plans
from app.pool import rules as pools
from app.quotes.models import Quote
from app.quotes.rules import OPEN, WARN_DAYS
from app.security.people import actor_for, superior_of
from app.tasks import repeating
from app.tasks.models import Task
from app.tasks.team import team_ids

from .rules import one, put

DAY = dt.timedelta(1)
BACK = 2 * DAY  # how late a reminder is still told, after no worker ran
AHEAD = 3  # days before a birthday
WEEKS = 13  # how long an overdue payment term is told, once a week


@schedule.every("notices.find", 1)
def find(session) -> None:
    """Write what has fallen due; what fell due while no worker ran is told late, never twice."""
    now = clock.now()
    for part in (_tasks, _calls, _contacts, _plans, _quotes, _contracts, _approvals):
        put(session, part(session, now))


def _tasks(session, now):
    last = now + BACK  # the earliest reminder comes two days before
    asked = select(Task).where(Task.reminders.is_not(None), Task.state != "done").options(selectinload(Task.helpers))
    single = asked.where(Task.repeat.is_(None), Task.starts_at.between(now - BACK, last))
    begins = [(row, row.starts_at, "") for row in session.scalars(single)]
    series = session.scalars(asked.where(Task.repeat.is_not(None), Task.starts_at <= last)).all()
    first_day, last_day = clock.to_office(now - BACK).date(), clock.to_office(last).date()
    begins += [(row, repeating.times(row, day)["starts_at"], f"?on={day}")
               for row, day in repeating.occurrences(session, series, first_day, last_day)]
    found = []
    for row, starts_at, on in begins:
        due = [m for m in (row.reminders or "").split(",") if m and now - BACK < starts_at - dt.timedelta(minutes=int(m)) <= now]
        told = f"{clock.to_office(starts_at).strftime('%m-%d' if row.is_all_day else '%m-%d %H:%M')} {row.title}"
        occasion = f"{row.id}-{starts_at:%Y%m%d%H%M}"
        found += [one(who, "task", told, f"/task/show/{row.id}{on}", f"{occasion}-{m}") for m in due for who in _team(row)]
    return found


def _team(task) -> set[int]:
    return {key for key in (task.owner_id, *team_ids(task)) if key}


def _promised(session, now, model, kind, page, *names):
    """The follow-ups of customers or contacts whose moment has come."""
    at = model.next_follow_at
    wanted = select(model.id, model.owner_id, at, *names).where(at > now - BACK, at <= now, model.owner_id.is_not(None))
    return [one(owner, kind, _("Contact %(name)s", name=next(n for n in called if n)), page.format(key), f"{key}-{moment:%Y%m%d%H%M}")
            for key, owner, moment, *called in session.execute(wanted.order_by(at))]


def _calls(session, now):
    return _promised(session, now, Customer, "call", "/customer/show/{}?tab=timeline", Customer.short_name, Customer.name)


def _contacts(session, now):
    return _promised(session, now, Contact, "contact", "/contact/show/{}", Contact.name)


def _dated(session, kind, page, told, model, day, *rule):
    """Of what has its day, the owner is told: (id, owner, day, name) in the order of the days."""
    wanted = select(model.id, model.owner_id, day, model.name).where(model.owner_id.is_not(None), *rule)
    return [one(owner, kind, f"{told(called)} {on}", page.format(key), f"{key}-{on}")
            for key, owner, on, called in session.execute(wanted.order_by(day))]


def _quotes(session, _now):
    """Quotes that end within a week; those that have ended, once more."""
    today, ends = clock.today(), Quote.valid_until
    near = _dated(session, "quote", "/quote/show/{}", lambda name: _("Quote ends: %(name)s", name=name), Quote, ends,
                  Quote.state.in_(OPEN), ends.between(today, today + WARN_DAYS))
    past = _dated(session, "quote", "/quote/show/{}", lambda name: _("Quote has expired: %(name)s", name=name), Quote, ends,
                  Quote.state.in_(OPEN), ends.between(today - BACK, today - DAY))
    return near + [{**row, "mark": f"past-{row['mark']}"} for row in past]


def _contracts(session, _now):
    last = clock.today() + dt.timedelta(parameters.get(session, "contract.warn_days"))
    return _dated(session, "contract", "/contract/show/{}", lambda name: _("Contract ends: %(name)s", name=name), Contract,
                  Contract.ends_on, Contract.ends_on.between(clock.today(), last), under_way())


def _plans(session, _now):
    """Payment terms, as many days before as each one says."""
    today, due = clock.today(), PaymentPlan.due_on
    near = days_between(literal(today, Date()), due) <= func.coalesce(PaymentPlan.remind_days, 0)
    return [one(row.owner_id, "plan", _collect(row), f"/paymentplan/show/{row.id}", f"{row.id}-{row.due_on}")
            for row in _terms(session, due.between(today, today + dt.timedelta(MOST_AHEAD)), near)]


def _terms(session, *rule):
    plan = PaymentPlan
    wanted = select(plan.id, plan.owner_id, plan.due_on, plan.term, Contract.name, (plan.amount - plan.received).label("left"))
    return session.execute(wanted.join(Contract, Contract.id == plan.contract_id).where(
        plan.owner_id.is_not(None), open_plans(), *rule).order_by(plan.due_on)).all()


def _collect(row) -> str:
    return _("Collect term %(n)s of %(name)s: %(left)s", n=row.term or 1, name=row.name, left=shown(row.left)) + f" {row.due_on}"


@schedule.daily("notices.late", "00:10")
def late(session) -> None:
    """Overdue payment terms: told on the first day and then once a week for a quarter, to the owner and to the next superior at work
    who may see them."""
    today, found = clock.today(), []
    days = [today - DAY - dt.timedelta(7 * week + back) for week in range(WEEKS) for back in range(BACK.days + 1)]
    for row in _terms(session, PaymentPlan.due_on.in_(days)):
        days_late = (today - row.due_on).days
        words = _("%(n)s days overdue: %(name)s", n=days_late, name=_collect(row))
        occasion = f"{row.id}-{row.due_on}-late{(days_late - 1) // 7}"
        found += [one(person, "plan", words, f"/paymentplan/show/{row.id}", occasion)
                  for person in (row.owner_id, _superior(session, row.owner_id)) if person]
    put(session, found)


def _superior(session, owner) -> int | None:
    """The next one above a person who works here; None when he does not see that person's payment terms."""
    person = superior_of(session, owner)
    who = person and actor_for(session, person)
    return person if who and who.may("paymentplan", "read") and (who.reach is None or owner in who.reach) else None


def _approvals(session, _now):
    found = []
    for row in session.scalars(select(Approval).where(Approval.state == "pending").options(selectinload(Approval.steps))).all():
        words, turn = _("Approve: %(name)s", name=row.title), approvals.turn(session, row)
        found += [one(person, "approval", words, f"/approval/show/{row.id}", turn.id) for person in sorted(approvals.asked(session, row))]
    return found


@schedule.every("notices.pool", 60)
def falling(session) -> None:
    """Customers that soon fall into the pool: their owner is told as many days before as the office says, once a countdown."""
    at, soon = Customer.pool_at, pools.falling(parameters.get(session, "pool.warn_days"))
    wanted = select(Customer.id, Customer.owner_id, at, Customer.name).where(soon, at > clock.now(), Customer.owner_id.is_not(None))
    put(session, [one(owner, "pool", _("Falls into the pool: %(name)s", name=name) + f" {clock.to_office(moment):%m-%d %H:%M}",
                      f"/customer/show/{key}?tab=timeline", f"{key}-{clock.to_office(moment):%Y%m%d}")
                  for key, owner, moment, name in session.execute(wanted.order_by(at))])


# ---- birthdays ------------------------------------------------------------------------------------------------
@schedule.daily("notices.birthdays", "00:05")
def birthdays(session) -> None:
    """The contacts whose birthday is today or in the next days; one of 29 February has it on the 28th where the year has no 29th."""
    found, born = [], Contact.birthday
    wanted = select(Contact.id, Contact.owner_id, Contact.name).where(born.is_not(None), Contact.owner_id.is_not(None))
    for ahead in range(AHEAD + 1):
        day = clock.today() + dt.timedelta(ahead)
        near = [(day.month, day.day)] + ([(2, 29)] if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year) else [])
        that_day = or_(*(and_(extract("month", born) == m, extract("day", born) == d) for m, d in near))
        found += [one(owner, "birthday", _("Birthday: %(name)s", name=name) + f" {day:%m-%d}", f"/contact/show/{key}", f"{key}-{day.year}")
                  for key, owner, name in session.execute(wanted.where(that_day))]
    put(session, found)

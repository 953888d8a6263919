"""What falls due and is told to whom: tasks, follow-ups, payment terms, ends of contracts, approvals that wait, birthdays. Looked for
again and again, written once (`rules.put`). No Flask, no commit."""
import calendar
import datetime as dt

from sqlalchemy import and_, extract, or_, select
from sqlalchemy.orm import selectinload

from app.approvals import rules as approvals
from app.approvals.models import Approval
from app.contracts.models import Contract
from app.contracts.rules import under_way
from app.core import clock, schedule
from app.core.words import _
from app.customers.models import Contact, Customer
from app.payments.models import PaymentPlan
from app.payments.rules import open_plans
from app.tasks import repeating
from app.tasks.models import Task
from app.tasks.team import team_ids

from .rules import one, put

BACK = dt.timedelta(2)  # how late a reminder is still told, after no worker ran
AHEAD = {"plan": 3, "contract": 30, "birthday": 3}  # days


@schedule.every("notices.find", 1)
def find(session) -> None:
    """Write what has fallen due; what fell due while no worker ran is told late, never twice."""
    now = clock.now()
    for part in (_tasks, _calls, _contacts, _plans, _contracts, _approvals):
        put(session, part(session, now))


def _tasks(session, now):
    last = now + BACK  # the earliest reminder comes two days before
    asked = select(Task).where(Task.reminders.is_not(None), Task.state != "done").options(selectinload(Task.helpers))
    begins = [(row, row.starts_at) for row in session.scalars(asked.where(Task.repeat.is_(None), Task.starts_at.between(now - BACK, last)))]
    series = session.scalars(asked.where(Task.repeat.is_not(None), Task.starts_at <= last)).all()
    first_day, last_day = clock.to_office(now - BACK).date(), clock.to_office(last).date()
    begins += [(row, repeating.times(row, day)["starts_at"]) for row, day in repeating.occurrences(session, series, first_day, last_day)]
    found = []
    for row, starts_at in begins:
        due = [m for m in (row.reminders or "").split(",") if m and now - BACK < starts_at - dt.timedelta(minutes=int(m)) <= now]
        told = f"{clock.to_office(starts_at).strftime('%m-%d' if row.is_all_day else '%m-%d %H:%M')} {row.title}"
        occasion = f"{row.id}-{starts_at:%Y%m%d%H%M}"
        found += [one(who, "task", told, f"/task/show/{row.id}", f"{occasion}-{m}") for m in due for who in _team(row)]
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


def _dated(session, model, day, kind, entity, told, name, *rule):
    today = clock.today()
    wanted = select(model.id, model.owner_id, day, name).where(
        day.between(today, today + dt.timedelta(AHEAD[kind])), model.owner_id.is_not(None), *rule).order_by(day)
    return [one(owner, kind, f"{told(called)} {on}", f"/{entity}/show/{key}", f"{key}-{on}")
            for key, owner, on, called in session.execute(wanted)]


def _plans(session, _now):
    def told(term):
        return _("Collect term %(n)s", n=term or 1)
    return _dated(session, PaymentPlan, PaymentPlan.due_on, "plan", "paymentplan", told, PaymentPlan.term, open_plans())


def _contracts(session, _now):
    def told(name):
        return _("Contract ends: %(name)s", name=name)
    return _dated(session, Contract, Contract.ends_on, "contract", "contract", told, Contract.name, under_way())


def _approvals(session, _now):
    found = []
    for row in session.scalars(select(Approval).where(Approval.state == "pending").options(selectinload(Approval.steps))).all():
        words, turn = _("Approve: %(name)s", name=row.title), approvals.turn(session, row)
        found += [one(person, "approval", words, f"/approval/show/{row.id}", turn.id) for person in sorted(approvals.asked(session, row))]
    return found


# ---- birthdays ------------------------------------------------------------------------------------------------
@schedule.daily("notices.birthdays", "00:05")
def birthdays(session) -> None:
    """The contacts whose birthday is today or in the next days; one of 29 February has it on the 28th where the year has no 29th."""
    found, born = [], Contact.birthday
    wanted = select(Contact.id, Contact.owner_id, Contact.name).where(born.is_not(None), Contact.owner_id.is_not(None))
    for ahead in range(AHEAD["birthday"] + 1):
        day = clock.today() + dt.timedelta(ahead)
        near = [(day.month, day.day)] + ([(2, 29)] if (day.month, day.day) == (2, 28) and not calendar.isleap(day.year) else [])
        that_day = or_(*(and_(extract("month", born) == m, extract("day", born) == d) for m, d in near))
        found += [one(owner, "birthday", _("Birthday: %(name)s", name=name) + f" {day:%m-%d}", f"/contact/show/{key}", f"{key}-{day.year}")
                  for key, owner, name in session.execute(wanted.where(that_day))]
    put(session, found)

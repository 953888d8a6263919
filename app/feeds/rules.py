"""What the business says of the calendar feed: whose link it is, and what stands in it."""
import datetime as dt
import secrets

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.api.rules import digest
from app.contracts.models import Contract
from app.contracts.rules import under_way
from app.core import clock
from app.customers.models import Contact, Customer
from app.payments.models import PaymentPlan
from app.payments.rules import open_plans
from app.security.rules import log
from app.tasks import repeating
from app.tasks import rules as tasks
from app.tasks.models import Task

from .models import Feed

BACK, AHEAD, MOST = dt.timedelta(31), dt.timedelta(183), 2000  # days behind and ahead; entries of one kind


def renew(session, employee) -> str:
    """A new link of a person; the old one leads nowhere any more. Returns its secret, which nobody can read again."""
    secret = secrets.token_urlsafe(32)
    session.merge(Feed(employee_id=employee.id, digest=digest(secret), made_at=clock.now()))
    log(session, "token", employee=employee, detail="calendar feed made")
    return secret


def revoke(session, employee) -> None:
    """End a person's link."""
    feed = session.get(Feed, employee.id)
    if feed:
        session.delete(feed)
        log(session, "token", employee=employee, detail="calendar feed revoked")


def owner_of(session, secret: str) -> int | None:
    """The employee id of a link."""
    return session.scalar(select(Feed.employee_id).where(Feed.digest == digest(secret)))


def span() -> tuple[dt.date, dt.date]:
    """The first and the last day of a feed."""
    return clock.today() - BACK, clock.today() + AHEAD


def task_dates(session, who) -> list[tuple[Task, dt.date | None, dict]]:
    """(task, day of the occurrence or None, its times) of everything that the person is to do; two statements, three with a series."""
    first, last = span()
    there = session.scalars(select(Task).where(tasks.mine(who), Task.repeat.is_(None), tasks.within(first, last)).order_by(
        Task.starts_at).limit(MOST)).all()
    series = session.scalars(select(Task).where(tasks.mine(who), Task.repeat.is_not(None), tasks.is_open()).limit(MOST)).all()
    found = [(task, None, {name: getattr(task, name) for name in repeating.TIMES}) for task in there]
    return found + [(task, day, repeating.times(task, day)) for task, day in repeating.occurrences(session, series, first, last)]


def calls(session, who, model=Customer):
    """The person's customers (or contacts) with a next follow-up in the span."""
    first, last = span()
    return session.scalars(select(model).where(
        model.owner_id == who.id, model.next_follow_at >= clock.day_start(first), model.next_follow_at < clock.day_start(last)).order_by(
        model.next_follow_at).limit(MOST)).all()


def contact_calls(session, who):
    """The same of contacts."""
    return calls(session, who, Contact)


def plans(session, who):
    """The person's open payment plans of the span, late ones of any time among them."""
    wanted = select(PaymentPlan).where(PaymentPlan.owner_id == who.id, open_plans(), PaymentPlan.due_on <= span()[1])
    return session.scalars(wanted.order_by(PaymentPlan.due_on).limit(MOST).options(selectinload(PaymentPlan.customer))).all()


def contract_ends(session, who):
    """The person's contracts in force that end in the span."""
    wanted = select(Contract).where(Contract.owner_id == who.id, under_way(), Contract.ends_on.between(*span()))
    return session.scalars(wanted.order_by(Contract.ends_on).limit(MOST)).all()

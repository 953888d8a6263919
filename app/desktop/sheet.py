"""The small calendar of the desktop: which days of a month's sheet hold tasks, calls or payments."""
import datetime as dt

from sqlalchemy import Date, DateTime, column, exists, select, values

from app.core import clock, scope
from app.customers.models import Customer
from app.payments.models import PaymentPlan
from app.payments.rules import open_plans
from app.tasks import rules as tasks
from app.tasks.models import Task


def days_of(first: dt.date) -> list[dt.date]:
    """The 42 days of a month's sheet, from a Monday."""
    monday = first - dt.timedelta(first.weekday())
    return [monday + dt.timedelta(n) for n in range(42)]


def marks(session, who, people, first: dt.date) -> dict[str, list[str]]:
    """{day: ["task", "call", "plan"]}: one statement that looks once into an index for each day and kind."""
    days = days_of(first)
    sheet = values(column("day", Date), column("since", DateTime), column("till", DateTime), name="sheet").data(
        [(day, clock.day_start(day), clock.day_start(day + dt.timedelta(1))) for day in days]).cte("sheet")
    c = sheet.c
    kinds = {"task": (Task, (tasks.is_open(), Task.starts_at >= c.since, Task.starts_at < c.till)),
             "call": (Customer, (Customer.next_follow_at >= c.since, Customer.next_follow_at < c.till)),
             "plan": (PaymentPlan, (open_plans(), PaymentPlan.due_on == c.day))}
    asked = {name: _there(who, people, *what) for name, what in kinds.items() if who.may(what[0].__tablename__.replace("_", ""), "read")}
    if not asked:
        return {}
    rows = session.execute(select(c.day, *(there.label(name) for name, there in asked.items())))
    return {str(row.day): found for row in rows if (found := [name for name in asked if getattr(row, name)])}


def _there(who, people, model, clauses):
    mine = people == {who.id}
    reach = scope.reach_of(model, who)
    owners = people if reach is None else reach if people is None else people & reach
    whose = [tasks.mine(who)] if mine and model is Task else [] if owners is None else [model.owner_id.in_(sorted(owners))]
    return exists(select(model.id).where(*clauses, *whose, model.deleted_at.is_(None)))

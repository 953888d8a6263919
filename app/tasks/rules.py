"""What the business says of tasks and memos (manual 4.2, product.md 4.2). No Flask, no commit."""
import datetime as dt

from sqlalchemy import and_, case, exists, false, inspect, or_

from app.contracts.models import Contract
from app.core import actor, clock, scope
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.customers.models import Contact
from app.opportunities.models import Opportunity
from app.quotes.models import Quote

from . import repeating
from .models import Task
from .team import set_executors, share, team_ids

RELATED = {"contact": Contact, "opportunity": Opportunity, "quote": Quote, "contract": Contract}


# ---- named filters --------------------------------------------------------------------------------------------
def is_open():
    """The clause: not done yet."""
    return Task.state != "done"


def own(who):
    """I am its first executor (我负责的)."""
    return Task.owner_id == who.id


def joined(who):
    """I am one of the other executors (我参与的)."""
    given = Task.created_by_id.is_distinct_from(who.id)
    return and_(given, Task.owner_id.is_distinct_from(who.id), Task.id.in_(scope.shared_with(Task, who, write=True)))


def mine(who):
    """I am to do it: as first executor or as one of the others (记录了我所有的任务及备忘)."""
    return or_(own(who), joined(who))


def open_of(who):
    """What I have not done yet: what the list opens with and what stays on the desktop (manual 4.2)."""
    return and_(mine(who), is_open())


def done_of(who):
    """What I have done; a series that has come to its end is no work of its own."""
    return and_(mine(who), Task.state == "done", Task.repeat.is_(None))


def within(first: dt.date, last: dt.date):
    """The clause: takes place on one of these days."""
    return and_(Task.starts_at < clock.day_start(last + dt.timedelta(1)), Task.ends_at >= clock.day_start(first))


def today(who):
    """Mine of today, done or not."""
    return and_(mine(who), within(clock.today(), clock.today()))


def due_today():
    """The clause: of today, not done and not late yet."""
    return and_(is_open(), within(clock.today(), clock.today()), ~is_late())


def this_week(who):
    """Mine of this week, Monday to Sunday."""
    monday = clock.today() - dt.timedelta(clock.today().weekday())
    return and_(mine(who), within(monday, monday + dt.timedelta(6)))


def is_late():
    """The clause of the model's `is_late`."""
    return and_(Task.kind == "task", is_open(), Task.ends_at < clock.now())


def late(who):
    """Mine that are overdue."""
    return and_(mine(who), is_late())


def given_to_me(who):
    """What others want me to do, not done yet (指派给我)."""
    return and_(open_of(who), Task.created_by_id.is_distinct_from(who.id))


def _others(who):
    c = Collaborator
    return or_(Task.owner_id != who.id, exists().where(
        c.entity == "task", c.row_id == Task.id, c.employee_id != who.id, c.may_write, c.deleted_at.is_(None)))


def handed_out(who):
    """What I gave to others (我下派的)."""
    return and_(Task.created_by_id == who.id, _others(who))


def to_confirm(who):
    """What I gave to others and they report as done."""
    return and_(handed_out(who), Task.state == "done", Task.confirmed_at.is_(None))


def of_subordinates(who):
    """What the people below me have not done yet."""
    return and_(Task.owner_id.in_(sorted(who.subordinates)), is_open()) if who.subordinates else false()


# ---- groups of the list ---------------------------------------------------------------------------------------
def _bounds() -> list[dt.datetime]:
    """The beginnings of today, tomorrow, the day after and next week."""
    today = clock.today()
    days = [today, today + dt.timedelta(1), today + dt.timedelta(2)]
    return [clock.day_start(day) for day in (*days, max(days[2], today + dt.timedelta(7 - today.weekday())))]


def date_group(task) -> int:
    """0 overdue, 1 today, 2 tomorrow, 3 this week, 4 later, 5 earlier: what is past and waits for nobody."""
    today, *ends = _bounds()
    if task.is_late or task.ends_at < today:
        return 0 if task.is_late else 5
    return next((n for n, end in enumerate(ends, 1) if task.starts_at < end), 4)


def date_rank():
    """`date_group` in SQL."""
    today, *ends = _bounds()
    return case((is_late(), 0), (Task.ends_at < today, 5), *((Task.starts_at < end, n) for n, end in enumerate(ends, 1)), else_=4)


# ---- who may --------------------------------------------------------------------------------------------------
def may_end(task, who) -> bool:
    """Whether a person may delete a task, change its executors or confirm its end: who made it, his superiors, who sees all."""
    made_by = task.created_by_id
    return who is None or made_by in (who.id, None) or scope.reach_of(Task, who) is None or made_by in who.subordinates


def takes_part(task, who) -> bool:
    """Whether a person may change a task: the executors, whoever handed it out, their superiors."""
    return may_end(task, who) or who.id in team_ids(task) or task.owner_id in who.subordinates


def check_change(session, task) -> None:
    """Only who takes part in a task changes it; what was confirmed stays as it is until whoever handed it out reopens it."""
    who = actor.current()
    if not takes_part(task, who):
        raise RuleError(_("Only the executors of this task, whoever handed it out and their superiors may change it."))
    if task.confirmed_at and not may_end(task, who):
        raise RuleError(_("%(name)s has confirmed the end of this task.", name=task.created_by))


def check_delete(session, task) -> None:
    """Only who handed a task out ends it (product.md 4.2)."""
    if not may_end(task, actor.current()):
        raise RuleError(_("Only %(name)s, who handed this task out, can end it.", name=task.created_by))


def deleted(session, task) -> None:
    """The rule of a deleted occurrence does not bring it back."""
    check_delete(session, task)
    repeating.forget(session, task)


def deal_of(task) -> int | None:
    """The opportunity that a task is about, by itself or by its contract or quote."""
    paper = task.contract or task.quote
    return task.opportunity_id or (paper and paper.opportunity_id)


# ---- saving ---------------------------------------------------------------------------------------------------
def check_task(session, task) -> None:
    """The end is after the start, the related records belong to one customer, a done one knows when, a rule makes sense."""
    _settle_times(task)
    _settle_related(session, task)
    _settle_state(task)
    repeating.settle(session, task)


def _settle_times(task) -> None:
    """An all-day task spans whole days; any other ends after it starts (manual 4.2: 填写任务或备忘录的开始及结束时间)."""
    if task.is_all_day:
        set_days(task, clock.to_office(task.starts_at).date(), clock.to_office(task.ends_at).date())
    else:
        set_moments(task, task.starts_at, task.ends_at)


def set_moments(task, starts_at: dt.datetime, ends_at: dt.datetime) -> None:
    """Give a task its moments (naive UTC)."""
    if ends_at <= starts_at:
        raise RuleError(_("The end must be after the start."), "ends_at")
    task.is_all_day, task.starts_at, task.ends_at, task.first_on, task.last_on = False, starts_at, ends_at, None, None


def set_days(task, first: dt.date, last: dt.date) -> None:
    """Make a task take whole days, both included."""
    if last < first:
        raise RuleError(_("The end must be after the start."), "ends_at")
    task.is_all_day, task.first_on, task.last_on = True, first, last
    task.starts_at, task.ends_at = clock.day_start(first), clock.day_start(last + dt.timedelta(1)) - dt.timedelta(minutes=1)


def _settle_related(session, task) -> None:
    for name, model in RELATED.items():
        key = getattr(task, f"{name}_id")
        row = session.get(model, key) if key else None
        if row is None:
            continue
        if task.customer_id and row.customer_id != task.customer_id:
            raise RuleError(_("This record belongs to another customer."), name)
        task.customer_id = row.customer_id


def _settle_state(task) -> None:
    history = inspect(task).attrs.state.history
    if task.state == "done" and (history.has_changes() or not task.done_at):
        task.done_at = clock.now()
    elif task.state != "done":
        task.done_at = task.confirmed_at = None


# ---- actions --------------------------------------------------------------------------------------------------
def single(session, task, on: dt.date | None = None):
    """The row to change when one thing is done: of a repeating task the occurrence of a day (its next one without `on`)."""
    check_change(session, task)
    return repeating.split(session, task, on or repeating.current(task)) if task.repeat else task


def _to_state(session, rows, state, on):
    for task in rows:
        row = single(session, task, on)
        row.state = state
        _settle_state(row)


def finish(session, rows, on=None):
    """Done (完成); whoever handed it out is told and confirms the end."""
    _to_state(session, rows, "done", on)


def begin(session, rows, on=None):
    """In progress."""
    _to_state(session, rows, "doing", on)


def reopen(session, rows):
    """Not done after all."""
    _to_state(session, rows, "open", None)


def confirm(session, rows):
    """Whoever handed it out agrees that it is done: the task has ended."""
    for task in rows:
        if task.report != "waits":
            raise RuleError(_("%(name)s does not wait for confirmation.", name=task))
        check_delete(session, task)
        task.confirmed_at = clock.now()


def put_off(session, rows, to, day=None, on=None):
    """Move to `to`: 'tomorrow', 'monday' (of next week) or 'day' (the given one); time of day and length stay."""
    now = clock.today()
    day = {"tomorrow": now + dt.timedelta(1), "monday": now + dt.timedelta(7 - now.weekday())}.get(to, day)
    if day is None:
        raise RuleError(_("Choose the day."), "day")
    for task in rows:
        move(single(session, task, on), day)


def skip(session, rows, on=None):
    """Leave one occurrence of a repeating task out."""
    for task in rows:
        check_delete(session, task)
        repeating.skip(session, task, on or repeating.current(task))


def end(session, rows, on=None):
    """Let a repeating task end before an occurrence: this one and the later ones are left out."""
    for task in rows:
        check_delete(session, task)
        repeating.end_before(session, task, on or repeating.current(task))


def move(task, day: dt.date) -> None:
    """Let a task begin on another day, at the same time of the office's day and with the same length."""
    if task.is_all_day:
        set_days(task, day, day + (task.last_on - task.first_on))
        return
    start = clock.to_office(task.starts_at)
    starts_at = clock.to_utc(dt.datetime.combine(day, start.time()))
    set_moments(task, starts_at, starts_at + (task.ends_at - task.starts_at))


def assign(session, rows, executors):
    """Give tasks to others (下派); a repeating one as a whole."""
    for task in rows:
        check_executors(task)
        set_executors(task, executors)
        share(session, task, executors)


def check_executors(task) -> None:
    """Refuse to give somebody else's task to other people."""
    if not may_end(task, actor.current()):
        raise RuleError(_("Only %(name)s, who handed this task out, can give it to others.", name=task.created_by), "executors")

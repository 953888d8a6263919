"""Repeating tasks: a rule and its exceptions, without a row for each occurrence. An occurrence is named by the day on which the
rule lets it happen; it gets a row of its own when it is finished, moved or changed alone. No Flask, no commit."""
import datetime as dt
from collections.abc import Iterator
from itertools import islice

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule
from sqlalchemy import event, inspect, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from app.core import clock, rollup, workdays
from app.core.rules import RuleError
from app.core.words import _

from .models import Task
from .team import share, team_ids

FREQUENCIES = {"daily": DAILY, "workdays": DAILY, "weekly": WEEKLY, "monthly": MONTHLY, "yearly": YEARLY}
MOST, FAR = 1000, dt.timedelta(366 * 40)  # occurrences of a counted rule; how far a rule is followed
TIMES = ("starts_at", "ends_at", "first_on", "last_on")
COPIED = ("kind", "title", "is_all_day", *TIMES, "state", "priority", "reminders", "customer_id", "contact_id", "opportunity_id",
          "quote_id", "contract_id", "note", "owner_id", "created_by_id")
RULE = ("repeat", "repeat_every", "repeat_on", "repeat_until", "repeat_from")


# ---- the rule -------------------------------------------------------------------------------------------------
def _month_days(day: int) -> dict:
    """The day of the month; where a month has no such day, its last one (31st, 29 February)."""
    return {"bymonthday": day} if day <= 28 else {"bymonthday": range(28, day + 1), "bysetpos": -1}


def days(session, task, start: dt.date) -> Iterator[dt.date]:
    """The days of a task's rule from `start` (its beginning or one of its days) to its end."""
    more: dict = {"interval": task.repeat_every or 1, "wkst": 0}
    if task.repeat == "weekly":
        more["byweekday"] = [int(d) - 1 for d in (task.repeat_on or str(task.repeat_from.isoweekday())).split(",")]
    if task.repeat in ("monthly", "yearly"):
        more |= _month_days(task.repeat_from.day)
    if task.repeat == "yearly":
        more["bymonth"] = task.repeat_from.month
    last = task.repeat_until or start + FAR
    for moment in rrule(FREQUENCIES[task.repeat], dtstart=dt.datetime.combine(start, dt.time()),
                        until=dt.datetime.combine(last, dt.time()), **more):
        if task.repeat != "workdays" or workdays.is_workday(session, moment.date()):
            yield moment.date()


def current(task) -> dt.date:
    """The day of the occurrence that a repeating task's row stands for."""
    return task.first_on if task.is_all_day else clock.to_office(task.starts_at).date()


def _days_in(text: str | None) -> set[dt.date]:
    return {dt.date.fromisoformat(day) for day in (text or "").split(",") if day}


def _left_out(task) -> set[dt.date]:
    return _days_in(task.skipped)


def _with_rows(session, tasks, first, last) -> set[tuple[int, dt.date]]:
    """(series, day) of the occurrences that have a row of their own, in the trash too."""
    wanted = select(Task.series_id, Task.occurs_on).where(Task.series_id.in_([t.id for t in tasks]), Task.occurs_on.between(first, last))
    return {tuple(pair) for pair in session.execute(wanted.execution_options(everyone=True, with_trash=True))}


def occurrences(session, tasks, first: dt.date, last: dt.date) -> list[tuple[Task, dt.date]]:
    """The open occurrences without a row of their own that begin from `first` to `last`, of repeating tasks; one statement."""
    with_rows, found = _with_rows(session, tasks, first, last) if tasks else set(), []
    for task in tasks:
        gone, start = _left_out(task), current(task)
        for day in days(session, task, start) if task.state != "done" else ():
            if day > last:
                break
            if day >= first and day not in gone and (task.id, day) not in with_rows:
                found.append((task, day))
    return found


def times(task, day: dt.date) -> dict:
    """The times (and all-day days) of the occurrence of a day."""
    if task.is_all_day:
        last = day + (task.last_on - task.first_on)
        return {"first_on": day, "last_on": last, "starts_at": clock.day_start(day),
                "ends_at": clock.day_start(last + dt.timedelta(1)) - dt.timedelta(minutes=1)}
    starts_at = clock.to_utc(dt.datetime.combine(day, task.repeat_from.time()))
    return {"first_on": None, "last_on": None, "starts_at": starts_at, "ends_at": starts_at + (task.ends_at - task.starts_at)}


# ---- saving ---------------------------------------------------------------------------------------------------
def settle(session, task) -> None:
    """Check a task's rule, reckon its last day when a number of times is given, and take the times of its first occurrence.
    A task without a rule forgets what belonged to it."""
    if not task.repeat:
        task.repeat_every, task.repeat_on, task.repeat_until, task.repeat_from, task.skipped = 1, None, None, None, None
        return
    if task.state == "done":
        raise RuleError(_("A repeating task is finished one occurrence at a time."), "state")
    count = task.repeat_count
    _check(task, count)
    _anchor(task)
    start = current(task) if _goes_on(task) else task.repeat_from.date()
    found = list(islice(days(session, task, start), count or 1))
    if not found:
        raise RuleError(_("The repetition ends before it begins."), "repeat_until")
    task.repeat_until = found[-1] if count else task.repeat_until
    for name, value in times(task, found[0]).items():
        setattr(task, name, value)


def _check(task, count) -> None:
    if not 1 <= (task.repeat_every or 1) <= 366:
        raise RuleError(_("Between %(low)d and %(high)d.", low=1, high=366), "repeat_every")
    if count is not None and not 1 <= count <= MOST:
        raise RuleError(_("Between %(low)d and %(high)d.", low=1, high=MOST), "repeat_count")
    if count and task.repeat_until:
        raise RuleError(_("Give the last day or the number of times, not both."), "repeat_count")
    task.repeat_every = 1 if task.repeat == "workdays" else task.repeat_every or 1
    task.repeat_on = task.repeat_on if task.repeat == "weekly" else None


def _was(task, name):
    history = inspect(task).attrs[name].history
    return history.deleted[0] if history.has_changes() and history.deleted else getattr(task, name)


def _goes_on(task) -> bool:
    """The rule was there before and keeps its rhythm."""
    return inspect(task).persistent and all(_was(task, n) == getattr(task, n) for n in ("repeat", "repeat_every", "repeat_on"))


def _anchor(task) -> None:
    """The rule's beginning: the start as it is; a rule that goes on is shifted by what its start was shifted (so the 31st stays)."""
    local = clock.to_office(task.starts_at)
    first = local.date()
    if _goes_on(task) and task.repeat_from:
        first = task.repeat_from.date() + (first - clock.to_office(_was(task, "starts_at")).date())
    task.repeat_from = dt.datetime.combine(first, dt.time() if task.is_all_day else local.time())


def bring_back(task, shown: dt.date) -> None:
    """The times were typed for the occurrence of a later day: shift them to the one that the row stands for."""
    shift = clock.to_office(_was(task, "starts_at")).date() - shown
    for name in ("starts_at", "ends_at"):
        setattr(task, name, clock.to_utc(clock.to_office(getattr(task, name)) + shift))


# ---- occurrences of their own ---------------------------------------------------------------------------------
def _copy(task, names) -> Task:
    return Task(**{name: getattr(task, name) for name in names})


def _open_day(session, task, day: dt.date) -> dt.date:
    if not occurrences(session, [task], day, day):
        raise RuleError(_("%(name)s has no open occurrence on %(day)s any more.", name=task, day=day))
    return day


def split(session, task, day: dt.date) -> Task:
    """Give the occurrence of a day a row of its own, with the executors of the series."""
    _open_day(session, task, day)
    row = _copy(task, COPIED)
    for name, value in times(task, day).items():
        setattr(row, name, value)
    row.series_id, row.occurs_on = task.id, day
    session.add(row)
    session.flush()
    share(session, row, team_ids(task))
    return row


def stand_for(session, task, day: dt.date):
    """Let a page show a repeating task as its occurrence of a day: the row takes its times without being changed. Returns the row, the
    occurrence's own row when it has one; RuleError when there is neither."""
    own = session.scalar(select(Task).where(Task.series_id == task.id, Task.occurs_on == day))
    if own is None:
        for name, value in times(task, _open_day(session, task, day)).items():
            set_committed_value(task, name, value)
    return own or task


def skip(session, task, day: dt.date) -> None:
    """Leave the occurrence of a day out."""
    _leave_out(task, _open_day(session, task, day))


def _leave_out(task, day: dt.date) -> None:
    task.skipped = ",".join(d.isoformat() for d in sorted(_left_out(task) | {day}))


def end_before(session, task, day: dt.date) -> None:
    """Let a series end before a day; as a whole when nothing is left of it."""
    if day <= current(task):
        session.delete(task)
        return
    task.repeat_until = day - dt.timedelta(1)


def part(session, task, day: dt.date, scope: str) -> Task:
    """The row to change for 'this' occurrence, for this and 'later' ones, or for 'all'."""
    if scope == "this":
        return split(session, task, day)
    if scope == "later" and day > current(task):
        return _later(session, task, _open_day(session, task, day))
    return task


def _later(session, task, day: dt.date) -> Task:
    """A series of its own from a day on; what was done, moved or left out after that day goes with it."""
    row, gone = _copy(task, (*COPIED, *RULE)), _left_out(task)
    row.skipped = ",".join(d.isoformat() for d in sorted(gone) if d >= day) or None
    for name, value in times(task, day).items():
        setattr(row, name, value)
    end_before(session, task, day)
    session.add(row)
    session.flush()
    share(session, row, team_ids(task))
    for child in session.scalars(select(Task).where(Task.series_id == task.id, Task.occurs_on >= day).execution_options(everyone=True)):
        child.series_id = row.id
    return row


def forget(session, row) -> None:
    """An occurrence of its own is deleted: the series must not bring it back."""
    task = session.get(Task, row.series_id) if row.series_id else None
    if task is not None and task.repeat:
        _leave_out(task, row.occurs_on)


# ---- which occurrence the row of the series stands for ---------------------------------------------------------
def _next(session, task, floor: dt.date) -> dt.date | None:
    """The first open day of the rule from `floor` on."""
    start = task.repeat_from.date() if floor < current(task) else floor
    gone, with_rows = _left_out(task), {day for _series, day in _with_rows(session, [task], floor, dt.date.max)}
    return next((day for day in days(session, task, start) if day >= floor and day not in gone and day not in with_rows), None)


def _stand_for(session, task, touched) -> None:
    day = _next(session, task, min([current(task), *touched]))
    rollup.put(session, task, **({"state": "done"} if day is None else {"state": "open", **times(task, day)}))


def _touched(row) -> set[dt.date]:
    """The days that a flushed row may have opened again."""
    return {row.occurs_on} if not row.repeat else _days_in(_was(row, "skipped")) - _left_out(row)


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    for rows in (session.new, session.dirty, session.deleted):
        for row in rows:
            if isinstance(row, Task) and (row.repeat or row.series_id):
                key = row.id if row.repeat else row.series_id
                session.info.setdefault("series", {}).setdefault(key, set()).update(_touched(row))


@event.listens_for(Session, "after_flush_postexec")
def _stand(session, _context):
    for key, touched in session.info.pop("series", {}).items():
        with session.no_autoflush:
            task = session.scalars(select(Task).where(Task.id == key).execution_options(everyone=True)).first()
            if task is not None and task.repeat:
                _stand_for(session, task, touched)


@event.listens_for(Session, "after_rollback")
def _forget(session):
    session.info.pop("series", None)

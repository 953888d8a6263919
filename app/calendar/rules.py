"""What dragging does: a task or one of its occurrences gets other times, a promised call another moment, a payment term or an expected
closing another day. Ends of contracts stay: they are signed. No Flask, no commit."""
import datetime as dt

from app.core import clock
from app.core.rules import RuleError
from app.core.words import _
from app.opportunities import rules as deals
from app.payments import rules as payments
from app.tasks import rules as tasks


def _day(moment) -> dt.date:
    return moment.date() if isinstance(moment, dt.datetime) else moment


def move_task(session, row, start, end, on=None):
    """`start`, `end`: days (`end` the first one after it) or the office's own time; `on`: the occurrence's day of a repeating one."""
    task = tasks.single(session, row, on)
    if isinstance(start, dt.datetime):
        tasks.set_moments(task, clock.to_utc(start), clock.to_utc(end))
    else:
        tasks.set_days(task, start, end - dt.timedelta(1))
    return task


def move_call(session, row, start, end, on=None):
    """A call dropped on a day keeps its time of day."""
    if isinstance(start, dt.datetime):
        row.next_follow_at = clock.to_utc(start)
    else:
        at = clock.to_office(row.next_follow_at).time()
        row.next_follow_at = clock.to_utc(dt.datetime.combine(start, at))
    return row


def move_plan(session, row, start, end, on=None):
    """The term is due on another day."""
    payments.check_plan_change(session, row)
    row.due_on = _day(start)
    payments.check_plan(session, row)
    return row


def move_deal(session, row, start, end, on=None):
    """The deal is expected on another day."""
    deals.check_change(session, row)
    row.closes_on = _day(start)
    deals.check_opportunity(session, row)
    return row


MOVES = {"task": move_task, "customer": move_call, "paymentplan": move_plan, "opportunity": move_deal}


def read(start: str, end: str):
    """The two ends that a browser says: both days, or both the office's own time; RuleError otherwise."""
    kind = dt.date if len(start) == 10 else dt.datetime
    try:
        first, last = kind.fromisoformat(start), kind.fromisoformat(end)
    except ValueError:
        raise RuleError(_("This is not a date (2026-11-24).")) from None
    if last <= first or getattr(first, "tzinfo", None) or getattr(last, "tzinfo", None) or not 1990 < first.year <= last.year < 2100:
        raise RuleError(_("The end must be after the start."))
    return first, last

"""A person's dates as iCalendar (RFC 5545). Moments are written in UTC, which every calendar shows in its own zone; days are days."""
import datetime as dt

from icalendar import Alarm, Calendar, Event

from app.core import money
from app.core.words import _

from . import rules


def calendar(session, who, site: str) -> bytes:
    """The feed of the acting person; `site`: the address that links begin with, without a slash. The number of statements is fixed."""
    made, host = Calendar(), site.partition("//")[2]
    made.add("prodid", "-//crm//calendar feed//ZH")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", f"CRM · {who.name}")
    made.add("refresh-interval", dt.timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    for entity, entries in (("task", _tasks), ("customer", _calls), ("contact", _contacts), ("paymentplan", _plans), ("contract", _ends)):
        for key, row, *told in entries(session, who) if who.may(entity, "read") else ():
            made.add_component(_event(f"{site}/{entity}/show/{row.id}", f"{entity}-{key}@{host}", row, *told))
    return made.to_ical()


def _event(link, uid, row, words, begin, end, reminders) -> Event:
    event = Event()
    event.add("uid", uid)
    event.add("summary", words)
    event.add("dtstart", begin)
    event.add("dtend", end)
    for name in ("dtstamp", "last-modified"):
        event.add(name, row.changed_at.replace(tzinfo=dt.timezone.utc))
    event.add("sequence", row.version)
    event.add("url", link)
    for minutes in reminders:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", words)
        alarm.add("trigger", dt.timedelta(minutes=-minutes))
        event.add_component(alarm)
    return event


def _utc(moment: dt.datetime) -> dt.datetime:
    return moment.replace(tzinfo=dt.timezone.utc)


def _all_day(day: dt.date, last: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """First day and, as the standard wants it, the day after the last one."""
    return day, (last or day) + dt.timedelta(1)


def _tasks(session, who):
    for task, day, times in rules.task_dates(session, who):
        at = _all_day(times["first_on"], times["last_on"]) if task.is_all_day else (_utc(times["starts_at"]), _utc(times["ends_at"]))
        words = f"✓ {task.title}" if task.state == "done" else task.title
        yield f"{task.id}-{day:%Y%m%d}" if day else task.id, task, words, *at, [int(m) for m in (task.reminders or "").split(",") if m]


def _half_hour(rows):
    for row in rows:
        begin = _utc(row.next_follow_at)
        yield row.id, row, _("Follow up: %(name)s", name=row.name), begin, begin + dt.timedelta(minutes=30), ()


def _calls(session, who):
    return _half_hour(rules.calls(session, who))


def _contacts(session, who):
    return _half_hour(rules.contact_calls(session, who))


def _plans(session, who):
    for plan in rules.plans(session, who):
        words = _("Payment due: %(name)s %(amount)s", name=plan.customer, amount=money.shown(plan.outstanding))
        yield plan.id, plan, words, *_all_day(plan.due_on), ()


def _ends(session, who):
    for contract in rules.contract_ends(session, who):
        yield contract.id, contract, _("Contract ends: %(name)s", name=contract.name), *_all_day(contract.ends_on), ()

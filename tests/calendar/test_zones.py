"""Whatever time zone the server runs in, a day is the office's day: tasks, dragging, repetition, feed, reminders (promise 28)."""
import datetime as dt
import os
import time
from contextlib import contextmanager
from itertools import islice

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from sqlalchemy import select

from app.core import clock, workdays
from app.feeds import ics
from app.notices import finding as notices
from app.notices.models import Notice
from app.tasks.models import Task
from tests.calendar.test_calendar import drag, feed
from tests.story import said
from tests.tasks.test_tasks import typed

D, T = dt.date, dt.datetime
ZONES = ("UTC", "America/New_York", "Asia/Shanghai")
EAST = dt.timedelta(hours=8)  # the office's offset, written down here once more
# month end, leap day, year change, clock changes of New York, days moved by 调休 and the days around them
EDGES = [D(2026, 11, 30), D(2026, 12, 31), D(2027, 1, 1), D(2028, 2, 28), D(2028, 2, 29), D(2028, 3, 1), D(2026, 3, 8), D(2026, 11, 1), D(2027, 3, 14),
         D(2026, 9, 19), D(2026, 9, 20), D(2026, 9, 30), D(2026, 10, 1), D(2026, 10, 9), D(2026, 10, 10), D(2027, 2, 5), D(2027, 2, 28), D(2026, 1, 31)]
TIMES = [dt.time(0, 0), dt.time(0, 1), dt.time(7, 59), dt.time(8, 0), dt.time(12, 0), dt.time(13, 0), dt.time(23, 59)]
STARTS = st.builds(T.combine, st.one_of(st.sampled_from(EDGES), st.dates(D(2026, 1, 1), D(2028, 12, 31))), st.one_of(
    st.sampled_from(TIMES), st.times().map(lambda t: t.replace(second=0, microsecond=0))))
PLANS = st.fixed_dictionaries({
    "start": STARTS, "to": STARTS, "minutes": st.sampled_from([1, 60, 1440, 3 * 1440]), "all_day": st.booleans(),
    "repeat": st.sampled_from(["", "", "daily", "weekly", "monthly", "yearly", "workdays"]), "ahead": st.sampled_from([0, 5, 1440, 2880])})
STEPS = {"daily": {"days": 1}, "weekly": {"weeks": 1}, "monthly": {"months": 1}, "yearly": {"years": 1}}


@contextmanager
def server_in(zone):
    """The server's process in another zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def first_starts(session, plan, many=3) -> list[T]:
    """The office's starts of the first occurrences, reckoned from the calendar alone."""
    begin, repeat = T.combine(plan["start"].date(), dt.time()) if plan["all_day"] else plan["start"], plan["repeat"]
    if not repeat:
        return [begin]
    if repeat == "workdays":
        days = (begin + dt.timedelta(n) for n in range(60))
        return list(islice((d for d in days if workdays.is_workday(session, d.date())), many))
    step = STEPS[repeat]
    return [begin + relativedelta(**{unit: n * count for unit, count in step.items()}) for n in range(many)]


def drawn(client, around: T) -> list[tuple]:
    """What the calendar draws in the two months around a day."""
    first, last = (f"{around.date() + dt.timedelta(n)}" for n in (-3, 62))
    return [(e["start"], e["end"], e["allDay"]) for e in feed(client, first, last)["events"]]


def subscribed(session, as_, at: T) -> list[tuple]:
    """What a calendar elsewhere reads at a moment: (start, end, alarm)."""
    with clock.frozen(at), as_("li") as who:
        read = Calendar.from_ical(ics.calendar(session, who, "http://crm"))
    return sorted((str(e["dtstart"].dt), str(e["dtend"].dt), [str(a["trigger"].dt) for a in e.walk("VALARM")]) for e in read.walk("VEVENT"))


def told(session, at: T) -> list[str]:
    """The reminders that are there once a worker has run at a moment."""
    with clock.frozen(at):
        notices.find(session)
    session.commit()
    return [n.title for n in session.scalars(select(Notice).order_by(Notice.id))]


def live(session, client, as_, plan) -> dict:
    """A task is made in the form, stands in the calendar and in the feed, reminds, is dragged: what each step shows."""
    for row in (*session.scalars(select(Task)), *session.scalars(select(Notice))):
        session.delete(row)
    session.commit()
    end = plan["start"] + dt.timedelta(minutes=plan["minutes"])
    posted = client.post("/task/add", data=typed(
        starts_at=f"{plan['start']:%Y-%m-%d %H:%M}", ends_at=f"{end:%Y-%m-%d %H:%M}", reminders=str(plan["ahead"]), repeat=plan["repeat"],
        repeat_every="1", **({"is_all_day": "y"} if plan["all_day"] else {})))
    assert posted.status_code == 302, said(posted)
    task = session.scalars(select(Task)).one()
    shown = {"row": (task.starts_at, task.ends_at, task.first_on, task.last_on, task.repeat_from), "drawn": drawn(client, plan["start"])}
    shown["feed"] = subscribed(session, as_, task.starts_at)
    due = [start - EAST - dt.timedelta(minutes=plan["ahead"]) for start in first_starts(session, plan)]
    shown["reminders"] = [(told(session, moment - dt.timedelta(seconds=1)), told(session, moment)) for moment in due[:2]]
    length = dt.timedelta(minutes=plan["minutes"])
    days = (end.date() - plan["start"].date()).days + 1
    start, after = (plan["to"].date(), plan["to"].date() + dt.timedelta(days)) if plan["all_day"] else (plan["to"], plan["to"] + length)
    on = f"@{first_starts(session, plan)[1].date()}" if plan["repeat"] else ""
    moved = drag(client, f"task-{task.id}{on}", start.isoformat(), after.isoformat())
    assert moved.status_code == 200, moved.text
    return {**shown, "moved": drawn(client, plan["to"]), "wanted": (start.isoformat(), after.isoformat(), plan["all_day"])}


@pytest.mark.sqlite  # the server's zone is its process's, no database knows it
@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(plan={"start": T(2026, 12, 31, 23, 59), "to": T(2028, 2, 29), "minutes": 1, "all_day": False, "repeat": "", "ahead": 5})
@example(plan={"start": T(2028, 2, 29, 0, 0), "to": T(2027, 1, 1), "minutes": 1440, "all_day": True, "repeat": "yearly", "ahead": 1440})
@example(plan={"start": T(2026, 1, 31, 7, 59), "to": T(2026, 11, 30, 23, 59), "minutes": 60, "all_day": False, "repeat": "monthly", "ahead": 0})
@example(plan={"start": T(2026, 9, 30, 0, 1), "to": T(2026, 10, 10, 0, 0), "minutes": 60, "all_day": False, "repeat": "workdays", "ahead": 2880})
@given(plan=PLANS)
def test_the_servers_zone_changes_nothing(session, login, as_, plan):
    seen = {}
    client = login("li")
    for zone in ZONES:
        with server_in(zone):
            seen[zone] = live(session, client, as_, plan)
    one = seen["UTC"]
    assert one == seen["America/New_York"] == seen["Asia/Shanghai"]
    starts = first_starts(session, plan)
    assert one["row"][0] == starts[0] - EAST and one["wanted"] in one["moved"]
    reach = plan["start"].date() + dt.timedelta(62)
    expected = [s.date().isoformat() if plan["all_day"] else s.isoformat() for s in starts if s.date() < reach]
    assert [start for start, _end, _all_day in one["drawn"]][:len(expected)] == expected
    assert [(len(before), len(after)) for before, after in one["reminders"]] == [(n, n + 1) for n in range(len(starts[:2]))], "to the second"
    assert all(alarms == [str(dt.timedelta(minutes=-plan["ahead"]))] for _start, _end, alarms in one["feed"])
    assert str(starts[0].date() if plan["all_day"] else (starts[0] - EAST).replace(tzinfo=dt.timezone.utc)) in [start for start, _e, _a in one["feed"]]


@pytest.mark.sqlite
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moment=STARTS)
def test_today_and_its_bounds_are_the_offices(app, moment):
    """The office's day, its first moment and the moments of the schedule, at any moment and in any zone."""
    from app.core import schedule
    found = set()
    for zone in ZONES:
        with server_in(zone), clock.frozen(moment - EAST):
            found.add((clock.today(), clock.day_start(clock.today()), schedule.day_time(clock.now(), "00:00"), clock.to_office(clock.now())))
    midnight = T.combine(moment.date(), dt.time())
    assert found == {(moment.date(), midnight - EAST, midnight - EAST + dt.timedelta(1), moment)}

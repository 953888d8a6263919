"""A calendar elsewhere reads a person's dates by a secret link, until he ends it."""
import datetime as dt
import re

import pytest
from icalendar import Calendar
from sqlalchemy import select

from app.core import clock
from app.feeds import rules
from app.feeds.models import Feed
from app.security.models import Employee

TEN = dt.datetime(2026, 11, 25, 2)  # ten o'clock in the office


@pytest.fixture
def link(login, session):
    """`link("li")`: the address that the person's page shows him once."""
    def make(name):
        page = login(name).post("/calendar/feed/make").text
        return re.search(r'value="http://localhost(/calendar/feed/[^"]+\.ics)"', page)[1]
    return make


def read(app, address) -> dict:
    """summary -> event, as a client without a login gets them."""
    answer = app.test_client().get(address)
    assert answer.status_code == 200 and answer.mimetype == "text/calendar"
    return {str(e["summary"]): e for e in Calendar.from_ical(answer.data).walk("VEVENT")}


@pytest.fixture
def week(make, people):
    """李's dates of the week, and one of 赵's."""
    day = clock.today()
    customer = make.customer(name="恒远机械", next_follow_at=clock.day_start(day) + dt.timedelta(hours=9))
    make.contact(name="顾明", customer_id=customer.id, next_follow_at=clock.day_start(day) + dt.timedelta(hours=15))
    contract = make.contract(name="驱动器合同", customer_id=customer.id, ends_on=day + dt.timedelta(60))
    make.payment_plan(contract_id=contract.id, due_on=day + dt.timedelta(3), amount=3_000_00)
    make.task(title="回访", starts_at=clock.day_start(day) + dt.timedelta(hours=10), ends_at=clock.day_start(day) + dt.timedelta(hours=11), reminders="15,1440")
    make.task(title="展会", is_all_day=True, first_on=day, last_on=day + dt.timedelta(1), starts_at=clock.day_start(day),
              ends_at=clock.day_start(day + dt.timedelta(2)) - dt.timedelta(minutes=1))
    make.task(owner="zhao", title="绝密", created_by_id=people["zhao"], starts_at=clock.now(), ends_at=clock.now())
    make.customer(owner="zhao", name="绝密客户", next_follow_at=clock.now())
    return day


def test_all_dates_stand_in_the_feed_at_the_right_time(app, link, week):
    found = read(app, link("li"))
    assert sorted(found) == sorted(["回访", "展会", "跟进：恒远机械", "跟进：顾明", "应收款：恒远机械 3,000.00", "合同到期：驱动器合同"])
    call = found["回访"]
    assert clock.to_office(call["dtstart"].dt.replace(tzinfo=None)) == dt.datetime.combine(week, dt.time(10)) and call["dtstart"].dt.tzinfo
    assert call["dtend"].dt - call["dtstart"].dt == dt.timedelta(hours=1)
    assert [a["trigger"].dt for a in call.walk("VALARM")] == [dt.timedelta(minutes=-15), dt.timedelta(days=-1)]
    fair = found["展会"]
    assert (fair["dtstart"].dt, fair["dtend"].dt) == (week, week + dt.timedelta(2)), "days are days, the end is the day after"
    assert found["应收款：恒远机械 3,000.00"]["dtstart"].dt == week + dt.timedelta(3)
    assert str(call["url"]).startswith("http://localhost/task/show/")


def test_a_series_is_told_day_by_day(app, link, make, session, people):
    start = clock.day_start(clock.today()) + dt.timedelta(hours=1)
    make.task(title="晨会", starts_at=start, ends_at=start + dt.timedelta(minutes=30), repeat="daily", repeat_every=1,
              repeat_from=clock.to_office(start), repeat_until=clock.today() + dt.timedelta(4))
    answer = app.test_client().get(link("li"))
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert len(events) == 5 and len({str(e["uid"]) for e in events}) == 5
    assert {e["dtstart"].dt.astimezone(dt.timezone.utc).time() for e in events} == {start.time()}


def test_a_link_ends_when_it_is_renewed_revoked_or_its_owner_leaves(app, link, login, session, week):
    first, second = link("li"), link("li")
    client = app.test_client()
    assert client.get(first).status_code == 404 and client.get(second).status_code == 200
    secret = second.rpartition("/")[2].removesuffix(".ics")
    assert secret not in login("li").get("/calendar/feed/").text and secret not in session.scalar(select(Feed.digest)), "shown once, kept as a hash"
    li = session.scalar(select(Employee).where(Employee.username == "li"))
    li.active = False
    session.commit()
    assert client.get(second).status_code == 404
    li.active = True
    session.commit()
    assert client.get(second).status_code == 200
    login("li").post("/calendar/feed/revoke")
    assert client.get(second).status_code == 404 and client.get("/calendar/feed/x.ics").status_code == 404
    assert client.get("/calendar/feed/").status_code == 302


def test_the_number_of_statements_does_not_grow(app, link, make, statements, week):
    address = link("li")
    client = app.test_client()

    def count():
        client.get(address)
        with statements() as seen:
            client.get(address)
        return len(seen)
    few = count()
    for n in range(20):
        make.task(title=f"更多{n}", starts_at=clock.now(), ends_at=clock.now())
        make.customer(next_follow_at=clock.now())
        make.payment_plan(due_on=clock.today())
    assert count() == few <= 14, few


def test_what_is_old_or_far_is_left_out(app, link, make):
    with clock.frozen(TEN):
        make.customer(name="今天", next_follow_at=TEN)
    make.customer(name="很久以前", next_follow_at=clock.now() - rules.BACK - dt.timedelta(2))
    make.customer(name="很久以后", next_follow_at=clock.now() + rules.AHEAD + dt.timedelta(2))
    assert not [words for words in read(app, link("li")) if "很久" in words]

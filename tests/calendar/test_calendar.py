"""The calendar: its layers, whose they are, what dragging does, holidays and lunar days (manual 4.2, product.md 4.2)."""
import datetime as dt

import pytest
from sqlalchemy import func, select

from app.core import clock, undo
from app.customers.models import Customer
from app.opportunities.models import Opportunity
from app.payments.models import PaymentPlan
from app.tasks.models import Task

D = dt.date


def at(text):
    """The office's time as naive UTC."""
    return clock.to_utc(dt.datetime.fromisoformat(text))


def feed(client, start="2026-11-01", end="2026-12-01", whose="mine"):
    """What the page asks for."""
    answer = client.get(f"/calendar/events?start={start}T00:00:00&end={end}T00:00:00&whose={whose}")
    assert answer.status_code == 200, answer.text
    return answer.json


def told(client, *args, **more):
    """(layer, title, start, end) of the events."""
    return [(e["extendedProps"]["layer"], e["title"], e["start"], e["end"]) for e in feed(client, *args, **more)["events"]]


def drag(client, key, start, end):
    """A drop as the browser posts it."""
    return client.post("/calendar/move", data={"key": key, "start": start, "end": end})


@pytest.fixture
def november(make, people):
    """One thing of each layer in 李's November 2026."""
    customer = make.customer(name="苏州恒远精密机械有限公司", short_name="恒远", next_follow_at=at("2026-11-20T09:30"))
    mine = {"owner": "li", "created_by_id": people["li"], "customer_id": customer.id}
    deal = make.contract(owner="li", customer_id=customer.id, name="年度框架", amount=100_000_00, state="signed", signed_on=D(2026, 1, 1),
                         ends_on=D(2026, 11, 30))
    return {
        "task": make.task(title="拜访", starts_at=at("2026-11-24T09:00"), ends_at=at("2026-11-24T10:00"), **mine),
        "memo": make.task(title="出差", kind="memo", is_all_day=True, first_on=D(2026, 11, 9), last_on=D(2026, 11, 11),
                          starts_at=at("2026-11-09T00:00"), ends_at=at("2026-11-11T23:59"), **mine),
        "handed": make.task(title="王来办", starts_at=at("2026-11-25T09:00"), ends_at=at("2026-11-25T10:00"), **{**mine, "owner": "wang"}),
        "call": customer,
        "plan": make.payment_plan(owner="li", contract_id=deal.id, amount=30_000_00, due_on=D(2026, 11, 27), received=0, term=2),
        "deal": make.opportunity(owner="li", customer_id=customer.id, name="三号线", closes_on=D(2026, 11, 26)),
        "contract": deal}


def test_every_layer_stands_on_its_day_in_the_offices_time(login, november):
    assert told(login("li")) == [
        ("memo", "出差", "2026-11-09", "2026-11-12"), ("call", "联系 恒远", "2026-11-20T09:30:00", "2026-11-20T10:00:00"),
        ("task", "拜访", "2026-11-24T09:00:00", "2026-11-24T10:00:00"), ("handed", "王来办", "2026-11-25T09:00:00", "2026-11-25T10:00:00"),
        ("deal", "预计签约：三号线", "2026-11-26", "2026-11-27"), ("plan", "催收第 2 期", "2026-11-27", "2026-11-28"),
        ("contract", "合同到期：年度框架", "2026-11-30", "2026-12-01")]
    assert {e["extendedProps"]["customer"] for e in feed(login("li"))["events"]} == {"恒远"}
    page = login("li").get("/calendar/?date=2026-11-24&view=timeGridWeek").text
    assert all(f'value="{layer}"' in page for layer in november) and 'data-zone="Asia/Shanghai"' in page and 'data-date="2026-11-24"' in page
    assert 'data-only=""' in page and 'data-only="task memo handed"' in login("li").get("/calendar/?only=task").text


def test_colleagues_calendars_as_far_as_the_scope_reaches(login, november, people):
    assert [row[1] for row in told(login("wang"))] == ["王来办"]
    assert told(login("zhao")) == []
    for whose in ("team", "all", str(people["li"])):
        assert login("wang").get(f"/calendar/events?start=2026-11-01&end=2026-12-01&whose={whose}").status_code == 400
        assert login("wang").get(f"/calendar/?whose={whose}").status_code == 400
    boss = login("qian")
    assert [row[1] for row in told(boss)] == [] and len(told(boss, whose="team")) == 7
    assert [row[1] for row in told(boss, whose=str(people["wang"]))] == ["王来办"]
    assert {e["extendedProps"]["owner"] for e in feed(boss, whose=str(people["wang"]))["events"]} == {""}, "one person's need no name"
    assert {e["extendedProps"]["owner"] for e in feed(boss, whose="team")["events"]} == {"李雨桐", "王浩然"}
    assert len(told(login("chen"), whose="all")) == 7
    page = boss.get("/calendar/").text
    assert "王浩然</option>" in page and "赵立强</option>" not in page
    assert boss.get(f"/calendar/events?start=2026-11-01&end=2026-12-01&whose={people['zhao']}").status_code == 400


def test_a_role_sees_the_layers_that_it_may_read(login, november, as_role):
    with as_role("li", "office"):
        assert {row[0] for row in told(login("li"))} == {"memo", "task", "call", "contract", "handed"}
    assert login(None).get("/calendar/events?start=2026-11-01&end=2026-12-01").status_code in (302, 401)


def test_odd_questions_are_refused(login, november):
    client = login("li")
    for query in ("", "start=x&end=y", "start=2026-11-01&end=2026-11-01", "start=2026-11-01&end=2028-01-01", "start=0001-01-01&end=0001-02-01",
                  "start=2026-11-01&end=2026-12-01&whose=zzz"):
        assert client.get(f"/calendar/events?{query}").status_code == 400, query
    for key in ("", "task", "task-x", "task-12@x", "contract-1", "user-1", "task-99999999999"):
        assert drag(client, key, "2026-11-25", "2026-11-26").status_code == 400, key
    key = f"task-{november['task'].id}"
    for start, end in (("x", "y"), ("2026-11-25", "2026-11-25"), ("2026-11-25T10:00", "2026-11-25T09:00"), ("2026-11-25T10:00Z", "2026-11-25T11:00Z"),
                       ("0001-01-01", "0001-01-02"), ("2026-11-25", "2026-11-25T09:00")):
        answer = drag(client, key, start, end)
        assert answer.status_code == 409 and answer.json["error"], (start, end)


def test_what_is_dragged_moves_and_comes_back(login, november, session):
    client = login("li")
    moves = {"task": ("task", "2026-11-26T14:30:00", "2026-11-26T16:00:00"), "memo": ("task", "2026-11-12", "2026-11-14"),
             "call": ("customer", "2026-11-23T11:00:00", "2026-11-23T12:00:00"), "plan": ("paymentplan", "2026-12-01", "2026-12-02"),
             "deal": ("opportunity", "2026-12-03", "2026-12-04")}
    before, batches = told(client, end="2027-01-01"), []
    for layer, (entity, start, end) in moves.items():
        answer = drag(client, f"{entity}-{november[layer].id}", start, end)
        assert answer.status_code == 200 and "已移到" in answer.json["said"], answer.text
        batches.append(answer.json["batch"])
    longer = client.post("/calendar/move", data={"key": f"task-{november['task'].id}", "start": moves["task"][1], "end": moves["task"][2],
                                                 "longer": "1"})
    assert longer.json["said"] == "已改为 11-26 14:30 – 16:00。"
    after = {row[0]: row[2:] for row in told(client, end="2027-01-01")}
    assert after["task"] == moves["task"][1:] and after["memo"] == moves["memo"][1:] and after["call"][0] == moves["call"][1]
    assert after["plan"] == moves["plan"][1:] and after["deal"] == moves["deal"][1:]
    for batch in reversed(batches):
        assert client.post(f"/undo/{batch}").status_code == 302
    assert told(client, end="2027-01-01") == before


def test_between_the_days_row_and_the_hours(login, november, session):
    """A timed task dropped on the all-day row takes whole days, and the other way round; a call keeps its hour."""
    client, task = login("li"), november["task"]
    drag(client, f"task-{task.id}", "2026-11-26", "2026-11-27")
    session.expire_all()
    assert (task.is_all_day, task.first_on, task.last_on) == (True, D(2026, 11, 26), D(2026, 11, 26))
    drag(client, f"task-{task.id}", "2026-11-26T09:00", "2026-11-26T10:00")
    session.expire_all()
    assert (task.is_all_day, task.first_on, task.starts_at) == (False, None, at("2026-11-26T09:00"))
    drag(client, f"customer-{november['call'].id}", "2026-11-30", "2026-12-01")
    session.expire_all()
    assert session.get(Customer, november["call"].id).next_follow_at == at("2026-11-30T09:30")


def test_what_the_rules_refuse_stays_where_it_is(login, november, make, session, people, as_role):
    client, plan = login("li"), november["plan"]
    make.payment(owner="li", contract_id=plan.contract_id, plan_id=plan.id, amount=1_00)
    answer = drag(client, f"paymentplan-{plan.id}", "2026-12-01", "2026-12-02")
    assert answer.status_code == 409 and "已有回款" in answer.json["error"]
    assert session.get(PaymentPlan, plan.id).due_on == D(2026, 11, 27)
    key = f"opportunity-{november['deal'].id}"
    assert drag(login("zhao"), key, "2026-12-01", "2026-12-02").status_code == 404
    with as_role("li", "finance"):
        assert drag(login("li"), key, "2026-12-01", "2026-12-02").status_code == 403
    assert session.get(Opportunity, november["deal"].id).closes_on == D(2026, 11, 26)
    make.collaborator(entity="opportunity", row_id=november["deal"].id, employee_id=people["wang"], may_write=False)
    assert drag(login("wang"), key, "2026-12-01", "2026-12-02").status_code == 403


def test_an_occurrence_is_dragged_alone(login, november, make, session, people):
    start = dt.datetime(2026, 11, 2, 9)
    task = make.task(owner="li", created_by_id=people["li"], title="例会", starts_at=clock.to_utc(start), ends_at=clock.to_utc(start) + dt.timedelta(hours=1),
                     repeat="weekly", repeat_from=start)
    client = login("li")
    meetings = [(e["id"], e["start"]) for e in feed(client)["events"] if e["title"] == "例会"]
    assert meetings == [(f"task-{task.id}@2026-11-{day:02d}", f"2026-11-{day:02d}T09:00:00") for day in (2, 9, 16, 23, 30)]
    pages = {e["start"][:10]: e["extendedProps"]["page"] for e in feed(client)["events"] if e["title"] == "例会"}
    page = client.get(pages["2026-11-16"]).text
    assert pages["2026-11-16"] == f"/task/show/{task.id}?on=2026-11-16" and "11-16 09:00" in page and "11-02 09:00" not in page
    assert f'href="/task/edit/{task.id}?on=2026-11-16&amp;"' in page and 'value="finish"' not in page, "the buttons beside the day are its own"
    assert client.get(pages["2026-11-02"]).location == f"/task/show/{task.id}" and session.get(Task, task.id).starts_at == clock.to_utc(start)
    answer = drag(client, meetings[2][0], "2026-11-17T15:00", "2026-11-17T16:30")
    assert answer.status_code == 200, answer.text
    own = session.scalar(select(Task.id).where(Task.series_id == task.id))
    assert client.get(pages["2026-11-16"]).location == f"/task/show/{own}", "an occurrence that has a row of its own is that row"
    assert client.get(f"/task/show/{task.id}?on=2026-11-10").location == f"/task/show/{task.id}"
    assert [row[2] for row in told(client) if row[1] == "例会"] == [f"2026-11-{day}" for day in ("02T09:00:00", "09T09:00:00", "17T15:00:00", "23T09:00:00", "30T09:00:00")]
    assert drag(client, meetings[2][0], "2026-11-18T15:00", "2026-11-18T16:30").status_code == 409, "it has a row of its own by now"
    undo.take_back(session, answer.json["batch"])
    session.commit()
    assert [row[2][8:10] for row in told(client) if row[1] == "例会"] == ["02", "09", "16", "23", "30"]


def test_dragging_a_range_makes_a_task(login, session, people):
    """The small form knows the times of the range; what it makes is on the calendar."""
    client = login("li")
    form = client.get("/task/quick?starts_at=2026-11-26+14:00&ends_at=2026-11-26+15:30&name=").text
    assert 'value="2026-11-26 14:00"' in form and 'value="2026-11-26 15:30"' in form
    made = client.post("/task/quick", data={"kind": "memo", "title": "样机", "starts_at": "2026-11-26 14:00", "ends_at": "2026-11-26 15:30", "token": "q1"})
    assert made.status_code == 200 and made.json["text"] == "样机"
    bad = client.post("/task/quick", data={"kind": "memo", "title": "样机", "starts_at": "2026-11-26 14:00", "ends_at": "2026-11-26 13:30", "token": "q2"})
    assert bad.status_code == 422 and "结束时间必须晚于开始时间" in bad.text
    assert told(client) == [("memo", "样机", "2026-11-26T14:00:00", "2026-11-26T15:30:00")]
    task = session.scalars(select(Task)).one()
    assert (task.owner_id, task.state, task.priority) == (people["li"], "open", "p4")


def test_holidays_moved_working_days_and_lunar_days(login, make):
    """国庆 2026 with its 调休, the lunar new year, and what the administrator says wins."""
    client = login("li")
    days = feed(client, "2026-09-14", "2026-10-19")["days"]
    assert days["2026-10-01"]["works"] is False and days["2026-10-01"]["name"] == "国庆节"
    assert days["2026-10-10"]["works"] is True and days["2026-09-20"]["works"] is True, "调休"
    assert days["2026-09-25"]["lunar"] == "中秋节" and days["2026-10-10"]["lunar"] == "九月" and "works" not in days["2026-10-09"]
    assert feed(client, "2027-02-01", "2027-03-01")["days"]["2027-02-06"] == {"lunar": "春节", "name": "春节", "works": False}
    make.office_day(day=D(2026, 11, 27), kind="off", name="公司周年庆")
    assert feed(client)["days"]["2026-11-27"] == {"lunar": "十九", "name": "公司周年庆", "works": False}
    client.get("/lang/en")
    english = feed(client, "2026-11-01", "2026-11-30")["days"]
    assert english == {"2026-11-27": {"name": "公司周年庆", "works": False}}


def test_the_number_of_statements_does_not_grow(login, november, make, statements, people):
    boss, counted = login("qian"), []
    for _more in range(2):
        for n in range(12):
            customer = make.customer(owner="li", next_follow_at=at("2026-11-20T09:30"))
            make.task(owner="li", created_by_id=people["li"], customer_id=customer.id, starts_at=at("2026-11-24T09:00"), ends_at=at("2026-11-24T10:00"),
                      repeat="daily" if n % 2 else None, repeat_from=dt.datetime(2026, 11, 24, 9))
            make.opportunity(owner="wang", customer_id=customer.id, closes_on=D(2026, 11, 26))
        feed(boss, whose="team")
        with statements() as seen:
            feed(boss, whose="team")
        counted.append(len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA"))]))
    assert counted[0] == counted[1] <= 12, seen


def test_more_than_can_be_drawn_is_said(login, november, make, people, monkeypatch, session):
    from app.calendar import layers
    monkeypatch.setattr(layers, "MOST", 3)
    assert feed(login("li"))["more"] == "" and session.scalar(select(func.count(Task.id))) == 3
    make.task(owner="li", created_by_id=people["li"], starts_at=at("2026-11-24T09:00"), ends_at=at("2026-11-24T10:00"))
    assert "没有全部画出" in feed(login("li"))["more"]

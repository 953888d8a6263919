"""The manual's seventeen sentences of 4.2 工作桌面, one after the other: each is shown on the running app by a test with its number."""
import datetime as dt
import html
import json
import re

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.targets.models import Target
from app.tasks.models import Task
from tests import cast
from tests.calendar.test_calendar import feed
from tests.story import said
from tests.targets.test_pages import heads, open_year, row_of
from tests.tasks.test_tasks import given, typed

TODAY = clock.today()
YEAR = TODAY.year


# ---- 业务看板 -------------------------------------------------------------------------------------------------
def test_sentence_1_after_login_the_work_desktop_opens(app):
    """登录成功后默认会打开快客 CRM 的工作桌面."""
    client = app.test_client()
    answer = client.post("/login/", data={"username": "li", "password": cast.PASSWORD})
    assert answer.status_code == 302 and answer.location in ("/", "http://localhost/")
    assert "工作桌面" in client.get("/").text


def test_sentence_2_three_tabs_board_tasks_targets(login):
    """包括：业务看板，任务/备忘录，销售指标设定三个业务书签."""
    tabs = re.search(r'<nav class="k-marks".*?</nav>', login("li").get("/").text, re.S)[0]
    assert [t for t in re.findall(r">([^<>]+)</a>", tabs) if t in ("业务看板", "任务/备忘录", "销售指标设定")] == ["业务看板", "任务/备忘录", "销售指标设定"]


def test_sentence_3_the_board_leads_to_the_online_help(login):
    """可以查看到关于快客 CRM 的在线帮助."""
    client = login("li")
    link = re.search(r'class="k-helpline" href="([^"]+)"', client.get("/").text)[1]
    assert client.get(link).status_code == 200 and "工作桌面" in client.get(link).text


def test_sentence_4_recent_payments_and_orders_of_customers(login, make):
    """近期客户回款状况或订单状况."""
    deal = make.contract(owner="li", name="三号线改造", amount=500_000_00, signed_on=TODAY)
    make.payment(contract_id=deal.id, amount=120_000_00, paid_on=TODAY, owner="li")
    make.payment_plan(contract_id=deal.id, amount=200_000_00, due_on=TODAY - dt.timedelta(3), owner="li", received=0)
    page = login("li").get("/").text
    orders, due = (page[page.index(f'data-card="{card}"'):][:9000] for card in ("orders", "payments"))
    assert "三号线改造" in orders and "500,000" in orders and "未回 380,000" in orders and "120,000" in orders
    assert "80,000" in due and "逾期 3 天" in due
    assert "三号线改造" not in login("zhao").get("/").text


def test_sentence_5_a_calendar_with_reminders_of_memos_and_tasks(login, make, people):
    """还有日历上的一些备忘及任务的提醒."""
    at = clock.to_utc(dt.datetime.combine(TODAY, dt.time(23, 30)))
    make.task(owner="li", kind="memo", title="方总在上海", starts_at=at, ends_at=at + dt.timedelta(minutes=20), created_by_id=people["li"])
    make.task(owner="wang", title="王的任务", starts_at=at + dt.timedelta(1), ends_at=at + dt.timedelta(1, 60), created_by_id=people["wang"])
    make.customer(owner="li", next_follow_at=clock.day_start(TODAY + dt.timedelta(2)))
    client = login("li")
    page = client.get("/").text
    assert 'data-k-sheet="/desk/days/"' in page and "方总在上海" in page and "王的任务" not in page
    marks = client.get(f"/desk/days/{TODAY:%Y-%m}").json
    assert marks[str(TODAY)] == ["task"] and str(TODAY + dt.timedelta(1)) not in marks
    later = TODAY + dt.timedelta(2)
    assert client.get(f"/desk/days/{later:%Y-%m}").json[str(later)] == ["call"]
    assert login("zhao").get(f"/desk/days/{TODAY:%Y-%m}").json == {}
    for odd in ("2026-13", "x", "2026-1"):
        assert client.get(f"/desk/days/{odd}").status_code == 400


# ---- 任务/备忘录 ------------------------------------------------------------------------------------------------
def listed(client, query) -> list[str]:
    """The titles on the list of tasks and memos, in order."""
    page = client.get(f"/task/list/?{query}&psize_TaskView=200").text
    titles = re.findall(r'<a href="/task/show/\d+">([^<]+)</a>', page)
    assert f'data-total="{len(titles)}"' in page, query
    return titles


@pytest.fixture
def work(session, as_, people):
    """李's tasks and memos of every sort, and what others do."""
    yesterday, next_week = ({"starts_at": at, "ends_at": at + dt.timedelta(hours=1)} for at in (
        clock.day_start(TODAY + dt.timedelta(n)) + dt.timedelta(hours=10) for n in (-1, 8)))
    today = {"starts_at": clock.day_start(TODAY), "ends_at": clock.day_start(TODAY + dt.timedelta(1)) - dt.timedelta(minutes=1)}
    for by, executors, more in (
            ("li", ("li",), {"title": "自己的任务", **today}), ("li", ("li",), {"title": "自己的备忘", "kind": "memo", **yesterday}),
            ("qian", ("li",), {"title": "经理下派的", **next_week}), ("qian", ("wang", "li"), {"title": "和王一起的", **next_week}),
            ("li", ("li",), {"title": "逾期的", **yesterday}), ("li", ("li",), {"title": "已做完的", "state": "done", **yesterday}),
            ("li", ("wang",), {"title": "我派给王的", **next_week}), ("zhao", ("zhao",), {"title": "赵的", **today}),
            ("wang", ("wang",), {"title": "王自己的", **today})):
        given(session, as_, people, *executors, by=by, **more)


MINE = {"自己的任务", "自己的备忘", "经理下派的", "和王一起的", "逾期的", "已做完的"}


def test_sentence_6_all_of_my_tasks_and_memos_are_recorded(login, work):
    """记录了我所有的任务及备忘."""
    assert set(listed(login("li"), "quick=mine")) == MINE
    assert set(listed(login("zhao"), "quick=mine")) == {"赵的"}


def test_sentence_7_a_list_with_quick_filters(login, work):
    """以列表的形式展现，带有快速过滤筛选功能，方便使用者快速查看."""
    client = login("li")
    page = client.get("/task/list/").text
    assert 'class="k-quick"' in page and 'data-quick="open"' in page
    wanted = {"open": MINE - {"已做完的"}, "done": {"已做完的"}, "late": {"逾期的"}, "given": {"经理下派的", "和王一起的"}, "handed": {"我派给王的"},
              "today": {"自己的任务"}, "mine&kind=memo": {"自己的备忘"}, "mine&q=经理": {"经理下派的"}}
    assert {quick: set(listed(client, f"quick={quick}")) for quick in wanted} == wanted
    counts = client.get("/task/counts").json
    assert {quick: counts[quick] for quick in ("open", "done", "late", "given", "handed", "today")} == {
        quick: len(titles) for quick, titles in wanted.items() if "&" not in quick}, "each filter says how many it gives"


def test_sentence_8_the_new_button_makes_tasks_and_memos(login, session, people):
    """点击新建按钮就可以建立任务或者备忘录了."""
    client = login("li")
    button = re.search(r'<a class="btn[^"]*" href="(/task/add)"[^>]*>(.*?)</a>', client.get("/task/list/").text, re.S)
    assert "新建" in button[2]
    choice = re.search(r'<select[^>]*name="kind".*?</select>', client.get(button[1]).text, re.S)[0]
    assert re.findall(r'value="(\w+)">(\S+)</option>', choice) == [("task", "任务"), ("memo", "备忘录")]
    for kind in ("task", "memo"):
        assert client.post(button[1], data=typed(kind=kind, title=kind)).status_code == 302
    rows = session.scalars(select(Task).order_by(Task.id)).all()
    assert [(t.kind, t.owner_id, t.created_by_id) for t in rows] == [(k, people["li"], people["li"]) for k in ("task", "memo")]


def test_sentence_9_start_and_end_are_filled_in(login, session):
    """填写任务或备忘录的开始及结束时间."""
    client = login("li")
    client.post("/task/add", data=typed())
    row = session.scalars(select(Task)).one()
    assert row.starts_at == dt.datetime(2026, 11, 24, 1) and row.ends_at == dt.datetime(2026, 11, 24, 10), "stored in UTC"
    shown = client.get(f"/task/edit/{row.id}").text
    assert 'value="2026-11-24 09:00"' in shown and 'value="2026-11-24 18:00"' in shown
    for bad in ({"ends_at": "2026-11-24 09:00"}, {"starts_at": ""}, {"ends_at": ""}, {"title": " "}, {"kind": "zzz"}, {"reminders": "7"}):
        answer = client.post("/task/add", data=typed(**bad))
        assert answer.status_code == 200 and "invalid-feedback" in answer.text, bad
    assert session.scalar(select(func.count(Task.id))) == 1


@pytest.mark.parametrize("kind", ["task", "memo"])
def test_sentence_10_who_is_through_with_it_opens_it_and_sets_the_completion(login, session, kind):
    """在完成任务后进入该任务或备忘录，将完成状态更改成 完成."""
    client = login("li")
    client.post("/task/add", data=typed(kind=kind))
    row = session.scalars(select(Task)).one()
    assert f'href="/task/edit/{row.id}' in client.get(f"/task/show/{row.id}").text
    form = client.get(f"/task/edit/{row.id}").text
    completion = re.search(r'<select[^>]*name="state".*?</select>', form, re.S)[0]
    assert "完成状态" in form and re.search(r'value="done">完成</option>', completion)
    assert client.post(f"/task/edit/{row.id}", data=typed(kind=kind, state="done", version=row.version)).status_code == 302
    session.expire_all()
    assert row.state == "done" and row.done_at and "完成" in client.get(f"/task/show/{row.id}").text


def test_sentence_11_what_is_not_done_yet_is_found_at_once(login, session, work):
    """这样可以在任务/备忘录查询界面，快速查询到自己还有哪些任务或备忘录没有完成."""
    client = login("li")
    left = MINE - {"已做完的"}
    assert set(listed(client, "")) == left, "the list opens with them"
    assert set(listed(client, "quick=mine&state=open")) == left and set(listed(client, "quick=mine&state=done")) == {"已做完的"}
    row = session.scalars(select(Task).where(Task.title == "逾期的")).one()
    client.post(f"/task/edit/{row.id}", data=typed(title="逾期的", state="done", version=row.version))
    assert set(listed(client, "")) == left - {"逾期的"}


def test_sentence_12_every_task_and_memo_stands_on_the_calendar(login, session, people):
    """所有添加的备忘录或任务都会在日历模块展示: of every kind, state, length and repetition, without exception."""
    client = login("li")
    spans = (("2026-11-24 09:00", "2026-11-24 09:01", ""), ("2026-11-24 00:00", "2026-11-25 00:00", ""), ("2026-10-20 23:59", "2026-11-01 00:30", ""),
             ("2026-11-30 23:59", "2026-12-03 08:00", ""), ("2026-11-09", "2026-11-11", "y"), ("2026-10-01", "2027-01-31", "y"))
    for kind in ("task", "memo"):
        for state in ("open", "doing", "done"):
            for n, (starts_at, ends_at, is_all_day) in enumerate(spans):
                more = {"executors": str(people["wang"])} if n == 1 else {}
                more |= {"is_all_day": "y"} if is_all_day else {}
                more |= {"repeat": "weekly", "repeat_until": "2026-12-31"} if n == 0 and state != "done" else {}
                posted = client.post("/task/add", data=typed(title=f"{kind}-{state}-{n}", kind=kind, state=state, starts_at=starts_at, ends_at=ends_at, **more))
                assert posted.status_code == 302, said(posted)
    added = {task.id for task in session.scalars(select(Task))}
    drawn = [int(re.match(r"task-(\d+)", e["id"])[1]) for e in feed(client)["events"]]
    assert len(added) == 36 and set(drawn) == added
    weekly = [e["start"][:10] for e in feed(client, "2026-11-24", "2027-01-01")["events"] if e["title"] == "memo-open-0"]
    assert weekly == ["2026-11-24", "2026-12-01", "2026-12-08", "2026-12-15", "2026-12-22", "2026-12-29"], "a repeating one on each of its days"
    month = client.get("/desk/days/2026-11").json
    assert "task" in month["2026-11-24"], "and on the small one of the board"


# ---- 销售指标设定 ---------------------------------------------------------------------------------------------
def test_sentence_13_each_person_sets_his_own_target_of_each_month(login, session, people):
    """可以对自己每月的销售目标进行设定."""
    client, year = login("li"), open_year()
    form = {"year": str(year), "own-signed-3": "1,200,000", "own-signed-4": "900000.5", "own-received-3": "800000", "own-customers-3": "20"}
    assert client.post("/target/save", data=form).status_code == 302
    found = {(t.kind, t.month): t.own for t in session.scalars(select(Target).where(Target.owner_id == people["li"]))}
    assert found == {("signed", 3): 1_200_000_00, ("signed", 4): 900_000_50, ("received", 3): 800_000_00, ("customers", 3): 20_00}
    assert "撤销" in client.get(f"/target/?year={year}").text
    refused = client.post("/target/save", data={"year": str(year), "own-signed-5": "much", "own-signed-6": "5", "own-customers-5": "1.5"})
    assert refused.status_code == 200 and refused.text.count("invalid-feedback") == 2 and 'value="much"' in refused.text
    assert session.scalar(select(Target).where(Target.month == 6)) is None, "all or nothing"


def test_sentence_14_the_superiors_target_stands_beside_ones_own(login, make):
    """上级下派给自己的每月目标也会在这里显示."""
    make.target(owner="li", year=YEAR, month=TODAY.month, own=900_000_00, assigned=1_200_000_00)
    page = login("li").get("/target/").text
    assert row_of(page, "signed-assigned")[TODAY.month - 1] == "120" and "上级下派" in page
    client, year = login("li"), open_year()
    assert client.post(f"/target/people/save?year={year}", data={"year": year, "kind": "signed"}).status_code == 403, "only a superior hands out"
    row = make.target(owner="li", year=year, month=1, own=1_00)
    answer = client.post(f"/target/edit/{row.id}", data={"version": row.version, "owner": row.owner_id, "year": year, "month": 1, "kind": "signed",
                                                         "own": "1", "assigned": "999"})
    assert answer.status_code == 200 and "只有上级可以下派指标" in answer.text


def test_sentence_15_targets_set_before_can_be_queried(login, make):
    """可以对自己曾经定义的销售目标进行查询."""
    old = make.target(owner="li", year=YEAR - 2, month=5, own=500_000_00)
    make.target(owner="wang", year=YEAR - 2, month=5, own=700_000_00)
    client = login("li")
    assert row_of(client.get(f"/target/?year={YEAR - 2}").text, "signed-own")[4] == "50"
    listed = client.get(f"/target/list/?quick=all&year={YEAR - 2}&month=5").text
    assert 'data-total="1"' in listed and f'data-id="{old.id}"' in listed


def test_sentence_16_year_alone_compares_the_months_of_that_year(login, make):
    """当仅仅设定查询年份时，可以进行同年不同月份的销售指标进行对比."""
    make.contract(owner="li", amount=300_000_00, signed_on=dt.date(YEAR - 1, 2, 3))
    make.target(owner="li", year=YEAR - 1, month=2, own=400_000_00)
    page = login("li").get(f"/target/?year={YEAR - 1}&month=").text
    assert heads(page) == [*(f"{n}月" for n in range(1, 13)), "全年"]
    assert row_of(page, "signed-actual")[1] == "30" and row_of(page, "signed-rate")[1] == "75%" and row_of(page, "signed-gap")[1] == "10"
    chart = json.loads(html.unescape(re.search(r"id=\"k-main\"[^>]*data-chart='([^']+)'", page)[1]))
    assert len(chart["labels"]) == 12 and chart["series"][1]["data"][1]["value"] == 30


def test_sentence_17_month_alone_compares_that_month_over_the_years(login, make):
    """当仅仅设定月份时，可以进行同月不同年份的对比；标注为同比."""
    for year, amount in ((YEAR - 2, 100_000_00), (YEAR - 1, 300_000_00)):
        make.contract(owner="li", amount=amount, signed_on=dt.date(year, 2, 3))
    page = login("li").get("/target/?year=&month=2").text
    assert "同月历年对比(同比)" in page
    assert heads(page) == [str(YEAR - 2), str(YEAR - 1), str(YEAR)]
    assert row_of(page, "signed-actual") == ["10", "30", "—"]

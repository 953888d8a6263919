"""Tasks and memos: who sees and ends them, times, filters, the list and its rows (manual 4.2)."""
import datetime as dt
import re
from contextvars import ContextVar

import pytest
from sqlalchemy import func, select

from app.core import changes, clock, scope, undo
from app.core.rules import RuleError
from app.customers.models import Followup
from app.tasks import rules
from app.tasks.models import Task

NOON = dt.datetime(2026, 11, 24, 4)  # Tuesday 12:00 in the office


def typed(**over):
    """The form of a new task as a browser posts it."""
    return {"kind": "task", "title": "催收验收款", "starts_at": "2026-11-24 09:00", "ends_at": "2026-11-24 18:00", "state": "open",
            "priority": "p1", **over}


def given(session, as_, people, *executors, by="qian", **over):
    """A task that one person wrote down for others."""
    with as_(by):
        task = Task(**{"kind": "task", "title": "拜访恒远", "state": "open", "starts_at": NOON, "ends_at": NOON + dt.timedelta(hours=1), **over})
        ids = [people[name] for name in executors]
        rules.set_executors(task, ids)
        rules.check_task(session, task)
        session.add(task)
        session.flush()
        rules.share(session, task, ids)
        session.commit()
    return task


def told(client, url):
    """The page that a posted button leads to."""
    return client.get(client.post(url).location).text


def seen(session, as_, name, clause=None):
    with as_(name) as who:
        return set(session.scalars(select(Task.title).where(clause(who) if clause else True)))


def test_an_all_day_task_takes_whole_office_days(login, session):
    client = login("li")
    client.post("/task/add", data=typed(is_all_day="y", starts_at="2026-11-09", ends_at="2026-11-11"))
    task = session.scalars(select(Task)).one()
    assert (task.first_on, task.last_on) == (dt.date(2026, 11, 9), dt.date(2026, 11, 11))
    assert clock.to_office(task.starts_at) == dt.datetime(2026, 11, 9) and clock.to_office(task.ends_at) == dt.datetime(2026, 11, 11, 23, 59)
    page = client.get(f"/task/edit/{task.id}").text
    assert "2026-11-09 00:00" in page and "2026-11-11 23:59" in page, "saving it again changes nothing"
    client.post(f"/task/edit/{task.id}", data=typed(is_all_day="y", starts_at="2026-11-09", ends_at="2026-11-08", version=str(task.version)))
    session.refresh(task)
    assert task.last_on == dt.date(2026, 11, 11)


def test_an_executor_sees_and_finishes_what_was_given_to_him(session, as_, people, login):
    task = given(session, as_, people, "zhao", by="li")
    for name, sees in (("zhao", True), ("li", True), ("qian", False), ("wang", False), ("chen", True)):
        assert bool(seen(session, as_, name)) is sees, name
    client = login("zhao")
    assert task.title in client.get("/task/list/").text and client.get(f"/task/show/{task.id}").status_code == 200
    assert client.post(f"/task/row/{task.id}/finish").status_code == 302
    session.refresh(task)
    assert task.state == "done" and task.done_at and task.report == "waits"
    assert login("wang").post(f"/task/row/{task.id}/reopen").status_code == 404


def test_only_who_handed_a_task_out_ends_it(session, as_, people, login):
    task = given(session, as_, people, "li", "wang")
    client = login("li")
    assert "只有下派人可以结束" in told(client, f"/task/delete/{task.id}")
    changed = client.post(f"/task/edit/{task.id}", data=typed(executors=str(people["zhao"]), version=str(task.version)))
    assert "更换执行人" in changed.text
    with as_("li"):
        rules.finish(session, [task])
        session.commit()
        with pytest.raises(RuleError):
            rules.confirm(session, [task])
    with as_("qian"):
        assert seen(session, as_, "qian", rules.to_confirm)
        rules.confirm(session, [task])
        session.commit()
    assert task.report == "confirmed" and not seen(session, as_, "qian", rules.to_confirm)
    with as_("li"), pytest.raises(RuleError):
        rules.reopen(session, [task])
    with as_("qian"):
        rules.reopen(session, [task])
    assert (task.state, task.done_at, task.confirmed_at) == ("open", None, None)
    session.commit()
    assert login("qian").post(f"/task/delete/{task.id}").status_code == 302
    assert not seen(session, as_, "li")


def test_a_customers_owner_sees_its_tasks_but_does_not_change_them(session, as_, people, make, login):
    customer = make.customer(owner="li")
    task = given(session, as_, people, "chen", by="chen", customer_id=customer.id, title="价格底线")
    assert seen(session, as_, "li") == {"价格底线"} and not seen(session, as_, "wang")
    page = login("li").get(f"/customer/show/{customer.id}?tab=task").text
    assert "价格底线" in page
    assert "只有该任务的执行人" in told(login("li"), f"/task/row/{task.id}/finish")


def test_wide_data_scope_alone_does_not_open_colleagues_tasks(session, as_, people, make):
    """Finance sees all documents, and nobody's memos: that takes the right of its own."""
    from app.core.actor import Actor, acting_as
    make.task(owner="li")
    for verbs, n in ((frozenset({"task.read"}), 0), (frozenset({"task.read", "task.oversee"}), 1)):
        with acting_as(Actor(people["chen"], "x", "x", verbs=verbs, reach=None)):
            assert session.scalar(select(func.count(Task.id))) == n
            assert bool(scope.may_edit(session, session.scalars(select(Task).execution_options(everyone=True)).one(), Actor(
                people["chen"], "x", "x", verbs=verbs, reach=None))) is bool(n)


def test_quick_filters_tell_mine_given_handed_out_and_subordinates(session, as_, people):
    with clock.frozen(NOON):
        given(session, as_, people, "li", by="li", title="自己的")
        given(session, as_, people, "li", "wang", title="经理派的")
        given(session, as_, people, "qian", "li", title="经理和李一起")
        given(session, as_, people, "li", by="li", title="昨天的", starts_at=NOON - dt.timedelta(1), ends_at=NOON - dt.timedelta(hours=23))
        given(session, as_, people, "li", by="li", title="昨天的备忘", kind="memo", starts_at=NOON - dt.timedelta(1), ends_at=NOON - dt.timedelta(hours=23))
        given(session, as_, people, "li", by="li", title="周日的", starts_at=NOON + dt.timedelta(5), ends_at=NOON + dt.timedelta(5, 60))
        given(session, as_, people, "li", by="li", title="下周的", starts_at=NOON + dt.timedelta(6), ends_at=NOON + dt.timedelta(6, 60))
        given(session, as_, people, "li", by="li", title="做完的", state="done")
        asked = {name: seen(session, as_, who, rule) for name, who, rule in (
            ("today", "li", rules.today), ("week", "li", rules.this_week), ("late", "li", rules.late), ("given", "li", rules.given_to_me),
            ("handed", "qian", rules.handed_out), ("mine", "qian", rules.mine), ("below", "qian", rules.of_subordinates), ("wang", "wang", rules.open_of))}
        open_ = seen(session, as_, "li", rules.open_of)
    assert open_ == {"自己的", "经理派的", "经理和李一起", "昨天的", "昨天的备忘", "周日的", "下周的"}
    assert asked["today"] == {"自己的", "经理派的", "经理和李一起", "做完的"} and asked["late"] == {"昨天的"}
    assert asked["week"] == open_ - {"下周的"} | {"做完的"}
    assert asked["given"] == {"经理派的", "经理和李一起"} and asked["handed"] == {"经理派的", "经理和李一起"} and asked["mine"] == {"经理和李一起"}
    assert asked["below"] == {"自己的", "经理派的", "昨天的", "昨天的备忘", "周日的", "下周的"} and asked["wang"] == {"经理派的"}


def test_put_off_keeps_the_time_of_day_and_the_length_and_can_be_undone(session, as_, people):
    with clock.frozen(NOON), as_("li"):
        task = given(session, as_, people, "li", by="li")
        before = (task.starts_at, task.ends_at)
        with changes.operation(session, "later", "task"):
            rules.put_off(session, [task], "tomorrow")
        session.commit()
        assert (task.starts_at, task.ends_at) == tuple(t + dt.timedelta(1) for t in before)
        undo.take_back(session, session.info["last_batch"])
        session.commit()
        assert (task.starts_at, task.ends_at) == before
        rules.put_off(session, [task], "monday")
        assert clock.to_office(task.starts_at) == dt.datetime(2026, 11, 30, 12)
        rules.put_off(session, [task], "day", dt.date(2027, 1, 4))
        assert clock.to_office(task.starts_at) == dt.datetime(2027, 1, 4, 12)
        with pytest.raises(RuleError):
            rules.put_off(session, [task], "day")


def test_related_records_belong_to_one_customer(session, as_, people, make):
    deal, other = make.opportunity(), make.customer()
    with as_("li"):
        task = given(session, as_, people, "li", by="li", opportunity_id=deal.id)
        assert task.customer_id == deal.customer_id, "the customer comes along"
        with pytest.raises(RuleError):
            given(session, as_, people, "li", by="li", opportunity_id=deal.id, customer_id=other.id)


def test_the_list_groups_rows_and_finishes_them_in_place(login, session, as_, people, statements):
    now = clock.now()
    for n in range(30):
        given(session, as_, people, "li", "wang", by="qian", title=f"任务{n}", starts_at=now + dt.timedelta(hours=n), ends_at=now + dt.timedelta(hours=n + 1))
    client = login("li")
    client.get("/task/list/")
    with statements() as few:
        page = client.get("/task/list/?psize_TaskView=25").text
    assert "李雨桐、王浩然" in page and 'class="grp"' in page and "formaction=\"/task/row/" in page
    with statements() as more:
        client.get("/task/list/?psize_TaskView=100")
    assert len(few) == len(more) <= 6, few


def headings(page):
    """The headings of a grouped list, each with the titles below it."""
    found = {}
    for head, title in re.findall(r'<tr class="grp"><td[^>]*>([^<]*)|<a href="/task/show/\d+">([^<]*)</a>', page):
        found.setdefault(head, []) if head else found[list(found)[-1]].append(title)
    return found


def test_everybody_chooses_what_his_list_is_grouped_by(login, session, as_, people, make, statements, monkeypatch):
    """The groups come in order whatever the rows are sorted by, each once; no statement more for more rows."""
    customer = make.customer(owner="li", name="恒远")
    monkeypatch.setattr(clock, "_frozen", ContextVar("noon", default=NOON))
    for title, days, hours, more in (("昨天", -1, 1, {"priority": "p1"}), ("昨天备忘", -1, 1, {"kind": "memo"}), ("从昨天到明天", -1, 48, {}), ("今天", 0, 1, {}),
                                     ("明天", 1, 1, {"customer_id": customer.id}), ("周日", 5, 1, {"priority": "p1"}), ("下周一", 6, 1, {})):
        starts_at = NOON + dt.timedelta(days)
        given(session, as_, people, "li", by="li", **{"title": title, "starts_at": starts_at, "ends_at": starts_at + dt.timedelta(hours=hours), **more})
    client = login("li")
    dated = headings(client.get("/task/list/?quick=own&_oc_TaskView=starts_at&_od_TaskView=desc").text)
    assert dated == {"已逾期": ["昨天"], "今天 11-24": ["今天", "从昨天到明天"], "明天 11-25": ["明天"], "本周": ["周日"], "以后": ["下周一"], "更早": ["昨天备忘"]}
    assert "/calendar/?only=task" in client.get("/task/list/").text and "grp" not in client.get("/task/list/?q=昨天").text
    client.post("/task/remember", data={"group": "priority"})
    assert headings(client.get("/task/list/").text)["高"] == ["昨天", "周日"]
    client.post("/task/remember", data={"group": "customer"})
    assert headings(client.get("/task/list/").text)["恒远"] == ["明天"]
    client.post("/task/remember", data={"columns": ["title"]})
    client.get("/task/list/")
    with statements() as few:
        client.get("/task/list/?psize_TaskView=2")
    with statements() as more:
        client.get("/task/list/?psize_TaskView=25")
    assert len(few) == len(more)
    client.post("/task/remember", data={"group": "none"})
    client.post("/task/remember", data={"group": "zzz"})
    assert 'class="grp"' not in client.get("/task/list/").text and "已逾期" in headings(login("chen").get("/task/list/?quick=all").text)


def test_every_filter_of_the_panel_says_how_many_and_no_two_mean_the_same(login, session, as_, people):
    given(session, as_, people, "li", by="li", title="自己的")
    given(session, as_, people, "wang", "li", by="qian", title="和王一起的")
    client = login("li")
    page, counts = client.get("/task/list/").text, client.get("/task/counts").json
    keys = re.findall(r'data-quick="(\w+)"', page)
    assert keys == ["all", "open", "done", "today", "week", "late", "own", "joined", "given", "handed", "confirm", "subordinates"] == list(counts)
    names = re.findall(r'data-quick="\w+">(\S+) <b', page)
    assert names == ["全部", "未完成", "已完成", "今天", "本周", "已逾期", "我负责的", "我参与的", "指派给我", "我下派的", "待确认", "下属的"]
    assert (counts["own"], counts["joined"], counts["given"]) == (1, 1, 1)
    assert 'data-quick="all_late"' in client.get("/task/list/?quick=all_late").text, "what a link asks for is seen"


def test_two_people_changing_the_executors_are_told(login, session, as_, people):
    task = given(session, as_, people, "li", "wang")
    client = login("qian")
    body = typed(executors=f"{people['li']},{people['chen']}", executors_mark=f"{people['li']},{people['wang']}", version=str(task.version))
    with as_("qian"):
        rules.assign(session, [task], [people["zhao"]])
        session.commit()
    assert "赵立强" in client.post(f"/task/edit/{task.id}", data=body).text
    assert task.executors == "赵立强"


def test_a_follow_up_is_written_from_a_tasks_row_and_finishes_it_when_asked(session, as_, people, make, login):
    """The customer and the task's records are filled in; the way leads back; who may not change the customer is told so."""
    deal = make.opportunity(owner="li", name="三号线")
    contract = make.contract(owner="li", customer_id=deal.customer_id, opportunity_id=deal.id)
    task, alone = given(session, as_, people, "li", by="li", contract_id=contract.id), given(session, as_, people, "li", by="li", title="整理桌面")
    handed = given(session, as_, people, "zhao", by="li", title="送样机", customer_id=deal.customer_id)
    client, here = login("li"), "/task/list/?quick=all"
    page = client.get(here).text
    assert f"/task/{task.id}/follow?back=%2Ftask%2Flist%2F%3Fquick%3Dall" in page and f"/task/{alone.id}/follow" not in page
    assert f"/task/{task.id}/follow?back=%2Ftask%2Fshow%2F{task.id}" in client.get(f"/task/show/{task.id}").text
    form = client.get(f"/task/{task.id}/follow?back={here}").text
    assert "三号线</option>" in form and str(task.customer) in form and 'name="finish"' in form and 'value="/task/list/?quick=all"' in form
    said = {"method": "visit", "content": "带样机去了", "happened_at": "2026-11-24 10:00", "opportunity": str(deal.id), "back": here}
    assert "带样机去了" in client.post(f"/task/{task.id}/follow", data={**said, "method": "", "finish": "1"}).text, "what was refused is not lost"
    session.refresh(task)
    assert task.state == "open" and not session.scalar(select(func.count(Followup.id)))
    assert client.post(f"/task/{task.id}/follow", data=said).location == here
    session.refresh(task)
    assert task.state == "open"
    client.post(f"/task/{task.id}/follow", data={**said, "finish": "1"})
    session.refresh(task)
    rows = session.scalars(select(Followup)).all()
    assert [(f.customer_id, f.opportunity_id, f.owner_id) for f in rows] == [(deal.customer_id, deal.id, people["li"])] * 2 and task.state == "done"
    assert 'name="finish"' not in client.get(f"/task/{task.id}/follow").text and client.get(f"/task/{alone.id}/follow").status_code == 302
    other = login("zhao")
    assert "只有可以修改该客户的人" in other.get(other.get(f"/task/{handed.id}/follow").location).text

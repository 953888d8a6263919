"""日报/周报: proposed from what was done, edited, sent to the superior, who reads, comments and sees who has not sent."""
import datetime as dt
import html
import re

import pytest
from sqlalchemy import select

from app.core import clock, workdays
from app.core.rules import RuleError
from app.journals import rules
from app.journals.models import Journal, JournalComment

TODAY = clock.today()
NOW = clock.now()


def _a_day(make, people, session):
    """What 李 did today, and what waits for him on the next working day."""
    from app.opportunities import rules as deals
    customer = make.customer(owner="li", name="恒远机械")
    make.followup(owner="li", customer_id=customer.id, content="报价确认\n周五前回复", happened_at=NOW)
    deal = make.opportunity(owner="li", customer_id=customer.id, name="三号线改造", stage="s1")
    from app.core import actor
    from app.security.people import actor_for
    with actor.acting_as(actor_for(session, people["li"])):
        deals.move(session, [deal], "s3")
        session.commit()
    make.quote(owner="li", customer_id=customer.id, name="驱动器报价", amount=123_400, quoted_on=TODAY)
    contract = make.contract(owner="li", customer_id=customer.id, name="年度框架", amount=500_000_00, signed_on=TODAY)
    make.payment(owner="li", contract_id=contract.id, amount=100_000_00, paid_on=TODAY)
    make.task(owner="li", title="发送盖章扫描件", state="done", done_at=NOW, created_by_id=people["li"])
    following = clock.day_start(workdays.shift(session, TODAY, 1)) + dt.timedelta(hours=10)
    make.task(owner="li", title="现场勘测", starts_at=following, ends_at=following + dt.timedelta(hours=1), created_by_id=people["li"])
    make.customer(owner="li", name="金瑞达", next_follow_at=following + dt.timedelta(hours=4))
    make.followup(owner="wang", customer_id=make.customer(owner="wang").id, content="王的跟进", happened_at=NOW)


def test_a_report_is_proposed_from_what_was_done(make, people, session, login):
    _a_day(make, people, session)
    page = html.unescape(login("li").get("/journal/add").text)
    for said in ("【跟进记录 1】", "恒远机械：报价确认 周五前回复", "三号线改造：初步接触 → 方案报价", "驱动器报价 ¥1,234", "年度框架 ¥500,000", "恒远机械 ¥100,000",
                 "发送盖章扫描件", "10:00 现场勘测", "14:00 金瑞达"):
        assert said in page, said
    assert "王的跟进" not in page
    other = login("li").get(f"/journal/propose?kind=week&day={TODAY}").json
    assert "恒远机械" in other["done"] and login("li").get("/journal/propose?kind=zzz").status_code == 400
    assert login("li").get(f"/journal/propose?day={TODAY - dt.timedelta(30)}").json["done"] == ""
    assert "恒远机械" in html.unescape(login("li").get("/journal/add?kind=week").text)
    assert "恒远机械" not in html.unescape(login("wang").get("/journal/add").text)


def _write(client, **over):
    data = {"token": "j1", "kind": "day", "day": TODAY.isoformat(), "done": "跟进恒远", "plan": "签合同", **over}
    return client.post("/journal/add", data=data)


def test_a_report_that_is_there_is_opened_instead_of_proposed_again(login, make):
    day = make.journal(owner="li", day=TODAY, done="已写的日报")
    week = make.journal(owner="li", kind="week", day=rules.monday(TODAY), done="已写的周报", state="read")
    client = login("li")
    answer = client.get("/journal/add")
    assert answer.location == f"/journal/edit/{day.id}"
    page = client.get(answer.location).text
    assert "该报告已存在，已为您打开" in page and "已写的日报" in page
    assert client.get("/journal/add?kind=week").location == f"/journal/show/{week.id}", "it was read: it stays as it is"
    assert client.get(f"/journal/propose?kind=week&day={TODAY}").json == {"there": True}
    assert client.get(f"/journal/add?day={TODAY - dt.timedelta(1)}").status_code == 200
    assert login("wang").get("/journal/add").status_code == 200, "everybody's own"


def test_it_is_sent_read_and_commented(login, session, people):
    client = login("li")
    assert _write(client).status_code == 302
    row = session.scalars(select(Journal)).one()
    assert "已存在" in _write(client, token="j2").text, "one a person, kind and day"
    chief, colleague = login("qian"), login("wang")
    assert "跟进恒远" not in chief.get("/journal/list/?quick=received").text
    assert colleague.get(f"/journal/show/{row.id}").status_code == 404
    client.post("/journal/action_post", data={"action": "send", "rowid": str(row.id)})
    session.expire_all()
    assert (row.state, row.sent_to_id) == ("sent", people["qian"])
    assert "跟进恒远" in chief.get("/journal/list/?quick=unread").text
    chief.post(f"/journal/{row.id}/comment", data={"content": "价格再谈一谈"})
    session.expire_all()
    assert row.state == "read" and row.read_at and session.scalars(select(JournalComment)).one().created_by_id == people["qian"]
    assert "价格再谈一谈" in client.get(f"/journal/show/{row.id}").text
    assert colleague.post(f"/journal/{row.id}/comment", data={"content": "x"}).status_code == 404
    refused = client.post(f"/journal/edit/{row.id}", data={"version": row.version, "kind": "day", "day": TODAY.isoformat(), "done": "改"})
    session.expire_all()
    assert refused.status_code == 302 and row.done == "跟进恒远", "what was read stays as it is"
    assert chief.get(f"/journal/edit/{row.id}").status_code in (302, 403)


def test_it_is_saved_and_sent_at_once(login, session, people, make):
    client = login("li")
    answer = _write(client, send="1")
    row = session.scalars(select(Journal)).one()
    assert answer.location == f"/journal/show/{row.id}" and (row.state, row.sent_to_id) == ("sent", people["qian"])
    alone = login("admin")
    answer = _write(alone, send="1", token="j9")
    row = session.scalars(select(Journal).where(Journal.owner_id == people["admin"])).one()
    assert row.state == "draft" and "没有上级" in alone.get(answer.location).text, "it is kept all the same"
    sent = session.scalar(select(Journal.id).where(Journal.state == "sent"))
    assert login("qian").post(f"/journal/{sent}/comment", data={"content": "好"}).location.endswith("#comments")


def test_the_superior_sees_who_has_not_sent(login, make, people):
    make.journal(owner="li", day=TODAY, done="做完了", state="sent", sent_to_id=people["qian"], sent_at=NOW)
    make.journal(owner="wang", day=TODAY, done="草稿内容", state="draft")
    page = login("qian").get("/journal/team").text
    rows = re.findall(r'data-person="(\d+)".*?</tr>', page, re.S)
    assert rows == [str(people["wang"]), str(people["li"])] and "未提交" in page and "做完了" in page and "草稿内容" not in page
    assert "未提交" not in login("li").get("/journal/team").text
    assert login("qian").get("/journal/team?day=x").status_code == 400


def test_a_weekly_report_counts_from_its_monday(login, session):
    login("li")
    _write(login("li"), kind="week", day=TODAY.isoformat())
    row = session.scalars(select(Journal)).one()
    assert row.day == TODAY - dt.timedelta(TODAY.weekday()) and row.last - row.day == dt.timedelta(6)
    assert "将来" in _write(login("li"), token="j3", day=(TODAY + dt.timedelta(1)).isoformat()).text or session.query(Journal).count() == 1


def test_who_has_no_superior_cannot_send(make, session, as_):
    row = make.journal(owner="admin", day=TODAY)
    with as_("admin"), pytest.raises(RuleError):
        rules.send(session, [row])


def test_it_can_be_copied_as_text(login, make, people):
    row = make.journal(owner="li", day=TODAY, done="【跟进记录 1】\n1. 恒远", plan="签合同")
    page = html.unescape(login("li").get(f"/journal/show/{row.id}").text)
    text = re.search(r'id="k-journal-text"[^>]*>(.*?)</textarea>', page, re.S)[1]
    assert text == f"日报 {TODAY} 李雨桐\n\n【跟进记录 1】\n1. 恒远\n\n下一步计划\n签合同" and "data-k-copy" in page

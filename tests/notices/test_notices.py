"""Whoever is to be told is told once: in the page, by e-mail, by robots, after the quiet hours, also after a restart."""
import base64
import datetime as dt
import hashlib
import hmac
import json
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from app.core import actor, clock, parameters, undo
from app.core.changes import Batch
from app.core.preferences import Preference
from app.customers import rules as customers
from app.duplicates import rules as duplicates
from app.hooks.robots import form as robot_form
from app.journals import rules as journals
from app.notices import finding, rules, sending
from app.notices.models import Notice
from app.security.models import Employee
from app.tasks import rules as tasks
from tests.hooks.test_hooks import receiver  # noqa: F401
from tests.mails.test_mails import smtp  # noqa: F401


def notices(session, **by) -> list[Notice]:
    """All notices, oldest first."""
    session.expire_all()
    return list(session.scalars(select(Notice).filter_by(**by).order_by(Notice.id)))


@pytest.fixture
def visit(make, people):
    """李's visit in ten minutes, with a reminder fifteen minutes before."""
    starts = clock.now() + dt.timedelta(minutes=10)
    return make.task(owner="li", title="拜访恒远", created_by_id=people["li"], starts_at=starts, ends_at=starts + dt.timedelta(hours=1), reminders="15")


def wish(session, people, **more):
    """李's wishes; no quiet hours unless told."""
    session.merge(Preference(employee_id=people["li"], key=rules.KEY, value={"quiet_from": "00:00", "quiet_to": "00:00", **more}))
    session.commit()


def test_a_reminder_is_written_once_and_read_in_the_page(session, login, visit):
    client = login("li")
    for _worker in range(3):
        finding.find(session)
        session.commit()
    assert [n.kind for n in notices(session)] == ["task"]
    assert client.get("/notice/count").json == {"unread": 1} and "拜访恒远" in client.get("/notice/").text
    assert login("zhao").get("/notice/count").json == {"unread": 0} and "拜访恒远" not in login("zhao").get("/notice/").text
    client.post("/notice/read")
    assert client.get("/notice/count").json == {"unread": 0}


def test_a_notice_is_marked_as_read_alone_and_only_by_whom_it_was_told(session, login, people):
    rules.put(session, [rules.one(people["li"], "call", f"联系{name}", "/customer/list/", name) for name in ("恒远", "天工")])
    session.commit()
    first, second = notices(session)
    client, here = login("li"), "/notice/?show=unread"
    assert all(f'data-k-notice="{n.id}"' in client.get(here).text for n in (first, second))
    login("zhao").post("/notice/read", data={"id": first.id})
    assert client.get("/notice/count").json == {"unread": 2}
    assert client.post("/notice/read", data={"id": first.id, "back": here}).location == here and client.post("/notice/read", data={"id": "x"}).status_code == 400
    unread, everything = client.get(here).text, client.get("/notice/").text
    assert "联系恒远" not in unread and "联系天工" in unread and "联系恒远" in everything and f'data-k-notice="{first.id}"' not in everything
    client.post("/notice/read")
    assert "全部标为已读" not in client.get("/notice/").text, "nothing is left to be marked"


def test_what_fell_due_while_nothing_ran_is_told_late_and_a_later_one_waits(session, make, people, visit):
    visit.starts_at, visit.ends_at = clock.now() - dt.timedelta(hours=20), clock.now() - dt.timedelta(hours=19)
    later = clock.now() + dt.timedelta(hours=3)
    make.task(owner="li", created_by_id=people["li"], starts_at=later, ends_at=later + dt.timedelta(hours=1), reminders="60")
    session.commit()
    finding.find(session)
    assert [n.title[-4:] for n in notices(session)] == ["拜访恒远"]


def test_follow_ups_plans_and_ends_of_contracts_are_told_to_their_owners(session, make, people):
    customer = make.customer(owner="li", name="恒远机械", next_follow_at=clock.now() - dt.timedelta(minutes=5))
    contract = make.contract(owner="li", name="驱动器合同", customer_id=customer.id, ends_on=clock.today() + dt.timedelta(20))
    make.payment_plan(owner="li", contract_id=contract.id, due_on=clock.today() + dt.timedelta(2))
    for _run in range(2):
        finding.find(session)
        session.commit()
    assert sorted(n.kind for n in notices(session)) == ["call", "contract", "plan"]
    assert {n.employee_id for n in notices(session)} == {people["li"]}


def told(session, day, run=finding.find) -> list[tuple[int, str]]:
    """What is told anew on a day: (person, title), in order."""
    before = {n.id for n in notices(session)}
    with clock.frozen(clock.day_start(day)):
        for _worker in range(2):
            run(session)
            session.commit()
    return sorted((n.employee_id, n.title) for n in notices(session) if n.id not in before)


def test_a_customer_that_soon_falls_into_the_pool_is_told_once_a_countdown(session, make, people):
    """As many days before as the office says; a follow-up begins the countdown anew."""
    day, pool = dt.date(2027, 3, 20), make.pool(name="华东公海")
    make.pool_rule(pool_id=pool.id, days=30, starts_on=dt.date(2026, 1, 1))
    with clock.frozen(clock.day_start(day)):
        one = make.customer(owner="li", name="恒远", created_at=clock.now() - dt.timedelta(60), last_follow_at=clock.now() - dt.timedelta(20))
        make.customer(owner="wang", name="天工", last_follow_at=clock.now())
    for days, title in ((6, None), (8, "即将进入公海：恒远 03-30 00:00"), (9, None)):
        assert told(session, day + dt.timedelta(days), finding.falling) == ([(people["li"], title)] if title else []), days
    one.last_follow_at = clock.day_start(day + dt.timedelta(9))
    session.commit()
    assert told(session, day + dt.timedelta(10), finding.falling) == []
    assert told(session, day + dt.timedelta(37), finding.falling) == [(people["li"], "即将进入公海：恒远 04-28 00:00")]
    parameters.put(session, "pool.warn_days", 10)
    session.commit()
    with clock.frozen(clock.day_start(day + dt.timedelta(28))):
        one.last_follow_at = clock.now() - dt.timedelta(21)
        session.commit()
    assert (people["li"], "即将进入公海：恒远 04-26 00:00") in told(session, day + dt.timedelta(28), finding.falling), "the days are the office's"


def test_a_quote_is_told_a_week_before_its_validity_ends_and_once_more_when_it_has(session, make, people):
    end = dt.date(2027, 3, 20)
    quote = make.quote(owner="li", name="驱动器报价", quoted_on=dt.date(2027, 3, 1), valid_until=end, state="sent")
    make.quote(owner="li", name="已接受的", quoted_on=dt.date(2027, 3, 1), valid_until=end, state="accepted")
    for days, title in ((-8, None), (-7, "报价有效期将至：驱动器报价 2027-03-20"), (0, None), (1, "报价已过期：驱动器报价 2027-03-20"), (2, None), (9, None)):
        assert told(session, end + dt.timedelta(days)) == ([(people["li"], title)] if title else []), days
    quote.valid_until = end + dt.timedelta(30)
    session.commit()
    assert len(told(session, end + dt.timedelta(25))) == 1, "prolonged, it is told again"


def test_a_term_is_told_as_many_days_before_as_it_says_and_each_week_it_is_late_to_the_superior_too(session, make, people):
    contract, due = make.contract(owner="li", name="驱动器合同", amount=1_000_00, state="signed"), dt.date(2027, 3, 20)
    term = make.payment_plan(owner="li", contract_id=contract.id, amount=300_00, term=2, due_on=due, remind_days=10)
    make.payment_plan(owner="wang", contract_id=contract.id, amount=100_00, term=3, due_on=due, remind_days=0)
    words, li, qian = "驱动器合同第 2 期待收款：300.00 2027-03-20", people["li"], people["qian"]
    assert told(session, due - dt.timedelta(11)) == [] == told(session, due, finding.late)
    assert told(session, due - dt.timedelta(10)) == [(li, words)]
    assert [person for person, _title in told(session, due)] == [people["wang"]], "one that asks for no days before is told on its day"
    make.payment(contract_id=contract.id, plan_id=term.id, amount=100_00)
    for days in (1, 8, 85):
        assert (li, f"已逾期 {days} 天：{words.replace('300', '200')}") in (all_told := told(session, due + dt.timedelta(days), finding.late))
        assert sorted(person for person, _title in all_told) == sorted([li, qian, people["wang"], qian]), days
        assert told(session, due + dt.timedelta(days + 2), finding.late) == [], "once a week"
    assert told(session, due + dt.timedelta(100), finding.late) == []
    session.get(Employee, qian).active = False
    session.commit()
    assert people["chen"] in {person for person, _title in told(session, due + dt.timedelta(15), finding.late)}, "the next one at work above"
    session.get(Employee, qian).active, session.get(Employee, li).superior_id = True, people["zhao"]
    session.commit()
    assert people["zhao"] not in {person for person, _title in told(session, due + dt.timedelta(29), finding.late)}, "who does not see them is not told"
    session.get(Employee, li).superior_id = qian
    session.commit()
    make.payment(contract_id=contract.id, plan_id=term.id, amount=200_00)
    assert {person for person, _title in told(session, due + dt.timedelta(22), finding.late)} == {people["wang"], qian}


def test_the_end_of_a_contract_is_told_so_many_days_before_as_the_parameter_says(session, make, people):
    end = dt.date(2027, 6, 30)
    make.contract(owner="li", name="年度框架", ends_on=end, state="signed")
    parameters.put(session, "contract.warn_days", 5)
    session.commit()
    assert told(session, end - dt.timedelta(6)) == []
    assert told(session, end - dt.timedelta(5)) == [(people["li"], "合同到期：年度框架 2027-06-30")]


def test_handing_out_tells_the_executor_and_finishing_tells_who_handed_it_out(session, make, people, as_):
    with as_("qian"):
        task = make.task(owner="li", title="补充报价", created_by_id=people["qian"])
    assert [(n.employee_id, n.kind) for n in notices(session)] == [(people["li"], "handed")]
    with as_("li"):
        tasks.finish(session, [task])
        session.commit()
    assert [(n.employee_id, n.kind) for n in notices(session)][1:] == [(people["qian"], "done")]


def test_e_mail_goes_out_once_and_not_in_the_quiet_hours(session, visit, people, smtp):  # noqa: F811
    wish(session, people, quiet_from="00:00", quiet_to="23:59")
    finding.find(session)
    session.commit()
    sending.send(session)
    (row,) = notices(session)
    assert smtp.got == [] and row.state == "waiting" and clock.to_office(row.due_at).strftime("%H:%M") == "23:59"
    wish(session, people)
    row.due_at = clock.now()
    session.commit()
    for _worker in range(2):
        sending.send(session)
    assert [str(m["Subject"])[-4:] for m in smtp.got] == ["拜访恒远"] and notices(session)[0].state == "sent"


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_robots_get_their_own_form_and_signature(session, visit, people, receiver, kind):  # noqa: F811
    parameters.put(session, "hooks.inside", "127.0.0.1")
    wish(session, people, mail=False, robot=kind, address="http://127.0.0.1:%d/in?key=k" % receiver.server_port, secret="geheim")
    finding.find(session)
    session.commit()
    receiver.answers = [500]
    sending.send(session)
    (row,) = notices(session)
    assert (row.state, row.attempts) == ("waiting", 1), "tried again later"
    body = json.loads(receiver.got[0][1])
    text = body["content"]["text"] if kind == "feishu" else body["text"]["content"]
    assert text.endswith("拜访恒远")
    row.due_at, receiver.answers, receiver.words = clock.now(), [200], b"{}"
    session.commit()
    sending.send(session)
    assert notices(session)[0].state == "sent" and len(receiver.got) == 2
    assert body.get("msg_type" if kind == "feishu" else "msgtype") == "text"


def test_the_signatures_are_those_of_the_manuals():
    address, form = robot_form("dingtalk", "https://oapi.dingtalk.com/robot/send?access_token=a", "SEC1", "x", 1_700_000_000)
    asked = parse_qs(urlsplit(address).query)
    right = hmac.new(b"SEC1", b"1700000000000\nSEC1", hashlib.sha256).digest()
    assert asked["timestamp"] == ["1700000000000"] and base64.b64decode(asked["sign"][0]) == right and form["msgtype"] == "text"
    address, form = robot_form("feishu", "https://open.feishu.cn/h", "SEC1", "x", 1_700_000_000)
    assert base64.b64decode(form["sign"]) == hmac.new(b"1700000000\nSEC1", b"", hashlib.sha256).digest() and form["timestamp"] == "1700000000"
    assert robot_form("wecom", "https://qyapi.weixin.qq.com/r?key=k", "", "x", 0) == (
        "https://qyapi.weixin.qq.com/r?key=k", {"msgtype": "text", "text": {"content": "x"}})


def test_wishes_are_kept_and_an_inner_address_is_refused(session, login, people):
    ways = {"on-bell": list(rules.KINDS), "on-mail": list(rules.KINDS)[1:], "on-robot": ["task", "approval"]}
    client, form = login("li"), {**ways, "robot": "feishu", "quiet_from": "22:00", "quiet_to": "07:30", "secret": "s"}
    refused = client.post("/notice/wishes", data={**form, "address": "http://127.0.0.1/x"})
    assert refused.status_code == 422 and "内部网络" in refused.text or "role=\"alert\"" in refused.text
    assert client.post("/notice/wishes", data={**form, "address": "https://open.feishu.cn/x"}).status_code == 302
    kept = rules.wishes(session, people["li"])
    assert kept["off"] == {"bell": [], "mail": ["task"], "robot": [k for k in rules.KINDS if k not in ("task", "approval")]}
    assert (kept["quiet_from"], kept["robot"]) == ("22:00", "feishu")
    assert client.post("/notice/wishes", data={**form, "robot": "", "quiet_from": "25:00"}).status_code == 422
    page = client.get("/notice/").text
    assert page.count(" checked>") == 2 * len(rules.KINDS) - 1 + 2, "as it was kept"


# ---- more kinds, more channels --------------------------------------------------------------------------------
def test_a_persons_robot_is_tried_from_the_page(session, login, people, receiver):  # noqa: F811
    parameters.put(session, "hooks.inside", "127.0.0.1")
    session.commit()
    client, said = login("li"), {"robot": "dingtalk", "address": f"{receiver.url}?key=k", "secret": "SEC1", "quiet_from": "21:00", "quiet_to": "08:00", "test": "1"}
    receiver.answers, receiver.words = [200, 200], b'{"errcode":310000}'
    assert "没有接受" in client.get(client.post("/notice/wishes", data=said).location).text
    receiver.words = b'{"errcode":0}'
    assert "已收到测试消息" in client.get(client.post("/notice/wishes", data=said).location).text
    assert rules.wishes(session, people["li"])["address"] == said["address"] and len(receiver.got) == 2
    assert client.post("/notice/wishes", data={**said, "robot": "", "address": ""}).status_code == 422, "there is nothing to be tried"


def test_contacts_follow_ups_and_their_birthdays_are_told_to_their_owners(session, make, people):
    make.contact(owner="li", name="顾明", next_follow_at=clock.now() - dt.timedelta(minutes=1), birthday=dt.date(1990, 2, 28))
    make.contact(owner="li", name="闰日", next_follow_at=clock.now() + dt.timedelta(minutes=9), birthday=dt.date(1992, 2, 29))
    make.contact(owner="wang", name="十月", birthday=dt.date(1990, 10, 1))
    finding.find(session)
    assert [(n.employee_id, n.kind, n.title) for n in notices(session)] == [(people["li"], "contact", "联系 顾明")]
    for day, told in ((dt.date(2027, 2, 24), []), (dt.date(2027, 2, 25), ["生日：顾明 02-28", "生日：闰日 02-28"]), (dt.date(2027, 2, 28), []),
                      (dt.date(2027, 3, 1), []), (dt.date(2028, 2, 25), ["生日：顾明 02-28"]), (dt.date(2028, 2, 26), ["生日：闰日 02-29"]),
                      (dt.date(2028, 9, 30), ["生日：十月 10-01"])):
        before = {n.id for n in notices(session)}
        with clock.frozen(clock.day_start(day)):
            finding.birthdays(session)
            session.commit()
        assert sorted(n.title for n in notices(session) if n.id not in before) == sorted(told), day


def test_an_approval_that_waits_is_told_to_whoever_is_asked_now(session, make, people, as_):
    from app.approvals import rules as approvals
    make.approval_rule(entity="quote", approver="superior", position=1)
    make.approval_rule(entity="quote", approver="person", person_id=people["chen"], position=2)
    quote = make.quote(owner="li", name="驱动器报价", approval="needed")
    with as_("li"):
        approvals.submit(session, [quote])
        session.commit()
    for _run in range(2):
        finding.find(session)
        session.commit()
    (first,) = notices(session, kind="approval")
    assert first.employee_id == people["qian"] and first.title.startswith("审批：") and "驱动器报价" in first.title
    with as_("qian"):
        row = session.scalars(select(approvals.Approval)).one()
        approvals.approve(session, [row])
        session.commit()
    finding.find(session)
    assert [n.employee_id for n in notices(session, kind="approval")] == [people["qian"], people["chen"]]


def test_each_channel_tells_the_kinds_that_are_wished_there(session, login, visit, people, receiver, smtp):  # noqa: F811
    parameters.put(session, "hooks.inside", "127.0.0.1")
    robot = {"robot": "wecom", "address": f"{receiver.url}?key=k"}
    receiver.words = b"{}"
    receiver.answers = [200] * 9
    for off, bell, mails, robots in (({"bell": ["task"], "robot": ["task"]}, 0, 1, 0), ({"mail": ["task"]}, 1, 1, 1), (["task"], 1, 1, 1)):
        wish(session, people, off=off, **robot)
        finding.find(session)
        session.commit()
        sending.send(session)
        assert login("li").get("/notice/count").json == {"unread": bell} and ("拜访恒远" in login("li").get("/notice/").text) is bool(bell)
        assert (len(smtp.got), len(receiver.got)) == (mails, robots), off
        for row in notices(session):
            session.delete(row)
        session.commit()


def test_a_channel_that_has_it_does_not_get_it_again_when_another_fails(session, visit, people, receiver, smtp):  # noqa: F811
    parameters.put(session, "hooks.inside", "127.0.0.1")
    wish(session, people, robot="wecom", address=f"{receiver.url}?key=k")
    finding.find(session)
    session.commit()
    receiver.answers = [500, 500]
    for n in (1, 2):
        sending.send(session)
        (row,) = notices(session)
        assert (row.state, row.attempts, row.told, len(smtp.got), len(receiver.got)) == ("waiting", n, "mail", 1, n)
        row.due_at = clock.now()
        session.commit()
    receiver.answers, receiver.words = [200], b"{}"
    sending.send(session)
    assert (notices(session)[0].state, len(smtp.got), len(receiver.got)) == ("sent", 1, 3)


def test_what_others_hand_over_ask_send_and_say_is_told(session, make, people, as_):
    """Customers given one by one or many at once, a request to work along and its answer, a report and its comment, targets."""
    seen = set()

    def since():
        rows = [n for n in notices(session) if n.id not in seen]
        seen.update(n.id for n in rows)
        return [(next(k for k, v in people.items() if v == n.employee_id), n.kind, n.title) for n in rows]
    one, *more = (make.customer(owner="wang", name=name) for name in ("恒远", "天工", "合力"))
    since()
    with as_("qian"):
        customers.transfer(session, [one], people["li"])
        session.commit()
        assert since() == [("li", "given", f"{actor.current().name} 把客户分配给您：恒远")]
        customers.transfer(session, more, people["li"])
        session.commit()
        assert since() == [("li", "given", f"{actor.current().name} 把 天工 等客户分配给您")]
        undo.take_back(session, session.scalar(select(Batch.id).order_by(Batch.id.desc()).limit(1)))
        session.commit()
        assert since() == [], "what is taken back is told nobody"
    with as_("zhao"):
        asked = duplicates.ask(session, one.id)
        session.commit()
        assert since() == [("li", "share", f"{actor.current().name} 申请协作：恒远")]
    with as_("li"):
        duplicates.decide(session, [asked], "read")
        session.commit()
        assert since() == [("zhao", "share", f"{actor.current().name} 同意您协作：恒远")]
        journal = make.journal(owner="li", done="打了三个电话")
        journals.send(session, [journal])
        session.commit()
        (who, kind, title), = since()
        assert kind == "journal" and title.endswith(str(journal.day)) and people[who] == journal.sent_to_id
    with as_(who):
        journals.comment(session, journal, "辛苦了")
        session.commit()
        assert [(n[0], n[1]) for n in since()] == [("li", "journal")]
        make.target(owner="li", year=2027, month=1, kind="signed", assigned=100_00)
        assert [(n[0], n[1]) for n in since()] == [("li", "target")]

"""A program elsewhere is told of what happens: in the change's transaction, signed, again when it did not answer, never more than may be known."""
import contextlib
import datetime as dt
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook, WebhookVerificationError

from app.core import changes, clock, mass, parameters, schedule
from app.customers.models import Customer
from app.hooks import rules, sending
from app.hooks.models import Delivery, Hook
from app.security.models import RolePolicy
from tests.story import refused, said


class Receiver(ThreadingHTTPServer):
    """A real server that keeps what it was sent; `answers` are the statuses to give, then 204."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got, self.answers, self.words = [], [], b"ok"
        self.url = f"http://127.0.0.1:{self.server_port}/in"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        """Keep it, answer as the story says."""
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "http://127.0.0.1:1/else")
        self.send_header("Content-Length", str(len(self.server.words)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):
            self.wfile.write(self.server.words)

    def log_message(self, *_words):
        """Silent."""


@pytest.fixture
def receiver():
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def hook(make, session, receiver):
    """A hook of the director's on customers and contracts, whose receiver in the own network is allowed."""
    parameters.put(session, "hooks.inside", "127.0.0.1")
    session.commit()
    return make.hook(owner="chen", address=receiver.url,
                     events="customer.created,customer.changed,customer.deleted,customer.transferred,opportunity.stage_changed,contract.signed,payment.received")


def told(receiver) -> list[dict]:
    """What arrived, oldest first."""
    return [json.loads(body) for _head, body in receiver.got]


def outbox(session) -> list[Delivery]:
    """All deliveries, oldest first."""
    session.expire_all()
    return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def test_every_event_is_signed_and_tells_what_changed(session, make, hook, receiver, as_):
    with as_("li"):
        row = make.customer(name="恒远机械", phone="021-55501234")
        row.name = "恒远精机"
        session.commit()
    contract = make.contract(customer_id=row.id)
    deal = make.opportunity(customer_id=row.id)
    deal.stage = "s2"
    make.payment(contract_id=contract.id)
    session.delete(row)
    session.commit()
    sending.send(session)
    assert [one["type"] for one in told(receiver)] == [
        "customer.created", "customer.changed", "contract.signed", "opportunity.stage_changed", "payment.received", "customer.deleted"]
    head, body = receiver.got[1]
    assert Webhook(hook.secret).verify(body, head)["data"]["changes"]["name"] == {"old": "恒远机械", "new": "恒远精机"}
    with pytest.raises(WebhookVerificationError):
        Webhook(hook.secret).verify(body.replace("恒远精机", "别的"), head)
    one = told(receiver)[1]
    assert one["data"]["record"]["name"] == "恒远精机" and one["data"]["actor"]["name"] == "李雨桐" and one["timestamp"].endswith("+08:00")
    assert {d.state for d in outbox(session)} == {"sent"} and {d.status for d in outbox(session)} == {204}
    assert len({h["webhook-id"] for h, _b in receiver.got}) == 6


def test_no_change_without_its_event_and_no_event_without_its_change(session, make, hook, statements):
    session.add(Customer(name="不算数", name_key="x", owner_id=1))
    session.flush()
    assert len(session.scalars(select(Delivery)).all()) == 1
    session.rollback()
    assert outbox(session) == []
    rows = [make.customer() for _n in range(3)]
    mass.change(session, Customer, [r.id for r in rows], {"level": "A"})
    session.commit()
    assert [d.event for d in outbox(session)] == ["customer.created"] * 3 + ["customer.changed"] * 3, "changes by the thousand, too"
    hook.is_on = False
    session.commit()
    make.customer()
    assert len(outbox(session)) == 6, "who is switched off is told nothing"
    make.customer()
    with statements() as seen:
        rows[0].fax = "1"
        session.commit()
    assert not [s for s in seen if "hook" in s or "delivery" in s], "a change asks nothing about hooks"


def test_what_is_not_taken_is_sent_again_with_back_off_and_given_up_in_the_end(session, make, hook, receiver):
    receiver.answers = [500, 302, 204]
    make.customer()
    begin = clock.now()
    for wait, attempts, state in ((0, 1, "waiting"), (3, 1, "waiting"), (6, 2, "waiting"), (200, 2, "waiting"), (310, 3, "sent")):
        with clock.frozen(begin + dt.timedelta(seconds=wait)):
            sending.send(session)
        (row,) = outbox(session)
        assert (row.attempts, row.state) == (attempts, state), wait
    assert len({h["webhook-id"] for h, _b in receiver.got}) == 1 and len({b for _h, b in receiver.got}) == 1, "the same message each time"
    receiver.answers = [503] * 99
    make.customer()
    now = clock.now()
    for _n in range(len(rules.WAITS) + 3):
        now += dt.timedelta(1)
        with clock.frozen(now):
            sending.send(session)
    last = outbox(session)[-1]
    assert last.state == "failed" and last.attempts == len(rules.WAITS) + 1 and last.status == 503 and last.answer == "ok"
    receiver.answers = []
    rules.again(session, [last])
    session.commit()
    sending.send(session)
    assert outbox(session)[-1].state == "sent" and hook.is_on
    receiver.answers = [410]
    make.customer()
    sending.send(session)
    assert outbox(session)[-1].state == "failed" and not session.get(Hook, hook.id).is_on, "who is gone is asked no more"


def test_one_that_fails_does_not_hold_up_the_others(session, make, hook, receiver):
    dead = make.hook(owner="chen", address="http://127.0.0.1:1/", events="customer.created")
    for _n in range(3):
        make.customer()
    sending.send(session)
    rows = outbox(session)
    assert [d.state for d in rows if d.hook_id == hook.id] == ["sent"] * 3
    assert [(d.state, d.attempts) for d in rows if d.hook_id == dead.id] == [("waiting", 1), ("waiting", 0), ("waiting", 0)], "asked once in a run"
    assert next(d for d in rows if d.hook_id == dead.id).answer == "ConnectionError"
    dead.format = "wecom"
    rules.word_anew(session, dead)
    session.commit()
    assert {d.body for d in outbox(session) if d.hook_id == dead.id} == {None}, "another receiver is told in other words"


def test_masks_and_scope_of_the_owner_hold(session, make, hook, receiver, people, as_role):
    policy = session.scalar(select(RolePolicy).where(RolePolicy.key == "sales"))
    kept, policy.masked = policy.masked, [*policy.masked, "customer.phone"]
    hook.owner_id = people["wang"]
    changes_of = make.customer(owner="wang", phone="021-55501234")
    changes_of.phone = "021-77701234"
    session.commit()
    theirs = make.customer(owner="zhao", name="绝密恒远")
    sending.send(session)
    policy.masked = kept
    session.commit()
    text = "".join(body for _head, body in receiver.got)
    assert "55501234" not in text and "77701234" not in text and "****" in text and "phone" not in told(receiver)[1]["data"]["changes"]
    assert theirs.name not in text and [d.state for d in outbox(session)] == ["sent", "sent", "skipped"]
    hook.owner_id = people["zhao"]
    make.customer(owner="zhao")
    with as_role("zhao"):
        sending.send(session)
    assert outbox(session)[-1].state == "skipped", "without the right to read nothing is told"


@pytest.mark.parametrize("address", ["http://127.0.0.1:5432/", "http://localhost/", "http://10.0.0.8/", "http://169.254.169.254/latest", "http://[::1]/",
                                     "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://0.0.0.0/", "http://intranet/", "http://224.0.0.1/"])
def test_the_own_network_is_out_of_reach(session, make, address):
    inside = make.hook(owner="chen", address=address, events="customer.created")
    with refused("内部网络", "address", session):
        rules.check_hook(session, inside)
    assert sending.post(address, inside.secret, "msg_1", "{}", frozenset())[0] == 0


def test_a_name_that_leads_inside_is_refused_when_it_is_sent(monkeypatch, receiver):
    secret, real = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", sending.socket.getaddrinfo
    monkeypatch.setattr(sending.socket, "getaddrinfo", lambda *a, **k: real("127.0.0.1", receiver.server_port, type=sending.socket.SOCK_STREAM))
    status, words = sending.post(f"http://harmless.example.com:{receiver.server_port}/", secret, "msg_1", "{}", frozenset())
    assert status == 0 and "own network" in words and receiver.got == []


@pytest.mark.parametrize("address", ["ftp://example.com/", "example.com", "https://user:word@example.com/", "https://", "http://exa mple.com/", "http://[", "http://a.b:99999/"])
def test_odd_addresses_are_refused_at_the_field(login, session, people, address):
    answer = login("admin").post("/hook/add", data={"name": "坏", "address": address, "events": ["customer.created"], "is_on": "y", "owner": str(people["admin"])})
    assert answer.status_code == 200 and "https://example.com/path" in said(answer) and session.scalars(select(Hook)).all() == []


def test_the_administrator_makes_tests_and_looks(login, session, receiver, people):
    parameters.put(session, "hooks.inside", "127.0.0.1")
    session.commit()
    browser = login("admin")
    browser.post("/hook/add", data={"name": "仓库系统", "address": receiver.url, "events": ["customer.created", "contract.signed"], "is_on": "y",
                                    "owner": str(people["admin"])})
    hook = session.scalars(select(Hook)).one()
    assert hook.secret in browser.get(f"/hook/show/{hook.id}").text and hook.secret not in browser.get(f"/hook/show/{hook.id}").text, "shown once"
    assert hook.secret not in json.dumps([c.new for c in session.scalars(select(changes.Change))])
    browser.post("/hook/action_post", data={"action": "test", "rowid": str(hook.id)})
    sending.send(session)
    head, body = receiver.got[0]
    assert Webhook(hook.secret).verify(body, head)["type"] == "hook.test"
    listed = browser.get("/delivery/list/").text
    assert "hook.test" in listed and "已送达" in listed and "204" in listed
    delivery = outbox(session)[0]
    browser.post("/delivery/action_post", data={"action": "again", "rowid": str(delivery.id)})
    sending.send(session)
    assert [h["webhook-id"] for h, _b in receiver.got] == [delivery.mark] * 2
    old = hook.secret
    browser.post("/hook/action_post", data={"action": "renew", "rowid": str(hook.id)})
    session.expire_all()
    assert hook.secret != old and hook.secret in browser.get("/hook/list/").text
    assert login("li").get("/hook/list/").status_code == 403 and login("li").get("/delivery/list/").status_code == 403


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
def test_a_groups_robot_is_told_in_words_in_its_own_form(login, session, make, receiver, people, as_, kind):
    """The form offers the three; the text says what, of which record, what changed and by whom; a robot's no is no delivery."""
    parameters.put(session, "hooks.inside", "127.0.0.1")
    session.commit()
    browser, key = login("admin"), "SEC" + "a" * 64
    said = {"name": "销售群", "format": kind, "address": f"{receiver.url}?key=k", "events": ["customer.changed", "payment.received"], "is_on": "y",
            "owner": str(people["admin"]), "robot_key": key}
    assert all(f'value="{one}"' in browser.get("/hook/add").text for one in ("json", "wecom", "dingtalk", "feishu"))
    browser.post("/hook/add", data=said)
    hook = session.scalars(select(Hook)).one()
    page = browser.get(f"/hook/show/{hook.id}").text
    assert hook.robot_key == key and key not in page and hook.secret not in page
    assert key not in browser.get(f"/hook/edit/{hook.id}").text and key not in json.dumps([c.new for c in session.scalars(select(changes.Change))])
    browser.post(f"/hook/edit/{hook.id}", data={**said, "robot_key": "", "note": "东区", "version": str(hook.version)})
    session.refresh(hook)
    assert (hook.note, hook.robot_key) == ("东区", key), "left empty it stays"
    row = make.customer(owner="li", name="恒远机械", level="B")
    with as_("li"):
        row.level, row.note = "A", "很长\n" * 500
        session.commit()
    make.payment(contract_id=make.contract(owner="li", customer_id=row.id).id, amount=3_000_00)
    receiver.answers, receiver.words = [200, 200], b'{"errcode":310000,"code":19021}'
    sending.send(session)
    refused_ = outbox(session)[0]
    assert (refused_.state, refused_.status, refused_.answer) == ("waiting", None, receiver.words.decode())
    receiver.got, receiver.answers, receiver.words = [], [200] * 9, b'{"errcode":0,"code":0}'
    rules.again(session, outbox(session))
    rules.test(session, [hook])
    session.commit()
    sending.send(session)
    assert {d.state for d in outbox(session)} == {"sent"}
    bodies = told(receiver)
    changed, paid, test = [b["content"]["text"] if kind == "feishu" else b["text"]["content"] for b in bodies]
    first, second, *_rest, last = changed.splitlines()
    assert first == "客户：修改：恒远机械" and re.match(r"客户级别：B.* → A", second) and last.startswith("李雨桐 ")
    assert len(changed) < 300 and "很长 很长" in changed and "…" in changed, "企业微信 takes 2,048 bytes"
    assert paid.startswith("收到回款：") and "3,000.00" in paid and "恒远机械" in paid and test == "这是一条测试消息。"
    assert all(("sign" in b) is (kind == "feishu") and b.get("msg_type" if kind == "feishu" else "msgtype") == "text" for b in bodies)


def test_a_robot_is_told_no_more_than_its_owner_may_know(session, make, receiver, people):
    parameters.put(session, "hooks.inside", "127.0.0.1")
    policy = session.scalar(select(RolePolicy).where(RolePolicy.key == "sales"))
    kept, policy.masked = policy.masked, [*policy.masked, "customer.phone"]
    make.hook(owner="wang", address=receiver.url, events="customer.changed", format="wecom")
    row, theirs = make.customer(owner="wang", phone="021-55501234", name="恒远"), make.customer(owner="zhao", name="绝密")
    row.phone, row.level, theirs.level = "021-77701234", "A", "A"
    session.commit()
    receiver.answers, receiver.words = [200] * 9, b"{}"
    sending.send(session)
    policy.masked = kept
    session.commit()
    (_head, body), = receiver.got
    assert "恒远" in body and "客户级别" in body and "777" not in body and "555" not in body
    assert [d.state for d in outbox(session)] == ["sent", "skipped"]


def test_the_bell_rings_after_the_commit_and_the_old_is_forgotten(session, make, hook):
    rung = []
    schedule.on_ring(rung.append)
    try:
        session.add(Customer(name="响", name_key="y", owner_id=hook.owner_id))
        session.flush()
        assert rung == []
        session.commit()
        assert rung == [rules.ENTRY]
    finally:
        schedule._bells.clear()
    (row,) = outbox(session)
    row.state, row.created_at = "sent", clock.now() - dt.timedelta(31)
    session.commit()
    rules.forget(session)
    session.commit()
    assert outbox(session) == []

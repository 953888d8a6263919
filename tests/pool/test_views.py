"""The pool's page: who sees what, claims, assigns; the countdown on list and page; the warning on the desk."""
import datetime as dt
import re

from app.core import clock
from app.customers.models import Customer

DAY, HOUR, NOW = dt.timedelta(1), dt.timedelta(hours=1), clock.now()


def sent(client, url, data) -> str:
    """The page that a posted form ends on."""
    answer = client.post(url, data=data)
    assert answer.status_code == 302, answer.text
    return client.get(answer.location).text


def lying(make, pool, name="恒远", **over):
    """A customer that lies in the pool since yesterday."""
    return make.customer(name=name, owner_id=None, pool_id=pool.id, pooled_at=clock.now() - DAY, **over)


def test_what_the_pool_shows_and_to_whom(make, login, session, as_role):
    """Everybody sees name, level, region and dates, nobody the phone; only who may, claims or assigns."""
    one = lying(make, make.pool(name="华东公海"), phone="0512-88886666", level="A", former_owner_id=None)
    make.contact(customer_id=one.id, name="顾明", mobile="13812345678", owner_id=None)
    for name in ("wang", "zhao", "qian", "admin"):
        page = login(name).get("/pool/").text
        assert "恒远" in page and 'data-total="1"' in page and "88886666" not in page and "顾明" not in page
    assert login("wang").get(f"/customer/show/{one.id}").status_code == 404
    assert "/pool/assign" not in login("wang").get("/pool/").text and "/pool/assign" in login("qian").get("/pool/").text
    assert login("wang").get("/pool/assign?ids=1").status_code == 403
    with as_role("zhao", "finance"):
        assert login("zhao").get("/pool/").status_code == 403
    for query in ("sort=phone.asc", "sort=name.up", "page=x", "page=-1"):
        assert login("li").get(f"/pool/?{query}").status_code == 400
    for query, n in (("q=远", 1), ("q=天", 0), ("level=A", 1), ("level=B", 0), ("region=苏", 0), ("pool=9", 1), ("sort=name.asc", 1)):
        assert f'data-total="{n}"' in login("li").get(f"/pool/?{query}").text, query


def test_claiming_and_taking_back(make, login, session, people):
    one, two = (lying(make, pool, name) for pool in [make.pool(name="公海", daily_limit=1)] for name in ("恒远", "天工"))
    client = login("wang")
    page = sent(client, "/pool/claim", {"rowid": one.id})
    assert "已领取 1 个客户" in page and "恒远" in page
    assert "每天最多领取 1 个" in sent(client, "/pool/claim", {"rowid": two.id})
    assert "已不在公海" in sent(login("zhao"), "/pool/claim", {"rowid": one.id})
    assert client.post("/pool/claim", data={"rowid": "x"}).status_code == 400
    owners = client.get(f"/customer/show/{one.id}?tab=owners").text
    assert "领取" in owners and "王浩然" in owners and "原负责人" in owners and "原阶段" not in owners
    assert "已分配 1 个客户" in sent(login("qian"), "/pool/assign", {"rowid": two.id, "owner": people["li"]})
    log = re.sub(r"<[^>]+>|\s+", " ", login("admin").get("/audit/list/?quick=given").text)
    assert re.search(r"分配 .*天工", log) and re.search(r"领取 .*恒远", log), "each names its customers; 下派 is what is done with tasks"
    undo = re.search(r'action="/undo/(\d+)"', client.get("/undo/").text)[1]
    client.post(f"/undo/{undo}")
    session.expire_all()
    assert session.get(Customer, one.id).owner_id is None and session.get(Customer, two.id).owner_id == people["li"]


def test_countdown_and_warning(make, login, session):
    """The list's column stands there once there are rules; the page counts down; the desk warns three days before."""
    client = login("li")
    assert "距进入公海" not in client.get("/customer/list/").text
    pool = make.pool(name="华东公海").id
    make.pool_rule(pool_id=pool, days=30)
    make.customer(name="恒远", last_follow_at=NOW - 28 * DAY - HOUR, created_at=clock.now() - 90 * DAY)
    make.customer(name="天工", last_follow_at=NOW - 10 * DAY - HOUR, created_at=clock.now() - 90 * DAY)
    page = client.get("/customer/list/").text
    assert "距进入公海" in page and ">1 天<" in page and ">19 天<" in page
    soon = client.get("/customer/list/?quick=falling").text
    assert "恒远" in soon and "天工" not in soon
    assert "即将进入公海：恒远" in client.get("/").text and "即将进入公海：天工" not in client.get("/").text
    one = re.search(r'data-id="(\d+)"', soon)[1]
    assert "距进入公海" in client.get(f"/customer/show/{one}").text
    dialog = f"/customer/action_form/release?ids={one}"
    assert f'<option value="{pool}" selected>华东公海' in client.get(dialog).text, "the only pool is chosen already"
    done = sent(client, "/customer/action_post", {"action": "release", "rowid": one, "pool": pool})
    assert "放入公海" in done
    make.pool(name="华南公海")
    assert "华东公海" not in client.get(dialog).text


def test_the_administrator_keeps_pools_and_rules(login, session):
    admin = login("admin")
    admin.post("/pool/add", data={"name": "华东公海", "daily_limit": "-1"})
    assert "不能为负" in admin.post("/pool/add", data={"name": "华东公海", "daily_limit": "-1"}).text
    assert admin.post("/pool/add", data={"name": "华东公海", "daily_limit": "5", "wait_days": "7"}).status_code == 302
    pool = re.search(r'data-id="(\d+)"', admin.get("/pool/list/").text)[1]
    assert "1 到 3650" in admin.post("/poolrule/add", data={"pool": pool, "cause": "idle", "days": "0", "starts_on": "2026-11-01"}).text
    assert admin.post("/poolrule/add", data={"pool": pool, "cause": "idle", "days": "30", "levels": ["A", "B"], "starts_on": "2026-11-01"}).status_code == 302
    assert "未跟进" in admin.get(f"/pool/show/{pool}?tab=poolrule").text
    assert login("li").get("/pool/add").status_code == 403

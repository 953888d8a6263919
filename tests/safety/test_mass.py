"""批量修改: the selection or every result of a filter, by the rules of the form, with the rights of the person, as one operation."""
import re
import time

import pytest
from sqlalchemy import func, select

from app.core import clock, jobs
from app.core.changes import Batch
from app.core.jobs import Job
from app.customers.models import Contact, Customer
from app.customers.names import name_key
from app.security.people import actor_for
from tests.safety.test_undo import checksum, last


def change(client, entity, ids=(), query=None, back="", **values):
    """What the dialog posts: the named fields and their values."""
    which = {"ids": ",".join(str(i) for i in ids)} if query is None else {"every": "1", "query": query}
    return client.post(f"/mass/{entity}", data={**which, "back": back, "field": list(values), **values})


def done(session, answer) -> Job:
    """The job that an answer leads to, done by the worker when it waits."""
    assert answer.is_json, answer.text
    job = session.get(Job, int(re.fullmatch(r"/job/(\d+)", answer.json["url"])[1]))
    if job.state == "queued":
        jobs.run(session, job.id, actor_for)
    session.expire_all()
    return job


def test_the_selection_gets_two_values_at_once_and_comes_back(make, login, session, people):
    rows = [make.customer(owner="li", level="C") for _n in range(3)]
    other, before, client = make.customer(owner="li", level="C"), None, login("li")
    before = checksum(session, Customer)
    page = client.get(f"/mass/customer?ids={rows[0].id},{rows[1].id}").text
    assert "2 条记录" in page and 'value="level"' in page and 'value="name"' not in page and 'value="number"' not in page
    answer = change(client, "customer", [r.id for r in rows], back="/customer/list/?quick=all", level="A", region="苏州")
    assert answer.json["url"] == "/customer/list/?quick=all"
    session.expire_all()
    assert {(r.level, r.region) for r in rows} == {("A", "苏州")} and other.level == "C"
    batch = last(session)
    assert (batch.kind, batch.entity, batch.count, batch.actor_id) == ("mass", "customer", 3, people["li"])
    assert "已更新 3 条" in client.get("/customer/list/?quick=all").text and "data-k-undo" not in client.get("/").text
    assert client.post(f"/undo/{batch.id}").status_code == 302
    assert checksum(session, Customer) == before


def test_all_results_of_a_filter_and_only_those(make, login, session):
    """What is not on the page goes along; what the filter, the scope or the search leaves out does not."""
    inside = [make.customer(owner="li", level="C", name=f"恒远{n}") for n in range(30)]
    outside = [make.customer(owner="li", level="B"), make.customer(owner="zhao", level="C"), make.customer(owner="wang", level="C")]
    page = login("li").get("/customer/list/?quick=all&level=C").text
    query = re.search(r'data-k-every="([^"]*)"', page)[1].replace("&amp;", "&")
    assert "全部 30 条" in page
    client = login("li")
    assert "30 条记录" in client.get("/mass/customer", query_string={"every": "1", "query": query}).text
    assert change(client, "customer", query=query, status="interested").is_json
    session.expire_all()
    assert {r.status for r in inside} == {"interested"} and {r.status for r in outside} == {None}
    change(client, "customer", query="quick=all&q=恒远7", status="lost")
    session.expire_all()
    assert sorted(r.name for r in inside if r.status == "lost") == ["恒远7"]


def test_rows_that_refuse_are_left_out_and_told_with_the_reason(make, login, session, people):
    """An approved contract, a customer that is shared for reading, a closed month: the others are changed."""
    customer = make.customer(owner="li").id
    free, frozen = (make.contract(owner="li", customer_id=customer, name=n, approval=a) for n, a in (("可改", "none"), ("已批", "approved")))
    client = login("li")
    job = done(session, change(client, "contract", [free.id, frozen.id], payment_terms="货到 30 天"))
    assert (free.payment_terms, frozen.payment_terms) == ("货到 30 天", None)
    assert (job.result["changed"], job.result["refused"]) == (1, 1)
    assert job.result["why"][0][:2] == [frozen.id, "已批"] and "审批" in job.result["why"][0][2]
    page = client.get(f"/job/{job.id}").text
    assert f'data-refused="{frozen.id}"' in page and ">已批</a>" in page and f'action="/undo/{job.result["batch"]}"' in page

    mine, shared = make.customer(owner="li"), make.customer(owner="zhao", name="只读共享")
    make.collaborator(entity="customer", row_id=shared.id, employee_id=people["li"], may_write=False)
    job = done(session, change(client, "customer", [mine.id, shared.id], region="昆山"))
    assert (mine.region, shared.region) == ("昆山", None) and [w[1] for w in job.result["why"]] == ["只读共享"]

    job = done(session, change(client, "customer", [shared.id], region="太仓"))
    assert job.result["changed"] == 0 and session.scalar(select(func.count()).select_from(Batch).where(Batch.kind == "mass")) == 2
    assert "已更新 0 条" in client.get(f"/job/{job.id}").text, "nothing changed: no operation is kept"


def test_a_rule_of_the_form_is_a_rule_of_the_mass_edit(make, login, session):
    """A value that the form refuses is told at the field; a rule of the row leaves the row out; what hangs on a save follows."""
    rows = [make.customer(owner="li") for _n in range(2)]
    client = login("li")
    for values, told in (({"level": "Z"}, "列表"), ({"email": "x"}, "邮"), ({"next_follow_at": "morgen"}, "时间"), ({}, "至少")):
        answer = change(client, "customer", [r.id for r in rows], **values)
        assert not answer.is_json and told in answer.text and "data-k-mass" in answer.text, values
    job = done(session, change(client, "customer", [r.id for r in rows], next_follow_at="2020-01-01 09:00"))
    assert job.result["refused"] == 2 and "晚于现在" in job.result["why"][0][2]
    deal = make.opportunity(owner="li", customer_id=rows[0].id)
    assert change(client, "opportunity", [deal.id], stage="s3").is_json
    session.expire_all()
    assert (deal.stage, deal.rate) == ("s3", 5000), "the stage brings its win rate along, as in the form"


def test_before_fields_are_emptied_it_is_asked_once_more(make, login, session):
    rows = [make.customer(owner="li", region="苏州", fax="0512-1") for _n in range(2)]
    client, ids = login("li"), [r.id for r in rows]
    assert "将清空 2 条记录的「地区、传真」" in change(client, "customer", ids, region="", fax="", level="A").json["ask"]
    session.expire_all()
    assert {(r.region, r.fax, r.level) for r in rows} == {("苏州", "0512-1", None)}, "nothing yet"
    answer = client.post("/mass/customer", data={"ids": ",".join(map(str, ids)), "field": ["region", "fax"], "region": "", "fax": "", "sure": "1"})
    assert answer.json["url"]
    session.expire_all()
    assert {(r.region, r.fax) for r in rows} == {(None, None)}


def test_no_right_no_field_no_row(make, login, session, people, as_role):
    row, foreign = make.customer(owner="zhao", mobile="13812345678"), make.customer(owner="wang")
    client = login("zhao")
    job = done(session, change(client, "customer", [foreign.id], region="昆山"))
    assert (job.result["changed"], job.result["refused"]) == (0, 0) and foreign.region is None, "what he does not see is not there"
    assert "至少" in change(client, "customer", [row.id], created_by="1").text
    assert "至少" in change(client, "customer", [row.id], name="同名").text and row.name != "同名"
    assert client.post("/mass/user", data={"ids": people["li"], "field": "title"}).status_code == 403
    assert client.get("/mass/nothing?ids=1").status_code == 404
    for bad in ("ids=", "ids=x", "ids=1;2", "ids=" + ",".join(map(str, range(1, 1003))), "every=1&query=quick%3Dzzz", "every=1&query=psize_x%3D%27"):
        assert client.get(f"/mass/customer?{bad}").status_code in (200, 400), bad
    assert client.get("/mass/customer?every=1&query=quick%3Dzzz").status_code == 400
    with as_role("zhao", "finance"):
        client = login("zhao")
        assert change(client, "customer", [row.id], region="昆山").status_code == 403
        assert 'data-k-dialog="/mass/customer"' not in client.get("/customer/list/?quick=all").text
    session.expire_all()
    assert row.region is None
    assert 'data-k-dialog="/mass/customer"' in login("zhao").get("/customer/list/?quick=all").text


def test_a_masked_field_is_not_offered_nor_taken(make, login, session):
    from app.core import memo
    from app.security.models import RolePolicy
    row, policy = make.customer(owner="li", mobile="13812345678"), session.scalar(select(RolePolicy).where(RolePolicy.key == "sales"))
    kept = list(policy.masked)
    try:
        policy.masked = [*kept, "customer.fax"]
        memo.touch(session, "security")
        session.commit()
        client = login("li")
        assert 'value="fax"' not in client.get(f"/mass/customer?ids={row.id}").text
        assert "至少" in change(client, "customer", [row.id], fax="0512-1").text
        session.expire_all()
        assert row.fax is None
    finally:
        policy.masked = kept
        memo.touch(session, "security")
        session.commit()


def test_a_mass_edit_that_is_cancelled_or_dies_tells_what_it_did(make, login, session, people, monkeypatch):
    """Each chunk is a transaction of the one operation: the rest stays as it was, what was done can be taken back, a dead job goes on."""
    from app.views import mass
    monkeypatch.setattr(mass, "CHUNK", 20)
    rows = [make.customer(owner="li", name=f"恒远{n:03d}") for n in range(110)]
    before, client = checksum(session, Customer), login("li")
    answer = change(client, "customer", query="quick=all", region="苏州")
    job = session.get(Job, int(answer.json["url"].rsplit("/", 1)[1]))
    assert job.state == "queued" and job.total == 110

    def stop(done_rows, total=None):
        if done_rows >= 40:
            raise jobs.Cancelled
    monkeypatch.setattr(jobs, "_progress", lambda *_a: stop)
    jobs.run(session, job.id, actor_for)
    monkeypatch.undo()
    session.expire_all()
    assert job.state == "cancelled" and job.result["changed"] == 40 and sum(r.region == "苏州" for r in rows) == 40
    page = client.get(f"/job/{job.id}").text
    assert "已更新 40 条" in page and f'action="/undo/{job.result["batch"]}"' in page

    job.state = "queued"  # as `take_up` does for the job of a dead worker
    session.commit()
    jobs.run(session, job.id, actor_for)
    session.expire_all()
    assert job.state == "done" and job.result["changed"] == 110 and {r.region for r in rows} == {"苏州"}
    assert session.scalar(select(func.count()).select_from(Batch).where(Batch.kind == "mass")) == 1
    rows[5].region = "太仓"
    session.commit()
    client.post(f"/undo/{job.result['batch']}")
    session.expire_all()
    assert rows[5].region == "太仓" and {r.region for r in rows[:5] + rows[6:]} == {None}, "what changed since is listed, not overwritten"
    left = client.get(f"/undo/show/{job.result['batch']}").text
    assert re.findall(r"data-left><a[^>]*>([^<]*)", left) == [rows[5].name]
    rows[5].region = None
    assert checksum(session, Contact) and before != checksum(session, Customer)


@pytest.mark.sqlite  # the many rows once; every kind of undo runs on both databases
def test_ten_thousand_rows_of_a_filter_are_changed_and_come_back(make, login, session, people):
    make.customer(owner="li", level="C")
    session.execute(Customer.__table__.insert(), [
        {"name": f"大客户{i}", "name_key": name_key(f"大客户{i}"), "owner_id": people["li"], "level": "C", "status": "lead", "version": 1,
         "created_at": clock.now(), "changed_at": clock.now()} for i in range(9_999)])
    session.commit()
    before, client, began = checksum(session, Customer), login("li"), time.monotonic()
    job = done(session, change(client, "customer", query="level=C", level="A"))
    assert (job.state, job.result["changed"], job.result["refused"]) == ("done", 10_000, 0)
    print(f"10,000 customers changed in {time.monotonic() - began:.1f} s")
    assert session.scalar(select(func.count()).select_from(Customer).where(Customer.level == "A")) == 10_000
    batch = session.get(Batch, job.result["batch"])
    assert batch.count == 10_000 and checksum(session, Customer) != before
    answer, began = client.post(f"/undo/{batch.id}"), time.monotonic()
    key = int(re.search(r"/job/(\d+)$", answer.location)[1])
    jobs.run(session, key, actor_for)
    print(f"and taken back in {time.monotonic() - began:.1f} s")
    assert checksum(session, Customer) == before
    assert client.get(f"/job/{key}").location == f"/undo/show/{batch.id}"
    page = client.get(f"/undo/show/{batch.id}").text
    assert "data-left" not in page and page.count("data-change") >= 50 and "after=" in page


def test_each_list_that_offers_it_changes_a_row(app, make, login, session, as_):
    """Every entity: a field that may be empty is emptied or set by the administrator, logged in a batch of its own."""
    from app.views import mass
    client, walked = login("admin"), 0
    for view in [v for v in app.appbuilder.baseviews if getattr(v, "model", None) is not None and hasattr(v, "mass_fields")]:
        with as_("admin"):
            fields = mass.fields_of(view)
        texts = [f for f in fields if f.kind in ("text", "note") and not f.format and not f.choices]
        if not texts:
            continue
        row, one = make.row(view.model.__tablename__, "admin"), texts[-1]
        answer = change(client, view.entity, [row.id], **{one.name: "批量"})
        assert answer.is_json, (view.entity, answer.text)
        session.expire_all()
        if answer.json["url"].startswith("/job/"):  # a rule of the form: a quote without lines
            assert done(session, answer).result["why"][0][0] == row.id and view.entity in ("quote", "target"), view.entity
            continue
        batch = last(session)
        assert getattr(row, one.key) == "批量" and batch.kind == "mass" and batch.count >= 1, (view.entity, one.name, answer.json)
        walked += 1
    assert walked >= 8
    print(f"mass edit: {walked} lists")

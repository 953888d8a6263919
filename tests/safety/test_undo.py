"""撤销中心: every kind of operation is taken back to the same checksums; conflicts are listed; an undo is undone; one field goes back."""
import hashlib
import json
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.core import changes, jobs, undo
from app.core.changes import Batch, Change
from app.core.database import reading
from app.core.rules import RuleError
from app.customers.models import Contact, Customer, Followup
from app.extensions import db
from app.opportunities.models import Opportunity
from app.security.people import actor_for
from app.targets.models import Target
from tests.story import at_once

SKIPPED = {"version"}


def checksum(session, *models) -> str:
    """Of all rows of some tables, trash and all, but for the number of their version."""
    session.commit()
    found = []
    for model in models:
        t = model.__table__
        found += [json.dumps([str(v) for k, v in row.items() if k not in SKIPPED])
                  for row in session.connection().execute(select(t).order_by(t.c.id)).mappings()]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def last(session) -> Batch:
    return session.scalar(select(Batch).order_by(Batch.id.desc()))


EVERY = (Customer, Contact, Followup, Opportunity, Target)


def _edit(session, make, client, people, rows):
    with changes.operation(session, "edit", "customer"):
        rows[0].name, rows[0].address = "天工", "昆山"


def _action(action, **more):
    def do(session, make, client, people, rows):
        values = {k: people.get(v, v) for k, v in more.items()}
        answer = client.post("/customer/action_post", data={"action": action, "rowid": [r.id for r in rows], **values})
        assert answer.status_code == 302
    return do


def _stage(session, make, client, people, rows):
    one = session.scalar(select(Opportunity.id))
    assert client.post("/opportunity/board/move", data={"id": one, "stage": "s4"}).json["ok"]


def _merge(session, make, client, people, rows):
    ids = [r.id for r in rows]
    answer = client.post("/duplicate/merge", data={"ids": ",".join(map(str, ids)), "keep": ids[0], "f-level": ids[1]})
    assert session.scalar(select(Batch.kind).order_by(Batch.id.desc())) == "merge", answer.location


def _target(session, make, client, people, rows):
    with changes.operation(session, "targets", "target"):
        session.scalar(select(Target)).own = 7


def _add(session, make, client, people, rows):
    with changes.operation(session, "import", "customer"):
        session.add(Customer(name="新客户", owner_id=people["li"]))


DOINGS = {"edit": _edit, "delete": _action("delete"), "transfer": _action("transfer", owner="wang", to="wang"), "target": _target, "stage": _stage, "merge": _merge, "add": _add}


@pytest.mark.parametrize("doing", DOINGS)
def test_every_kind_comes_back_to_the_same_rows(doing, make, login, session, people):
    """Undo, undo of the undo, and undo of that."""
    rows = [make.customer(name=f"恒远{n}", owner="li") for n in range(3)]
    make.opportunity(customer_id=make.customer(owner="li").id, owner="li")
    make.target(owner="li")
    before, client = checksum(session, *EVERY), login("chen")
    DOINGS[doing](session, make, client, people, rows)
    after = checksum(session, *EVERY)
    first = last(session)
    assert after != before, doing
    assert undo.take_back(session, first.id) == []
    assert checksum(session, *EVERY) == before
    again = last(session)
    assert again.undoes_id == first.id and undo.take_back(session, again.id) == []
    assert checksum(session, *EVERY) == after, "an undo is taken back like any other operation"
    assert undo.take_back(session, last(session).id) == []
    assert checksum(session, *EVERY) == before


def test_the_pages_show_field_before_after_and_list_what_changed_since(make, login, session, people):
    one, two = make.customer(name="恒远", owner="li", address="苏州"), make.customer(name="天工", owner="li", address="苏州")
    with changes.operation(session, "edit", "customer", "改地址"):
        one.address = two.address = "昆山"
    session.commit()
    batch = last(session)
    batch.actor_id = people["li"]
    session.commit()
    two.address = "太仓"
    session.commit()
    li, wang, admin = login("li"), login("wang"), login("admin")
    assert "改地址" in li.get("/undo/").text and "改地址" not in wang.get("/undo/").text and "改地址" in admin.get("/undo/").text
    assert wang.get(f"/undo/show/{batch.id}").status_code == 404
    page = li.get(f"/undo/show/{batch.id}").text
    assert re.search(r"地址</td><td[^>]*>苏州</td><td>昆山", page) and "恒远" in page
    for asked, found in (("kind=edit", True), ("kind=import", False), ("entity=customer&q=地址", True), ("until=2020-01-01", False),
                         (f"before={batch.id}", False), ("since=2020-01-01", True)):
        assert ("改地址" in li.get(f"/undo/?{asked}").text) is found, asked
    assert li.get("/undo/?since=x").status_code == li.get("/undo/?before=x").status_code == 400
    assert ("改地址" in admin.get(f"/undo/?who={people['wang']}").text) is False
    answer = li.post(f"/undo/{batch.id}")
    assert answer.location == f"/undo/show/{batch.id}"
    page = li.get(answer.location).text
    session.expire_all()
    assert one.address == "苏州" and two.address == "太仓", "never overwritten"
    assert len(re.findall("data-left", page)) == 1 and ">天工</a></span>" in page
    with pytest.raises(RuleError):
        undo.take_back(session, batch.id)


def test_an_undo_that_reverts_nothing_is_not_spent(make, login, as_, session, people, monkeypatch):
    """What stood in the way is told by name; once it is out of the way the operation goes back, small or large."""
    rows, li = [make.customer(name=f"恒远{n}", owner="li", address="苏州") for n in range(2)], login("li")
    with as_("li"):
        rows[0].address = rows[1].address = "昆山"
        session.commit()
    batch = last(session).id
    rows[0].address = rows[1].address = "太仓"
    rows[1].owner_id = people["wang"]
    session.commit()
    later, count = last(session).id, session.scalar(select(func.count(Batch.id)))
    page = li.get(li.post(f"/undo/{batch}").location).text
    assert f"没有撤销：恒远0、#{rows[1].id}" in page, "a customer of 王 is a number for 李"
    monkeypatch.setattr("app.safety.pages.AT_ONCE", 1)
    job = li.post(f"/undo/{batch}").location
    jobs.run(session, int(job.rsplit("/", 1)[1]), actor_for)
    assert "没有撤销：恒远0" in li.get(job).text
    session.expire_all()
    assert session.get(Batch, batch).undone_at is None and session.scalar(select(func.count(Batch.id))) == count
    for one in (later, batch):
        assert undo.take_back(session, one) == []
        session.commit()
    assert {r.address for r in rows} == {"苏州"}


def test_one_field_goes_back_from_the_history(make, login, session):
    one = make.customer(name="恒远", owner="li", address="苏州")
    one.address, one.name = "昆山", "恒远机械"
    session.commit()
    change = session.scalar(select(Change).where(Change.row_id == one.id, Change.verb == "edit").order_by(Change.id.desc()))
    li = login("li")
    assert f"/undo/field/{change.id}/address" in li.get(f"/customer/show/{one.id}?tab=history").text
    assert login("zhao").post(f"/undo/field/{change.id}/address").status_code == 404
    for wrong in ("owner_id2", "version", "created_at"):
        assert li.post(f"/undo/field/{change.id}/{wrong}").status_code == 404
    li.post(f"/undo/field/{change.id}/address")
    db.session.expire_all()
    assert (one.address, one.name) == ("苏州", "恒远机械"), "this field alone"
    undo.take_back(session, last(session).id)
    assert one.address == "昆山"


@pytest.fixture
def large(make, login, session, people, monkeypatch):
    """(rows of 王 that were 李's, the number of the job that takes this back in pages of two, a function to do it with something done
    before each page; it returns how the job ended)."""
    rows = [make.customer(name=f"恒远{n}", owner="li") for n in range(5)]
    chen = login("chen")
    chen.post("/customer/action_post", data={"action": "transfer", "rowid": [r.id for r in rows], "owner": people["wang"]})
    monkeypatch.setattr("app.safety.pages.AT_ONCE", 2)
    monkeypatch.setattr(undo, "PAGE", 2)
    number, page_back = int(chen.post(f"/undo/{last(session).id}").location.rsplit("/", 1)[1]), undo._page_back

    def run(before):
        monkeypatch.setattr(undo, "_page_back", lambda line, *more: before(line) or page_back(line, *more))
        jobs.run(session, number, actor_for)
        session.expire_all()
        assert not list(Path(db.engine.url.database or "").parent.glob("*.job-*"))
        return session.get(jobs.Job, number).state
    return rows, number, run


def test_a_large_undo_tells_how_far_it_is_and_stays_one_transaction(large, people):
    """The page of the job counts on while nothing is committed yet."""
    (rows, number, run), seen = large, []

    def look(line):
        with reading(), db.engine.connect() as other:  # what everybody else sees
            owners = set(other.execute(select(Customer.owner_id).distinct()).scalars())
            job = line.get(jobs.Job, number)
            line.refresh(job)
            seen.append((jobs.done_of(line, job), owners))
    assert run(look) == "done"
    assert [done for done, _owners in seen][:2] == [0, 2] and seen[-1][0] in (2, 4) and all(owners == {people["wang"]} for _done, owners in seen)
    assert {r.owner_id for r in rows} == {people["li"]}


def test_a_large_undo_is_cancelled_at_once_though_nobody_else_can_write(large, app, login, session, people):
    """Whoever cancels does not wait for the job's transaction; the job looks for it three times a second, and nothing is taken back."""
    (rows, number, run), chen, took = large, login("chen"), []

    def cancel(_line):
        began = time.monotonic()
        if len(took) == 1:
            at_once(app, [lambda: chen.post(f"/job/{number}/cancel")])
        took.append(time.monotonic() - began)
        time.sleep(0.3)
    assert run(cancel) == "cancelled"
    assert len(took) == 2 and took[1] < 10, "twenty seconds is what a writer waits"
    assert {r.owner_id for r in rows} == {people["wang"]} and session.scalar(select(Batch.undone_at).order_by(Batch.id.desc())) is None

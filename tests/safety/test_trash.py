"""回收站: who finds what there, how it comes back, how it goes for good."""
import datetime as dt
import re

import pytest
from sqlalchemy import func, select

from app.core import changes, trash, undo
from app.core.attachments import Attachment
from app.core.changes import Batch, Change
from app.core.rules import RuleError
from app.customers.models import Contact, Customer
from app.quotes.models import Quote, QuoteLine
from app.views import files


def delete(client, entity, *rows):
    answer = client.post(f"/{entity}/action_post", data={"action": "delete", "rowid": [r.id for r in rows]})
    assert answer.status_code == 302, answer.text


def listed(client, query="") -> dict[str, str]:
    """What a person's trash shows: name -> the id to restore it by."""
    page = client.get(f"/trash/{query}")
    assert page.status_code == 200, page.text
    return {name: key for key, name in re.findall(r'<tr data-id="(\d+)">.*?<td class="main"[^>]*><a[^>]*>(.*?)</a>', page.text, re.S)}


def total(client, query="") -> int:
    return int(re.search(r'data-total="(\d+)"', client.get(f"/trash/{query}").text)[1])


def test_deleted_by_li_seen_by_whom_and_restored(make, login, session):
    one, two = make.customer(name="恒远机械", owner="li"), make.customer(name="天工电气", owner="li")
    make.customer(name="还在的客户", owner="li")
    li, wang, qian, admin = (login(n) for n in ("li", "wang", "qian", "admin"))
    delete(li, "customer", one, two)
    for client, sees in ((li, True), (qian, True), (admin, True), (wang, False), (login("zhao"), False)):
        assert (set(listed(client)) == {"恒远机械", "天工电气"}) is sees
        assert total(client) == (2 if sees else 0)
    page = li.get("/trash/").text
    assert "李雨桐" in page and "还在的客户" not in page and "/trash/purge" not in page and "/trash/purge" in admin.get("/trash/").text
    row = listed(li)["恒远机械"]
    assert wang.post("/trash/restore", data={"rowid": row}).status_code == 404, "not seen, not restored"
    assert li.post("/trash/restore", data={"rowid": row}).status_code == 302
    session.expire_all()
    assert one.deleted_at is None and two.deleted_at is not None
    page = li.get("/customer/list/?quick=all").text
    assert "已恢复 1 条" in page and ">恒远机械<" in page and "天工电气" not in page
    assert set(listed(li)) == {"天工电气"}
    batch = session.scalar(select(Batch).order_by(Batch.id.desc()))
    assert (batch.kind, batch.entity, batch.label, batch.count) == ("restore", "customer", "恒远机械", 1)
    assert undo.take_back(session, batch.id) == [], "restoring is undone like any operation"
    session.commit()
    assert set(listed(li)) == {"恒远机械", "天工电气"}


def test_the_filters_and_the_pages(make, login, session, people):
    rows = [make.customer(name=f"客户{n:03d}", owner="li") for n in range(60)]
    contact = make.contact(name="顾明", customer_id=make.customer(name="留下", owner="li").id, owner="li")
    li, qian = login("li"), login("qian")
    delete(li, "customer", *rows)
    delete(qian, "contact", contact)
    assert total(qian) == 61 and len(listed(qian)) == 50
    more = re.search(r'rel="next" href="\?([^"]+)"', qian.get("/trash/").text)[1].replace("&amp;", "&")
    assert len(listed(qian, f"?{more}")) == 11 and not set(listed(qian)) & set(listed(qian, f"?{more}"))
    today = dt.date.today()
    for query, n in (("?entity=contact", 1), (f"?who={people['qian']}", 1), (f"?who={people['li']}&entity=customer", 60), ("?q=客户01", 10),
                     ("?q=顾", 1), ("?until=2020-01-01", 0), (f"?since={today - dt.timedelta(2)}", 61), ("?entity=quote", 0), ("?entity=nothing", 0)):
        assert total(qian, query) == n, query
    for wrong in ("?since=x", "?who=x", "?before=x", "?until=99999-01-01"):
        assert qian.get(f"/trash/{wrong}").status_code == 400, wrong
    for wrong in ({}, {"rowid": "x"}, {"rowid": "9" * 20}):
        assert qian.post("/trash/restore", data=wrong).status_code == 400


def test_a_page_asks_the_database_as_often_for_fifty_rows_as_for_two(make, login, statements):
    rows = [make.customer(name=f"客户{n:03d}", owner="li") for n in range(50)]
    li = login("li")
    delete(li, "customer", *rows[:2])
    li.get("/trash/")
    with statements() as few:
        assert total(li) == 2
    delete(li, "customer", *rows[2:])
    li.get("/trash/")
    with statements() as many:
        assert total(li) == 50
    assert len(many) <= len(few) <= 14, many


def test_masked_fields_are_not_guessed_by_the_text(make, login, session, as_):
    one = make.customer(name="恒远", phone="0512-68881234", owner="li")
    session.delete(one)
    session.commit()
    with as_("li") as who:
        assert trash.count(session, trash.found(who, [Customer], "68881234")) == 1
        blind = changes.actor.Actor(**{**vars(who), "masked": frozenset({"customer.phone"}), "memo": {}})
        assert trash.count(session, trash.found(blind, [Customer], "68881234")) == 0


def test_what_stays_in_the_trash_is_told_with_the_reason(make, login, session):
    customer = make.customer(name="恒远机械", owner="li")
    contact = make.contact(name="顾明", customer_id=customer.id, owner="li")
    li = login("li")
    delete(li, "contact", contact)
    delete(li, "customer", customer)
    keys = listed(li)
    li.post("/trash/restore", data={"rowid": keys["顾明"]})
    assert "顾明：「恒远机械」也在回收站" in li.get("/trash/").text
    session.expire_all()
    assert contact.deleted_at is not None
    li.post("/trash/restore", data={"rowid": [keys["顾明"], keys["恒远机械"]]})
    session.expire_all()
    assert contact.deleted_at is None and customer.deleted_at is None, "together they come back in the right order"
    boss = login("chen")
    delete(boss, "contact", contact)
    li.post("/trash/restore", data={"rowid": listed(li)["顾明"]})
    assert "只有删除者" in li.get("/trash/").text
    login("qian").post("/trash/restore", data={"rowid": listed(li)["顾明"]})
    session.expire_all()
    assert contact.deleted_at is None, "a manager restores for his people"


def test_rows_changed_in_the_trash_come_back_as_they_are_now_and_are_named(make, login, session):
    one = make.customer(name="恒远机械", address="苏州", owner="li")
    li = login("li")
    delete(li, "customer", one)
    session.expire_all()
    one.address = "昆山"
    session.commit()
    li.post("/trash/restore", data={"rowid": listed(li)["恒远机械"]})
    page = li.get("/trash/").text
    assert "在回收站期间被修改过：恒远机械" in page
    session.expire_all()
    assert (one.address, one.deleted_at) == ("昆山", None), "nothing newer is overwritten"


def test_a_merged_customer_comes_back_by_undoing_the_merge_alone(make, login, session):
    keep, other = make.customer(name="恒远机械", owner="li"), make.customer(name="恒远", owner="li")
    chen = login("chen")
    chen.post("/duplicate/merge", data={"ids": f"{keep.id},{other.id}", "keep": keep.id})
    key = listed(chen)["恒远"]
    chen.post("/trash/restore", data={"rowid": key})
    assert "请撤销那次合并" in chen.get("/trash/").text
    first = session.scalar(select(Batch).order_by(Batch.id.desc()))
    assert first.kind == "merge"
    undo.take_back(session, first.id)
    session.commit()
    undo.take_back(session, session.scalar(select(func.max(Batch.id))))
    session.commit()
    chen.post("/trash/restore", data={"rowid": listed(chen)["恒远"]})
    session.expire_all()
    assert other.deleted_at is not None, "merged again by an undo of the undo, it is still part of the whole"


def test_final_removal_takes_parts_and_files_and_is_never_undone(make, login, session, people):
    quote = make.quote(name="驱动器报价", owner="li")
    make.quote_line(quote_id=quote.id)
    digest = files.keep(b"%PDF-1.4 only here")
    kept = files.keep(b"%PDF-1.4 elsewhere too")
    customer = session.get(Customer, quote.customer_id)
    make.attachment(entity="quote", row_id=quote.id, digest=digest)
    make.attachment(entity="quote", row_id=quote.id, digest=kept)
    make.attachment(entity="customer", row_id=customer.id, digest=kept)
    admin, li = login("admin"), login("li")
    delete(admin, "quote", quote)
    delete(admin, "customer", customer)
    keys = listed(admin)
    assert li.post("/trash/purge", data={"rowid": list(keys.values())}).status_code == 403
    number = quote.id
    admin.post("/trash/purge", data={"rowid": keys[customer.name]})
    assert "指向" in admin.get("/trash/").text and session.get(Customer, customer.id, execution_options={"with_trash": True})
    answer = admin.post("/trash/purge", data={"rowid": list(keys.values())})
    assert answer.status_code == 302
    page = admin.get("/trash/").text
    assert "已彻底删除 2 条" in page and "/undo/" not in page.split("已彻底删除")[1][:200]
    session.expire_all()
    trashed = {"with_trash": True, "everyone": True}
    for model in (Quote, QuoteLine, Customer):
        assert session.scalars(select(model).execution_options(**trashed)).all() == [], model
    assert not session.scalars(select(Attachment).execution_options(**trashed)).all()
    assert not files.path_of(digest).exists() and not files.path_of(kept).exists()
    batch = session.scalar(select(Batch).order_by(Batch.id.desc()))
    assert batch.kind == "purge" and batch.actor_id == people["admin"]
    gone = session.scalar(select(Change).where(Change.entity == "quote", Change.row_id == number, Change.verb == "purge"))
    assert gone.old["name"] == "驱动器报价", "the log tells what it was"
    with pytest.raises(RuleError):
        undo.take_back(session, batch.id)
    assert admin.get(f"/undo/show/{batch.id}").status_code == 200


def test_a_file_that_another_record_holds_stays_on_the_disk(make, login, session):
    one, two = make.customer(name="恒远", owner="li"), make.customer(name="天工", owner="li")
    digest = files.keep(b"%PDF-1.4 shared")
    mine = make.attachment(entity="customer", row_id=one.id, digest=digest, name="合同.pdf")
    make.attachment(entity="customer", row_id=two.id, digest=digest)
    li, admin = login("li"), login("admin")
    assert li.post(f"/file/{mine.id}/delete").status_code == 302
    assert "合同.pdf" in listed(li) and "合同.pdf" not in listed(login("wang"))
    li.post("/trash/restore", data={"rowid": listed(li)["合同.pdf"]})
    session.expire_all()
    assert mine.deleted_at is None
    li.post(f"/file/{mine.id}/delete")
    admin.post("/trash/purge", data={"rowid": listed(admin)["合同.pdf"]})
    assert files.path_of(digest).exists()
    assert session.scalar(select(func.count(Attachment.id)).execution_options(with_trash=True)) == 1


def test_deleted_twice_it_stands_there_once(make, login, session):
    one = make.contact(name="顾明", customer_id=make.customer(owner="li").id, owner="li")
    li = login("li")
    delete(li, "contact", one)
    li.post("/trash/restore", data={"rowid": listed(li)["顾明"]})
    session.expire_all()
    delete(li, "contact", one)
    assert total(li) == 1
    assert session.scalar(select(func.count(Contact.id)).execution_options(with_trash=True)) == 1

"""Opportunities by HTTP: the board's drag, closing by post, what a form may not do."""
import datetime as dt
import re

import pytest
from sqlalchemy import select

from app.core import clock
from app.opportunities.models import StageChange
from app.quotes.models import Quote
from tests.story import posted, said


@pytest.fixture
def deal(make):
    """`deal(stage=…)`: an opportunity of 李's."""
    return lambda **over: make.opportunity(**{"stage": "s2", "rate": 3000, "furthest": "s2", "staged_at": clock.now() - dt.timedelta(3), **over})


def test_a_dropped_card_moves_with_its_history_and_can_be_taken_back(login, session, deal):
    row = deal()
    client = login("li")
    for data, status in (({"id": row.id, "stage": "zzz"}, 409), ({"id": row.id, "stage": "lost"}, 409), ({"id": "abc", "stage": "s3"}, 400),
                         ({"id": row.id, "stage": "lost", "reason": "zzz"}, 409), ({"id": row.id, "stage": "lost", "reason": "other"}, 409),
                         ({"id": 10**9, "stage": "s3"}, 404)):
        assert client.post("/opportunity/board/move", data=data).status_code == status, data
    assert login("zhao").post("/opportunity/board/move", data={"id": row.id, "stage": "s4"}).status_code == 404
    moved = client.post("/opportunity/board/move", data={"id": row.id, "stage": "s4"}).json
    session.expire_all()
    assert moved["ok"] and (row.stage, row.rate, row.furthest) == ("s4", 7000, "s4")
    assert session.scalars(select(StageChange.seconds)).one() // 3600 == 72
    client.post(f"/undo/{moved['batch']}")
    session.expire_all()
    assert (row.stage, row.furthest, session.scalar(select(StageChange.id))) == ("s2", "s2", None)
    lost = client.post("/opportunity/board/move", data={"id": row.id, "stage": "lost", "reason": "price", "note": "差两成"}).json
    session.expire_all()
    assert lost["ok"] and (row.loss_reason, row.closing_note) == ("price", "差两成")
    assert client.post("/opportunity/board/move", data={"id": row.id, "stage": "s4"}).status_code == 409, "closed: only reopening"


def test_a_form_cannot_close_reopen_or_set_what_is_computed(login, session, deal, people):
    row = deal()
    client = login("li")
    form = {"name": row.name, "customer": row.customer_id, "stage": "s2", "owner": people["li"], "version": row.version, "amount": "420000", "rate": "30"}
    for stage in ("won", "lost", "void"):
        assert "赢单" in said(client.post(f"/opportunity/edit/{row.id}", data=posted(**{**form, "stage": stage})))
    extra = {"loss_reason": "price", "closed_on": "2026-01-01", "furthest": "s5", "staged_at": "2026-01-01 00:00", "closing_note": "x", "weighted": "1"}
    assert client.post(f"/opportunity/edit/{row.id}", data=posted(**{**form, "stage": "s3", "rate": "30"}, **extra)).status_code == 302
    session.expire_all()
    assert (row.stage, row.rate, row.loss_reason, row.closed_on, row.furthest, row.closing_note) == ("s3", 5000, None, None, "s3", None)
    assert row.staged_at >= clock.now() - dt.timedelta(minutes=5)
    client.post("/opportunity/action_post", data={"action": "won", "rowid": row.id})
    session.expire_all()
    assert row.stage == "won"
    before = row.version
    for url, data in ((f"/opportunity/edit/{row.id}", posted(**{**form, "stage": "s3", "version": row.version})),
                      (f"/opportunity/delete/{row.id}", {}),
                      ("/opportunity/action_post", {"action": "delete", "rowid": row.id}), ("/opportunity/action_post", {"action": "advance", "rowid": row.id}),
                      ("/opportunity/action_post", {"action": "move", "rowid": row.id, "stage": "s1"}),
                      ("/opportunity/action_post", {"action": "lost", "rowid": row.id, "reason": "price"})):
        client.post(url, data=data)
        session.expire_all()
        assert (row.stage, row.version, row.deleted_at) == ("won", before, None), url


def test_many_deals_move_together_or_not_at_all(login, session, deal):
    one, closed = deal(), deal(stage="won", rate=10_000, closed_on=clock.today(), furthest="won")
    client = login("li")
    client.post("/opportunity/action_post", data={"action": "move", "rowid": [one.id, closed.id], "stage": "s4"})
    session.expire_all()
    assert (one.stage, closed.stage) == ("s2", "won") and session.scalar(select(StageChange.id)) is None
    other = deal()
    client.post("/opportunity/action_post", data={"action": "move", "rowid": [one.id, other.id], "stage": "s4"})
    session.expire_all()
    assert one.stage == other.stage == "s4" and len(session.scalars(select(StageChange.id)).all()) == 2


def test_a_copy_begins_at_the_first_stage(login, session, deal):
    row = deal(stage="won", rate=10_000, closed_on=clock.today(), name="老机会")
    page = login("li").get(f"/opportunity/add?copy={row.id}").text
    assert 'value="老机会"' in page and '<option selected value="s1"' in page.replace("value=\"s1\" selected", 'selected value="s1"')


def test_deletion_is_refused_with_a_sentence_that_names_what_hangs(login, session, deal, make):
    row = deal()
    make.quote(customer_id=row.customer_id, opportunity_id=row.id)
    contract = make.contract(customer_id=row.customer_id, opportunity_id=row.id)
    client = login("li")
    client.post(f"/opportunity/delete/{row.id}")
    page = said(client.get("/opportunity/list/"))
    assert "1 个报价" in page and "1 个合同/订单" in page, page
    session.delete(contract)
    session.delete(session.scalars(select(Quote)).one())
    session.commit()
    client.post(f"/opportunity/delete/{row.id}")
    session.expire_all()
    assert row.deleted_at


def test_a_follow_up_on_a_deal_writes_through_to_it(login, session, deal, people):
    row = deal()
    client = login("li")
    form = {"customer": row.customer_id, "opportunity": row.id, "method": "call", "content": "谈了价格", "owner": people["li"],
            "happened_at": "2026-01-05 10:00"}
    assert client.post("/followup/add", data=form).status_code == 302
    session.expire_all()
    assert clock.to_office(row.last_follow_at) == dt.datetime(2026, 1, 5, 10)


def test_own_deals_and_those_of_ones_customers_stand_in_one_list_in_every_order(login, make, statements):
    mine, other = make.customer(owner="li"), make.customer(owner="wang")
    amounts = [make.opportunity(owner=owner, customer_id=customer.id, amount=fen).amount for owner, customer, fen in (
        ("li", mine, 30_00), ("wang", mine, 10_00), ("li", other, None), ("li", mine, 20_00), ("wang", mine, 20_00))]
    make.opportunity(owner="wang", customer_id=other.id, amount=99_00)
    client, view = login("li"), "OpportunityView"
    url = f"/opportunity/list/?quick=all&psize_{view}=2"
    for way in ("asc", "desc"):
        found = []
        for page in range(3):
            text = client.get(f"{url}&_oc_{view}=amount&_od_{view}={way}&page_{view}={page}").text
            assert 'data-total="5"' in text
            found += [None if told == "—" else int(told.replace(".", "")) for told in re.findall(
                r'data-label="预计金额"><span class="\w+">([\d.—]*)<', text)]
        known = [one for one in found if one is not None]
        assert known == sorted((a for a in amounts if a is not None), reverse=way == "desc") and len(found) == 5, (way, found)
    assert 'data-total="5"' in client.get(f"{url}&page_{view}=9").text and 'data-total="5"' in client.get(f"{url}&exact=1").text
    with statements() as seen:
        client.get(url)
    assert len(seen) <= 6


def test_an_amount_is_typed_as_people_write_it_and_lines_are_kept_as_lines(login, session, deal, people):
    row, client = deal(), login("li")
    form = {"name": row.name, "customer": row.customer_id, "stage": "s2", "owner": people["li"], "version": row.version, "rate": "30"}
    for odd in ("12.5万万", "万", "NaN", "1e99", "十万"):
        page = client.post(f"/opportunity/edit/{row.id}", data=posted(**{**form, "amount": odd}))
        assert "请输入金额" in said(page) and odd in page.text, "what was typed is kept"
    assert client.post(f"/opportunity/edit/{row.id}", data=posted(**{**form, "amount": "￥12.5万", "note": "一行\r\n二行"})).status_code == 302
    session.expire_all()
    assert (row.amount, row.note) == (12_500_000, "一行\n二行")
    found = client.get("/opportunity/list/?quick=all&amount=12.4万~12.6万").text
    assert f'data-id="{row.id}"' in found and f'data-id="{row.id}"' not in client.get("/opportunity/list/?quick=all&amount=12.6万~").text

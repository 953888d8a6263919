"""Quotes by HTTP: lines in the form, what posts may not do, copying, converting."""
import pytest
from sqlalchemy import func, select

from app.approvals.models import ApprovalRule
from app.contracts.models import Contract
from app.core import clock
from app.opportunities.models import Opportunity
from app.quotes.models import Quote, QuoteLine
from tests.story import posted, said


@pytest.fixture
def form(make, people):
    """The fields of a new quote of 李's customer."""
    customer = make.customer(level="A")

    def fields(lines=({"name": "驱动器", "price": "1280"},), start=0, **over):
        return posted(lines, start, **{"name": "驱动器报价", "customer": customer.id, "quoted_on": clock.today(), "valid_until": clock.today(),
                                       "owner": people["li"], "discount": "100", **over})
    fields.customer = customer
    return fields


def _quote(session):
    session.expire_all()
    return session.scalars(select(Quote).order_by(Quote.id.desc())).first()


def test_lines_are_saved_changed_and_taken_out_by_the_form(login, session, form, make):
    product = make.product(name="伺服驱动器", price=1280_00, cost=800_00, unit="u8")
    client = login("li")
    lines = [{"product": product.id, "quantity": "2.5"}, {"name": "安装", "price": "￥1,600.00", "tax_rate": "6%"}, {}]
    assert client.post("/quote/add", data=form(lines)).status_code == 302
    row = _quote(session)
    first, second = row.living
    assert (first.name, first.unit, first.price, first.list_price, first.cost, first.amount) == ("伺服驱动器", "u8", 1280_00, 1280_00, 800_00, 3200_00)
    assert (second.price, second.tax_rate, row.amount, row.cost) == (1600_00, 600, 4800_00, None)
    page = client.get(f"/quote/edit/{row.id}").text
    mark = page.split('name="lines_mark"')[1].split('value="')[1].split('"')[0]
    changed = form([{"id": first.id, "product": product.id, "name": "伺服驱动器", "price": "1200", "quantity": "2.5"}], version=row.version, lines_mark=mark)
    assert client.post(f"/quote/edit/{row.id}", data=changed).status_code == 302
    row = _quote(session)
    assert (len(row.living), row.amount, row.living[0].list_price, row.living[0].discount) == (1, 3000_00, 1280_00, 9375)
    stale = client.post(f"/quote/edit/{row.id}", data=changed)
    assert "k-conflict" in stale.text, "somebody changed the lines since"


def test_a_refused_form_keeps_what_was_typed(login, session, form):
    client = login("li")
    for over, words in (({"valid_until": "2020-01-01"}, "有效期"), ({"discount": "101"}, "折扣"), ({"lines": ()}, "一行")):
        lines = over.pop("lines", [{"name": "驱动器", "price": "1280"}, {"name": "很特别的一行", "price": "99.5"}])
        answer = client.post("/quote/add", data=form(lines, **over))
        assert answer.status_code == 200 and words in said(answer), said(answer)
        assert not lines or ("很特别的一行" in answer.text and "99.5" in answer.text)
    answer = client.post("/quote/add", data=form([{"name": "驱动器", "price": "十块"}]))
    assert answer.status_code == 200 and "请输入金额" in said(answer)
    for odd in ({"name": "没有单价"}, {"price": "99"}, {"price": "十块"}, {"name": "太大", "price": "9999999999999", "quantity": "999999999"},
                {"name": "负数", "price": "-1"}, {"name": "零件", "price": "1", "quantity": "0"}, {"name": "错产品", "price": "1", "product": "99999999"},
                {"name": "错产品", "price": "1", "product": "abc"}, {"name": "长" * 121, "price": "1"}, {"name": "错税率", "price": "1", "tax_rate": "101"}):
        answer = client.post("/quote/add", data=form([odd]))
        assert answer.status_code == 200 and said(answer), odd
    assert session.scalar(select(Quote.id)) is None


def test_posts_cannot_set_what_is_not_in_the_form(login, session, form, people):
    extra = {"state": "accepted", "approval": "approved", "amount": "1", "number": "BJ-FAKE", "revision": "9", "lines_amount": "1", "tax": "1",
             "cost": "1", "former": "1", "version": "99", "created_by": str(people["chen"]), "lines-0-amount": "1", "lines-0-list_price": "1",
             "lines-0-cost": "1", "lines-0-quote_id": "1"}
    assert login("li").post("/quote/add", data={**form(), **extra}).status_code == 302
    row = _quote(session)
    assert (row.state, row.approval, row.amount, row.revision, row.cost, row.former_id, row.created_by_id) == (
        "draft", "none", 1280_00, 1, None, None, people["li"]) and row.number.startswith("BJ2")
    assert (row.living[0].amount, row.living[0].list_price, row.living[0].cost) == (1280_00, None, None)


def test_lines_of_other_documents_are_out_of_reach(login, session, form, make):
    stranger = make.quote(owner="zhao", customer_id=make.customer(owner="zhao").id)
    line = make.quote_line(quote_id=stranger.id, price=77_00, list_price=88_00, cost=66_00, name="赵的一行")
    client = login("li")
    client.post("/quote/add", data=form([{"id": line.id, "name": "我的一行", "price": "1", "source": f"quote_line:{line.id}"}]))
    row = _quote(session)
    assert session.get(QuoteLine, line.id).name == "赵的一行" and row.living[0].id != line.id and row.living[0].list_price is None
    for url in (f"/quote/add?copy={stranger.id}", f"/quote/show/{stranger.id}", f"/quote/paper/{stranger.id}.pdf", f"/quote/print/{stranger.id}"):
        assert client.get(url).status_code == 404, url
    assert "赵的一行" not in client.get(f"/contract/add?quote={stranger.id}").text


def test_a_copy_is_a_new_draft_of_today_at_todays_prices(login, session, form, make):
    product = make.product(price=1000_00, cost=600_00)
    client = login("li")
    client.post("/quote/add", data=form([{"product": product.id, "quantity": "1"}], payment_terms="月结"))
    row = _quote(session)
    product.price, product.cost = 1500_00, 900_00
    session.commit()
    with clock.frozen(clock.now()):
        page = client.get(f"/quote/add?copy={row.id}").text
    assert row.number not in page and 'value="月结"' in page and 'value="1000.00"' in page
    client.post("/quote/add", data=form([{"product": product.id, "name": "x", "price": "1000"}]))
    copy = _quote(session)
    assert (copy.state, copy.living[0].price, copy.living[0].list_price, copy.living[0].cost) == ("draft", 1000_00, 1500_00, 900_00)
    product.state = "off"
    session.commit()
    assert "下架" in said(client.post("/quote/add", data=form([{"product": product.id}])))
    assert client.get("/product/choose").json["results"] == []


def test_a_quote_becomes_a_contract_with_everything_carried_over(login, session, form, make, people):
    """Its absence was reported by users of others (product.md 4.5)."""
    person, deal = make.contact(customer_id=form.customer.id), make.opportunity(customer_id=form.customer.id)
    product = make.product(price=1000_00, cost=600_00)
    client = login("li")
    client.post("/quote/add", data=form(
        [{"product": product.id, "quantity": "3", "price": "950"}, {"name": "安装", "price": "500", "tax_rate": "6"}], contact=person.id,
        opportunity=deal.id, discount="95", reduction="7.5", fees="80", payment_terms="30/60/10"))
    quote = _quote(session)
    product.price, product.cost, product.state = 2000_00, 1500_00, "off"  # what came since does not count
    session.commit()
    page = client.get(f"/contract/add?quote={quote.id}").text
    fields = dict(_inputs(page))
    assert fields["customer"] == str(quote.customer_id) and fields["contact"] == str(person.id) and fields["opportunity"] == str(deal.id)
    assert client.post("/contract/add", data=fields).status_code == 302
    contract = session.scalars(select(Contract)).one()
    for name in ("amount", "lines_amount", "tax", "discount", "reduction", "fees", "cost", "payment_terms", "name"):
        assert getattr(contract, name) == getattr(quote, name), name
    for old, new in zip(quote.living, contract.living, strict=True):
        for name in ("product_id", "name", "quantity", "list_price", "price", "tax_rate", "is_taxed", "cost", "amount", "tax", "discount"):
            assert getattr(old, name) == getattr(new, name), name
    session.expire_all()
    assert quote.state == "accepted" and session.get(Opportunity, deal.id).stage == "won"
    assert client.post("/quote/action_post", data={"action": "void", "rowid": quote.id, "reason": "x"}).status_code == 302
    session.expire_all()
    assert quote.state == "accepted"
    client.post(f"/quote/delete/{quote.id}")
    session.expire_all()
    assert quote.deleted_at is None


def _inputs(page):
    """(name, value) of everything a browser would send of the form."""
    import re
    from html import unescape
    form = page.split('id="model_form"')[1].split('</form>')[0]
    form = re.sub(r"<template>.*?</template>", "", form, flags=re.S)
    for tag in re.findall(r"<input\b[^>]*>", form):
        name, value = (re.search(rf'\b{key}="([^"]*)"', tag) for key in ("name", "value"))
        if name and name[1] not in ("csrf_token", "files") and ('type="checkbox"' not in tag or " checked" in tag):
            yield name[1], unescape(value[1]) if value else ""
    for name, body in re.findall(r'<select\b[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, flags=re.S):
        chosen = re.search(r'<option\b(?=[^>]*selected)[^>]*value="([^"]*)"', body)
        yield name, chosen[1] if chosen else ""
    for name, text in re.findall(r'<textarea\b[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form, flags=re.S):
        yield name, unescape(text.strip())


def test_an_approved_quote_is_closed_to_every_post(login, session, form, people, make):
    client = login("li")
    client.post("/quote/add", data=form())
    row = _quote(session)
    row.approval = "approved"
    session.commit()
    before = (row.version, row.name, row.amount, row.state)
    file = make.attachment(entity="quote", row_id=row.id)
    for url, data in ((f"/quote/edit/{row.id}", form([{"id": row.living[0].id, "name": "改", "price": "1"}], version=row.version)),
                      (f"/quote/delete/{row.id}", {}), ("/quote/action_post", {"action": "delete", "rowid": row.id}),
                      ("/quote/action_post", {"action": "submit", "rowid": row.id}), ("/quote/action_post", {"action": "release", "rowid": row.id}),
                      (f"/file/{file.id}/delete", {})):
        assert client.post(url, data=data).status_code == 302, url
        session.expire_all()
        assert (row.version, row.name, row.amount, row.state) == before and row.deleted_at is None and file.deleted_at is None, url
    assert client.get(f"/quote/edit/{row.id}").status_code == 302
    client.post("/quote/action_post", data={"action": "send", "rowid": row.id})
    session.expire_all()
    assert row.state == "sent", "what may follow an approval may follow"


def test_a_dialog_sent_twice_does_its_work_once(login, session, form):
    client = login("li")
    client.post("/quote/add", data=form())
    row = _quote(session)
    client.post("/quote/action_post", data={"action": "send", "rowid": row.id})
    dialog = client.get(f"/quote/action_form/refuse?ids={row.id}").text
    once = dialog.split('name="once" value="')[1].split('"')[0]
    data = {"action": "refuse", "rowid": row.id, "once": once}
    assert client.post("/quote/action_post", data=data).status_code == 302, "without its reason: refused"
    for _n in range(2):
        client.post("/quote/action_post", data={**data, "reason": "太贵"})
    session.expire_all()
    page = client.get("/quote/list/?quick=all").text
    assert row.state == "refused" and 'role="alert"' not in page.split("k-flash")[-1], "the second press is no error"


@pytest.mark.parametrize(("over", "offered"), [
    ({}, True), ({"approval": "approved"}, True), ({"state": "sent"}, True), ({"state": "accepted"}, True), ({"approval": "pending"}, False),
    ({"approval": "needed"}, False), ({"approval": "rejected"}, False), ({"state": "void"}, False), ({"state": "refused"}, False),
    ({"state": "replaced"}, False)])
def test_a_contract_is_offered_only_of_a_quote_that_holds(login, session, form, people, over, offered):
    """What the page offers is what the server does."""
    client = login("li")
    client.post("/quote/add", data=form())
    row = _quote(session)
    session.add(ApprovalRule(entity="quote", least=0, approver="person", person_id=people["qian"], is_on=True))
    row.approval = "approved"
    for key, value in over.items():
        setattr(row, key, value)
    session.commit()
    page = client.get(f"/quote/show/{row.id}").text
    assert (f"/contract/add?quote={row.id}" in page) is offered
    made = posted([{"name": "驱动器", "price": "100"}], name="合同", customer=row.customer_id, quote=row.id, owner=people["li"], discount="100", signed_on=clock.today())
    client.post("/contract/add", data=made)
    assert (session.scalar(select(func.count(Contract.id))) == 1) is offered

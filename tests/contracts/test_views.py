"""Contracts by HTTP: what the form saves, what direct posts may not do, deletion."""
import pytest
from sqlalchemy import select

from app.contracts.models import Contract
from app.core import clock
from app.customers.models import Customer
from tests.story import posted, said


@pytest.fixture
def form(make, people):
    """The fields of a new contract of 李's customer."""
    customer = make.customer(status="potential")

    def fields(lines=(), **over):
        return posted(lines, **{"name": "驱动器合同", "kind": "contract", "customer": customer.id, "amount": "1000", "signed_on": clock.today(),
                                "owner": people["li"], "discount": "100", **over})
    fields.customer = customer
    return fields


def _last(session) -> Contract:
    session.expire_all()
    return session.scalars(select(Contract).order_by(Contract.id.desc())).first()


def test_a_contract_is_saved_and_wins_its_customer(login, session, form):
    client = login("li")
    for over, words in (({"amount": "0"}, "大于零"), ({"amount": "-5"}, "大于零"), ({"amount": ""}, "大于零"), ({"amount": "1e99"}, "金额"),
                        ({"ends_on": "2020-01-01", "starts_on": "2020-01-02"}, ""), ({"signed_on": ""}, "不能为空"), ({"name": ""}, "不能为空")):
        assert words in said(client.post("/contract/add", data=form(**over))) != "", over
    extra = {"state": "archived", "approval": "approved", "received": "1000", "invoiced": "5", "spent": "-5", "void_reason": "x", "lines_amount": "9"}
    assert client.post("/contract/add", data={**form(), **extra}).status_code == 302
    row = _last(session)
    assert (row.state, row.approval, row.received, row.invoiced, row.spent, row.void_reason) == ("signed", "none", 0, 0, 0, None)
    customer = session.get(Customer, form.customer.id)
    assert (customer.is_won, customer.won_at, customer.status) == (True, clock.today(), "won")
    assert "已存在" in said(client.post("/contract/add", data=form(number=row.number)))


def test_a_typed_total_is_kept_and_explained(login, session, form):
    client = login("li")
    lines = [{"name": "驱动器", "price": "1280", "quantity": "3"}]
    client.post("/contract/add", data=form(lines, amount=""))
    assert _last(session).amount == 3840_00
    client.post("/contract/add", data=form(lines, amount="3800"))
    row = _last(session)
    assert (row.amount, row.reduction, row.lines_amount) == (3800_00, 40_00, 3840_00)
    page = client.get(f"/contract/show/{row.id}").text
    assert "3,800.00" in page and "40.00" in page
    one = form([{"id": row.living[0].id, "name": "驱动器", "price": "1280", "quantity": "2"}], amount="3800", reduction="40", version=row.version)
    mark = client.get(f"/contract/edit/{row.id}").text.split('name="lines_mark"')[1].split('value="')[1].split('"')[0]
    assert client.post(f"/contract/edit/{row.id}", data={**one, "lines_mark": mark}).status_code == 302
    assert _last(session).amount == 2520_00, "the amount was not touched: it follows the lines"


@pytest.mark.parametrize(("over", "allowed"), [
    ({"approval": "approved"}, {"run", "finish", "void", "transfer"}), ({"approval": "pending"}, {"transfer"}),
    ({"state": "void"}, {"archive"}), ({"state": "archived"}, {"transfer"}), ({"state": "done"}, {"archive", "void", "transfer"})])
def test_a_closed_contract_is_closed_to_every_post(login, session, make, form, people, over, allowed):
    row = make.contract(**{"amount": 1000_00, "state": "signed", "signed_on": clock.today(), "customer_id": form.customer.id, **over})
    client = login("li")
    posts = {action: {"action": action, "reason": "理由", "owner": people["wang"], "terms": "2", "first_on": "2026-01-01"} for action in (
        "sign", "run", "finish", "void", "archive", "transfer", "delete", "submit", "release", "withdraw")}
    for action, data in posts.items():
        before = (row.version, row.state, row.owner_id, row.approval, row.deleted_at)
        client.post("/contract/action_post", data={**data, "rowid": row.id})
        session.expire_all()
        now = (row.version, row.state, row.owner_id, row.approval, row.deleted_at)
        if over.get("state") == "done" and action == "delete":
            assert row.deleted_at, "fulfilled, with nothing on it: it may go"
            row.deleted_at = None
        elif action in allowed and not (over.get("approval") == "approved" and action == "withdraw"):
            assert now != before, action
            row.state, row.approval, row.owner_id = over.get("state", "signed"), over.get("approval", "none"), people["li"]
        else:
            assert now == before, action
        session.commit()
    if over.get("state") != "done":
        version = row.version
        assert client.post(f"/contract/edit/{row.id}", data=form(amount="1", version=row.version)).status_code == 302
        client.post(f"/contract/delete/{row.id}")
        session.expire_all()
        assert (row.version, row.amount, row.deleted_at) == (version, 1000_00, None)


def test_deletion_names_everything_that_hangs(login, session, make):
    row = make.contract(state="signed", amount=10_000_00)
    hang = [make.payment_plan(contract_id=row.id), make.payment(contract_id=row.id), make.invoice(contract_id=row.id),
            make.expense(contract_id=row.id, customer_id=row.customer_id)]
    client = login("li")
    client.post(f"/contract/delete/{row.id}")
    words = said(client.get("/contract/list/"))
    assert all(f"1 个{what}" in words for what in ("回款计划", "回款", "发票", "费用")), words
    for one in hang:
        session.delete(one)
        session.commit()
    client.post(f"/contract/delete/{row.id}")
    session.expire_all()
    assert row.deleted_at


def test_what_hangs_in_another_persons_scope_is_counted_too(login, session, make):
    row = make.contract(state="signed", amount=10_000_00)
    make.expense(owner="zhao", contract_id=row.id, customer_id=row.customer_id)
    login("li").post(f"/contract/delete/{row.id}")
    session.expire_all()
    assert row.deleted_at is None

"""Payments by HTTP: presets, receipts, the confirmation, and two people who pay at the same time."""
import re

import pytest
from sqlalchemy import func, select

from app.core import clock
from app.payments.models import Payment, PaymentPlan
from tests.story import at_once, posted, said


@pytest.fixture
def contract(make):
    """`contract(amount=…)`: a signed contract of 李's over 1,000 yuan."""
    return lambda **over: make.contract(**{"amount": 1000_00, "state": "signed", "signed_on": clock.today(), **over})


def _form(row, people, amount, **over):
    return posted(**{"contract": row.id, "customer": row.customer_id, "amount": amount, "paid_on": clock.today(), "owner": people["li"], **over})


def test_a_term_fills_the_payment_form_and_the_sentence_names_the_rest(login, session, contract, make, people):
    row = contract()
    plan = make.payment_plan(contract_id=row.id, amount=300_00, due_on=clock.today())
    client = login("li")
    page = client.get(f"/payment/add?plan={plan.id}").text
    assert 'value="300.00"' in page and f'value="{row.id}" selected' in page
    assert 'value="1000.00"' in client.get(f"/payment/add?contract={row.id}").text
    assert client.post("/payment/add", data=_form(row, people, "300", plan=plan.id)).status_code == 302
    assert "700.00" in said(client.post("/payment/add", data=_form(row, people, "700.01")))
    extra = {"check": "confirmed", "approval": "approved", "receipt": "X", "refund_of": "1", "checked_on": "2026-01-01", "number": "HK-FAKE"}
    assert client.post("/payment/add", data={**_form(row, people, "700"), **extra}).status_code == 302
    session.expire_all()
    last = session.scalars(select(Payment).order_by(Payment.id.desc())).first()
    assert (last.check, last.approval, last.receipt, last.refund_of_id, last.checked_on) == ("new", "none", None, None, None)
    assert (row.received, plan.received) == (1000_00, 300_00) and last.number != "HK-FAKE"


def test_a_payment_that_is_deleted_opens_its_term_again(login, session, contract, make, people):
    row = contract()
    plan = make.payment_plan(contract_id=row.id, amount=300_00, due_on=clock.today())
    client = login("li")

    def told(url):
        client.post(url)
        return said(client.get("/payment/list/"))
    client.post("/payment/add", data=_form(row, people, "300", plan=plan.id))
    payment = session.scalar(select(Payment))
    session.refresh(plan)
    assert plan.state == "done" and row.outstanding == 700_00
    assert "有回款" in told(f"/paymentplan/delete/{plan.id}")
    payment.check = "confirmed"
    session.commit()
    assert "锁定" in told(f"/payment/delete/{payment.id}")
    payment.check = "new"
    session.commit()
    told(f"/payment/delete/{payment.id}")
    session.expire_all()
    assert payment.deleted_at and (plan.state, plan.received, row.received, row.outstanding) == ("open", 0, 0, 1000_00)


def test_two_payments_at_the_same_time_cannot_exceed_the_contract(app, login, session, contract, people):
    """20 people record 300 yuan each on a contract of 1,000: three come through, whatever the order."""
    row = contract()
    form, clients = _form(row, people, "300"), [login("li") for _n in range(20)]
    session.commit()
    answers = at_once(app, [lambda c=c: c.post("/payment/add", data=form).status_code for c in clients])
    session.expire_all()
    assert sorted(answers) == [200] * 17 + [302] * 3
    assert row.received == session.scalar(select(func.sum(Payment.amount))) == 900_00


def test_only_finance_confirms_and_a_confirmed_payment_is_closed_to_every_post(login, session, contract, people, make, as_role):
    row = contract()
    payment = make.payment(contract_id=row.id, amount=300_00)
    ask = {"action": "confirm", "rowid": payment.id}
    for name in ("li", "qian", "chen"):
        assert login(name).post("/payment/action_post", data=ask).status_code == 403, name
    with as_role("zhao", "finance"):
        assert login("zhao").post("/payment/action_post", data=ask).status_code == 302
    session.expire_all()
    assert payment.check == "confirmed"
    client, before = login("li"), (payment.version, payment.amount)
    for url, data in ((f"/payment/edit/{payment.id}", _form(row, people, "1", version=payment.version)), (f"/payment/delete/{payment.id}", {}),
                      ("/payment/action_post", {"action": "delete", "rowid": payment.id})):
        assert client.post(url, data=data).status_code == 302
        session.expire_all()
        assert (payment.version, payment.amount, payment.deleted_at) == (*before, None), url


def test_a_receipt_is_saved_once_and_whole(login, session, contract, make, people):
    customer = make.customer()
    one, two = contract(customer_id=customer.id), contract(customer_id=customer.id, amount=500_00)
    other = contract()
    client = login("li")
    page = client.get(f"/receipt/?customer={customer.id}").text
    assert one.number in page and two.number in page and other.number not in page
    once = page.split('name="once" value="')[1].split('"')[0]
    form = {"customer": customer.id, "once": once, "paid_on": clock.today(), f"share-{one.id}": "900", f"share-{two.id}": "500.01"}
    refused = client.post("/receipt/", data=form)
    assert refused.status_code == 200 and "500.00" in said(refused) and 'value="900"' in refused.text and f'id="share-{two.id}-error"' in refused.text
    assert "1,400.00" in said(client.post("/receipt/", data={**form, "whole": "1399.99", f"share-{two.id}": "500"})), "shares add up to what came in"
    for over in ({"paid_on": "x"}, {f"share-{one.id}": "十"}, {"method": "z" * 60}, {"paid_on": "2999-01-01"}):
        assert said(client.post("/receipt/", data={**form, f"share-{two.id}": "500", **over})), over
    assert session.scalar(select(Payment.id)) is None
    for _n in range(2):
        assert client.post("/receipt/", data={**form, "whole": "1,400", f"share-{two.id}": "500", f"share-{other.id}": "1"}).status_code == 302
    session.expire_all()
    assert session.scalar(select(func.count(Payment.id))) == 2 and (one.received, two.received, other.received) == (900_00, 500_00, 0)
    assert login("zhao").get(f"/receipt/?customer={customer.id}").status_code == 404


def test_a_plan_is_made_from_the_contracts_page(login, session, contract):
    row = contract()
    client = login("li")
    ask = {"action": "terms", "rowid": row.id, "terms": "30/60", "first_on": "2026-01-31", "every": "month"}
    client.post("/contract/action_post", data=ask)
    assert "100" in said(client.get("/contract/list/")) and session.scalar(select(PaymentPlan.id)) is None
    client.post("/contract/action_post", data={**ask, "terms": "30/60/10"})
    assert session.scalars(select(PaymentPlan.amount).order_by(PaymentPlan.term)).all() == [300_00, 600_00, 100_00]
    assert login("zhao").post("/contract/action_post", data={**ask, "terms": "2"}).status_code == 404


def terms(contract, *rows, **more):
    """The sheet of terms as a browser posts it: (amount, day) by row."""
    typed = {f"terms-{n}-{name}": str(value) for n, row in enumerate(rows) for name, value in zip(("amount", "due_on"), row, strict=True)}
    return {"contract": str(contract.id), **typed, **more}


def test_terms_are_proposed_changed_and_saved_together(login, session, contract):
    row = contract(payment_terms="预付30%，发货60%，质保10%")
    client, url = login("li"), "/paymentplan/terms/"
    page = client.get(f"{url}?contract={row.id}").text
    assert [re.search(f'name="terms-{n}-amount"[^>]*value="([^"]*)"', page)[1] for n in range(3)] == ["300.00", "600.00", "100.00"]
    page = client.get(f"{url}?contract={row.id}&terms=12&first_on=2026-01-31&every=month").text
    assert re.search('name="terms-1-due_on"[^>]*value="([^"]*)"', page)[1] == "2026-02-28" and "terms-11-amount" in page
    assert session.scalar(select(PaymentPlan.id)) is None, "nothing is saved by looking"
    for ask in ("terms=30/60&first_on=2026-01-31", "terms=3&first_on=x", "terms=3&first_on=2026-01-31&every=day"):
        assert said(client.get(f"{url}?contract={row.id}&{ask}")), ask
    for bad, words in ((terms(row), "至少"), (terms(row, ("500", "2026-12-01"), ("500.01", "2027-01-01")), "500.00"),
                       (terms(row, ("0", "2026-12-01")), "大于零"), (terms(row, ("x", "2026-12-01")), "金额"), (terms(row, ("5", "")), "不能为空"),
                       (terms(row, ("5", "2026-12-01"), **{"terms-0-remind_days": "-1"}), "0 到 90")):
        refused = client.post(url, data=bad)
        assert refused.status_code == 200 and words in said(refused), (words, said(refused))
        assert session.scalar(select(PaymentPlan.id)) is None, "all or none"
    assert client.post(url, data=terms(row, ("350.50", "2026-12-01"), ("649.50", "2027-01-01"), ("", ""))).status_code == 302
    assert session.execute(select(PaymentPlan.term, PaymentPlan.amount)).all() == [(1, 350_50), (2, 649_50)]
    assert "已" in said(client.get(f"{url}?contract={row.id}")), "nothing is left to plan"
    assert login("zhao").get(f"{url}?contract={row.id}").status_code == 404
    assert login("zhao").post(url, data=terms(row, ("1", "2026-12-01"))).status_code == 404

"""Expenses and claims by HTTP: what a claimed one no longer takes, and who pays."""
from sqlalchemy import select

from app.core import clock
from app.expenses.models import Claim, Expense
from tests.story import posted, said


def test_an_expense_is_saved_claimed_and_closed_to_every_post(login, session, make, people, as_role):
    contract, client = make.contract(state="signed"), login("li")
    page = client.get(f"/expense/add?contract={contract.id}").text
    assert f'value="{contract.customer_id}" selected' in page
    form = posted(kind="trip", amount="88.50", spent_on=clock.today(), reason="拜访客户", contract=contract.id, owner=people["li"], slips="2")
    for over in ({"amount": "0"}, {"spent_on": "2999-01-01"}, {"reason": ""}, {"customer": str(make.customer().id)}, {"slips": "-1"}, {"kind": "zzz"}):
        assert said(client.post("/expense/add", data={**form, **over})), over
    extra = {"state": "paid", "approval": "approved", "claim": "1", "number": "FY-FAKE"}
    assert client.post("/expense/add", data={**form, **extra}).status_code == 302
    row = session.scalars(select(Expense)).one()
    assert (row.state, row.approval, row.claim_id, row.customer_id) == ("open", "none", None, contract.customer_id)
    session.refresh(contract)
    assert contract.spent == 88_50
    client.post("/expense/action_post", data={"action": "claim", "rowid": row.id, "name": "差旅"})
    claim = session.scalars(select(Claim)).one()
    session.expire_all()
    version = row.version
    for url, data in ((f"/expense/edit/{row.id}", {**form, "amount": "1", "version": version}), (f"/expense/delete/{row.id}", {}),
                      *(("/expense/action_post", {"action": a, "rowid": row.id, "name": "x", "owner": people["wang"]})
                        for a in ("claim", "transfer", "delete", "submit"))):
        client.post(url, data=data)
        session.expire_all()
        assert (row.version, row.amount, row.owner_id, row.claim_id) == (version, 88_50, people["li"], claim.id), (url, data)
    for name in ("li", "qian", "chen"):
        assert login(name).post("/claim/action_post", data={"action": "pay", "rowid": claim.id}).status_code == 403, name
    with as_role("zhao", "finance"):
        login("zhao").post("/claim/action_post", data={"action": "pay", "rowid": claim.id})
    session.expire_all()
    assert (claim.state, row.state) == ("paid", "paid")
    for url, data in ((f"/claim/edit/{claim.id}", {"name": "改", "owner": people["li"], "version": claim.version}), (f"/claim/delete/{claim.id}", {}),
                      ("/claim/action_post", {"action": "dissolve", "rowid": claim.id})):
        client.post(url, data=data)
        session.expire_all()
        assert (claim.name, claim.deleted_at, row.state) == ("差旅", None, "paid"), url


def test_a_claim_is_printed_line_by_line_with_its_sum_in_words(login, session, make, people):
    claim = make.claim(owner="li", name="11 月差旅")
    customer = make.customer(owner="li", name="恒远机械")
    for amount, reason in ((1_234_56, "拜访客户"), (88_40, "现场勘测")):
        make.expense(owner="li", amount=amount, reason=reason, customer_id=customer.id, claim_id=claim.id, state="claimed", slips=2)
    session.expire_all()
    assert claim.amount == 1_322_96
    client = login("li")
    page = client.get(f"/claim/print/{claim.id}").text
    for text in ("费用报销单", claim.number, "拜访客户", "现场勘测", "恒远机械", "1,234.56", "88.40", "1,322.96", "壹仟叁佰贰拾贰元玖角陆分", "报销人签字"):
        assert text in page, text
    assert f"/claim/paper/{claim.id}.pdf" in client.get(f"/claim/show/{claim.id}").text
    for kind in ("pdf", "xlsx", "docx"):
        with client.get(f"/claim/paper/{claim.id}.{kind}") as answer:
            assert answer.status_code == 200 and len(answer.data) > 4000, kind
    assert login("zhao").get(f"/claim/print/{claim.id}").status_code == 404
    empty = make.claim(owner="li")
    with client.get(f"/claim/paper/{empty.id}.pdf") as answer:
        assert answer.status_code == 200

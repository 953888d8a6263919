"""Approvals by HTTP: nobody gets around them by an address, and an approver sees what he decides on, no more."""
import pytest
from sqlalchemy import func, select

from app.approvals.models import Approval, ApprovalRule
from app.core import clock
from tests.story import posted, said


@pytest.fixture
def waiting(login, session, make, people):
    """李's contract that waits for 赵, whom the rule names though he sees nothing of 李's."""
    session.add(ApprovalRule(entity="contract", least=0, approver="person", person_id=people["zhao"], is_on=True))
    customer = make.customer(name="恒远机械")
    session.commit()
    form = posted(name="驱动器合同", customer=customer.id, amount="1000", signed_on=clock.today(), owner=people["li"], discount="100")
    client = login("li")
    client.post("/contract/add", data=form)
    from app.contracts.models import Contract
    row = session.scalars(select(Contract)).one()
    assert row.approval == "needed"
    client.post("/contract/action_post", data={"action": "submit", "rowid": row.id})
    session.expire_all()
    assert row.approval == "pending"
    return row, session.scalars(select(Approval)).one()


def test_an_approver_reads_the_document_and_nothing_else(login, waiting, make):
    row, approval = waiting
    client = login("zhao")
    other = make.contract(customer_id=row.customer_id)
    assert approval.title in client.get("/approval/list/").text
    assert client.get(f"/contract/show/{row.id}").status_code == 200 and row.number in client.get("/contract/list/?quick=all").text
    for url in (f"/contract/show/{other.id}", f"/customer/show/{row.customer_id}"):
        assert client.get(url).status_code == 404, url
    for url in (f"/contract/edit/{row.id}", ):
        assert client.get(url).status_code == 403
    for data in ({"action": "void", "rowid": row.id, "reason": "x"}, {"action": "delete", "rowid": row.id}):
        assert client.post("/contract/action_post", data=data).status_code == 403
    assert login("wang").get(f"/approval/show/{approval.id}").status_code == 404


def test_only_whose_turn_it_is_decides_whatever_is_posted(login, session, waiting, people):
    row, approval = waiting
    for name, status in (("li", 302), ("qian", 302), ("chen", 302), ("admin", 302), ("wang", 404)):
        for data in ({"action": "approve"}, {"action": "reject", "words": "不行"}, {"action": "more", "employee": people["chen"]}):
            assert login(name).post("/approval/action_post", data={**data, "rowid": approval.id}).status_code == status, (name, data)
            session.expire_all()
            assert (approval.state, row.approval, len(approval.steps)) == ("pending", "pending", 1), (name, data)
    for url in (f"/approval/edit/{approval.id}", "/approval/add"):
        assert login("zhao").get(url).status_code == 403
        assert login("zhao").post(url, data={"state": "approved"}).status_code == 403
    assert login("zhao").post(f"/approval/delete/{approval.id}").status_code == 403
    client = login("zhao")
    client.post("/approval/action_post", data={"action": "reject", "rowid": approval.id})
    session.expire_all()
    assert approval.state == "pending", "a refusal needs words"
    client.post("/approval/action_post", data={"action": "approve", "rowid": approval.id, "words": "可以"})
    session.expire_all()
    assert (approval.state, row.approval) == ("approved", "approved")
    page = client.get("/undo/").text
    assert 'method="post" action="/undo/' not in page, "an approval is not undone from the list of operations"
    client.post("/contract/action_post", data={"action": "release", "rowid": row.id})
    session.expire_all()
    assert row.approval == "withdrawn", "who approved takes it back on the document, though he may not edit it"


def test_what_waits_is_closed_to_every_post(login, session, waiting, people):
    row, _approval = waiting
    client, version = login("li"), row.version
    form = posted(name="改", customer=row.customer_id, amount="1", signed_on=clock.today(), owner=people["li"], discount="100", version=version)
    for url, data in ((f"/contract/edit/{row.id}", form), (f"/contract/delete/{row.id}", {}),
                      *(("/contract/action_post", {"action": a, "rowid": row.id, "reason": "x"}) for a in ("sign", "run", "finish", "void", "archive", "submit", "release"))):
        client.post(url, data=data)
        session.expire_all()
        assert (row.version, row.amount, row.state, row.approval) == (version, 1000_00, "unsigned", "pending"), (url, data)
    pay = posted(contract=row.id, customer=row.customer_id, amount="1", paid_on=clock.today(), owner=people["li"])
    assert "审批" in said(client.post("/payment/add", data=pay))
    client.post("/contract/action_post", data={"action": "withdraw", "rowid": row.id})
    session.expire_all()
    assert row.approval == "withdrawn"
    assert client.post(f"/contract/edit/{row.id}", data={**form, "version": str(row.version), "amount": "900"}).status_code == 302
    session.expire_all()
    assert (row.amount, row.approval) == (900_00, "withdrawn")


def test_the_rules_are_the_administrators(login):
    for name in ("li", "qian", "chen"):
        assert login(name).get("/approvalrule/list/").status_code == 403
    client = login("admin")
    assert "角色" in said(client.post("/approvalrule/add", data={"entity": "quote", "approver": "role", "is_on": "y"}))
    assert client.post("/approvalrule/add", data={"entity": "quote", "approver": "superior", "least": "1000", "is_on": "y"}).status_code == 302


def test_what_waits_or_is_approved_is_closed_to_programs_too(program, session, waiting, people):
    """Save, bulk, state changes, deletion, a payment on it, deciding oneself: the interface opens no way around."""
    row, approval = waiting
    li, version = program("li"), row.version
    from app.approvals import rules
    for state in ("pending", "approved"):
        here = f"contract/{row.id}"
        for method, path, sent in (
                ("PUT", here, {"amount": 1, "version": version}), ("PUT", here, {"lines": [{"name": "x", "price": 1}]}),
                ("POST", "contract/bulk", {"rows": [{"id": row.id, "amount": 1}]}), ("DELETE", here, None), ("DELETE", f"contract/?q=!({row.id})", None),
                *(("POST", f"{here}/{action}", {"reason": "x"}) for action in ("submit", "release", "archive")),
                *(("POST", f"{where}/{action}", {"ids": [row.id], "reason": "x"}) for where in ("contract",) for action in ("submit", "release")),
                *(("POST", f"approval/{approval.id}/{action}", {"words": "x", "employee": people["chen"]}) for action in ("approve", "reject", "more")),
                ("POST", "approval/approve", {"ids": [approval.id]}), ("PUT", f"approval/{approval.id}", {"state": "approved"}),
                ("POST", "approval/", {"title": "x"}), ("POST", "approval/bulk", {"rows": [{"id": approval.id, "state": "approved"}], "partial": True})):
            status, told = li(method, path, sent)
            good = status == 200 and told.get("count") == 0  # a bulk that wrote nothing
            session.expire_all()
            assert (status >= 400 or good), (state, method, path, status, told)
            assert (row.version, row.amount, row.state, row.approval, approval.state) == (version, 1000_00, row.state, state, state), (method, path)
        assert li("PUT", here, {"approval": "none", "state": "running"})[0] >= 400
        if state == "pending":
            for action in ("sign", "run", "finish", "void"):
                assert li("POST", f"{here}/{action}", {"reason": "x"})[0] == 422, action
            pay = {"contract": row.id, "customer": row.customer_id, "amount": 1, "paid_on": str(clock.today()), "owner": people["li"]}
            assert li("POST", "payment/", pay)[0] == 422 and li("POST", "payment/bulk", {"rows": [pay]})[0] == 422
            zhao = program("zhao")
            assert zhao("PUT", here, {"amount": 1})[0] == 403 and zhao("POST", f"approval/{approval.id}/reject", {})[0] == 422, "a refusal needs words"
            assert zhao("POST", f"approval/{approval.id}/approve", {"words": "可以"})[0] == 200
            session.expire_all()
            assert rules.is_settled(row) and row.state == "signed"
            version = row.version


def test_a_document_that_needs_approval_is_handed_in_from_its_form_and_decided_on_on_its_page(login, session, make, people):
    session.add(ApprovalRule(entity="contract", least=500_00, approver="superior", is_on=True))
    session.commit()
    customer, client = make.customer(), login("li")
    assert 'name="submit"' in client.get("/contract/add").text and 'name="submit"' not in client.get("/quote/add").text, "no rule asks for quotes"
    form = posted(name="驱动器合同", customer=customer.id, signed_on=clock.today(), owner=people["li"], discount="100", submit="1")
    small = client.post("/contract/add", data={**form, "amount": "400"}).location
    assert "无需审批" in client.get(small).text
    large = client.post("/contract/add", data={**form, "amount": "600"}).location
    page = client.get(large).text
    assert 'data-state="pending"' in page and 'value="approve"' not in page and 'value="withdraw"' in page
    assert 'k-cnt hot">' not in page, "nothing waits for him"
    boss, approval = login("qian"), session.scalar(select(Approval))
    page = boss.get(large).text
    assert 'value="approve"' in page and page.count('<span class="k-cnt hot">1</span>') == 1, "the red count in the menu"
    assert boss.get("/approval/list/").text.count('<span class="k-cnt hot">1</span>') == 2, "and at the tab"
    answer = boss.post("/approval/action_post", data={"action": "reject", "rowid": approval.id, "words": "价格太低", "back": large})
    assert answer.location == large
    page = boss.get(large).text
    assert 'data-state="rejected"' in page and "价格太低" in page and 'k-cnt hot">' not in page
    number = large.rsplit("/", 1)[1]
    edited = client.post(f"/contract/edit/{number}", data={**form, "amount": "650", "version": "3"})
    assert edited.location == large and 'data-state="pending"' in client.get(large).text, "mended and handed in again"
    assert session.scalar(select(func.count(Approval.id))) == 2

"""The timeline tells of all that happens around a record, to who may see it (look: customer-detail)."""
import datetime as dt
import re

import pytest

from app.core import clock


@pytest.fixture
def busy(make, session, as_):
    """A customer of 李 with one of everything."""
    from app.opportunities import rules
    customer = make.customer(name="恒远精密")
    deal = make.opportunity(customer_id=customer.id, name="三号车间")
    make.followup(customer_id=customer.id, opportunity_id=deal.id, content="顾总确认方案", happened_at=clock.now() - dt.timedelta(3))
    with as_("li"):
        rules.move(session, [deal], "s4")
        session.commit()
    quote = make.quote(customer_id=customer.id, opportunity_id=deal.id, name="驱动器报价", amount=42_000_00, sent_at=clock.now(), state="sent")
    contract = make.contract(customer_id=customer.id, opportunity_id=deal.id, name="二号线合同", amount=93_000_00)
    make.payment(contract_id=contract.id, amount=37_200_00)
    make.payment(contract_id=contract.id, amount=1_00, check="refused", number="HK-退回")
    make.invoice(contract_id=contract.id, amount=37_200_00, number="FP-7788")
    make.expense(customer_id=customer.id, contract_id=contract.id, reason="验收工作餐", amount=642_00, spent_on=clock.today())
    return customer, deal, quote, contract


def entries(page):
    """The kinds on a page in order, follow-ups among them."""
    return ["followup" if a else b for a, b in re.findall(r'<li data-(?:(followup)="\d+"|entry="(\w+)")>', page)]


def test_all_kinds_stand_in_one_order_and_can_be_filtered(busy, login):
    customer, deal, quote, contract = busy
    client = login("li")
    page = client.get(f"/customer/show/{customer.id}").text
    assert set(entries(page)) == {"followup", "stage", "quote", "sent", "contract", "payment", "invoice", "expense"}
    assert entries(page)[-1] == "followup", "it happened three days ago, all else today"
    for text in ("顾总确认方案", "42,000.00", "93,000.00", "37,200.00", "FP-7788", "验收工作餐", "商务谈判"):
        assert text in page
    assert "HK-退回" not in page, "what finance sent back was not received"
    kinds = {show: set(entries(client.get(f"/customer/show/{customer.id}?show={show}").text)) for show in ("follow", "business", "system")}
    assert kinds == {"follow": {"followup"}, "business": {"stage", "quote", "sent", "contract", "payment", "invoice", "expense"}, "system": {"log"}}
    assert client.get(f"/customer/show/{customer.id}?show=nothing").status_code == 400
    assert set(entries(client.get(f"/opportunity/show/{deal.id}?tab=timeline").text)) >= {"followup", "stage", "quote", "contract", "payment"}
    assert set(entries(client.get(f"/contract/show/{contract.id}?tab=timeline").text)) == {"contract", "payment", "invoice", "expense"}


def test_the_timeline_keeps_to_scope_and_rights(busy, login, make, people, session):
    """王 may read the customer that is shared with him, but 李's expenses stay 李's; finance without the right sees no expenses."""
    from flask_appbuilder.security.sqla.models import Role

    from app.security.models import Employee, RolePolicy
    customer = busy[0]
    assert login("wang").get(f"/customer/show/{customer.id}").status_code == 404
    make.collaborator(row_id=customer.id, employee_id=people["wang"])
    page = login("wang").get(f"/customer/show/{customer.id}").text
    assert "顾总确认方案" in page and "验收工作餐" not in page
    person = session.get(Employee, people["wang"])
    kept = list(person.roles)
    try:
        person.roles = [session.get(Role, session.query(RolePolicy.role_id).filter(RolePolicy.key == "office").scalar())]
        session.commit()
        page = login("wang").get(f"/customer/show/{customer.id}").text
        assert "payment" not in entries(page) and "contract" in entries(page)
    finally:
        person.roles = kept
        session.commit()


def test_a_change_of_the_record_stands_among_the_changes(login, make, session, as_):
    customer = make.customer(name="恒远", level="B")
    with as_("li"):
        customer.level = "A"
        session.commit()
    client = login("li")
    page = client.get(f"/customer/show/{customer.id}?show=system").text
    assert re.search(r"客户级别.*B\(普通客户\).*A\(重点客户\)", page)
    assert "客户级别" in client.get(f"/customer/show/{customer.id}").text


def test_a_follow_up_written_on_the_deals_page_belongs_to_the_deal(busy, login, session):
    from app.customers.models import Followup
    customer, deal = busy[:2]
    client = login("li")
    answer = client.post(f"/customer/{customer.id}/follow", data={
        "token": "t1", "method": "visit", "content": "现场勘测", "opportunity": deal.id, "happened_at": "2026-01-02 10:00", "back": f"/opportunity/show/{deal.id}?tab=timeline"})
    assert answer.location == f"/opportunity/show/{deal.id}?tab=timeline"
    assert session.query(Followup).filter_by(content="现场勘测").one().opportunity_id == deal.id


def test_statements_of_the_page_do_not_grow_with_what_happened(busy, login, make, statements):
    customer = busy[0]
    client = login("li")
    client.get(f"/customer/show/{customer.id}")
    with statements() as few:
        client.get(f"/customer/show/{customer.id}")
    for _n in range(15):
        make.followup(customer_id=customer.id)
        make.quote(customer_id=customer.id)
    with statements() as many:
        client.get(f"/customer/show/{customer.id}")
    assert len(many) == len(few) <= 14

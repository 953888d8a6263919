"""Forms of documents: what a choice brings along, records made without leaving the form, lines taken over."""
import re

import pytest
from sqlalchemy import select


def chosen(page, name):
    """The id and text that stand in an ajax drop-down."""
    found = re.search(rf'<select[^>]*name="{name}"[^>]*>.*?</select>', page, re.S)[0]
    return re.search(r'<option value="(\d+)" selected>([^<]*)', found)


def test_a_customer_is_made_without_leaving_the_form(login, session):
    from app.customers.models import Customer
    client = login("li")
    dialog = client.get("/customer/quick?name=恒远机械").text
    assert 'value="恒远机械"' in dialog and "data-k-quick" in dialog
    refused = client.post("/customer/quick", data={"name": " ", "token": "q1"})
    assert refused.status_code == 422 and "客户名称不能为空" in refused.text
    made = client.post("/customer/quick", data={"name": "恒远机械", "token": "q1"}).json
    assert made["text"] == "恒远机械" and made["brings"]["payer"] == "恒远机械"
    assert client.post("/customer/quick", data={"name": "恒远机械", "token": "q1"}).json["id"] == made["id"], "pressed twice, made once"
    assert session.query(Customer).filter_by(name="恒远机械").one().owner_id
    twin = client.post("/customer/quick", data={"name": "恒远机械", "token": "q2"})
    assert twin.status_code == 422, "the rules of the customer hold here too"


def test_quick_forms_ask_the_right_to_add(login, session, people):
    """A salesperson makes customers and contacts, not products; a page without a small form has no such address."""
    client = login("li")
    assert client.get("/product/quick").status_code == 403 and client.post("/product/quick", data={"name": "x"}).status_code == 403
    assert client.get("/paymentplan/quick").status_code == 404
    assert 'data-k-new="/customer/quick"' in client.get("/quote/add").text and 'data-k-new="/product/quick"' not in client.get("/quote/add").text
    assert 'data-k-new="/product/quick"' in login("admin").get("/quote/add").text
    assert client.post("/contact/quick", data={"name": "顾明", "customer": "999999", "token": "q3"}).status_code == 422


def test_choosing_brings_along_what_the_record_knows(make, login, session):
    customer = make.customer(name="恒远", address="胜浦路 168 号", tax_number="91320594", invoice_title="恒远抬头")
    contact = make.contact(customer_id=customer.id, name="顾明辉", mobile="13812345678")
    customer.primary_contact_id = contact.id
    session.commit()
    deal = make.opportunity(customer_id=customer.id, contact_id=contact.id, name="三号车间")
    contract = make.contract(customer_id=customer.id, opportunity_id=deal.id, amount=100_00)
    plan = make.payment_plan(contract_id=contract.id, amount=30_00)
    client = login("li")

    def brings(entity):
        return client.get(f"/{entity}/choose").json["results"][0]["brings"]
    assert brings("customer") == {"contact": {"id": contact.id, "text": "顾明辉"}, "delivery": "胜浦路 168 号", "payer": "恒远", "title": "恒远抬头",
                                  "tax_number": "91320594", "receiver": "顾明辉", "receiver_phone": "13812345678"}
    assert brings("opportunity")["customer"] == {"id": customer.id, "text": "恒远"}
    assert brings("contract")["payment.amount"] == "100.00" and brings("contract")["opportunity"]["id"] == deal.id
    assert brings("paymentplan") == {"customer": {"id": customer.id, "text": "恒远"}, "amount": "30.00", "contract": {"id": contract.id, "text": contract.name}}
    assert plan.outstanding == 30_00


def test_a_masked_phone_is_not_brought_along(make, login, session, people):
    from sqlalchemy import select

    from app.core import memo
    from app.security.models import RolePolicy
    customer = make.customer()
    customer.primary_contact_id = make.contact(customer_id=customer.id, mobile="13812345678").id
    policy = session.scalar(select(RolePolicy).where(RolePolicy.key == "sales"))
    kept = policy.masked
    try:
        policy.masked = [*kept, "contact.mobile", "contact.phone"]
        memo.touch(session, "security")
        session.commit()
        assert login("li").get("/customer/choose").json["results"][0]["brings"]["receiver_phone"] is None
    finally:
        policy.masked = kept
        session.commit()


def test_a_category_means_all_below_it(make, login):
    top = make.product_category(name="伺服")
    middle = make.product_category(name="电机", above_id=top.id)
    below = make.product_category(name="小电机", above_id=middle.id)
    make.product(category_id=below.id, name="微型电机")
    make.product(category_id=make.product_category(name="相机").id, name="工业相机")
    client = login("admin")
    for category in (top, middle, below):
        page = client.get(f"/product/list/?quick=all&category={category.id}").text
        assert "微型电机" in page and "工业相机" not in page
        assert [r["text"] for r in client.get(f"/product/choose?category={category.id}").json["results"]] == ["微型电机"]


def test_only_products_on_sale_are_chosen_several_at_once_at_the_price_of_their_day(make, login, session, people):
    from app.quotes.models import Quote
    motor, drive, gone = (make.product(name=name, price=price) for name, price in (("电机", 90_00), ("驱动器", 128_00), ("旧相机", 50_00)))
    client = login("li")
    client_lines = {f"lines-{n}-{key}": value for n, product in enumerate((motor, drive, gone))
                    for key, value in (("product", product.id), ("quantity", "2"), ("tax_rate", "13"), ("is_taxed", "y"))}
    form = {"name": "三种", "customer": make.customer().id, "quoted_on": "2026-01-05", "valid_until": "2026-02-05", "owner": people["li"], "discount": "100",
            **client_lines}
    gone.state = "off"
    session.commit()
    assert sorted(r["text"] for r in client.get("/product/choose").json["results"]) == ["电机", "驱动器"]
    assert "已下架" in client.post("/quote/add", data=form).text and session.scalar(select(Quote.id)) is None
    gone.state = "on"
    session.commit()
    assert client.post("/quote/add", data=form).status_code == 302
    gone.state, motor.price = "off", 95_00
    session.commit()
    quote = session.scalar(select(Quote))
    assert [(one.name, one.list_price, one.amount) for one in quote.living] == [("电机", 90_00, 180_00), ("驱动器", 128_00, 256_00), ("旧相机", 50_00, 100_00)]
    assert quote.amount == 536_00


@pytest.mark.parametrize("level", ["A", None])
def test_products_are_offered_at_the_customers_price_in_few_statements(make, login, statements, level):
    products = [make.product() for _n in range(12)]
    for product in products[::2]:
        make.price_list(product_id=product.id, level="A", price=99_000)
    customer = make.customer(level=level)
    client = login("li")
    client.get("/product/choose")
    with statements() as seen:
        found = client.get(f"/product/choose?customer={customer.id}").json["results"]
    assert sorted({r["fill"]["price"] for r in found}) == (["1280.00", "990.00"] if level else ["1280.00"])
    assert len(seen) <= 7


def test_a_contract_from_a_quote_takes_everything_over(make, login, session):
    from app.quotes.models import Quote
    product, customer = make.product(), make.customer(address="胜浦路 168 号")
    client = login("li")
    answer = client.post("/quote/add", data={
        "name": "年度框架", "customer": customer.id, "quoted_on": "2026-01-05", "valid_until": "2026-02-05", "owner": customer.owner_id, "discount": "95",
        "reduction": "12.34", "fees": "80", "payment_terms": "3-6-1", "token": "f1", "lines-0-product": product.id, "lines-0-quantity": "2.5",
        "lines-0-price": "1200", "lines-0-tax_rate": "13", "lines-0-is_taxed": "y", "lines-1-name": "现场安装", "lines-1-quantity": "1", "lines-1-price": "333.33",
        "lines-1-tax_rate": "6"})
    assert answer.status_code == 302, re.findall(r'invalid-feedback[^>]*>([^<]*)', answer.text)
    quote = session.query(Quote).one()
    form = client.get(f"/contract/add?quote={quote.id}").text
    assert 'value="年度框架"' in form and 'value="3-6-1"' in form and chosen(form, "customer")[1] == str(customer.id)
    assert re.findall(r'name="lines-\d-price"[^>]*value="([\d.]+)"', form) == ["1200.00", "333.33"]
    assert re.findall(r'name="lines-\d-list_price"[^>]*value="([\d.]*)"', form) == ["1280.00", ""]
    assert 'value="胜浦路 168 号"' in form


def test_faults_of_lines_stand_at_the_line_and_are_counted(make, login):
    customer = make.customer()
    page = login("li").post("/quote/add", data={
        "name": "", "customer": customer.id, "quoted_on": "2026-01-05", "valid_until": "2026-02-05", "owner": customer.owner_id, "token": "f2",
        "lines-0-name": "驱动器", "lines-0-price": "abc", "lines-0-quantity": "1.23456"}).text
    assert "3 处需要修改" in page
    assert page.count("data-k-fault") == 2

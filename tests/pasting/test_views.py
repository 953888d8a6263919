"""/paste/: recognised, looked at, saved as customer, contact and follow-up in one operation; duplicates are shown before."""
import re

from sqlalchemy import func, select

from app.customers.models import Contact, Customer, Followup
from tests.pool.test_views import sent

CARD = "苏州恒远精密机械有限公司\n顾明辉 采购经理\n手机：138 1234 5678\n电话：0512-88886666\n邮箱：gu@hengyuan.com"


def form(page, **over) -> dict:
    """The fields of the confirming form as a browser would send them."""
    found = dict(re.findall(r'<input[^>]*?name="((?:customer|contact|followup)-[\w-]+)"[^>]*?value="([^"]*)"', page))
    found |= dict(re.findall(r'<textarea[^>]*?name="((?:customer|contact|followup)-[\w-]+)"[^>]*>\r?\n?(.*?)</textarea>', page, re.S))
    return {**found, "followup-method": "wechat", "existing": "", "text": CARD, **over}


def test_a_card_becomes_customer_contact_and_follow_up(login, session, people):
    client = login("li")
    assert "粘贴识别" in client.get("/customer/list/").text and client.get("/paste/").status_code == 200
    page = client.post("/paste/", data={"text": CARD}).text
    data = form(page)
    assert (data["customer-name"], data["customer-phone"], data["contact-name"], data["contact-title"], data["contact-mobile"], data["contact-email"]) == (
        "苏州恒远精密机械有限公司", "0512-88886666", "顾明辉", "采购经理", "13812345678", "gu@hengyuan.com")
    assert data["followup-content"].strip().startswith("苏州恒远") and "data-twins" not in page
    assert session.scalar(select(func.count(Customer.id))) == 0, "nothing is saved before it is confirmed"
    done = sent(client, "/paste/save", data)
    assert "顾明辉" in done and "13812345678" in done
    row = session.scalars(select(Customer)).one()
    assert (row.owner_id, row.primary_contact.name, row.last_follow_text[:4], row.region) == (people["li"], "顾明辉", "苏州恒远", "苏州")
    assert client.post("/paste/save", data=data).location == f"/customer/show/{row.id}", "a double click makes no second one"
    page = client.get("/undo/").text
    assert "苏州恒远精密机械有限公司" in page
    undo = re.search(r'action="/undo/(\d+)"', page)[1]
    client.post(f"/undo/{undo}")
    assert [session.scalar(select(func.count(m.id))) for m in (Customer, Contact, Followup)] == [0, 0, 0]


def test_without_a_name_the_customer_keeps_mobile_and_mail(login, session):
    """No name, no contact: what was pasted is not lost."""
    client = login("li")
    data = form(client.post("/paste/", data={"text": "苏州恒远精密机械有限公司\n13812345678\ngu@hengyuan.com"}).text)
    assert (data["contact-name"], data["contact-mobile"], data["customer-mobile"]) == ("", "", "13812345678")
    sent(client, "/paste/save", data)
    row = session.scalars(select(Customer)).one()
    assert (row.mobile, row.email, session.scalar(select(func.count(Contact.id)))) == ("13812345678", "gu@hengyuan.com", 0)


def test_what_a_block_needs_is_marked(login):
    """With the star of every form; the block says without what it is left out."""
    page = login("li").post("/paste/", data={"text": CARD}).text
    for name in ("customer-name", "contact-name", "followup-method", "followup-content"):
        assert re.search(rf'for="{name}">[^<]*<span class="req">', page), name
    assert "姓名留空则不建" in page and "内容留空则不写" in page


def test_who_has_it_already_is_shown_before_saving(login, make, session):
    mine = make.customer(owner="li", name="苏州恒远精密机械厂")
    make.customer(owner="zhao", name="上海恒远贸易有限公司", mobile="13812345678", address="秘密地址")
    client = login("li")
    page = client.post("/paste/", data={"text": CARD}).text
    twins = page[page.index("data-twins"):page.index('id="s-customer"')]
    assert "名称重复" in twins and "电话相同" in twins and "赵立强" in twins and "秘密" not in twins
    assert twins.count("disabled") == 1 and "申请协作" in twins
    sent(client, "/paste/save", form(page, existing=str(mine.id)))
    assert session.scalar(select(func.count(Customer.id))) == 2
    assert session.scalars(select(Contact.customer_id)).all() == [mine.id] == session.scalars(select(Followup.customer_id)).all()


def test_refusals_stand_at_their_fields_and_nothing_is_half_saved(login, make, session):
    client = login("li")
    data = form(client.post("/paste/", data={"text": CARD}).text)
    for over, says in (({"customer-name": ""}, "不能为空"), ({"contact-mobile": "123"}, "手机"), ({"contact-email": "x"}, "邮")):
        page = client.post("/paste/save", data={**data, **over}).text
        assert says in page and "invalid-feedback" in page and "顾明辉" in page, over
        assert session.scalar(select(func.count(Customer.id))) == 0
    sent(client, "/paste/save", {**data, "contact-name": "", "followup-content": ""})
    assert [session.scalar(select(func.count(m.id))) for m in (Customer, Contact, Followup)] == [1, 0, 0]
    other = make.customer(owner="zhao")
    assert client.post("/paste/save", data={**data, "existing": str(other.id), "followup-token": "n"}).status_code == 404


def test_the_palette_offers_it_to_who_may_make_customers(login, as_role):
    head = {"Accept": "application/json"}
    assert login("li").get("/search?q=粘贴", headers=head).json["groups"][0]["hits"][0]["url"] == "/paste/"
    with as_role("zhao", "finance"):
        assert not [h for g in login("zhao").get("/search?q=粘贴", headers=head).json["groups"] for h in g["hits"] if h["url"] == "/paste/"]
        assert login("zhao").get("/paste/").status_code == 403 and "/paste/" not in login("zhao").get("/customer/list/").text

"""The check's page, the panel beside the form, asking and deciding, the pairs, the merge by its form and its way back."""
import re

from sqlalchemy import select

from app.core import jobs, parameters
from app.customers.models import Customer
from app.duplicates.models import DuplicatePair, ShareRequest
from app.security.people import actor_for
from tests.pool.test_views import sent


def test_foreign_customers_show_only_what_everybody_may_know(make, login, session):
    one = make.customer(owner="zhao", name="苏州恒远精密机械有限公司", mobile="13812345678", address="秘密地址")
    mine = make.customer(owner="li", name="无锡恒远精密机械厂")
    pooled = make.customer(owner_id=None, pool_id=make.pool(name="华东公海").id, name="常州天工仪表有限公司")
    client = login("li")
    for query in ("name=恒远精密机械", "phone=138+1234+5678", "name=蘇州恆源精密機械"):
        page = client.get(f"/duplicate/?{query}").text
        assert f'data-id="{one.id}"' in page and "赵立强" in page and "秘密" not in page and f"/customer/show/{one.id}" not in page
        assert f"/duplicate/ask/{one.id}" in page
    assert f"/customer/show/{mine.id}" in client.get("/duplicate/?name=恒远精密机械").text
    page = client.get("/duplicate/?name=远精").text
    assert f'data-id="{one.id}"' in page and "名称中含有" in page and f'data-id="{pooled.id}"' not in page
    page = client.get("/duplicate/?name=天工仪表").text
    assert "华东公海" in page and "到公海查看" in page and f'data-id="{pooled.id}"' in page
    assert "没有人登记过" in client.get("/duplicate/?name=不存在的公司").text and "data-found" not in client.get("/duplicate/").text
    parameters.put(session, "duplicates.mask_names", True)
    session.commit()
    page = client.get("/duplicate/?phone=13812345678").text
    assert "恒远精密" not in page and "苏州******有限公司" in page


def test_whatever_is_asked(login, make):
    make.customer(name="苏州恒远精密机械有限公司")
    client = login("li")
    for query in ("name=%00恒远精密机械%0b", "name=" + "苏" * 3000, "phone=%00&tax=%00&web=%00", "name='; DROP&web=@", "name=%25_%25", "name=<script>"):
        assert client.get(f"/duplicate/?{query}").status_code == client.get(f"/customer/similar?{query}").status_code == 200, query
        assert client.get(f"/pool/?q={query}&region={query}").status_code == 200
    assert "苏州恒远" in client.get("/duplicate/?name=%00恒远精密机械%0b").text
    assert client.post("/paste/", data={"text": "\x00苏州恒远精密机械有限公司\x0b"}).status_code == 200


def test_asked_decided_and_seen(make, login, session):
    one = make.customer(owner="zhao", name="苏州恒远精密机械有限公司")
    li, zhao = login("li"), login("zhao")
    assert 'name="reason"' in li.get("/duplicate/?name=恒远精密机械").text
    assert "已向负责人发出申请" in sent(li, f"/duplicate/ask/{one.id}", {"reason": "同一集团"})
    assert "已申请" in li.get("/duplicate/?name=恒远精密机械").text and "已经申请过" in sent(li, f"/duplicate/ask/{one.id}", {})
    assert "申请协作 同一集团" in zhao.get("/").text and "申请协作 同一集团" not in login("wang").get("/").text
    assert "李雨桐 申请协作：苏州恒远精密机械有限公司：同一集团" in zhao.get("/notice/").text
    request = session.scalars(select(ShareRequest.id)).one()
    assert "苏州恒远精密机械有限公司" in li.get("/undo/").text and "None" not in li.get("/undo/").text
    assert li.post("/sharerequest/action_post", data={"action": "decide", "rowid": request, "answer": "read"}).status_code in (403, 404)
    sent(zhao, "/sharerequest/action_post", {"action": "decide", "rowid": request, "answer": "write"})
    assert li.get(f"/customer/show/{one.id}").status_code == 200 and li.get(f"/customer/edit/{one.id}").status_code == 200


def test_merged_by_the_form_and_taken_apart_by_the_undo(make, login, session):
    one, two = make.customer(owner="li", name="苏州恒远精密机械有限公司", level="A"), make.customer(owner="wang", name="恒远精密机械", level="B")
    make.followup(customer_id=two.id)
    chen, li = login("chen"), login("li")
    goes = chen.post("/customer/action_post", data={"action": "merge", "rowid": [one.id, two.id]})
    assert goes.location == f"/duplicate/merge?ids={one.id},{two.id}"
    page = chen.get(goes.location).text
    assert 'data-field="level"' in page and "跟进记录 1" in page
    assert li.get(goes.location).status_code == 403 and chen.get(f"/duplicate/merge?ids={one.id}").status_code == 302
    done = sent(chen, "/duplicate/merge", {"ids": f"{one.id},{two.id}", "keep": one.id, "f-level": two.id})
    assert "已将 2 个客户合并为一个" in done
    session.expire_all()
    assert session.get(Customer, one.id).level == "B" and session.get(Customer, two.id).deleted_at
    undo = re.search(r'action="/undo/(\d+)"', chen.get("/undo/").text)[1]
    chen.post(f"/undo/{undo}")
    session.expire_all()
    assert session.get(Customer, one.id).level == "A" and session.get(Customer, two.id).name == "恒远精密机械"


def test_the_whole_database_by_the_page(make, login, session):
    one, two = make.customer(name="苏州恒远精密机械有限公司"), make.customer(name="恒远精密机械厂")
    chen = login("chen")
    job = int(re.search(r"/job/(\d+)", chen.post("/duplicate/run").location)[1])
    jobs.run(session, job, actor_for)
    assert chen.get(f"/job/{job}").location == "/duplicate/pairs"
    page = chen.get("/duplicate/pairs").text
    assert "上次查重：" in page
    assert f"/duplicate/merge?ids={one.id},{two.id}" in page and "名称重复" in page
    theirs = [make.customer(owner="zhao", name=name) for name in ("无锡天工仪表有限公司", "天工仪表厂")]
    session.add(DuplicatePair(one_id=theirs[0].id, other_id=theirs[1].id, reason="same"))
    session.commit()
    assert f"ids={one.id},{two.id}" in (page := login("qian").get("/duplicate/pairs").text) and "天工" not in page, "both must be hers"
    assert "另有 1 对涉及您无权查看的客户" in page
    assert "天工" in (page := chen.get("/duplicate/pairs").text) and "另有" not in page
    chen.post(f"/customer/delete/{theirs[1].id}")
    assert "天工" not in (page := chen.get("/duplicate/pairs").text) and "另有" not in page, "what lies in the trash is no secret"
    pair = session.scalars(select(DuplicatePair.id).order_by(DuplicatePair.id)).first()
    assert f'data-pair="{pair}"' not in sent(chen, f"/duplicate/dismiss/{pair}", {})
    assert login("li").get("/duplicate/pairs").status_code == 403 and login("li").post("/duplicate/run").status_code == 403
    assert chen.get("/duplicate/pairs?page=x").status_code == 400


def test_a_name_that_is_there_is_refused_or_only_shown(make, login, session, people):
    make.customer(owner="zhao", name="苏州恒远精密机械有限公司")
    form = {"name": "蘇州恆遠精密機械（集团）有限公司", "owner": people["li"]}
    assert "已有同名客户" in login("li").post("/customer/add", data=form).text
    parameters.put(session, "duplicates.name_stops", False)
    session.commit()
    assert login("li").post("/customer/add", data=form).status_code == 302


def test_a_mobile_of_another_customer_is_refused_where_the_office_wants_it(make, login, session, people):
    """Off: shown beside the form alone. On: customers and contacts; the people of one customer may share a number, and who has one keeps it."""
    one, two = make.customer(owner="zhao", name="恒远", mobile="13812345678"), make.customer(owner="li", name="天工")
    make.contact(owner="zhao", customer_id=one.id, mobile="13900001111")
    li, zhao = login("li"), login("zhao")

    def customer(client, mobile, **more):
        return client.post("/customer/add", data={"name": f"新客户{mobile}{more}", "owner": people["li"], "mobile": mobile, **more}).status_code

    def contact(client, mobile, of):
        return client.post("/contact/add", data={"name": "顾明", "customer": of.id, "owner": people["zhao" if of is one else "li"], "mobile": mobile})
    assert customer(li, "13812345678") == 302
    parameters.put(session, "duplicates.mobile_stops", True)
    session.commit()
    assert customer(li, "13812345678", address="x") == customer(li, "13900001111") == 200, "a contact's number is somebody's too"
    refused = contact(li, "13812345678", two)
    assert refused.status_code == 200 and "其他客户已登记该手机" in refused.text and "恒远" not in refused.text
    assert contact(li, "13700002222", two).status_code == 302
    assert contact(zhao, "13900001111", one).status_code == contact(zhao, "13700003333", one).status_code == 302
    assert zhao.post(f"/customer/edit/{one.id}", data={"name": "恒远机械", "owner": people["zhao"], "mobile": one.mobile, "version": one.version}).status_code == 302

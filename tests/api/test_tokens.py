"""Access tokens: shown once, kept as a hash, never more than their owner's rights of the moment."""
import datetime as dt
import re

import pytest
from sqlalchemy import select

from app.api.models import Answer, ApiToken
from app.core import clock
from app.customers.models import Customer
from app.security.models import Employee, SecurityEvent


def test_a_token_is_made_on_ones_own_page_shown_once_and_kept_as_a_hash(app, login, session, people):
    li = login("li")
    made = li.post("/apitoken/add", data={"name": "ERP", "rights": "read", "entities": ["customer", "contact"], "expires_on": "2030-01-01"})
    page = li.get(made.location).text
    secret = re.search(r"crm_[\w-]{43}", page)[0]
    token = session.scalars(select(ApiToken)).one()
    assert token.owner_id == people["li"] and secret not in (token.digest, token.start) and secret.startswith(token.start)
    assert secret not in li.get(f"/apitoken/show/{token.id}").text and "客户" in page
    assert app.test_client().get("/api/v1/customer/", headers={"Authorization": f"Bearer {secret}"}).status_code == 200
    assert login("wang").get(f"/apitoken/show/{token.id}").status_code == 404 and login("qian").get(f"/apitoken/show/{token.id}").status_code == 404
    assert "ERP" in login("admin").get(f"/user/show/{people['li']}?tab=apitoken").text
    login("admin").post("/apitoken/action_post", data={"action": "revoke", "rowid": str(token.id)})
    assert app.test_client().get("/api/v1/customer/", headers={"Authorization": f"Bearer {secret}"}).status_code == 401
    told = session.scalars(select(SecurityEvent.detail).where(SecurityEvent.result == "token").order_by(SecurityEvent.id)).all()
    assert [t.split("… ")[1][:7] for t in told] == ["made: r", "revoked"] and not any(secret in t for t in told)


def test_a_token_for_reading_changes_nothing_and_one_for_customers_sees_only_those(program, make, session):
    row, claim = make.customer(owner="li"), make.approval(owner="li")
    reader, narrow = program("li", rights="read"), program("li", entities="customer")
    assert reader.get(f"customer/{row.id}") and reader.get("contact/")
    for method, path in (("POST", "customer/"), ("PUT", f"customer/{row.id}"), ("DELETE", f"customer/{row.id}"), ("POST", f"customer/{row.id}/status"),
                         ("POST", "customer/bulk"), ("POST", f"approval/{claim.id}/approve")):
        assert reader(method, path, {})[0] == 403, path
    assert narrow("PUT", f"customer/{row.id}", {"fax": "1"})[0] == 200 and narrow("GET", "contact/")[0] == 403
    assert {hit["entity"] for hit in narrow.get("search?q=恒远")["result"]} == {"customer"}


def test_a_token_is_refused_when_it_or_its_owner_no_longer_holds(program, session):
    li = program("li")
    person = session.scalar(select(Employee).where(Employee.username == "li"))
    for change, back in (({"active": False}, {"active": True}), ({"locked_at": clock.now()}, {"locked_at": None}), ({"must_change": True}, {"must_change": False})):
        assert li("GET", "customer/")[0] == 200
        for values, status in ((change, 401), (back, 200)):
            for key, value in values.items():
                setattr(person, key, value)
            session.commit()
            assert li("GET", "customer/")[0] == status, change
    kept, person.roles = list(person.roles), []
    from app.core import memo
    memo.touch(session, "security")
    session.commit()
    assert li("GET", "customer/")[0] == 403, "a right taken away works at the next request"
    person.roles = kept
    memo.touch(session, "security")
    session.commit()
    assert program("li", expires_on=clock.today())("GET", "customer/")[0] == 200
    assert program("li", expires_on=clock.today() - dt.timedelta(1))("GET", "customer/")[0] == 401


@pytest.mark.parametrize("head", ["Bearer", "Bearer x", "Bearer crm_" + "a" * 43, "Basic bGk6eA==", "bearer  crm_"])
def test_what_is_no_token_opens_nothing_not_even_beside_a_session(app, login, head):
    assert app.test_client().get("/api/v1/customer/", headers={"Authorization": head}).status_code == 401
    if head.lower().startswith("bearer"):
        assert login("li").get("/api/v1/customer/", headers={"Authorization": head}).status_code == 401


def test_a_token_opens_the_interface_alone_and_sets_no_cookie(program):
    li = program("li")
    assert li.client.get("/customer/list/", headers=li.head).status_code == 302
    assert "Set-Cookie" not in li.client.get("/api/v1/customer/", headers=li.head).headers


def test_its_last_use_is_told(program, session, login):
    li = program("li")
    li.get("customer/")
    session.expire_all()
    assert li.token.used_at == clock.now() or (clock.now() - li.token.used_at).total_seconds() < 60
    assert li.token.used_from == "127.0.0.1" and "127.0.0.1" in login("li").get("/apitoken/list/").text


# ---- not twice, and many at once -------------------------------------------------------------------------------
def test_a_request_sent_again_with_its_key_is_answered_the_same_and_done_once(program, session):
    li = program("li")
    first = li("POST", "customer/", {"name": "只有一个"}, Idempotency_Key="k1")
    again = li("POST", "customer/", {"name": "只有一个"}, Idempotency_Key="k1")
    assert first[0] == 201 and first == again and len(session.scalars(select(Customer)).all()) == 1
    assert li("POST", "customer/", {"name": "另一个"}, Idempotency_Key="k1")[0] == 409
    assert program("wang")("POST", "customer/", {"name": "另一个"}, Idempotency_Key="k1")[0] == 201, "keys are each person's own"
    assert li("POST", "customer/", {"name": ""}, Idempotency_Key="k2")[0] == 422
    assert li("POST", "customer/", {"name": "好了"}, Idempotency_Key="k2")[0] == 201, "a refused request has done nothing"
    assert len(session.scalars(select(Answer)).all()) == 3


def test_many_rows_all_or_none_or_each_for_itself(program, make, session, login):
    theirs, mine = make.customer(owner="zhao"), make.customer(owner="li", fax="0")
    li = program("li")
    rows = [{"name": "新甲"}, {"name": ""}, {"id": theirs.id, "fax": "1"}, {"id": mine.id, "fax": "1", "version": 1}, {"name": "新甲"}]
    status, told = li("POST", "customer/bulk", {"rows": rows})
    assert status == 422 and [(one["row"], one["status"]) for one in told["result"]] == [(1, 422), (2, 404), (4, 422)]
    session.expire_all()
    assert mine.fax == "0" and len(session.scalars(select(Customer)).all()) == 2, "nothing was written"
    status, told = li("POST", "customer/bulk", {"rows": rows, "partial": True})
    assert status == 200 and [one["status"] for one in told["result"]] == [201, 422, 404, 200, 422] and told["count"] == 2
    session.expire_all()
    assert mine.fax == "1"
    browser = login("li")
    action = browser.get("/undo/").text.split('method="post" action="/undo/')[1].split('"')[0]
    browser.post(f"/undo/{action}")
    session.expire_all()
    assert mine.fax == "0" and len(session.scalars(select(Customer)).all()) == 2, "the whole is taken back as one"
    for bad in ({}, {"rows": []}, {"rows": [{}] * 1001}, {"rows": [1]}):
        assert li("POST", "customer/bulk", bad)[0] == 422
    rows = [make.customer(owner="li") for _n in range(3)]
    assert li("DELETE", "customer/?q=!(" + ",".join(str(r.id) for r in rows) + ")")[0] == 200
    session.expire_all()
    assert all(r.deleted_at for r in rows)

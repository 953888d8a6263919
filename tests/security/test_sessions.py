"""How a session lasts and ends; what stands around the login: rate limit, proxy, keys (promises 2, 5, 6, 8)."""
import os
import subprocess
import sys

import pytest
from sqlalchemy import select

from app.core import parameters
from app.security import rules
from app.security.models import Employee, EndedSession, RolePolicy
from tests.cast import PASSWORD
from tests.conftest import KEY, ROOT

pytestmark = pytest.mark.once


def _person(session, name):
    return session.scalar(select(Employee).where(Employee.username == name))


def _in(client) -> bool:
    return client.get("/customer/list/").status_code == 200


def _older(client, key, minutes):
    with client.session_transaction() as cookie:
        cookie[key] -= minutes * 60


def test_a_session_ends_when_left_alone_and_after_its_day(login):
    for key, still, over in (("seen", 119, 121), ("since", 719, 721)):
        client = login("li")
        _older(client, key, still)
        assert _in(client)
        _older(client, key, over - still if key == "since" else over)
        assert not _in(client)


def test_both_limits_are_parameters_that_work_at_once(session, login):
    client = login("li")
    for limit, stays in ((None, True), (30, False)):
        if limit:
            parameters.put(session, "security.idle_minutes", limit)
            session.commit()
        _older(client, "seen", 31)
        assert _in(client) is stays


def test_a_copied_cookie_is_worth_nothing_after_logging_out(app, session, login):
    client, other = login("li"), login("li")
    copy = app.test_client()
    copy.set_cookie("crm_session", client.get_cookie("crm_session").value)
    assert _in(copy)
    assert client.post("/logout/").status_code == 302
    assert not _in(copy) and _in(other), "only this session ends"
    assert len(session.scalars(select(EndedSession)).all()) == 1


def test_login_gives_a_new_session_and_keeps_nothing_of_the_visitors(app):
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["recent"], cookie["sid"] = [{"url": "/x", "label": "x"}], "chosen-by-somebody-else"
    client.post("/login/", data={"username": "li", "password": PASSWORD})
    with client.session_transaction() as cookie:
        assert cookie["sid"] != "chosen-by-somebody-else" and "recent" not in cookie


@pytest.mark.parametrize("change", ["password", "reset", "lock", "stop", "role", "other role's rights"])
def test_what_changes_a_person_ends_or_narrows_his_sessions_at_the_next_request(app, session, login, change):
    """Password, reset, lock and deactivation end them; a changed role works at once (promises 6 and 13)."""
    client, admin, person = login("li"), login("admin"), _person(session, "li")
    kept = list(person.roles)
    finance = session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "finance"))
    assert _in(client)
    try:
        if change == "password":
            rules.set_password(session, person, PASSWORD, check=False)
            session.commit()
        elif change == "lock":
            for _n in range(3):
                app.test_client().post("/login/", data={"username": "li", "password": "wrong"})
        elif change in ("reset", "stop"):
            admin.post("/user/action_post", data={"action": change, "rowid": str(person.id), "password": ""})
        elif change == "role":
            form = {"name": person.name, "email": person.email, "department": str(person.department_id), "superior": str(person.superior_id or ""),
                    "version": str(person.version)}
            assert admin.post(f"/user/edit/{person.id}", data={**form, "roles": [str(finance)]}).status_code == 302
            assert client.get("/customer/list/").location.startswith("/login/"), "a changed role asks for a new login"
            return
        else:
            sales = session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "sales"))
            admin.post(f"/role/edit/{sales}", data={"scope": "own", "grant": ["contact.read"]})
            assert client.get("/customer/list/").status_code == 403 and client.get("/contact/list/").status_code == 200
            return
        assert client.get("/customer/list/").location.startswith("/login/")
    finally:
        from app.core import memo
        from app.security import roles
        session.rollback()
        session.expire_all()
        person = _person(session, "li")
        person.roles, person.active = kept, True
        roles.seed(session, again=True)
        rules.set_password(session, person, PASSWORD, check=False)
        memo.touch(session, "security")
        session.commit()


def test_too_many_failures_from_one_address_wait_and_right_ones_do_not_count(app, session):
    from app.extensions import limiter
    kept, app.config["CRM_LOGIN_RATE"] = app.config["CRM_LOGIN_RATE"], "3 per minute"
    try:
        limiter.reset()
        client = app.test_client()

        def knock(password, **head):
            return client.post("/login/", data={"username": "li", "password": password}, headers=head)
        for _n in range(4):
            assert knock(PASSWORD).status_code == 302
        for n in range(3):
            assert client.post("/login/", data={"username": f"nobody{n}", "password": "x"}).status_code == 200
        refused = knock(PASSWORD, **{"X-Forwarded-For": "203.0.113.9"})
        assert refused.status_code == 429 and "请一分钟后再" in refused.text, "the header of a proxy is not believed"
        assert _person(session, "li").locked_at is None
    finally:
        app.config["CRM_LOGIN_RATE"] = kept


def _start(code="", **env):
    """Loads the settings in a process of its own."""
    return subprocess.run([sys.executable, "-W", "ignore", "-c", f"import config; {code}"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, "CRM_SECRET_KEY": KEY, **env})


@pytest.mark.parametrize("weak", ["short", "a" * 40, "abababababababababababababababababababab", "change-me-change-me-change-me-9182",
                                  "my-secret-my-secret-0123456789-abc", KEY[:31]])
def test_a_weak_key_is_refused_with_one_line(weak):
    done = _start(CRM_SECRET_KEY=weak)
    assert done.returncode == 1 and done.stderr.startswith("CRM_SECRET_KEY is too weak or shared") and len(done.stderr.splitlines()) == 1


def test_a_key_that_is_used_for_something_else_is_refused():
    for env in ({"CRM_ADMIN_PASSWORD": KEY}, {"CRM_DATABASE_URL": f"postgresql://crm:{KEY}@127.0.0.1/crm"}, {"CRM_REDIS_URL": f"redis://:{KEY}@r/0"}):
        assert "shared" in _start(**env).stderr
    assert _start().returncode == 0


def test_the_made_key_is_random_and_read_by_its_owner_alone(tmp_path):
    code = f"""
import pathlib
config.INSTANCE = pathlib.Path({str(tmp_path)!r})
import os; os.environ.pop('CRM_SECRET_KEY')
print(config._secret())
"""
    first, second = _start(code), _start(code)
    place = tmp_path / "secret_key"
    assert first.stdout == second.stdout and len(first.stdout) > 40 and place.stat().st_mode & 0o777 == 0o600
    place.chmod(0o644)
    assert "chmod 600" in _start(code).stderr


def test_no_secret_stands_in_the_program():
    """No default key or password in code: what looks like one is read from the environment or made at random."""
    import re
    for file in (*(ROOT / "app").rglob("*.py"), ROOT / "config.py", ROOT / "run.py"):
        if file.name != "company.py":  # the demo's password, printed at its making
            found = re.findall(r"""(?i)\b(?:secret|password|token|api_?key)\w*\s*=\s*["'][^"'{}%]{6,}["']""", file.read_text(encoding="utf-8"))
            assert not [f for f in found if "_l(" not in f], (file, found)


@pytest.mark.parametrize("told,address,secure", [(False, "127.0.0.1", False), (True, "203.0.113.9", True)])
def test_the_header_of_a_proxy_is_believed_only_when_configured(told, address, secure):
    """Its last entry, which the proxy itself wrote; never what the visitor sent along."""
    from flask import Flask, request

    from app.security.request import init_request
    bare = Flask(__name__)
    bare.config["CRM_BEHIND_PROXY"] = told
    init_request(bare)
    bare.before_request_funcs.clear()
    bare.teardown_request_funcs.clear()
    bare.add_url_rule("/", view_func=lambda: f"{request.remote_addr} {request.is_secure}")
    head = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
    assert bare.test_client().get("/", headers=head).text == f"{address} {secure}"
    named = _start("print(config.SESSION_COOKIE_NAME, config.SESSION_COOKIE_SECURE)", CRM_BEHIND_PROXY="1" if told else "")
    assert named.stdout.strip() == ("__Host-crm True" if told else "crm_session False")


def test_who_keeps_the_accounts_gets_no_further_than_he_is(session, login, people):
    """A custom role with the right to edit users: not the administrator's password, nor his role, nor a wider one."""
    from flask_appbuilder.security.sqla.models import Role

    from app.core import memo
    from app.security import roles
    ids = {p.key: p.role_id for p in session.scalars(select(RolePolicy))}
    sales = session.get(Role, ids["sales"])
    roles.set_grants(session, sales, [*roles.grants(roles.DEFAULTS["sales"][2], roles.verbs_of_views()), ("user", "read"), ("user", "edit"), ("user", "add")])
    memo.touch(session, "security")
    session.commit()
    keeper = login("wang")
    try:
        for name, key, refused in (("admin", "admin", True), ("wang", "admin", True), ("wang", "director", True), ("zhao", "sales", False)):
            row = _person(session, name)
            form = {"name": row.name, "email": row.email, "department": str(row.department_id), "superior": str(row.superior_id or ""),
                    "version": str(row.version), "roles": [str(ids[key])]}
            answer = keeper.post(f"/user/edit/{row.id}", data=form)
            assert (answer.status_code == 200 and "更多的权限" in answer.text) is refused, (name, key)
        for action in ("reset", "stop", "unlock", "start"):
            before = _person(session, "admin").password
            keeper.post("/user/action_post", data={"action": action, "rowid": str(people["admin"]), "password": "quiet-Harbour-5512"})
            session.expire_all()
            assert "更多的权限" in keeper.get("/user/list/").text and _person(session, "admin").password == before and _person(session, "admin").active, action
        assert keeper.post("/user/action_post", data={"action": "unlock", "rowid": str(people["zhao"])}).status_code == 302
    finally:
        roles.seed(session, again=True)
        memo.touch(session, "security")
        session.commit()

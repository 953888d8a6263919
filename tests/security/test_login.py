"""Login, lock, passwords, sessions (manual 4.1; promises 1 to 8)."""
import re
import threading

import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import func, select

from app.core.rules import RuleError
from app.security import logins, passwords, rules
from app.security.models import Employee, LoginTry, SecurityEvent
from tests.cast import PASSWORD

pytestmark = pytest.mark.once


def _try(client, name, password="wrong", **more):
    return client.post("/login/", data={"username": name, "password": password, **more})


def _person(session, name):
    return session.scalar(select(Employee).where(Employee.username == name))


def test_two_wrong_ones_do_not_lock_and_a_right_one_resets(app, session):
    client = app.test_client()
    for _round in range(2):
        assert "还可尝试 2 次" in _try(client, "li").text
        assert "还可尝试 1 次" in _try(client, "li").text
        assert _try(client, "li", PASSWORD).status_code == 302


def test_the_third_wrong_one_locks_until_an_administrator_unlocks(app, session, login):
    for client in (app.test_client(), app.test_client()):
        _try(client, "li")
    third = _try(app.test_client(), "li")
    assert "已被锁定" in third.text and "管理员" in third.text
    assert "已被锁定" in _try(app.test_client(), "li", PASSWORD).text, "the right password does not help"
    assert _person(session, "li").locked_at is not None
    admin = login("admin")
    page = admin.get("/user/list/?quick=locked").text
    assert "李雨桐" in page and "王浩然" not in page
    done = admin.post("/user/action_post", data={"action": "unlock", "rowid": str(_person(session, "li").id)})
    assert done.status_code == 302
    assert _try(app.test_client(), "li", PASSWORD).status_code == 302


def test_unknown_names_get_the_same_words(app):
    known, unknown = app.test_client(), app.test_client()
    for _n in range(4):
        a, b = _try(known, "li").text.replace("li", "?"), _try(unknown, "nobody").text.replace("nobody", "?")
        assert a.split('role="alert"')[1][:200] == b.split('role="alert"')[1][:200]


def test_four_parallel_wrong_tries_never_give_a_fifth(app, session):
    results = []

    def knock():
        with app.app_context():
            from app.extensions import db
            results.append(logins.try_login(db.session, "li", "wrong").result)
            db.session.commit()
            db.session.remove()
    session.commit()
    threads = [threading.Thread(target=knock) for _n in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert results.count("wrong") <= 2 and results.count("locked") == 4 - results.count("wrong")
    assert logins.try_login(session, "li", PASSWORD).result == "locked"
    assert session.scalar(select(LoginTry.wrong)) == 3


def test_the_check_box_changes_the_password_and_logs_in(app, session):
    client, new = app.test_client(), "quiet-Harbour-5512"
    try:
        assert "不一致" in _try(client, "li", PASSWORD, change="y", new_password=new, confirm="other").text
        assert "至少" in _try(client, "li", PASSWORD, change="y", new_password="short", confirm="short").text
        assert "还可尝试" in _try(client, "li", "wrong", change="y", new_password=new, confirm=new).text
        assert _try(client, "li", PASSWORD, change="y", new_password=new, confirm=new).status_code == 302
        assert client.get("/customer/list/").status_code == 200
        assert _try(app.test_client(), "li", new).status_code == 302
    finally:
        rules.set_password(session, _person(session, "li"), PASSWORD, check=False)
        session.commit()


@pytest.mark.parametrize("weak", ["short", "password123456"[:8], "1234567890", "aaaaaaaaaaaa", "my-li-password"])
def test_weak_passwords_are_refused(app, weak):
    with app.test_request_context(), pytest.raises(RuleError):
        passwords.check(weak, "li")
    with app.test_request_context():
        passwords.check("quiet-Harbour-5512", "li")


def test_passwords_are_kept_as_scrypt():
    passwords.use_method("scrypt")
    try:
        kept = passwords.hashed("quiet-Harbour-5512")
        assert kept.startswith("scrypt:") and passwords.matches(kept, "quiet-Harbour-5512") and not passwords.matches(kept, "other")
        assert not passwords.matches(None, "other")
    finally:
        passwords.use_method("cheap")


def test_other_sessions_end_when_rights_or_password_change(app, session, login):
    for change in (lambda p: rules.set_password(session, p, PASSWORD, check=False), lambda p: rules.stop(session, [p])):
        client = login("li")
        assert client.get("/customer/list/").status_code == 200
        change(_person(session, "li"))
        session.commit()
        assert client.get("/customer/list/").location.startswith("/login/")
    rules.start(session, [_person(session, "li")])
    session.commit()


def test_a_one_time_password_opens_nothing_but_its_change(session, login):
    person = _person(session, "li")
    person.must_change = True
    session.commit()
    client = login("li")
    assert client.get("/customer/list/").location == "/login/password"
    new = "quiet-Harbour-5512"
    try:
        assert client.post("/login/password", data={"password": PASSWORD, "new_password": new, "confirm": new}).location == "/"
        assert client.get("/customer/list/").status_code == 200
    finally:
        rules.set_password(session, person, PASSWORD, check=False)
        session.commit()




def test_the_last_administrator_stays(session, login):
    admin = login("admin")
    me = _person(session, "admin")
    assert admin.post("/user/action_post", data={"action": "stop", "rowid": str(me.id)}).status_code == 302
    session.expire_all()
    assert _person(session, "admin").active
    with pytest.raises(RuleError):
        rules.stop(session, [_person(session, "admin")])
    session.rollback()


def test_the_security_log_tells_without_secrets(app, session):
    _try(app.test_client(), "li", "a-secret-word")
    _try(app.test_client(), "li", PASSWORD)
    found = session.scalars(select(SecurityEvent).order_by(SecurityEvent.id)).all()
    assert [e.result for e in found] == ["wrong", "ok"] and {e.username for e in found} == {"li"}
    assert not any("secret" in str(vars(e)) or PASSWORD in str(vars(e)) for e in found)


def test_redirects_stay_on_the_site(app):
    for target in ("//evil.example", "https://evil.example", "/\\evil.example"):
        client = app.test_client()
        assert client.post(f"/login/?next={target}", data={"username": "li", "password": PASSWORD}).location == "/"
    assert app.test_client().post("/login/?next=/customer/list/", data={"username": "li", "password": PASSWORD}).location == "/customer/list/"


def test_headers_and_cookie_are_strict(app, login):
    answer = login("li").get("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy and "script-src 'self' 'nonce-" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-Frame-Options"] == "DENY"
    cookie = app.test_client().post("/login/", data={"username": "li", "password": PASSWORD}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie


def test_users_are_made_with_role_department_and_without_circles(session, login, people):
    admin = login("admin")
    sales = {name: i for i, name in rules.roles_of(session)}["销售员"]
    data = {"username": "sun", "name": "孙嘉怡", "email": "sun@example.com", "department": "1"}
    assert "至少需要一个角色" in admin.post("/user/add", data=data).text
    assert admin.post("/user/add", data={**data, "roles": [str(sales)]}).status_code == 302
    made = _person(session, "sun")
    assert made.must_change and [r.name for r in made.roles] == ["销售员"]
    assert "已被使用" in admin.post("/user/add", data={**data, "roles": [str(sales)]}).text
    boss = _person(session, "qian")
    form = {"name": boss.name, "email": boss.email, "department": str(boss.department_id), "superior": str(people["li"]),
            "roles": [str(r.id) for r in boss.roles], "version": str(boss.version)}
    assert "下属" in admin.post(f"/user/edit/{boss.id}", data=form).text


def test_a_leaver_hands_over_everything(session, login, make, people):
    row = make.customer(owner="li")
    make.contact(owner="li", customer_id=row.id)
    admin = login("admin")
    done = admin.post("/user/action_post", data={"action": "handover", "rowid": str(people["li"]), "to": str(people["wang"])})
    assert done.status_code == 302
    session.expire_all()
    assert row.owner_id == people["wang"]
    batch = session.execute(select(func.max(SecurityEvent.id))).scalar()
    assert batch is None or batch > 0


def test_a_department_with_staff_or_children_stays(session, login):
    admin = login("admin")
    from app.security.models import Department
    top = session.scalar(select(Department).where(Department.name == "总公司"))
    admin.post(f"/department/delete/{top.id}")
    session.expire_all()
    assert session.get(Department, top.id).deleted_at is None


def test_a_role_saved_as_it_is_shown_keeps_every_right(session, login):
    """Every verb has its column: a right without a check box would be lost with the next save."""
    from app.security import pages, roles
    from app.security.models import RolePolicy
    assert {verb for verbs in roles.verbs_of_views().values() for verb in verbs} <= set(pages.VERBS)
    admin = login("admin")
    for role, scope in session.execute(select(RolePolicy.role_id, RolePolicy.scope).where(RolePolicy.key != "admin")).all():
        page = admin.get(f"/role/show/{role}").text
        shown = {re.search(r'value="([^"]+)"', box)[1]: " checked" in box for box in re.findall(r'<input[^>]*name="grant"[^>]*>', page)}
        held = {key for key, is_on in shown.items() if is_on}
        admin.post(f"/role/edit/{role}", data={"scope": scope, "grant": sorted(held)})
        after = admin.get(f"/role/show/{role}").text
        assert {re.search(r'value="([^"]+)"', box)[1] for box in re.findall(r'<input[^>]*name="grant"[^>]*>', after) if " checked" in box} == held
        assert held == {f"{p.view_menu.name}.{p.permission.name.removeprefix('can_')}" for p in session.get(Role, role).permissions}


def test_the_matrix_of_a_role_is_saved_and_works_at_once(session, login, make):
    from app.security.models import RolePolicy
    row = make.customer(owner="li", mobile="13812345678")
    role = session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "sales"))
    li, admin = login("li"), login("admin")
    assert "13812345678" in li.get(f"/customer/show/{row.id}?tab=basics").text
    admin.post(f"/role/edit/{role}", data={"scope": "own", "grant": ["customer.read"], "mask": ["customer.mobile"]})
    page = li.get(f"/customer/show/{row.id}?tab=basics").text
    assert "13812345678" not in page and "138****5678" in page
    assert li.get(f"/customer/edit/{row.id}").status_code == 403
    assert "13812345678" not in li.get("/search?q=5678").text
    from app.security import roles
    roles.seed(session, again=True)
    from app.core import memo
    memo.touch(session, "security")
    session.commit()
    assert li.get(f"/customer/edit/{row.id}").status_code == 200


def test_two_administrators_who_change_the_same_user_meet(login, people, session):
    person = session.get(Employee, people["li"])
    form = {"name": person.name, "email": person.email, "department": str(person.department_id), "superior": str(person.superior_id), "roles": [str(r.id) for r in person.roles], "version": str(person.version)}
    one, two = login("admin"), login("admin")
    assert one.post(f"/user/edit/{people['li']}", data={**form, "title": "主管"}).status_code == 302
    clash = two.post(f"/user/edit/{people['li']}", data={**form, "title": "经理"}).text
    assert "主管" in clash and "经理" in clash and "k-conflict" in clash
    session.expire_all()
    person.title = None
    session.commit()

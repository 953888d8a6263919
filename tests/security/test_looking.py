"""以某用户身份查看: the administrator sees what a user sees, changes nothing, and is back by one press, by the clock or by logging out."""
import re

import pytest
from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.core import memo, parameters
from app.extensions import db
from app.security.models import Employee, RolePolicy, SecurityEvent

pytestmark = pytest.mark.once

BANNER = "data-k-looking"


@pytest.fixture
def look(login, people):
    """`look("li")`: the administrator's browser, looking with that person's eyes."""
    def begin(name, client=None, **form):
        client = client or login("admin")
        answer = client.post(f"/look/{people[name]}", data=form)
        assert answer.status_code == 302, answer.text
        return client
    return begin


def events(session):
    """The lines of the security log about looking, oldest first."""
    session.expire_all()
    return [(e.username, e.detail) for e in session.scalars(select(SecurityEvent).where(SecurityEvent.result == "look").order_by(SecurityEvent.id))]


def looks(client) -> bool:
    """Whether the next page still is the other person's."""
    return BANNER in client.get("/customer/list/").text


def content(page: str) -> str:
    """A page without the banner and without marks made anew for each request."""
    page = re.sub(r"<div class=\"k-looking.*?</form></div>\n?", "", page, flags=re.S)
    return re.sub(r'(value|nonce|content)="[\w.=-]{16,}"|<div class="k-nav-h">最近访问.*?</ul>', "", page, flags=re.S)


def picture() -> dict:
    """Every row of every table."""
    db.session.rollback()
    found = {t.name: sorted(map(repr, db.session.connection().execute(t.select()).all())) for t in Model.metadata.sorted_tables}
    db.session.rollback()
    return found


def test_he_sees_exactly_what_the_user_sees_and_comes_back(session, login, make, people, look):
    mine, foreign = make.customer(owner="li", name="恒远机械"), make.customer(owner="zhao", name="南粤电子")
    product, li = make.product(), login("li")
    admin = look("li", reason="找不到客户")
    pages = ("/customer/list/?quick=all", f"/customer/show/{mine.id}?tab=basics", f"/product/show/{product.id}", "/rights/", "/undo/", "/search?q=恒远",
             f"/access/customer/{mine.id}", "/help/")
    for url in pages:
        seen, own = admin.get(url), li.get(url)
        assert seen.status_code == 200 and BANNER in seen.text and "正在以「李雨桐」的身份查看" in seen.text, url
        assert content(seen.text) == content(own.text), url
    assert admin.get(f"/customer/show/{foreign.id}").status_code == 404 and BANNER in admin.get("/nowhere").text, "errors too"
    assert admin.get("/user/list/").status_code == 403, "the administrator's own rights are laid aside"
    assert [r["name"] for r in admin.get("/api/v1/customer/").json["result"]] == ["恒远机械"]
    answer = admin.post("/look/end")
    assert answer.location == f"/user/show/{people['li']}"
    page = admin.get(f"/customer/show/{foreign.id}")
    assert page.status_code == 200 and BANNER not in page.text and "恒远机械" not in re.sub(r"<main.*", "", page.text, flags=re.S)
    assert events(session) == [("admin", "开始以 li 的身份查看; 最多 30 分钟; 找不到客户"), ("admin", "结束以 li 的身份查看")]


def test_every_write_by_every_way_is_refused(app, session, make, look):
    """Each route and method that is not reading, and each page that is: nothing in any table changes, no page breaks."""
    row = make.customer(owner="li", name="恒远机械")
    make.quote(owner="li", customer_id=row.id)
    admin, walked, read = look("qian"), 0, 0
    before = picture()
    entities = ["customer", "quote", "task", "apitoken", "user"]
    for rule in app.url_map.iter_rules():
        places = entities if rule.rule.startswith("/api/v1/<entity>") else ["customer"]
        for place in places if rule.methods & {"POST", "PUT", "DELETE"} else places[:1]:
            url = re.sub(r"<(?:int|string|path)?:?\w+>", "1", rule.rule.replace("<entity>", place))
            for method in rule.methods & {"POST", "PUT", "DELETE", "PATCH"}:
                if rule.endpoint not in ("LookPage.end", "AuthDBView.logout"):
                    answer = admin.open(url, method=method, json={"name": "x"} if url.startswith("/api/") else None)
                    assert answer.status_code == 403, (method, url, answer.status_code)
                    walked += 1
        if "GET" in rule.methods and rule.endpoint != "static":
            assert admin.get(url).status_code < 500, url
            read += 1
    for data in ({"action": "delete", "rowid": str(row.id)}, {"action": "transfer", "rowid": str(row.id), "owner": "1"}):
        assert admin.post("/customer/action_post", data=data).status_code == 403
    assert admin.post(f"/customer/edit/{row.id}", data={"name": "改", "version": "1"}).status_code == 403
    told = admin.delete(f"/api/v1/customer/{row.id}")
    assert told.status_code == 403 and "以他人身份查看" in told.json["message"]
    after = picture()
    assert {name for name in before if before[name] != after[name]} == set()
    assert looks(admin)
    print(f"looking: {walked} writes refused, {read} pages read, every table as it was")
    assert walked > 150 and read > 150


def test_a_page_that_would_write_while_reading_is_refused_too(app, session, people):
    """The last word is below every page: a flush of who looks is refused."""
    import dataclasses

    from app.core import actor
    from app.customers.models import Customer
    from app.lens.looking import Looking
    from app.security.people import actor_for
    li = actor_for(session, people["li"])
    with actor.acting_as(dataclasses.replace(li, looker=people["admin"])), pytest.raises(Looking):
        session.add(Customer(name="恒远"))
        session.flush()
    session.rollback()


def test_secrets_stay_closed(login, make, look, session):
    from app.core import actor, preferences
    from app.notices import rules as notices
    from app.security.people import actor_for
    with actor.acting_as(actor_for(session, session.scalar(select(Employee.id).where(Employee.username == "li")))):
        preferences.keep(session, notices.KEY, robot="", address="https://robot.example/key", secret="topsecret")
        session.commit()
    make.api_token(owner="li")
    admin, li = look("li"), login("li")
    for url in ("/login/password", "/login/second/", "/login/second/new", "/apitoken/list/", "/apitoken/add", "/apitoken/show/1", "/calendar/feed/",
                "/login/", "/login/oidc/", "/hook/list/", "/api/v1/apitoken/", "/access/apitoken/1"):
        assert admin.get(url).status_code == 403, url
    assert li.get("/apitoken/list/").status_code == 200 == li.get("/login/password").status_code
    assert "topsecret" in li.get("/notice/").text
    assert "topsecret" not in admin.get("/notice/").text and "robot.example" not in admin.get("/notice/").text


def test_nobody_nests_and_nobody_gains_rights(session, login, people, look, as_role):
    admin = look("chen")
    assert admin.post(f"/look/{people['li']}").status_code == 403 == admin.get(f"/look/{people['li']}").status_code, "no lens in a lens"
    admin.post("/look/end")
    assert admin.post(f"/look/{people['admin']}").status_code == 422, "not with his own eyes"
    for name in ("li", "qian", "chen"):
        client = login(name)
        assert client.get(f"/look/{people['li']}").status_code == 403 == client.post(f"/look/{people['wang']}").status_code
        assert "身份查看" not in client.get(f"/user/show/{people['wang']}").text
    assert len(events(session)) == 2


def test_who_may_look_meets_only_whom_he_outranks(session, login, people, look):
    """A role that was given the right alone: not with the eyes of who may more, sees more, or sees what is hidden from him."""
    from app.security import roles
    director = session.scalar(select(RolePolicy).where(RolePolicy.key == "director"))
    role = session.get(Role, director.role_id)
    kept = roles.held(role)
    try:
        roles.set_grants(session, role, {*kept, ("user", "look")})
        memo.touch(session, "security")
        session.commit()
        chen = login("chen")
        assert chen.post(f"/look/{people['admin']}").status_code == 422
        assert chen.post(f"/look/{people['li']}").status_code == 302 and looks(chen)
        director.masked = ["customer.phone"]
        session.commit()
        assert not looks(chen), "what is hidden from him now ends it at once"
        assert chen.post(f"/look/{people['li']}").status_code == 422
        director.masked, director.scope = [], "departments"
        session.commit()
        assert chen.post(f"/look/{people['li']}").status_code == 422
    finally:
        session.rollback()
        director.masked, director.scope = [], "all"
        roles.set_grants(session, role, kept)
        memo.touch(session, "security")
        session.commit()


def test_it_ends_by_the_clock_and_is_told(session, look):
    admin = look("li")
    parameters.put(session, "security.look_minutes", 10)
    session.commit()
    with admin.session_transaction() as cookie:
        cookie["look"] = {**cookie["look"], "since": cookie["look"]["since"] - 590}
    assert looks(admin)
    with admin.session_transaction() as cookie:
        cookie["look"] = {**cookie["look"], "since": cookie["look"]["since"] - 20}
    assert not looks(admin) and admin.get("/user/list/").status_code == 200
    assert [d for _u, d in events(session)][1:] == ["结束以 li 的身份查看"]


def test_it_ends_with_the_session(app, session, look):
    """Logging out logs the administrator out, not the user; a session left alone tells the end as well."""
    admin = look("li")
    assert admin.post("/logout/").status_code == 302
    assert admin.get("/customer/list/").status_code == 302
    out = session.scalars(select(SecurityEvent).where(SecurityEvent.result == "logout")).all()
    assert [e.username for e in out] == ["admin"] and len(events(session)) == 2
    again = look("li")
    with again.session_transaction() as cookie:
        cookie["seen"] -= 121 * 60
    assert again.get("/customer/list/").status_code == 302 and len(events(session)) == 4


def test_a_copied_cookie_does_not_look_after_the_end(app, session, look):
    admin, copy = look("li"), app.test_client()
    copy.set_cookie("crm_session", admin.get_cookie("crm_session").value)
    assert looks(copy)
    admin.post("/look/end")
    assert not looks(copy) and not looks(admin) and len(events(session)) == 2


def test_it_ends_when_either_person_changes(session, login, people, look):
    """The user is stopped, or the administrator loses his role: over at the next request."""
    admin = look("wang")
    person = session.get(Employee, people["wang"])
    person.active = False
    session.commit()
    assert not looks(admin) and admin.get("/user/list/").status_code == 200
    assert admin.post(f"/look/{people['wang']}").status_code == 422, "nobody looks as who cannot log in"


def test_a_one_time_password_of_the_user_does_not_stand_in_the_way(session, people, look):
    person = session.get(Employee, people["wang"])
    person.must_change = True
    session.commit()
    assert looks(look("wang"))


def test_the_page_says_what_it_means_and_the_button_stands_on_the_user(login, people):
    admin = login("admin")
    assert f'href="/look/{people["li"]}"' in admin.get(f"/user/show/{people['li']}").text
    assert f'href="/look/{people["admin"]}"' not in admin.get(f"/user/show/{people['admin']}").text
    page = admin.get(f"/look/{people['li']}").text
    assert "以「李雨桐」的身份查看" in page and "30 分钟" in page and admin.get("/look/99999").status_code == 404


def test_a_printed_page_has_the_banner_too(make, look):
    quote = make.quote(owner="li")
    page = look("li").get(f"/quote/print/{quote.id}")
    assert page.status_code == 200 and BANNER in page.text

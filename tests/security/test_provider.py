"""Single sign-on by OpenID Connect against a real provider in a process of its own (promise 6)."""
import gc
import json
import subprocess
import sys
import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from sqlalchemy import select

from app.security import rules
from app.security.models import Employee, RolePolicy
from tests.faults.office import free_port

pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]  # once; sockets that a library leaves to the collector


@pytest.fixture(scope="module")
def issuer():
    """A running provider that knows two people."""
    port = free_port()
    people = [{"sub": "u-1", "userinfo": {"preferred_username": "zhou", "name": "周敏", "email": "zhou@hengyuan.example"}},
              {"sub": "u-2", "userinfo": {"preferred_username": "Admin", "name": "假管理员"}}]
    args = [word for one in people for word in ("--user-claims", json.dumps({"sub": one["sub"], **one["userinfo"]}))]
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), *args],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _n in range(200):
        try:
            if requests.get(url + "/.well-known/openid-configuration", timeout=1).ok:
                break
        except requests.RequestException:
            time.sleep(0.1)
    yield url
    process.terminate()
    process.wait(10)


@pytest.fixture
def provider(app, issuer):
    """The provider, configured."""
    over = {"CRM_OIDC_ISSUER": issuer, "CRM_OIDC_CLIENT_ID": "crm", "CRM_OIDC_CLIENT_SECRET": "only-for-this-test"}
    kept = {key: app.config[key] for key in over}
    app.config.update(over)
    yield issuer
    app.config.update(kept)
    gc.collect()  # what the library left is told of here, not in the next test


def _there_and_back(client, sub, change=lambda q: q):
    """From our page to the provider, log in there as `sub`, back to ours; the last answer."""
    away = client.get("/login/oidc/?next=/contact/list/").location
    assert "code_challenge_method=S256" in away and "state=" in away and "nonce=" in away
    answer = requests.post(away, data={"sub": sub}, allow_redirects=False, timeout=10)
    query = {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["Location"]).query).items()}
    return client.get("/login/oidc/back", query_string=change(query))


def test_who_the_provider_proves_gets_an_account_with_the_default_role_and_comes_back_to_it(app, session, provider):
    assert "企业账号" in app.test_client().get("/login/").text
    client = app.test_client()
    assert _there_and_back(client, "u-1").location == "/contact/list/"
    assert client.get("/contact/list/").status_code == 200 and client.get("/user/list/").status_code == 403
    made = session.scalar(select(Employee).where(Employee.source == "oidc"))
    assert (made.username, made.name, made.email) == ("zhou", "周敏", "zhou@hengyuan.example") and made.external_id == f"{provider}|u-1"
    assert [r.id for r in made.roles] == [session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "sales"))]
    assert _there_and_back(app.test_client(), "u-1").status_code == 302
    assert "还可尝试" in app.test_client().post("/login/", data={"username": "zhou", "password": "anything-at-all"}).text, "no password opens it"


def test_lock_and_deactivation_hold_here_as_well(app, session, provider):
    assert _there_and_back(app.test_client(), "u-1").status_code == 302
    made = session.scalar(select(Employee).where(Employee.source == "oidc"))
    rules.stop(session, [made])
    session.commit()
    assert "被禁用" in _there_and_back(app.test_client(), "u-1").text
    rules.start(session, [made])
    session.commit()
    for _n in range(3):
        app.test_client().post("/login/", data={"username": "zhou", "password": "wrong"})
    assert "已被锁定" in _there_and_back(app.test_client(), "u-1").text


def test_nobody_takes_an_account_over_by_bearing_its_name(app, session, provider):
    assert "已有同名账户" in _there_and_back(app.test_client(), "u-2").text
    assert session.scalar(select(Employee.id).where(Employee.source == "oidc")) is None


@pytest.mark.parametrize("change", [lambda q: {**q, "state": "forged"}, lambda q: {**q, "code": "forged"}, lambda q: {"state": q["state"]},
                                    lambda q: {"error": "access_denied", "state": q["state"]}, lambda q: {}])
def test_a_forged_answer_opens_nothing(app, session, provider, change):
    client = app.test_client()
    answer = _there_and_back(client, "u-1", change)
    assert answer.status_code == 200 and "未能确认" in answer.text
    assert client.get("/contact/list/").location.startswith("/login/")


def test_an_answer_of_somebody_elses_browser_opens_nothing(app, provider):
    """Login CSRF: a code that the attacker got is not taken by the victim's browser."""
    taken: dict = {}
    _there_and_back(app.test_client(), "u-1", lambda q: taken.update(q) or {})
    assert "未能确认" in app.test_client().get("/login/oidc/back", query_string=taken).text


def test_without_a_provider_the_way_is_closed(app):
    client = app.test_client()
    assert "企业账号" not in client.get("/login/").text
    assert client.get("/login/oidc/").location == client.get("/login/oidc/back").location == "/login/"
    app.config["CRM_OIDC_ISSUER"] = "http://127.0.0.1:9"
    try:
        assert "没有响应" in client.get("/login/oidc/").text
    finally:
        app.config["CRM_OIDC_ISSUER"] = ""

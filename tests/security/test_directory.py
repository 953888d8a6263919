"""Logging in through the company's directory: a real slapd, started here (promise 6)."""
import gc
import os
import shutil
import subprocess
import time

import pytest
from sqlalchemy import select

from app.security.models import Employee, RolePolicy
from tests.cast import PASSWORD
from tests.faults.office import free_port

pytestmark = [pytest.mark.once, pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")]  # once; sockets that a library leaves to the collector
SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
CONF = """include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb.la
pidfile {place}/slapd.pid
database mdb
suffix "dc=hengyuan,dc=example"
rootdn "cn=admin,dc=hengyuan,dc=example"
rootpw only-for-this-test
directory {place}/data
"""
PEOPLE = """dn: dc=hengyuan,dc=example
objectClass: dcObject
objectClass: organization
dc: hengyuan
o: Hengyuan

""" + "".join(f"""dn: uid={uid},dc=hengyuan,dc=example
objectClass: inetOrgPerson
uid: {uid}
cn: {name}
sn: {name}
mail: {uid}@hengyuan.example
userPassword: {word}

""" for uid, name, word in (("sun", "孙嘉怡", "river-Stone-4410"), ("li", "假李", "other-Word-9921"), ("admin", "假管理员", "other-Word-9921")))


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    """(address, stop, start) of a directory with 孙嘉怡, and with two who bear the names of local accounts."""
    place, port = tmp_path_factory.mktemp("slapd"), free_port()
    (place / "data").mkdir()
    (place / "slapd.conf").write_text(CONF.format(place=place))
    (place / "people.ldif").write_text(PEOPLE)
    subprocess.run(["/usr/sbin/slapadd", "-f", place / "slapd.conf", "-l", place / "people.ldif"], check=True, capture_output=True)
    running: list = []

    def start():
        running[:] = [subprocess.Popen([SLAPD, "-f", place / "slapd.conf", "-h", f"ldap://127.0.0.1:{port}", "-d", "0"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)]
        for _n in range(100):
            if (place / "slapd.pid").exists():
                break
            time.sleep(0.05)
        time.sleep(0.2)

    def stop():
        running[0].terminate()
        running[0].wait(10)
    start()
    yield f"ldap://127.0.0.1:{port}", stop, start
    stop()


@pytest.fixture
def directory(app, slapd):
    """The directory, configured."""
    over = {"CRM_LDAP_URL": slapd[0], "CRM_LDAP_BIND_DN": "cn=admin,dc=hengyuan,dc=example", "CRM_LDAP_BIND_PASSWORD": "only-for-this-test",
            "CRM_LDAP_BASE": "dc=hengyuan,dc=example"}
    kept = {key: app.config[key] for key in over}
    app.config.update(over)
    yield slapd
    app.config.update(kept)
    gc.collect()  # what the library left is told of here, not in the next test


def _try(app, name, password):
    return app.test_client().post("/login/", data={"username": name, "password": password})


def _person(session, name):
    return session.scalar(select(Employee).where(Employee.username == name).execution_options(populate_existing=True))


def test_who_is_in_the_directory_gets_in_with_the_default_role_and_keeps_his_account(app, session, directory, make):
    make.customer(owner="li", name="绝密恒远")
    client = app.test_client()
    assert client.post("/login/", data={"username": "Sun", "password": "river-Stone-4410"}).status_code == 302
    made = _person(session, "sun")
    assert (made.name, made.email, made.source, made.must_change, made.password) == ("孙嘉怡", "sun@hengyuan.example", "ldap", False, None)
    assert [r.id for r in made.roles] == [session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "sales"))]
    assert "绝密恒远" not in client.get("/customer/list/?quick=all").text and client.get("/user/list/").status_code == 403, "the same scope as anybody"
    assert _try(app, "sun", "river-Stone-4410").status_code == 302 and _person(session, "sun").id == made.id
    assert client.post("/login/password", data={"password": "river-Stone-4410", "new_password": "quiet-Harbour-5512", "confirm": "quiet-Harbour-5512"}).status_code == 200
    assert "企业目录" in client.post("/login/password", data={"password": "river-Stone-4410", "new_password": "quiet-Harbour-5512", "confirm": "quiet-Harbour-5512"}).text


def test_three_wrong_ones_lock_here_as_well(app, session, directory):
    assert _try(app, "sun", "river-Stone-4410").status_code == 302
    for n in (2, 1):
        assert f"还可尝试 {n} 次" in _try(app, "sun", "wrong").text
    assert "已被锁定" in _try(app, "sun", "wrong").text and "已被锁定" in _try(app, "sun", "river-Stone-4410").text
    assert _person(session, "sun").locked_at is not None
    for n in (2, 1):
        assert f"还可尝试 {n} 次" in _try(app, "stranger", "wrong").text, "the same words for a name that is nowhere"


def test_local_accounts_are_judged_here_alone_also_when_the_directory_is_away(app, session, directory):
    assert "还可尝试" in _try(app, "admin", "other-Word-9921").text, "nobody becomes the administrator by bearing his name there"
    assert _try(app, "admin", PASSWORD).status_code == 302
    _address, stop, start = directory
    stop()
    try:
        assert _try(app, "admin", PASSWORD).status_code == 302
        for _n in range(5):
            assert "没有响应" in _try(app, "sun", "river-Stone-4410").text
    finally:
        start()
    assert _try(app, "sun", "river-Stone-4410").status_code == 302, "an outage counts as no wrong try"


@pytest.mark.parametrize("name,password", [("*", "x"), ("sun)(uid=*", "river-Stone-4410"), ("sun", "\0"), ("s*n", "river-Stone-4410"), ("sun\\2a", "x")])
def test_nothing_is_injected_into_the_question(app, session, directory, name, password):
    assert _try(app, name, password).status_code == 200
    assert session.scalar(select(Employee.id).where(Employee.source == "ldap")) is None


def test_a_wrong_account_of_ours_is_told_to_the_administrator(app, directory):
    app.config["CRM_LDAP_BIND_PASSWORD"] = "wrong"
    assert "拒绝查询" in _try(app, "sun", "river-Stone-4410").text


def test_the_settings_come_from_the_environment():
    import sys

    from tests.conftest import KEY, ROOT
    env = {**os.environ, "CRM_SECRET_KEY": KEY, "CRM_LDAP_URL": "ldaps://d.example", "CRM_LDAP_BASE": "dc=x", "CRM_DEFAULT_ROLE": "office"}
    said = subprocess.run([sys.executable, "-c", "import config; print(config.CRM_LDAP_URL, config.CRM_LDAP_BASE, config.CRM_DEFAULT_ROLE, config.CRM_LDAP_FILTER)"],
                          cwd=ROOT, env=env, capture_output=True, text=True).stdout
    assert said.split() == ["ldaps://d.example", "dc=x", "office", "(uid={name})"]

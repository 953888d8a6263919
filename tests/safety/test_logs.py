"""操作日志, 登录日志, 导出日志: who may read them, what they tell, how they are exported, how they are purged."""
import csv
import datetime as dt
import io
import re

import pytest
from sqlalchemy import func, select, update

from app.core import changes, clock, trash
from app.core.changes import Batch, Change
from app.core.rules import RuleError
from app.customers.models import Customer
from app.extensions import db
from app.safety import telling
from app.security import devices, purging
from app.security.models import Employee, SecurityEvent


def rows(page: str) -> list[str]:
    """The text of each row of a list page."""
    return [re.sub(r"<[^>]+>", " ", row) for row in re.findall(r'<tr data-id="\d+"[^>]*>(.*?)</tr>', page, re.S)]


def sheet(client, entity, query="quick=all") -> list[dict]:
    """The csv export of a log, line by line."""
    with client.post(f"/{entity}/export?{query}", data={"fmt": "csv"}) as out:
        assert out.status_code == 200, out.status_code
        return list(csv.DictReader(io.StringIO(out.data.decode("utf-8-sig"))))


def test_the_operation_log_tells_of_everybody_to_who_may_read_it(make, login, session, people, as_):
    with as_("li"):
        one = make.customer(name="恒远机械", owner="li", address="苏州")
        with changes.operation(session, "edit", "customer", "恒远机械"):
            one.address = "昆山"
        session.commit()
    with as_("zhao"):
        other = make.customer(name="天工电气", owner="zhao")
    zhao, admin = login("zhao"), login("admin")
    zhao.post("/customer/action_post", data={"action": "delete", "rowid": other.id})
    for name in ("li", "qian", "chen"):
        assert login(name).get("/audit/list/").status_code == 403, name
        assert login(name).post("/audit/export", data={"fmt": "csv"}).status_code == 403, name
    assert admin.get("/audit/").location == "/audit/list/"
    told = rows(admin.get("/audit/list/?quick=all").text)
    assert any("李雨桐" in r and "恒远机械" in r and "修改" in r for r in told) and any("赵立强" in r and "天工电气" in r for r in told)
    newest = session.scalar(select(Batch).order_by(Batch.id.desc()))
    assert newest.label == "天工电气" and admin.get(f"/audit/show/{newest.id}").location == f"/undo/show/{newest.id}"
    assert admin.get(f"/undo/show/{newest.id}").status_code == 200
    for query, sees, lacks in ((f"actor={people['li']}", "恒远机械", "天工电气"), ("kind=delete", "天工电气", "恒远机械"),
                               ("quick=deleted", "天工电气", "恒远机械"), (f"row=customer.{one.id}", "恒远机械", "天工电气"),
                               ("entity=customer&label=恒远", "恒远机械", "天工电气"), ("at=2020-01-01~2020-01-31", "", "恒远机械")):
        text = " ".join(rows(admin.get(f"/audit/list/?{query}").text))
        assert sees in text and lacks not in text, query
    for wrong in ("row=customer", "row=nothing.1", "row=customer.x", "at=x", "row=customer." + "9" * 20):
        assert admin.get(f"/audit/list/?{wrong}").status_code == 400, wrong


def test_what_nobody_did_was_done_by_the_system(make, login, session, people):
    with changes.operation(session, "fall", "customer", "夜间"):
        make.customer(name="恒远机械")
    session.commit()
    assert session.scalar(select(Batch.actor_id).where(Batch.label == "夜间")) is None
    admin = login("admin")
    (told,) = rows(admin.get("/audit/list/?quick=system&label=夜间").text)
    assert "系统" in told
    assert {line["人员"] for line in sheet(admin, "audit", "label=夜间")} == {"系统"}
    assert "夜间" in admin.get("/undo/?who=0").text and "夜间" not in admin.get(f"/undo/?who={people['li']}").text


def test_the_export_tells_field_by_field_and_is_logged_itself(make, login, session, people, as_):
    with as_("li"):
        one = make.customer(name="恒远机械", owner="li", address="苏州", phone="0512-68881234")
        with changes.operation(session, "edit", "customer", "恒远机械"):
            one.address, one.owner_id = "昆山", people["wang"]
        session.commit()
    admin = login("admin")
    told = [line for line in sheet(admin, "audit", "kind=edit") if line["记录"] == "恒远机械"]
    assert {(line["字段"], line["修改前"], line["修改后"]) for line in told} >= {("详细地址", "苏州", "昆山"), ("负责人", "李雨桐", "王浩然")}, told
    assert {(line["人员"], line["操作"], line["类别"], line["动作"]) for line in told} == {("李雨桐", "修改", "客户", "修改")}
    event = session.scalar(select(SecurityEvent).where(SecurityEvent.result == "export").order_by(SecurityEvent.id.desc()))
    assert (event.subject, event.kind, event.employee_id) == ("audit", "csv", people["admin"]) and event.rows >= 1 and event.ip
    with admin.post("/audit/export?quick=all", data={"fmt": "xlsx"}) as out:
        assert out.data[:2] == b"PK"


def test_the_export_log_holds_exports_alone_and_is_filtered(make, login, session, people):
    make.customer(name="恒远机械", owner="li")
    li, admin = login("li"), login("admin")
    with li.post("/customer/export?quick=all", data={"fmt": "csv"}) as out:
        assert out.status_code == 200
    with admin.post("/report/customers/export", data={"fmt": "csv"}) as out:
        assert out.status_code == 200
    assert li.get("/exportlog/list/").status_code == 403 and li.get("/loginlog/list/").status_code == 403
    told = rows(admin.get("/exportlog/list/").text)
    assert len(told) == 2 and "李雨桐" in told[1] and "客户" in told[1] and "csv" in told[1] and "登录" not in " ".join(told)
    for query, n in ((f"employee={people['li']}", 1), ("subject=customer", 1), ("subject=report.customers", 1), ("rows=5~", 0), ("at=today", 2)):
        assert len(rows(admin.get(f"/exportlog/list/?{query}").text)) == n, query
    login_event = session.scalar(select(SecurityEvent.id).where(SecurityEvent.result == "ok").limit(1))
    assert admin.get(f"/exportlog/show/{login_event}").status_code == 404 and admin.get(f"/loginlog/show/{login_event}").status_code == 200
    assert [line["数据"] for line in sheet(admin, "exportlog")][-2:] == ["客户", "客户"], "newest first; the last two were a report and a list"
    with admin.post("/exportlog/export?quick=all", data={"fmt": "csv", "ids": [login_event]}) as out:
        assert len(out.data.decode("utf-8-sig").strip().splitlines()) == 1, "a login is no export, chosen or not"


def test_the_login_log_is_filtered_by_what_happened(app, login):
    app.test_client().post("/login/", data={"username": "li", "password": "wrong-word"})
    admin = login("admin")
    for query, sees, lacks in (("quick=failed", "密码错误", "成功"), ("quick=logins", "成功", "密码错误"), ("username=li", "密码错误", "成功"),
                               ("quick=accounts", "", "成功")):
        text = " ".join(rows(admin.get(f"/loginlog/list/?{query}").text))
        assert sees in text and lacks not in text, query
    assert any(line["结果"] == "密码错误" for line in sheet(admin, "loginlog"))


def _age(session, days):
    """Everything logged so far happened so many days ago."""
    then = clock.now() - dt.timedelta(days)
    for table, column in ((Batch.__table__, "at"), (Change.__table__, "at"), (SecurityEvent.__table__, "at")):
        session.execute(update(table).values({column: then}))
    session.commit()


def test_purging_forgets_the_old_keeps_the_new_and_what_lies_in_the_trash(make, login, session):
    kept, gone = make.customer(name="还在", owner="li"), make.customer(name="恒远机械", owner="li")
    login("li").post("/customer/action_post", data={"action": "delete", "rowid": gone.id})
    _age(session, 400)
    kept.address = "昆山"
    session.commit()
    day = clock.today() - dt.timedelta(365)
    n = purging.figure(session, "operations", day)
    assert n == session.scalar(select(func.count(Change.id))) - 2, "all but the deletion and today's edit"
    assert purging.run(session, "operations", day) == n and purging.figure(session, "operations", day) == 0
    left = session.scalars(select(Change).order_by(Change.id)).all()
    assert [(c.verb, c.row_id) for c in left] == [("delete", gone.id), ("edit", kept.id)]
    assert session.scalar(select(func.count(Batch.id))) == 2
    assert trash.count(session, trash.found(None, [Customer])) == 1
    assert session.scalar(select(SecurityEvent.detail).where(SecurityEvent.result == "purge")) == f"operations before {day}: {n}"
    assert purging.figure(session, "logins", day) == 1 and purging.run(session, "exports", day) == 0
    assert purging.run(session, "logins", day) == 1
    assert {e.result for e in session.scalars(select(SecurityEvent))} == {"purge"}, "what was purged stays known"
    with pytest.raises(RuleError):
        purging.run(session, "operations", clock.today() - dt.timedelta(3))


def test_the_command_tells_the_figure_refuses_and_does_it(app, make, session, login):
    login("li")
    _age(session, 400)
    day, runner = str(clock.today() - dt.timedelta(200)), app.test_cli_runner()
    told = runner.invoke(args=["crm", "purge", "logins", "--before", day, "--dry-run"])
    assert told.exit_code == 0 and told.output.startswith("1 lines of the login log")
    no = runner.invoke(args=["crm", "purge", "logins", "--before", day])
    assert no.exit_code == 1 and "--yes" in no.output and session.scalar(select(func.count(SecurityEvent.id))) == 1
    done = runner.invoke(args=["crm", "purge", "logins", "--before", day, "--yes"])
    assert done.exit_code == 0 and done.output.strip() == "purged 1 lines of the login log", done.output
    early = runner.invoke(args=["crm", "purge", "operations", "--before", str(clock.today()), "--yes"])
    assert early.exit_code == 1
    assert runner.invoke(args=["crm", "purge", "logins", "--yes"]).exit_code == 2, "no day, no purge"
    db.session.expire_all()
    assert session.scalars(select(SecurityEvent.result)).all() == ["purge"]


def test_changes_of_the_staff_are_told_too(login, session, people):
    admin, row = login("admin"), session.get(Employee, people["wang"])
    row.title = "客户经理"
    session.commit()
    batch = session.scalar(select(Batch).order_by(Batch.id.desc()))
    page = admin.get(f"/undo/show/{batch.id}")
    assert page.status_code == 200 and "客户经理" in page.text and f"/user/show/{row.id}" in page.text
    row.title = None
    session.commit()


WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"


@pytest.mark.parametrize("agent, words", [
    (WINDOWS, "Chrome 126 · Windows"), (f"{WINDOWS} Edg/126.0.0.0"[:120], "Edge 126 · Windows"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Firefox 128 · Linux"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148"[:120], "Safari 17 · iPhone"),
    ("Mozilla/5.0 (Linux; Android 14; 23013RK75C) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/116.0.0.0 Mobile Safari/537.36", "Chrome 116 · Android"),
    ("curl/8.5.0", "curl/8.5.0"), ("", ""), (None, "")])
def test_a_device_is_told_in_words(agent, words):
    assert devices.told(agent) == words


def test_the_login_log_tells_the_device_in_words_and_its_page_in_its_own(app, login, session):
    app.test_client().post("/login/", data={"username": "li", "password": "wrong"}, headers={"User-Agent": WINDOWS})
    event, admin = session.scalar(select(SecurityEvent.id).where(SecurityEvent.username == "li")), login("admin")
    assert any("Chrome 126 · Windows" in row and "AppleWebKit" not in row for row in rows(admin.get("/loginlog/list/?quick=failed").text))
    page = admin.get(f"/loginlog/show/{event}").text
    assert "Chrome 126 · Windows" in page and WINDOWS in page
    assert "Chrome 126 · Windows" in sheet(admin, "loginlog")[-1].values()


def test_no_two_things_to_choose_from_are_called_the_same(app):
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        for words in (telling.kinds(), telling.titles()):
            said = [str(word) for word in words.values()]
            assert len(said) == len(set(said)), [word for word in said if said.count(word) > 1]

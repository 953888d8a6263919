"""What the administrator and his machines see of the system: health, metrics, logs, read-only mode."""
import datetime as dt
import io
import json
import logging

import pytest

from app.core import clock, memo, parameters, schedule
from app.watch import logs, state


def test_alive_and_ready_are_open_and_say_what_is_away(app, monkeypatch):
    visitor = app.test_client()
    assert visitor.get("/healthz").json == {"status": "ok"}
    assert visitor.get("/readyz").json == {"status": "ok", "database": "ok", "queue": "ok"}
    monkeypatch.setitem(app.config, "CRM_REDIS_URL", "redis://127.0.0.1:1/0")
    answer = visitor.get("/readyz")
    assert answer.status_code == 503 and answer.json == {"status": "away", "database": "ok", "queue": "away"}
    assert visitor.get("/healthz").status_code == 200


def test_metrics_are_for_this_machine_or_who_has_the_token(app, make, login, monkeypatch):
    make.customer()
    login("li").get("/customer/list/")
    visitor = app.test_client()
    text = visitor.get("/metrics").text
    assert 'crm_request_seconds_count{method="GET",status="2xx",view="CustomerView"}' in text and "crm_jobs_queued 0.0" in text
    assert 'crm_sql_statements_total{view="CustomerView"}' in text
    assert visitor.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 404
    assert visitor.get("/metrics", environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 404
    monkeypatch.setitem(app.config, "CRM_METRICS_TOKEN", "m" * 40)
    assert visitor.get("/metrics").status_code == 404
    assert visitor.get("/metrics", headers={"Authorization": "Bearer " + "m" * 40}, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200


@pytest.fixture
def lines():
    """The log as JSON objects."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.JsonFormatter())
    kept = logging.root.level, logs.access.level
    logging.root.addHandler(handler)
    logging.root.setLevel("INFO")
    logs.access.setLevel("INFO")
    yield lambda: [json.loads(line) for line in out.getvalue().splitlines()]
    logging.root.removeHandler(handler)
    logging.root.setLevel(kept[0])
    logs.access.setLevel(kept[1])


def test_every_request_leaves_one_line_with_its_id_and_without_names(app, make, login, lines, people, program):
    row = make.customer(name="绝密恒远", mobile="13812345678")
    client = login("li")
    answer = client.get(f"/customer/show/{row.id}?q=绝密恒远", headers={"X-Request-ID": "from-the-proxy-1"})
    program("li").get(f"customer/{row.id}")
    mine = [line for line in lines() if line["logger"] == "access"]
    shown = next(line for line in mine if line["rule"] == "/customer/show/<int:pk>")
    assert answer.headers["X-Request-ID"] == shown["request"] == "from-the-proxy-1"
    assert (shown["status"], shown["person"], shown["args"]) == (200, people["li"], {"pk": row.id}) and shown["sql"] > 2 and shown["ms"] > 0
    assert mine[-1]["token"] and len({line["request"] for line in mine}) == len(mine)
    assert not any("绝密" in json.dumps(line, ensure_ascii=False) or "13812345678" in json.dumps(line) for line in lines())
    assert len(client.get("/healthz", headers={"X-Request-ID": "x y"}).headers["X-Request-ID"]) == 16


def test_an_error_page_tells_the_id_that_the_log_holds(login, lines, monkeypatch):
    from app.customers import twins

    def broken(*_args):
        raise RuntimeError("boom")
    monkeypatch.setattr(twins, "find", broken)
    answer = login("li").get("/customer/similar?name=x")
    told = next(line for line in lines() if "boom" in line.get("exception", ""))
    assert answer.status_code == 500 and told["request"] in answer.text and told["request"] == answer.headers["X-Request-ID"]


def test_a_slow_statement_is_told_without_its_values(app, session, lines, monkeypatch, login):
    monkeypatch.setattr(logs, "_threshold", [0.000001])
    from sqlalchemy import text
    session.execute(text("SELECT :secret"), {"secret": "13812345678"})
    monkeypatch.setattr(logs, "_threshold", [60])
    told = next(line for line in lines() if line["logger"] == "slow" and "SELECT" in line["message"])
    assert told["ms"] >= 0 and "13812345678" not in json.dumps(told)
    assert "SELECT" in login("admin").get("/system/").text


def test_the_state_page_shows_versions_queue_and_storage_to_the_administrator_alone(login, session):
    with clock.frozen(clock.now() - dt.timedelta(hours=1)):
        schedule.tick(session)
    assert not state.worker_lives(session)
    page = login("admin").get("/system/").text
    assert "Flask-AppBuilder" in page and "无响应" in page and "磁盘剩余" in page
    schedule.tick(session)
    assert state.worker_lives(session), "the heartbeat was due"
    assert "无响应" not in login("admin").get("/system/").text
    assert login("chen").get("/system/").status_code == 403


def test_in_read_only_mode_everybody_looks_and_nobody_changes(make, login, session, program, people):
    row = make.customer(owner="li")
    admin, li, machine = login("admin"), login("li"), program("li")
    admin.post("/system/readonly", data={"on": "1"})
    try:
        page = li.get("/customer/list/?quick=all")
        assert row.name in page.text and "当前为只读" in page.text
        refused = li.post(f"/customer/edit/{row.id}", data={"name": "新名", "version": "1", "owner": str(people["li"])})
        assert refused.status_code == 503 and "系统维护中" in refused.text
        status, told = machine("PUT", f"customer/{row.id}", {"name": "新名"})
        assert status == 503 and "维护" in told["message"] and machine.get(f"customer/{row.id}")
        assert admin.post("/parameter/edit", data={}).status_code == 503
        assert login("wang").get("/customer/list/").status_code == 200, "people can still log in"
        assert li.post("/system/readonly", data={"on": "0"}).status_code == 403
    finally:
        admin.post("/system/readonly", data={"on": "0"})
    memo.forget_revisions()
    assert parameters.get(session, "system.read_only") is False
    assert li.post(f"/customer/edit/{row.id}", data={"name": "新名", "version": "1", "owner": str(people["li"])}).status_code == 302


def test_a_worker_waits_while_nothing_may_be_written(app, session):
    from app import queue
    from app.core import jobs
    job = jobs.enqueue(session, "export", {})
    parameters.put(session, "system.read_only", True)
    session.commit()
    assert queue._queued(app, False) == []
    parameters.put(session, "system.read_only", False)
    session.commit()
    assert queue._queued(app, False) == [job.id]

"""System parameters: meaning, default, check, log, undo, at once; numbering rules with their preview (manual 4.9.6)."""
import datetime as dt
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from app.core import clock, numbering, parameters, schedule, workdays
from app.core.changes import STAMPS, Batch, Change
from app.core.choices import Choice
from app.core.words import force_locale

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def posted(app, session):
    """The form as it stands, with what somebody changes: `posted(**{"pool.warn_days": "5"})`; None takes a tick away."""
    def form(**over):
        data = {}
        for known in parameters.KNOWN.values():
            value = parameters.get(session, known.key)
            if known.kind == "money":
                value = f"{value / 100:.2f}"
            if known.kind != "file" and (known.kind != "flag" or value):
                data[known.key] = "1" if known.kind == "flag" else str(value)
        return {key: value for key, value in {**data, **over}.items() if value is not None}
    return form


def _told(page, key):
    """The sentence at a parameter."""
    found = re.search(rf'data-error="{re.escape(key)}">(.*?)<', page)
    return found[1] if found else ""


def test_every_parameter_says_in_a_sentence_what_it_means(app):
    """One sentence each, in Chinese, and a default that its own check accepts."""
    assert len(parameters.KNOWN) > 30
    with app.test_request_context(), force_locale("zh"):
        for key, known in parameters.KNOWN.items():
            assert known.within or str(known.help).endswith("。"), f"{key} does not say what it means"
            assert not known.within or known.within in parameters.KNOWN
            if known.kind != "file":
                text = f"{known.default / 100}" if known.kind == "money" else ("1" if known.default else "") if known.kind == "flag" else str(known.default)
                assert parameters.read(known, text) == known.default, key
        assert parameters.check({key: known.default for key, known in parameters.KNOWN.items()}) == {}


def test_the_page_shows_groups_defaults_and_leads_to_the_other_settings(login):
    page = login("admin").get("/parameter/").text
    for word in ("登录与安全", "公司", "编号规则", "公海", "备份", "合同", "打印模板", "默认：30", "/choice/list/", "/stage/list/", "/approvalrule/list/"):
        assert word in page, word
    assert login("li").get("/parameter/").status_code == 403


def test_a_wrong_value_is_told_at_its_field_and_nothing_is_saved(login, session, posted):
    client = login("admin")
    bad = {"security.password_length": "3", "backup.at": "25:00", "quote.limit": "viel", "number.contract": "HT-{0000", "number.quote": "KH{yyyy}{MM}{dd}-{0000}",
           "number.payment.restart": "hourly", "company.name": "长" * 201, "backup.days": "5"}
    page = client.post("/parameter/edit", data=posted(**bad)).text
    assert "8" in _told(page, "security.password_length") and "08:30" in _told(page, "backup.at") and "数字" in _told(page, "quote.limit")
    assert _told(page, "number.contract") and _told(page, "number.payment.restart") and "200" in _told(page, "company.name")
    assert 'value="3"' in page and "长长长" in page, "what was typed is kept"
    assert session.scalars(select(parameters.Parameter)).all() == []
    page = client.post("/parameter/edit", data=posted(**{"number.quote": "KH{yyyy}{MM}{dd}-{0000}"})).text
    assert "客户编号" in _told(page, "number.quote"), "two entities with one series"


def test_a_change_is_logged_with_both_values_and_taken_back(login, session, posted, make):
    client = login("admin")
    lines = posted()["mail.quote.text"].replace("\n", "\r\n")  # as a browser posts them
    assert client.post("/parameter/edit", data=posted(**{"contract.warn_days": "45", "backup.daily": None, "mail.quote.text": lines})).status_code == 302
    assert {p.key for p in session.scalars(select(parameters.Parameter))} == {"contract.warn_days", "backup.daily"}, "and nothing else"
    assert parameters.get(session, "contract.warn_days") == 45 and parameters.get(session, "backup.daily") is False
    history = client.get("/parameter/history").text
    assert "45" in history and "关闭" in history and "管理员" in history
    client.post("/parameter/edit", data=posted(**{"contract.warn_days": "45", "backup.daily": None, "number.quote.start": "7"}))
    assert "报价单号 · 起始编号" in client.get("/parameter/history").text
    assert client.post("/parameter/edit", data=posted(**{"contract.warn_days": "60"})).status_code == 302
    row = session.scalars(select(Change).where(Change.entity == "parameter").order_by(Change.id.desc())).first()
    told = [{key: value for key, value in values.items() if key not in STAMPS} for values in (row.old, row.new)]  # another second, another stamp
    assert told == [{"value": "45"}, {"value": "60"}]
    client.post(f"/undo/{session.scalar(select(Batch.id).order_by(Batch.id.desc()))}")
    assert parameters.get(session, "contract.warn_days") == 45
    assert "已撤销" in client.get("/parameter/history").text


def test_the_days_of_calls_are_the_offices_and_hold_at_once(login, session, posted, make):
    """回访天数 is proposed wherever a follow-up is written; 未跟进提醒天数 are what filters and the desk count by."""
    admin, li = login("admin"), login("li")
    one = make.customer(owner="li", name="恒远", last_follow_at=clock.now() - dt.timedelta(6))
    proposed = f"{workdays.shift(session, clock.today() + dt.timedelta(9), 1)} 09:00"
    pages = (f"/customer/show/{one.id}", f"/followup/add?customer={one.id}", "/?whose=mine")
    assert not any(proposed in li.get(page).text for page in pages)
    for wrong in ("7,15,30,90", "7,7,30,90,180", "x", "0,1,2,3,4", "1,2,3,4,4000", ""):
        assert "由小到大" in _told(admin.post("/parameter/edit", data=posted(**{"customer.idle_days": wrong})).text, "customer.idle_days"), wrong
    assert f'data-id="{one.id}"' not in li.get("/customer/list/?quick=idle7").text
    assert admin.post("/parameter/edit", data=posted(**{"customer.idle_days": "5，10、20 40,120", "customer.follow_days": "10"})).status_code == 302
    page = li.get("/customer/list/?quick=idle7").text
    assert f'data-id="{one.id}"' in page and "5天未跟进" in page and "4个月未跟进" in page and "7天未跟进" not in page
    assert 'data-figure="idle7" data-n="1"' in li.get("/?whose=mine").text
    assert proposed in li.post("/paste/", data={"text": "苏州恒远精密机械有限公司 顾明 13812345678"}).text
    one.next_follow_at = clock.now() - dt.timedelta(1)
    session.commit()
    for page in pages:
        assert proposed in li.get(page).text, page


def test_a_changed_time_moves_what_is_due_also_by_undo(login, session, posted):
    with clock.frozen(dt.datetime(2026, 11, 25, 10)):
        schedule._open(session, "backup", clock.now())

        def due():
            session.expire_all()
            return clock.to_office(session.get(schedule.Due, "backup").due_at).strftime("%d %H:%M")
        assert due() == "26 02:30"
        client = login("admin")
        client.post("/parameter/edit", data=posted(**{"backup.at": "21:15"}))
        assert due()[3:] == "21:15", "on the day of the clock on the wall, which the request reads"
        client.post(f"/undo/{session.scalar(select(Batch.id).order_by(Batch.id.desc()))}")
        assert due()[3:] == "02:30"


def test_numbers_follow_the_rule_from_the_next_record_on(login, session, posted, make):
    """編号规则: text, date, running number; restart; first number; preview; what was given stays."""
    client = login("admin")
    with clock.frozen(dt.datetime(2026, 11, 25, 4)):
        first = make.contract()
        assert first.number == "HT20261125-0001"
        asked = {"key": "number.contract", "number.contract": "GX-{yyyy}-{000}", "number.contract.restart": "year", "number.contract.start": "200"}
        assert client.get("/parameter/preview", query_string=asked).json == {"text": "GX-2026-200"}
        assert "重复" in client.get("/parameter/preview", query_string={**asked, "number.contract.restart": "month"}).json["error"]
        client.post("/parameter/edit", data=posted(**{k: v for k, v in asked.items() if k != "key"}))
        assert [make.contract().number for _n in range(2)] == ["GX-2026-200", "GX-2026-201"]
        assert client.get("/parameter/preview", query_string=asked).json == {"text": "GX-2026-202"}
        assert session.get(type(first), first.id).number == "HT20261125-0001"
    with clock.frozen(dt.datetime(2026, 12, 25, 4)):
        assert make.contract().number == "GX-2026-202", "the count goes on until the year ends"
    with clock.frozen(dt.datetime(2027, 1, 2, 4)):
        assert make.contract().number == "GX-2027-200"
    client.post("/parameter/edit", data=posted(**{"number.contract": "HT{yyyy}{MM}-{0000}", "number.contract.restart": "never", "number.contract.start": "1"}))
    with clock.frozen(dt.datetime(2027, 1, 2, 4)):
        assert make.contract().number == "HT202701-0001"
    with clock.frozen(dt.datetime(2027, 2, 2, 4)):
        assert make.contract().number == "HT202702-0002", "the month is written, the count goes on"


@pytest.mark.parametrize("pattern,human", [("KH{day:%Y%m%d}-{seq:04d}", "KH{yyyy}{MM}{dd}-{0000}"), ("X{day:%y}/{seq:02d}", "X{yy}/{00}")])
def test_a_rule_reads_as_people_write_it(pattern, human):
    day = dt.date(2026, 3, 4)
    assert numbering.said(pattern) == human
    assert numbering.read(human).format(day=day, seq=7) == pattern.format(day=day, seq=7)


PNG = (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0\x90wS\xde\0\0\0\x0cIDATx\x9cc\xf8\xcf\xc0\0\0\3\1\1\0\xc9\xfe\x92\xef\0\0\0\0IEND\xaeB`\x82")


def test_logo_and_templates_are_files_that_are_checked(login, session, posted, make):
    from docx import Document
    client, li = login("admin"), login("li")
    assert li.get("/parameter/file/company.logo").status_code == 404
    for name, data in (("logo.svg", b"<svg/>"), ("logo.png", b"MZ not a picture")):
        assert _told(client.post("/parameter/edit", data={**posted(), "company.logo": (io.BytesIO(data), name)}).text, "company.logo"), name
    assert client.post("/parameter/edit", data={**posted(), "company.logo": (io.BytesIO(PNG), "标志.png")}).status_code == 302
    with li.get("/parameter/file/company.logo") as out:
        assert out.data == PNG and out.mimetype == "image/png"
    quote = make.quote(name="报价")
    assert "/parameter/file/company.logo" in li.get(f"/quote/print/{quote.id}").text
    with li.get(f"/quote/paper/{quote.id}.pdf") as out:
        assert out.data.startswith(b"%PDF") and b"/Subtype /Image" in out.data

    def word(text):
        made, out = Document(), io.BytesIO()
        made.add_paragraph(text)
        made.save(out)
        out.seek(0)
        return out
    page = client.post("/parameter/edit", data={**posted(), "print.quote": (word("{{ title "), "坏.docx")}).text
    assert "模板" in _told(page, "print.quote")
    assert "secret_cost" in client.post("/parameter/edit", data={**posted(), "print.quote": (word("{{ secret_cost }}"), "错.docx")}).text
    client.post("/parameter/edit", data={**posted(), "print.quote": (word("我们的版式 {{ number }}"), "报价.docx")})
    with li.get(f"/quote/paper/{quote.id}.docx") as out:
        text = "".join(p.text for p in Document(io.BytesIO(out.data)).paragraphs)
        assert text == f"我们的版式 {quote.number}"
    assert li.get("/parameter/file/print.quote").status_code == 404
    with client.get("/parameter/file/print.quote") as out:
        assert out.headers["Content-Disposition"].startswith("attachment")
    client.post("/parameter/edit", data={**posted(), "print.quote-none": "1"})
    assert parameters.get(session, "print.quote") == ""


@pytest.mark.sqlite
def test_another_process_sees_a_change_at_its_next_request(app, session, login, make):
    """Several workers: what one of them keeps, all obey, without a restart."""
    from app.extensions import db
    make.customer()
    client = login("li")
    assert client.get("/customer/list/").status_code == 200
    code = ("from app import create_app\nfrom app.core import parameters\nfrom app.extensions import db\n"
            "with create_app().app_context():\n    parameters.put(db.session, 'system.read_only', True)\n    db.session.commit()\n")
    env = {**os.environ, "CRM_DATABASE_URL": f"sqlite:///{db.engine.url.database}", "PYTHONPATH": str(ROOT)}
    session.commit()
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert client.post("/customer/add", data={"name": "新"}).status_code == 503


def test_how_many_wrong_passwords_lock_is_the_administrators_affair(app, login, session, posted):
    """Three, as the manual says, until he says otherwise."""
    client = login("admin")
    client.post("/parameter/edit", data=posted(**{"security.wrong_tries": "2"}))
    visitor = app.test_client()
    assert "1" in visitor.post("/login/", data={"username": "li", "password": "x"}).text
    visitor.post("/login/", data={"username": "li", "password": "x"})
    assert "锁定" in visitor.post("/login/", data={"username": "li", "password": "plum-Blossom-7301"}).text


def test_a_list_has_one_default_and_new_records_begin_with_it(login, session, make):
    """设为默认; it goes before the program's own first value; a stopped one is none; a new value comes last."""
    admin, li, one = login("admin"), login("li"), make.customer(owner="li", next_follow_at=clock.now() - dt.timedelta(1))
    code = {c.code: c.id for c in session.scalars(select(Choice).where(Choice.list_name.in_(("customer_level", "follow_method", "contract_kind"))))}

    def act(action, row):
        assert admin.post("/choice/action_post", data={"action": action, "rowid": row}).status_code == 302

    def begins(page, name, value):
        select_ = re.search(rf'<select[^>]*name="{name}".*?</select>', li.get(page).text, re.S)[0]
        return f'<option selected value="{value}"' in select_ or f'<option value="{value}" selected' in select_
    try:
        assert not begins("/customer/add", "level", "B")
        for value in ("A", "B", "visit", "order"):
            act("default", code[value])
        assert begins("/customer/add", "level", "B") and begins("/contract/add", "kind", "order") and begins("/followup/add", "method", "visit")
        assert begins("/?whose=mine", "method", "visit") and re.search(r'value="visit"[^>]* checked', li.get(f"/customer/show/{one.id}").text)
        assert session.scalar(select(func.count(Choice.id)).where(Choice.list_name == "customer_level", Choice.is_default)) == 1
        act("stop", code["B"])
        assert not begins("/customer/add", "level", "B") and "已停用" in admin.post(
            f"/choice/edit/{code['B']}", data={"name": "B", "is_default": "y", "is_stopped": "y", "version": "99"}).text
        last = session.scalar(select(func.max(Choice.position)).where(Choice.list_name == "customer_level"))
        admin.post("/choice/add", data={"list_name": "customer_level", "name": "D级", "position": ""})
        assert session.scalar(select(Choice.position).where(Choice.name == "D级")) == last + 1
        page = admin.get("/choice/list/?quick=all&list_name=customer_level").text
        assert page.index(f'data-id="{code["A"]}"') < page.index(f'data-id="{code["C"]}"') < page.index("D级"), "in the order of their places"
    finally:  # the lists stay from test to test
        session.rollback()
        session.execute(delete(Choice).where(Choice.name == "D级"))
        session.execute(update(Choice).values(is_default=False, is_stopped=False))
        session.commit()

"""From a file to customers and back: check, decide, write, result, undo (manual 4.9.4, promise 25)."""
import csv
import datetime as dt
import io

import openpyxl
import pytest
from sqlalchemy import func, select

from app.core import choices, jobs
from app.core.choices import Choice
from app.customers.models import Contact, Customer
from app.imports import checking, headings, reading, running, values
from app.imports.models import ImportRun
from app.security.models import Employee
from app.security.people import actor_for
from tests.core.test_ground import _all

FAULTS = [  # heading, bad cell, the reason says
    ("客户名称", "", "不能为空"), ("客户名称", "长" * 256, "超过"), ("手机", "1381234567", "手机号"), ("手机", "1.38E+10", "丢失位数"),
    ("电话", "打前台", "电话"), ("邮箱", "not-a-mail", "邮箱"), ("网址", "不是网址", "网址"), ("客户级别", "Z", "选项列表"),
    ("客户状态", "飞了", "选项列表"), ("负责人", "查无此人", "没有这位用户"), ("下次跟进时间", "明天下午", "不是日期"),
    ("下次跟进时间", "2026-02-30", "不是日期"), ("创建时间", "2026/13/01", "不是日期"), ("客户简称", "简\x07称", "控制字符"), ("邮编", "12345678901", "超过"),
    ("创建人", "某某", "没有这位用户"), ("下次跟进时间", "2026-11-24 25:61", "不是时间")]


def _sheet(rows):
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _faulty():
    names = [*dict.fromkeys(["客户名称", *(h for h, _v, _r in FAULTS)]), "备注"]
    rows = [names, ["好公司", *[""] * (len(names) - 1)]]
    for n, (heading, bad, _reason) in enumerate(FAULTS):
        row = [f"第{n}家公司", *[""] * (len(names) - 2), "有备注"]
        row[names.index(heading)] = bad
        rows.append(row)
    return [*rows, ["好公司", *[""] * (len(names) - 1)]]


def _upload(client, data, name="客户.csv"):
    answer = client.post("/import/upload", data={"entity": "customer", "file": (io.BytesIO(data), name)}, content_type="multipart/form-data")
    assert answer.status_code == 302 and answer.location != "/import/?entity=customer", answer.text
    return answer.location


def _work(session):
    for job_id in jobs.waiting(session):
        jobs.run(session, job_id, actor_for)


def test_every_kind_of_fault_names_row_column_value_and_reason(login, session):
    """At least 15 kinds; nothing written until decided."""
    place = _upload(login("li"), _sheet(_faulty()))
    run = session.get(ImportRun, int(place.split("/")[-1]))
    sheet = running.sheet_of(run)
    from flask import current_app
    with current_app.test_request_context():
        found = checking.summary(session, sheet, running.plan_of(run))
    by_row = {f["row"]: f for f in found["faults"]}
    assert len(FAULTS) >= 15 and found["bad"] == len(FAULTS) + 1
    for n, (heading, bad, reason) in enumerate(FAULTS):
        fault = by_row[n + 3]
        assert fault["column"] == heading and reason in fault["reason"] and fault["value"] == values.as_text(bad), (fault, heading, reason)
    assert "与第 2 行重复" in by_row[len(FAULTS) + 3]["reason"]
    assert session.scalar(select(func.count(Customer.id))) == 0
    page = login("li").get(place + "?check=1").text
    assert page.count("data-reason") == len(FAULTS) + 1


@pytest.mark.parametrize("raw,kind,value", [
    ("2024/3/5", "date", dt.date(2024, 3, 5)), ("2024年3月5日", "date", dt.date(2024, 3, 5)), ("2024.3.5", "date", dt.date(2024, 3, 5)),
    ("20240305", "date", dt.date(2024, 3, 5)), (45356.0, "date", dt.date(2024, 3, 5)), ("１２３４．５", "money", 123450),
    ("¥1,234.50", "money", 123450), ("12.5万", "money", 12500000), ("√", "flag", True), ("否", "flag", False), ("１２", "whole", 12),
    ("2024-03-05 09:30", "moment", dt.datetime(2024, 3, 5, 1, 30)), (dt.datetime(2024, 3, 5, 9, 30), "moment", dt.datetime(2024, 3, 5, 1, 30))])
def test_values_are_taken_in_every_usual_form(app, raw, kind, value):
    with app.test_request_context():
        assert values.KINDS[kind](None, raw) == value


@pytest.mark.parametrize("raw", [13812345678.0, "１３８ １２３４ ５６７８", "+86 138-1234-5678", "1.3812345678E+10", 13812345678])
def test_a_mobile_is_repaired_when_nothing_was_lost(app, raw):
    with app.test_request_context():
        assert values.text(headings.fields_of("customer")["customer.mobile"], raw) == "13812345678"


def test_the_whole_way_with_decisions_contacts_result_and_undo(login, session, people, make):
    make.customer(name="老客户公司", level="B")
    before = _all(session)
    lists = session.scalar(select(func.count(Choice.id)))
    rows = [["公司名称", "级别", "行业", "联系人", "手机", "负责人", "创建人", "创建时间"],
            ["苏州恒远", "A", "机械加工", "顾明辉", "13812345678", "王浩然", "", ""],
            ["苏州恒远", "", "", "蒋卫东", "13812345679", "", "", ""],
            ["无锡创捷", "C", "机械加工", "", "", "", "钱经理", "2020-05-01"],
            ["老客户公司", "A", "", "", "", "", "", ""], ["坏公司", "Z", "", "", "", "", "", ""]]
    client = login("li")
    place = _upload(client, _sheet(rows))
    page = client.get(place + "?check=1").text
    assert "机械加工" in page and 'data-figure="bad">3<' in page
    client.post(place + "/save", data={"d:choice:industry:机械加工": "create", "on_duplicate": "skip", "key": "name", "e:6:1": "Z"})
    assert 'data-figure="bad">1<' in client.get(place + "?check=1").text
    job = client.post(place + "/save", data={"run": "1"}).location
    _work(session)
    assert client.get(job).location == place
    session.expire_all()
    run = session.get(ImportRun, int(place.split("/")[-1]))
    assert (run.created, run.updated, run.skipped, run.failed) == (3, 0, 1, 1)
    made = session.scalars(select(Customer).where(Customer.name == "苏州恒远")).one()
    assert made.owner_id == people["wang"] and made.primary_contact.name == "顾明辉"
    assert session.scalar(select(func.count(Contact.id)).where(Contact.customer_id == made.id)) == 2
    other = session.scalars(select(Customer).where(Customer.name == "无锡创捷")).one()
    assert other.created_by_id == people["qian"] and other.created_at == dt.datetime(2020, 4, 30, 16)
    assert choices.label(session, "industry", other.industry) == "机械加工"
    with client.get(place + "/result") as answer:
        assert answer.status_code == 200 and answer.mimetype.endswith("sheet"), answer.text
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert [c.value for c in sheet[1]][-2:] == ["结果", "原因"] and "选项列表" in sheet.cell(6, 10).value
    assert "FFC7CE" in str(sheet.cell(6, 2).fill.fgColor.rgb)
    client.post(place + "/undo")
    _work(session)
    session.expire_all()
    assert session.get(ImportRun, run.id).state == "undone"
    assert _all(session) == before and session.scalar(select(func.count(Choice.id))) == lists


@pytest.mark.parametrize("way,level,phone,counts", [("skip", "B", "0512-1", (0, 1)), ("overwrite", "A", "0512-2222", (1, 0)), ("fill", "B", "0512-1", (1, 0))])
def test_duplicates_are_skipped_overwritten_or_filled(app, session, make, as_, tmp_path, way, level, phone, counts):
    row = make.customer(name="老客户有限公司", level="B", phone="0512-1")
    file = tmp_path / "a.csv"
    file.write_bytes(_sheet([["客户名称", "客户级别", "电话", "传真"], ["老客户（有限公司）", "A", "0512-2222", "0512-3"]]))
    with app.test_request_context():
        done = running.run_file(str(file), "customer", on_duplicate=way)
    session.expire_all()
    assert (done["updated"], done["skipped"]) == counts and done["created"] == 0
    assert (row.level, row.phone) == (level, phone) and (row.fax == "0512-3") is (way != "skip")


def test_foreign_customers_are_not_overwritten(app, session, make, as_, people):
    make.customer(owner="zhao", name="别人的公司", level="C")
    with app.test_request_context(), as_("li"):
        run = running.new_run(session, "a.csv", _sheet([["客户名称", "客户级别"], ["别人的公司", "A"]]), "customer", people["li"])
        run.options = {"key": "name", "on_duplicate": "overwrite"}
        session.commit()
        job = jobs.enqueue(session, "import", {"run_id": run.id})
        jobs.run(session, job.id, actor_for)
    session.expire_all()
    assert session.get(ImportRun, run.id).failed == 1
    assert session.scalars(select(Customer)).one().level == "C"


def test_a_cancelled_or_killed_import_continues_or_is_taken_back_whole(app, session, as_, people):
    rows = [["客户名称"], *[[f"第{n:04d}家公司"] for n in range(1200)]]
    with app.test_request_context(), as_("li"):
        run = running.new_run(session, "a.csv", _sheet(rows), "customer", people["li"])
        running.open_batch(session, run)
        session.commit()
        writer_calls = []

        class Killed(BaseException):
            pass

        def die(done, total):
            writer_calls.append(done)
            raise Killed
        from app.imports.writing import Writer
        with pytest.raises(Killed):
            Writer(session, running.sheet_of(run), running.plan_of(run), run.id).run(die)
        session.rollback()
        assert session.get(ImportRun, run.id).done_rows == 500 and session.scalar(select(func.count(Customer.id))) == 500
        Writer(session, running.sheet_of(run), running.plan_of(run), run.id).run(lambda done, total: None)
        session.commit()
        assert session.get(ImportRun, run.id).created == 1200
        assert session.scalar(select(func.count(func.distinct(Customer.name)))) == 1200
        from app.core import undo
        assert undo.take_back(session, session.get(ImportRun, run.id).batch_id) == []
        session.commit()
    assert session.scalar(select(func.count(Customer.id)).execution_options(with_trash=True)) == 0


def test_the_command_reports_and_check_writes_nothing(app, session, tmp_path):
    file, report = tmp_path / "a.csv", tmp_path / "faults.csv"
    file.write_bytes(_sheet([["客户名称", "手机"], ["甲公司", "138"], ["乙公司", ""]]))
    runner = app.test_cli_runner()
    from app.cli import crm
    session.commit()
    done = runner.invoke(crm, ["import", str(file), "--check", "--report", str(report)])
    assert done.output.splitlines()[-1] == "created 1 updated 0 skipped 0 failed 1" and done.exit_code == 0
    assert session.scalar(select(func.count(Customer.id))) == 0
    with report.open(encoding="utf-8") as text:
        assert list(csv.reader(text))[:2][0] == ["row", "column", "value", "reason"]
    session.commit()
    done = runner.invoke(crm, ["import", str(file), "--owner", "li"])
    assert done.output.splitlines()[-1] == "created 1 updated 0 skipped 0 failed 1"
    broken = tmp_path / "b.xlsx"
    broken.write_bytes(b"PK\x03\x04nonsense")
    session.commit()
    assert runner.invoke(crm, ["import", str(broken)]).exit_code == 2


def test_namesakes_are_told_apart_in_the_sheet_and_found_again(session, make, login, people):
    name = session.get(Employee, people["li"]).name
    session.add(Employee(username="li2", first_name=name, last_name="", name=name, email="li2@example.com", active=True, password="-"))
    make.customer(owner="li", name="恒远")
    client = login("li")
    with client.post("/customer/export?quick=all", data={"fmt": "csv"}) as answer:
        text = answer.data
    rows = list(csv.DictReader(io.StringIO(text.decode("utf-8-sig"))))
    assert rows[0]["负责人"] == f"li {name}"
    table = reading.read(text, headings.known("customer"))
    plan = checking.Plan("customer", headings.match(table.headings, "customer"), "name", "overwrite", people["li"])
    line, = checking.Checker(session, table, plan).lines()
    assert line.faults == [] and line.values["customer.owner"] == people["li"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "'=", "＝"])
def test_what_was_exported_is_no_formula_and_comes_back_unchanged(session, make, login, start):
    row = make.customer(name=f"{start}1+1公司", note=f"{start}note", mobile="13812345678", level="A")
    make.customer(owner="zhao", name="看不见的公司")
    client = login("li")
    with client.post("/customer/export?quick=all", data={"fmt": "csv"}) as answer:
        text = answer.data
    cells = [cell for line in csv.reader(io.StringIO(text.decode("utf-8-sig"))) for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] and "看不见" not in cells
    with client.post("/customer/export?quick=all", data={"fmt": "xlsx", "ids": str(row.id)}) as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    assert sheet.max_row == 2 and sheet.cell(2, 1).value == row.name and sheet.cell(2, 1).data_type == "s"
    table = reading.read(text, headings.known("customer"))
    mapping = headings.match(table.headings, "customer")
    found = dict(zip(mapping, table.rows[0][1], strict=False))
    assert values.as_text(found["customer.name"]) == row.name and values.as_text(found["customer.note"]) == row.note
    assert values.as_text(found["customer.mobile"]) == row.mobile

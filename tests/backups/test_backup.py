"""One file with everything: made while people work, tried, put back; a damaged one is refused (promise 29)."""
import datetime as dt
import random
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, func, select, text

from app.backups import rules, running
from app.core import backup, clock, jobs, parameters
from app.core.attachments import Attachment
from app.core.rules import RuleError
from app.customers.models import Contact, Customer
from app.opportunities.models import OpportunityLine
from app.security.models import SecurityEvent
from app.views.files import keep, path_of
from tests import cast
from tests.story import refused


@pytest.fixture
def everything():
    """An engine on an empty place, and its folder of attachments: `everything(path, folder)`."""
    made = []

    def at(url, folder):
        engine = create_engine(url)
        made.append(engine)
        return engine, folder
    yield at
    for engine in made:
        engine.dispose()


def _attach(session, row, data):
    session.add(Attachment(entity="customer", row_id=row.id, name="图纸.pdf", size=len(data), mime="application/pdf", digest=keep(data)))
    session.commit()


def _writers(app, people, stop, count=20):
    """Twenty people who each add a customer with its contact in one transaction, again and again."""
    from app.extensions import db

    def work(n):
        with app.app_context():
            step = 0
            while not stop.is_set():
                customer = Customer(name=f"并发{n}-{step}", owner_id=people["li"])
                db.session.add(customer)
                db.session.flush()
                db.session.add(Contact(name=f"顾明{n}-{step}", customer_id=customer.id, owner_id=people["li"]))
                db.session.commit()
                step += 1
                time.sleep(0.01)
            db.session.remove()
    made = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    [one.start() for one in made]
    return made


def _until(session, rows, seconds=30):
    """Wait until so many customers are there; a busy machine takes its time."""
    end = time.monotonic() + seconds
    while session.scalar(select(func.count(Customer.id))) < rows and time.monotonic() < end:
        session.rollback()
        time.sleep(0.05)
    session.rollback()


def test_a_backup_made_while_twenty_write_restores_to_the_same_checksums(app, session, make, people, tmp_path, everything, postgres):
    """Promise 29: of one moment, whole; into an empty place of either database."""
    from app.extensions import db
    _attach(session, make.customer(name="恒远'\\\t\n公司", note="换行\n😀"), b"%PDF-1.7 drawing")
    stop, path = threading.Event(), tmp_path / "all.zip"
    writers = _writers(app, people, stop)
    try:
        _until(session, 21)
        told = backup.make(db.engine, running.uploads(), path)
        _until(session, told["tables"]["customer"][0] + 1)
    finally:
        stop.set()
        [one.join() for one in writers]
    assert told["tables"]["customer"][0] > 20 and told["tables"]["customer"][0] == told["tables"]["contact"][0] + 1, "no transaction was cut in two"
    assert session.scalar(select(func.count(Customer.id))) > told["tables"]["customer"][0], "they went on meanwhile"
    here, files = everything(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "new")
    there, more = everything(postgres.url, tmp_path / "more")
    from flask_appbuilder import Model
    Model.metadata.create_all(there)
    for engine, folder in ((here, files), (there, more)):
        with backup.unpacked(path) as found:
            backup.put_back(found, engine, folder)
        assert backup.sums(engine) == told["tables"], engine.dialect.name
        assert b"%PDF-1.7 drawing" in [one.read_bytes() for one in folder.rglob("??/*")]
    with here.connect() as line:
        assert line.scalar(text("SELECT count(*) FROM search_index WHERE search_index MATCH '\"g恒远\"'")) == 1
    print(f"backup: {sum(rows for rows, _sum in told['tables'].values())} rows while 20 wrote, equal on SQLite and PostgreSQL")


def test_a_backup_of_postgresql_is_the_same_file(app, session, make, tmp_path, postgres, everything):
    """Out of PostgreSQL, into SQLite and into PostgreSQL, rehearsed there in a schema of its own."""
    from flask_appbuilder import Model

    from app.extensions import db
    if db.engine.dialect.name != "sqlite":
        pytest.skip("begins on SQLite")
    make.contact(name="顾明")
    make.payment(contract_id=make.contract().id)
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    backup.make(db.engine, running.uploads(), first)
    Model.metadata.create_all(postgres)
    with postgres.begin() as line:
        cast.stamp(line)
    with backup.unpacked(first) as found:
        backup.put_back(found, postgres, tmp_path / "files")
    told = backup.make(postgres, tmp_path / "files", second)
    assert told["kind"] == "postgresql" and backup.rehearse(second, postgres)["tables"] == told["tables"]
    with postgres.connect() as line:
        assert line.scalar(text("SELECT count(*) FROM information_schema.schemata WHERE schema_name LIKE 'crm_rehearsal%'")) == 0
    with backup.unpacked(second) as found:
        here, files = everything(f"sqlite:///{tmp_path / 'new.db'}", tmp_path / "new")
        backup.put_back(found, here, files)
    assert backup.sums(here) == told["tables"]
    with here.connect() as line:
        assert line.scalar(text("SELECT count(*) FROM search_index WHERE search_index MATCH '\"g顾明\"'")) == 1


@pytest.fixture
def saved(app, session, make, tmp_path):
    """A small backup with an attachment."""
    from app.extensions import db
    row = make.customer(name="恒远")
    _attach(session, row, b"%PDF-1.7 " + bytes(range(256)) * 20)
    path = tmp_path / "good.zip"
    backup.make(db.engine, running.uploads(), path)
    return path


def test_a_damaged_file_is_refused_with_a_sentence_and_changes_nothing(app, session, saved, tmp_path):
    """Cut off anywhere, any byte turned: refused, or, where the byte says nothing, restored the same."""
    from app.extensions import db
    data, chance, before = saved.read_bytes(), random.Random(29), None
    db.session.commit()
    before, files = backup.sums(db.engine), sorted(running.uploads().rglob("*"))
    bad, refusals = tmp_path / "bad.zip", 0
    for n in range(60):
        at = chance.randrange(len(data))
        bad.write_bytes(data[:at] if n % 2 else data[:at] + bytes([data[at] ^ chance.randrange(1, 256)]) + data[at + 1:])
        try:
            with backup.unpacked(bad) as found:
                assert n % 2 == 0 and found.database.stat().st_size
        except RuleError as no:
            refusals += 1
            assert "损坏" in str(no) or "备份" in str(no)
    bad.write_bytes(b"")
    with refused("备份"):
        running.restore(bad, db.engine)
    bad.write_bytes(data[:-200])
    with refused("备份"):
        running.restore(bad, db.engine)
    assert backup.sums(db.engine) == before and sorted(running.uploads().rglob("*")) == files
    assert refusals >= 55
    print(f"damaged backups: {refusals} of 60 refused, the others' byte said nothing")


@pytest.mark.sqlite
def test_the_command_restores_a_database_in_use_and_saves_it_first(app, session, saved, make, login, people):
    """What was written later is gone, and can be had back from what was saved before; everybody logs in again."""
    from app.extensions import db
    client = login("li")
    later = make.customer(name="后来的")
    runner = app.test_cli_runner()
    answer = runner.invoke(args=["crm", "restore", str(saved)])
    assert answer.exit_code == 0 and "restored what was saved at" in answer.output, answer.output
    assert session.scalar(select(func.count(Customer.id)).where(Customer.name == "后来的")) == 0
    assert session.scalar(select(Customer.name)) == "恒远" and not parameters.get(session, "system.read_only")
    assert client.get("/customer/list/").location.startswith("/login/")
    before = rules.listed(running.folder())[0]
    assert before.kind == "before"
    session.commit()
    running.restore(running.folder() / before.name, db.engine)
    assert session.scalar(select(func.count(Customer.id)).where(Customer.name == "后来的", Customer.id == later.id)) == 1
    assert not parameters.get(session, "system.read_only"), "saved while it was read-only, restored open"
    assert login("li").get("/customer/list/").status_code == 200


@pytest.mark.sqlite
def test_commands_tell_one_line(app, session, saved, tmp_path, monkeypatch):
    session.commit()
    runner, out = app.test_cli_runner(), tmp_path / "by-hand.zip"
    made = runner.invoke(args=["crm", "backup", str(out)])
    assert made.exit_code == 0 and " files, " in made.output and out.stat().st_mode & 0o777 == 0o600
    assert runner.invoke(args=["crm", "check", "--database", "--file", str(out)]).output == "ok\n"
    out.write_bytes(out.read_bytes()[:-1])
    cut = runner.invoke(args=["crm", "restore", str(out)])
    assert cut.exit_code == 1 and cut.output.count("\n") == 1 and cut.output.startswith("Error: ")
    path_of(session.scalar(select(Attachment.digest))).unlink()
    session.commit()
    gone = runner.invoke(args=["crm", "check", "--database"])
    assert gone.exit_code == 1 and "1" in gone.output
    session.rollback()
    monkeypatch.setitem(app.config, "CRM_BACKUP_DIR", str(tmp_path / "none"))
    assert runner.invoke(args=["crm", "check", "--backup"]).exit_code == 1


@pytest.mark.sqlite  # twelve restores; one on PostgreSQL is tried above
def test_every_night_one_is_made_tried_and_the_old_ones_go(app, session, make, monkeypatch, tmp_path):
    from app.security.people import actor_for
    monkeypatch.setitem(app.config, "CRM_BACKUP_DIR", str(tmp_path / "kept"))
    make.customer()
    parameters.put(session, "backup.days", 3)
    parameters.put(session, "backup.weeks", 2)
    parameters.put(session, "backup.months", 0)
    session.commit()
    first = dt.datetime(2026, 11, 1, 18, 30)
    for n in range(12):
        with clock.frozen(first + dt.timedelta(n)):
            running.daily(session)
            jobs.run(session, jobs.waiting(session)[0], actor_for)
            good = rules.last_good(running.folder())
            assert good and good.made_at == first + dt.timedelta(n) and good.rows > 10
    left = [one.made_at.day for one in rules.listed(running.folder())]
    assert left == [12, 11, 10, 7], "three days, and the last one of each of two weeks"
    with clock.frozen(first + dt.timedelta(15)), refused("备份"):
        running.check_recent()
    parameters.put(session, "backup.daily", False)
    session.commit()
    running.daily(session)
    assert jobs.waiting(session) == []


def test_a_backup_that_does_not_restore_is_never_called_good(app, session, saved, monkeypatch, tmp_path):
    from app.extensions import db
    monkeypatch.setitem(app.config, "CRM_BACKUP_DIR", str(tmp_path))
    path = tmp_path / rules.new_name("hand")
    Path(saved).rename(path)
    assert rules.last_good(tmp_path) is None, "not tried yet"
    session.commit()
    assert rules.tried(db.engine, path).is_good and rules.last_good(tmp_path).name == path.name
    path.write_bytes(path.read_bytes()[:-1])
    with refused("备份"):
        rules.tried(db.engine, path)
    assert rules.last_good(tmp_path) is None and "损坏" in rules.listed(tmp_path)[0].said


@pytest.mark.sqlite
def test_the_administrators_page_makes_tries_fetches_and_puts_back(app, session, make, login, monkeypatch, tmp_path):
    from app.security.people import actor_for
    monkeypatch.setitem(app.config, "CRM_BACKUP_DIR", str(tmp_path))
    make.customer(name="恒远")
    client, li = login("admin"), login("li")
    assert li.get("/backup/").status_code == 403 and li.post("/backup/make").status_code == 403

    def done(answer):
        assert answer.status_code == 302 and answer.location.startswith("/job/"), answer.text
        jobs.run(session, jobs.waiting(session)[0], actor_for)
        return session.get(jobs.Job, int(answer.location.rpartition("/")[2]))
    assert "从未" in client.get("/backup/").text and "已试恢复，校验一致" in client.get(done(client.post("/backup/make")).id and "/backup/").text
    name = rules.listed(tmp_path)[0].name
    assert done(client.post(f"/backup/{name}/try")).state == "done"
    with client.post(f"/backup/{name}/file") as out:
        assert out.data == (tmp_path / name).read_bytes()
    make.customer(name="后来的")
    assert "恢复" in client.post(f"/backup/{name}/restore", data={"word": "恢"}).text
    number = done(client.post(f"/backup/{name}/restore", data={"word": "恢复"})).id
    assert session.scalars(select(Customer.name)).all() == ["恒远"]
    job = session.get(jobs.Job, number)
    assert job.state == "done" and job.done == 1, job.message
    job.state = "queued"
    session.commit()
    jobs.run(session, number, actor_for)
    session.expire_all()
    assert session.get(jobs.Job, number).state == "failed", "one that is taken up again restores nothing"
    assert client.get("/backup/").location.startswith("/login/")
    client = login("admin")
    for wrong in ("hand-20260101-000000.zip", "..%2Fconfig.py", "x"):
        assert client.get(f"/backup/{wrong}/restore").status_code == 404
    assert client.post(f"/backup/{name}/delete").status_code == 302 and rules.last_good(tmp_path) is None
    details = client.get("/loginlog/list/?psize_LoginLogView=100").text
    assert f"backup {name}" in details and "恢复备份" in details


def test_all_data_go_into_one_book(app, session, make, login, people):
    import openpyxl

    from app.security.people import actor_for
    make.contact(name="顾明")
    make.payment(contract_id=make.contract(name="驱动器合同").id)
    deal = make.opportunity(name="三号车间")
    deal.lines = [OpportunityLine(name="伺服驱动器", quantity=2500, price=128_000, list_price=128_000, tax_rate=1300, is_taxed=True, position=0)]
    session.commit()
    answer = login("admin").post("/backup/book")
    jobs.run(session, jobs.waiting(session)[0], actor_for)
    number = int(answer.location.rpartition("/")[2])
    assert session.get(jobs.Job, number).state == "done", session.get(jobs.Job, number).message
    with login("admin").get(f"/job/{number}/file") as out:
        place = running.uploads() / "all.xlsx"
        place.write_bytes(out.data)
    book = openpyxl.load_workbook(place, read_only=True)
    sheets = {name: [[cell.value for cell in row] for row in book[name].iter_rows()] for name in book.sheetnames}
    book.close()
    assert any("顾明" in str(row) for row in sheets["联系人"]) and any("驱动器合同" in str(row) for row in sheets["合同 订单"]), list(sheets)
    lines = sheets["销售机会 明细"]
    assert lines[1][0] == deal.number and lines[1][lines[0].index("品名")] == "伺服驱动器" and lines[1][lines[0].index("数量")] == 2.5
    assert len(sheets["用户管理"]) == len(people) + 1 and {"客户级别", "客户状态"} <= {row[0] for row in sheets["下拉选项"]}, list(sheets)
    assert list(sheets)[0] == "客户" and not any("密码" in str(head) for rows in sheets.values() for head in rows[0])
    event = session.scalars(select(SecurityEvent).where(SecurityEvent.result == "export").order_by(SecurityEvent.id.desc())).first()
    assert event.username == "admin" and event.rows == sum(len(rows) - 1 for rows in sheets.values())

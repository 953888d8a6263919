"""The ground: clock, money, numbers, changes, undo, memo, jobs, scope."""
import datetime as dt
import threading

import pytest
from flask import render_template_string
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from app.core import actor, changes, clock, jobs, memo, money, numbering, schedule, undo, words
from app.core.changes import Batch, Change
from app.core.rules import RuleError
from app.core.scope import Collaborator, may_edit
from app.customers.models import Contact, Customer
from app.security.models import Employee


def test_a_moment_is_utc_in_the_database_and_the_offices_on_screen():
    moment = dt.datetime(2026, 11, 24, 16, 30)
    assert clock.to_office(moment) == dt.datetime(2026, 11, 25, 0, 30) and clock.to_utc(clock.to_office(moment)) == moment
    with clock.frozen(moment):
        assert clock.today() == dt.date(2026, 11, 25), "the office's day, not UTC's"
        assert clock.day_start(clock.today()) == dt.datetime(2026, 11, 24, 16)


@pytest.mark.parametrize("yuan,fen", [("0.005", 1), ("1.004", 100), ("1.005", 101), ("-1.005", -101), ("1234.5", 123450)])
def test_money_rounds_half_up_to_the_fen(yuan, fen):
    assert money.to_fen(yuan) == fen and money.to_fen(money.to_yuan(fen)) == fen


@pytest.mark.parametrize("bad", ["", "abc", "1e400", "99999999999999999"])
def test_what_is_no_amount_is_refused(bad):
    with pytest.raises(ValueError, match="amount"):
        money.to_fen(bad)


def test_numbers_run_without_holes_also_after_a_rollback(session, make):
    first = make.customer()
    session.add(Customer(name="半途", owner_id=first.owner_id))
    session.flush()
    session.rollback()
    second = make.customer()
    assert int(second.number[-4:]) == int(first.number[-4:]) + 1


def test_fifty_parallel_saves_give_fifty_numbers(app, people):
    """Promise 23: unique and without holes."""
    from app.extensions import db
    failed = []

    def save(n):
        with app.app_context():
            try:
                db.session.add(Customer(name=f"并发{n}", name_key=f"并发{n}", owner_id=people["li"]))
                db.session.commit()
            except Exception as bad:  # noqa: BLE001
                failed.append(bad)
            finally:
                db.session.remove()
    threads = [threading.Thread(target=save, args=(n,)) for n in range(50)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not failed
    numbers = sorted(int(n[-4:]) for n in db.session.scalars(select(Customer.number)))
    assert numbers == list(range(1, 51))


def test_every_change_is_logged_with_old_and_new_in_the_same_transaction(session, make, as_, people):
    row = make.customer(level="B")
    with as_("li"):
        row.level = "A"
        session.flush()
        assert session.scalar(select(func.count(Change.id)).where(Change.verb == "edit")) == 1
        session.rollback()
        assert session.scalar(select(func.count(Change.id)).where(Change.verb == "edit")) == 0, "no log without its row"
        row.level = "A"
        session.commit()
    log = session.scalars(select(Change).where(Change.verb == "edit")).one()
    assert (log.actor_id, log.old["level"], log.new["level"], log.row_id) == (people["li"], "B", "A", row.id)


def _all(session):
    return {t.name: sorted(map(str, session.execute(select(*[c for c in t.c if c.name != "version"])).all()))
            for t in (Customer.__table__, Contact.__table__, Collaborator.__table__, numbering.Counter.__table__)}


def test_undo_puts_back_adds_edits_and_deletes_identically(session, make):
    row, gone = make.customer(level="B"), make.customer()
    make.contact(customer_id=row.id)
    before = _all(session)
    with changes.operation(session, "mass", "customer", "三件事"):
        row.level = "A"
        session.delete(gone)
        session.add(Customer(name="新的", name_key="新的", owner_id=row.owner_id))
    session.commit()
    batch = session.info["last_batch"]
    assert session.get(Batch, batch).count == 3 and _all(session) != before
    assert undo.take_back(session, batch) == []
    session.commit()
    assert _all(session) == before
    with pytest.raises(RuleError):
        undo.take_back(session, batch)


@pytest.mark.parametrize("kind", ["customer", "employee"])
def test_rows_of_different_versions_that_change_at_once_each_get_their_own_next_one(session, make, people, kind):
    """Employees too, whose version stands on a class below the one that has the table."""
    rows = [make.customer(fax="1") for _n in range(3)] if kind == "customer" else [session.get(Employee, people[n]) for n in ("li", "wang", "zhao")]
    name, kept = ("fax", "1") if kind == "customer" else ("title", None)
    for n in range(3):
        setattr(rows[1], name, f"{n}")
        session.commit()
    setattr(rows[1], name, kept)
    session.commit()
    before = [row.version for row in rows]
    with changes.operation(session, "mass", "customer"):
        for told in ("a", "b"):
            for row in rows:
                setattr(row, name, told)
            session.flush()
    session.commit()
    batch, model = session.info["last_batch"], type(rows[0])
    wanted = select(model.id, model.version).where(model.id.in_([row.id for row in rows]))
    after = {row.id: was + 2 for row, was in zip(rows, before, strict=True)}
    assert dict(session.execute(wanted).all()) == after and len({*before}) > 1
    logged = dict(session.execute(select(Change.row_id, func.max(Change.version)).where(Change.batch_id == batch).group_by(Change.row_id)).all())
    assert logged == after
    assert undo.take_back(session, batch) == []
    session.commit()
    assert {getattr(row, name) for row in rows} == {kept}


def test_undo_leaves_rows_that_changed_since(session, make):
    row, other = make.customer(level="B"), make.customer(level="B")
    with changes.operation(session, "mass"):
        row.level = other.level = "A"
    session.commit()
    batch = session.info["last_batch"]
    row.level = "C"
    session.commit()
    assert undo.take_back(session, batch) == [("customer", row.id)]
    session.commit()
    assert (row.level, other.level) == ("C", "B")


def test_only_ones_own_operations_are_taken_back(session, make, as_):
    row = make.customer()
    with as_("li"):
        row.level = "A"
        session.commit()
    batch = session.info["last_batch"]
    with as_("wang"), pytest.raises(RuleError):
        undo.take_back(session, batch)
    with as_("admin"):
        assert undo.take_back(session, batch) == []


def test_what_is_remembered_is_forgotten_when_it_changes(session):
    loaded = []
    for _n in range(2):
        memo.recall(session, "choices", "probe", lambda: loaded.append(1))
    assert len(loaded) == 1
    memo.touch(session, "choices")
    session.commit()
    memo.recall(session, "choices", "probe", lambda: loaded.append(1))
    assert len(loaded) == 2


def test_scope_own_department_subordinates_all(session, make, as_):
    for owner in ("li", "wang", "zhao"):
        make.customer(owner=owner)
    for name, sees in (("li", 1), ("wang", 1), ("zhao", 1), ("qian", 2), ("chen", 3), ("admin", 3)):
        with as_(name):
            assert session.scalar(select(func.count(Customer.id))) == sees, name
            assert len(session.scalars(select(Customer)).all()) == sees
    with actor.acting_as(actor.NOBODY):
        assert session.scalar(select(func.count(Customer.id))) == 0


def test_a_shared_record_is_read_or_edited_until_its_day(session, make, as_, people):
    row = make.customer(owner="li")
    share = make.collaborator(row_id=row.id, employee_id=people["zhao"], may_write=False, until=clock.today())
    with as_("zhao") as zhao:
        assert session.scalar(select(Customer).where(Customer.id == row.id)) is not None
        assert not may_edit(session, row, zhao)
    share.may_write = True
    session.commit()
    with as_("zhao") as zhao:
        assert may_edit(session, row, zhao)
    share.until = clock.today() - dt.timedelta(1)
    session.commit()
    with as_("zhao"):
        assert session.scalar(select(Customer).where(Customer.id == row.id)) is None, "yesterday was the last day"


def test_whoever_sees_the_customer_sees_what_hangs_on_it(session, make, as_, people):
    row = make.customer(owner="li")
    make.contact(owner="zhao", customer_id=row.id)
    with as_("li"):
        assert session.scalar(select(func.count(Contact.id))) == 1
    with as_("wang"):
        assert session.scalar(select(func.count(Contact.id))) == 0


def test_a_job_runs_cancels_and_is_taken_up_after_its_worker_died(session, as_):
    from app.security.people import actor_for
    seen = []

    @jobs.kind("probe")
    def probe(job, session, progress):
        seen.append(actor.current().username)
        progress(1, 2)
        if job.params.get("boom"):
            raise ValueError("boom")
        return {"n": 1}
    with as_("li"):
        good, bad, stopped = (jobs.enqueue(session, "probe", p) for p in ({}, {"boom": 1}, {}))
        jobs.cancel(session, stopped)
        session.commit()
    for job in (good, bad, stopped):
        jobs.run(session, job.id, actor_for)
    assert [j.state for j in (good, bad, stopped)] == ["done", "failed", "cancelled"] and good.result == {"n": 1}
    assert seen == ["li", "li"], "a job acts as its owner"
    good.state = "running"
    session.commit()
    good.worker = "elsewhere:7:dead"  # a worker of another machine
    session.commit()
    assert jobs.take_up(session) == [], "its worker was heard of a moment ago"
    good.beat_at = clock.now() - dt.timedelta(minutes=11)
    session.commit()
    assert jobs.take_up(session) == [good.id]


def test_what_is_due_runs_once_with_two_workers_and_late_when_nobody_ran(session, monkeypatch):
    """A moved clock; the second worker has read the same table before the first took the entry."""
    ran = []
    monkeypatch.setattr(schedule, "ENTRIES", {})
    schedule.daily("probe", "02:30")(lambda s: ran.append(clock.now()))
    schedule.every("boom", 10)(lambda s: 1 / 0)
    evening = dt.datetime(2026, 11, 24, 12)  # 20:00 in the office
    with clock.frozen(evening):
        assert schedule.tick(session) == [] and schedule.tick(session) == []
    with clock.frozen(evening + dt.timedelta(hours=6, minutes=29)):
        assert schedule.tick(session) == ["boom"], "its failure stops nobody"
    with clock.frozen(evening + dt.timedelta(days=3)):
        known = schedule._known(session)
        assert "probe" in schedule.tick(session)
        monkeypatch.setattr(schedule, "_known", lambda s: known)
        assert schedule.tick(session) == [] and len(ran) == 1
    assert schedule.day_time(evening, "02:30") == dt.datetime(2026, 11, 24, 18, 30)


def test_a_text_told_late_is_text_on_a_page_whatever_was_filled_in(app):
    with app.test_request_context():
        for told in (words.named("<script>1</script>", None), words._l("%(field)s must not be empty.", field="<img src=x>")):
            page = render_template_string("{{ told }}", told=told)
            assert "<" not in page and "&lt;" in page and "<" in str(told)


@pytest.mark.parametrize("who, n", [("li", 1), ("qian", 3), ("chen", 4)])
def test_two_aliases_of_one_model_are_both_narrowed(session, make, as_, who, n):
    """A model that stands twice in a statement: each of the two is narrowed, with the values of the person who asks."""
    for owner in ("li", "wang", "wang", "zhao"):
        make.contact(owner=owner, customer_id=make.customer(owner=owner).id)
    for model in (Customer, Contact):
        one, two = aliased(model), aliased(model)
        with as_(who):
            pairs = session.execute(select(one.id, two.id).join(two, two.id != one.id, isouter=True)).all()
            both = session.execute(select(one.id, two.id).join(two, two.id == one.id)).all()
            there = session.scalars(select(one.id).where(select(two.id).where(two.id == one.id).exists())).all()
        assert (len(pairs), len(both), len(there)) == (max(n * (n - 1), 1), n, n), model


def test_what_a_person_is_called():
    assert [actor.Actor(1, "x", name).given for name in ("李雨桐", "李明", "管理员", "Ann Lee", "欧阳修文")] == ["雨桐", "李明", "管理员", "Ann Lee", "修文"]


def test_yuan_as_people_write_them():
    assert [money.read(t) for t in ("1,234.50", "¥ 1，234.5元", "9.3万", "1.2亿")] == [1234_50, 1234_50, 93_000_00, 120_000_000_00]
    for text in ("", "x", "万", "NaN", "inf", "1万万"):
        with pytest.raises(ValueError):
            money.read(text)

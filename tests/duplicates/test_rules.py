"""查重与合并: found by keys and not by a scan, foreign ones asked for, the whole database looked through, merged and taken apart again."""
import datetime as dt

import pytest
from sqlalchemy import insert, select, text

from app.core import changes, clock, entity, jobs, undo
from app.core.changes import Batch
from app.core.scope import Collaborator
from app.customers import keys, twins
from app.customers.models import Customer
from app.customers.names import name_key
from app.duplicates import merging, rules
from app.duplicates.models import DuplicatePair, ShareRequest
from tests.story import refused


def found(session, **asked) -> list[tuple]:
    """(name, reasons) of what the check finds."""
    return [(t.customer.name, t.reasons) for t in twins.find(session, **asked)]


def test_a_twin_is_found_by_whatever_it_shares(session, make):
    one = make.customer(name="苏州恒远精密机械有限公司", phone="0512-88886666", tax_number="91320500MA1XXXXX1X", website="www.hengyuan.com")
    make.contact(customer_id=one.id, mobile="13812345678", email="gu@hengyuan.com")
    make.customer(name="无锡天工仪表有限公司")
    for asked, why in (({"name": "蘇州恆遠精密機械"}, ("same",)), ({"name": "江苏恒源精密机械厂"}, ("similar",)), ({"name": "苏州恒远精"}, ("begins",)),
                       ({"phones": ["(0512)8888 6666"]}, ("phone",)), ({"phones": ["+86 13812345678"]}, ("phone",)),
                       ({"tax": "91320500ma1xxxxx1x"}, ("tax",)), ({"webs": ["mail@hengyuan.com"]}, ("web",)),
                       ({"name": "恒远精密机械", "webs": ["https://hengyuan.com/x"]}, ("same", "web"))):
        assert found(session, **asked) == [(one.name, why)], asked
    assert found(session, name="恒远", phones=["1"], webs=["a@qq.com"]) == [] and twins.find(session, name=one.name, but=one.id) == []


def test_keys_follow_every_change(session, make, people):
    """A new name, a moved contact, the trash and the way back: what is found is what is there."""
    one, two = make.customer(name="苏州恒远精密机械有限公司"), make.customer(name="无锡天工仪表有限公司")
    person = make.contact(customer_id=one.id, mobile="13812345678")

    def by_phone():
        return [t.customer.id for t in twins.find(session, phones=["13812345678"])]
    assert by_phone() == [one.id]
    person.customer_id, one.name = two.id, "常州远大传动有限公司"
    session.commit()
    assert by_phone() == [two.id] and found(session, name="恒远精密机械") == [] and found(session, name="远大传动") != []
    session.delete(person)
    session.delete(one)
    session.commit()
    assert by_phone() == [] and found(session, name="常州远大传动") == []
    undo.take_back(session, session.info["last_batch"])
    session.commit()
    assert by_phone() == [two.id] and found(session, name="常州远大传动") != []
    session.execute(keys.CustomerKey.__table__.delete())
    jobs.run(session, jobs.enqueue(session, "keys", {}).id, None)
    assert by_phone() == [two.id] and found(session, name="远大传动") != []


def test_the_check_looks_keys_up_and_scans_nothing(session, make, statements):
    """Four statements, whatever stands in the table; each by an index: so says the database's own plan, over five thousand rows."""
    made = {"version": 1, "created_at": clock.now(), "changed_at": clock.now(), "level": "A"}
    session.execute(insert(Customer.__table__), [
        {**made, "id": n, "name": (name := f"苏州恒远{n}号机械有限公司"), "name_key": name_key(name), "mobile": str(13_800_000_000 + n)} for n in range(1, 5001)])
    for at in range(1, 5001, 1000):
        keys.refresh(session, range(at, at + 1000), fresh=True)
    session.commit()
    line = session.connection()
    lite = line.dialect.name == "sqlite"
    line.execute(text("ANALYZE customer"))
    line.execute(text("ANALYZE customer_key"))
    with statements() as seen:
        assert twins.find(session, name="苏州恒远77号机械", phones=["13800000077"])[0].customer.id == 77
    asked = [s for s in seen if "customer" in s and s.lstrip().startswith("SELECT")]
    assert len(asked) == 4, asked  # sure keys, near keys, names that begin so, the rows
    begins = "name_key >= '苏州恒远77' AND name_key < '苏州恒远78'" if lite else "name_key ~>=~ '苏州恒远77' AND name_key ~<~ '苏州恒远78'"
    for sql, index in (("SELECT key, customer_id FROM customer_key WHERE key IN (1, 2, 3) LIMIT 120", "PRIMARY KEY" if lite else "customer_key_pkey"),
                       (f"SELECT id FROM customer WHERE {begins} AND deleted_at IS NULL LIMIT 10", "ix_customer_name_key")):
        plan = "\n".join(str(r) for r in line.execute(text(("EXPLAIN QUERY PLAN " if lite else "EXPLAIN ") + sql)))
        print(plan)
        assert index in plan and ("SEARCH" if lite else "Index") in plan and "SCAN" not in plan and "Seq Scan" not in plan
    if not lite:
        session.execute(text("TRUNCATE customer CASCADE"))
        session.commit()


def test_asking_to_work_along(session, make, people, as_):
    one = make.customer(owner="zhao", name="苏州恒远精密机械有限公司")
    with as_("li"):
        rules.ask(session, one.id, "同一集团")
        session.commit()
        with refused("已经申请", session=session):
            rules.ask(session, one.id)
        with refused("可以看到", session=session):
            rules.ask(session, make.customer().id)
        assert session.scalars(select(Customer).where(Customer.id == one.id)).first() is None
    request = session.scalars(select(ShareRequest)).one()
    assert request.owner_id == people["zhao"] and rules.shown_name(one, False, True) == "苏州******有限公司"
    with as_("zhao"):
        rules.decide(session, [request], "read")
        session.commit()
        with refused("已经", session=session):
            rules.decide(session, [request], "write")
    with as_("li"):
        assert session.scalars(select(Customer).where(Customer.id == one.id)).first() is not None
    with refused("公海"):
        rules.ask(session, make.customer(owner_id=None, pool_id=make.pool().id).id)


def test_the_whole_database_is_looked_through(session, make):
    a, b = make.customer(name="苏州恒远精密机械有限公司"), make.customer(name="江苏恒远精密机械股份公司")
    c, d = make.customer(name="无锡天工仪表有限公司", phone="0510-66668888"), make.customer(name="常州远大有限公司")
    make.contact(customer_id=d.id, phone="051066668888")
    make.customer(name="北京天工仪表有限公司")

    def run():
        jobs.run(session, jobs.enqueue(session, "duplicates", {}).id, None)
        return {(p.one_id, p.other_id): p for p in session.scalars(select(DuplicatePair).where(DuplicatePair.is_dismissed.is_(False)))}
    pairs = run()
    assert {k: p.reason for k, p in pairs.items()} == {(a.id, b.id): "same", (c.id, d.id): "phone"}
    pairs[a.id, b.id].is_dismissed = True
    session.commit()
    assert list(run()) == [(c.id, d.id)], "a dismissed pair does not come back"


def everything(session) -> dict:
    """All rows of all tables that a person's work fills, but for versions and the log; credits are reckoned anew, with new stamps."""
    session.commit()
    found, reckoned = {}, {"credit": ("version", "changed_at", "changed_by_id")}
    for model in entity.entities():
        t = model.__table__
        found[t.name] = sorted(tuple(str(r._mapping[c.name]) for c in t.columns if c.name not in reckoned.get(t.name, ("version", "pool_at"))) for r in session.execute(select(t)))
    session.rollback()
    return found


@pytest.fixture
def two(make, people):
    """Two customers with everything that can hang on one."""
    keep = make.customer(name="苏州恒远精密机械有限公司", phone="0512-88886666", level="A")
    gone = make.customer(owner="wang", name="恒远精密机械(苏州)有限公司", mobile="13812345678", level="B", note="老客户", is_locked=True,
                         last_follow_at=clock.now() - dt.timedelta(1), last_follow_text="谈过")
    person = make.contact(customer_id=gone.id, name="顾明")
    make.contact(customer_id=keep.id)
    deal = make.opportunity(customer_id=gone.id)
    contract = make.contract(customer_id=gone.id, opportunity_id=deal.id, signed_on=clock.today(), state="signed")
    for one in ("payment", "payment_plan", "invoice"):
        make.row(one, "li", contract_id=contract.id)
    make.quote(customer_id=gone.id), make.expense(customer_id=gone.id), make.task(customer_id=gone.id)
    make.followup(customer_id=gone.id, contact_id=person.id), make.attachment(row_id=gone.id)
    make.collaborator(row_id=gone.id, employee_id=people["zhao"]), make.collaborator(row_id=gone.id, employee_id=people["li"])
    make.share_request(customer_id=gone.id)
    return keep, gone


def test_merged_with_a_choice_per_field_and_everything_moves(session, two, as_, people):
    keep, gone = two
    kept_id, gone_id = keep.id, gone.id
    with as_("chen"):
        assert {f.name for f in merging.fields_of(two)} == {"name", "phone", "mobile", "level", "owner", "note"}
        merging.merge(session, keep, [gone], {"mobile": gone_id, "note": gone_id, "level": keep.id})
        session.commit()
    session.expire_all()
    assert (keep.name, keep.level, keep.mobile, keep.note, keep.owner_id) == ("苏州恒远精密机械有限公司", "A", "13812345678", "老客户", people["li"])
    assert keep.last_follow_text == "谈过" and keep.is_locked and keep.is_won and gone.deleted_at
    for model, column in merging.pointers():
        held = session.scalars(select(column).where(column.is_not(None)).execution_options(with_trash=True)).all()
        assert gone_id not in held, (model.__name__, column.name)
    assert session.scalars(select(Collaborator.employee_id).where(Collaborator.row_id == kept_id)).all() == [people["zhao"]]
    assert [t.customer.id for t in twins.find(session, phones=["13812345678"])] == [kept_id]


def test_taking_the_merge_back_leaves_every_row_as_it_was(session, two, as_):
    """撤销 is the un-merge: all tables, row by row."""
    keep, gone = two
    before = everything(session)
    with as_("chen"):
        with changes.operation(session, "merge", "customer", "合并"):
            merging.merge(session, keep, [gone], {"mobile": gone.id, "owner": gone.id})
        session.commit()
        assert everything(session) != before
        batch = session.scalars(select(Batch).where(Batch.kind == "merge")).one()
        assert undo.take_back(session, batch.id) == []
        session.commit()
    after = everything(session)
    for table, rows in before.items():
        assert after[table] == rows, table


def test_what_cannot_be_merged(session, two, make):
    keep, gone = two
    with refused("两", session=session):
        merging.merge(session, keep, [], {})
    with refused("选择", "level", session):
        merging.merge(session, keep, [gone], {"level": 999})

"""交接: what a leaver holds, parted among those who stay; history keeps its author; one operation, taken back to the same rows."""
import datetime as dt
import re

import pytest
from sqlalchemy import func, select

from app.approvals import rules as approvals
from app.approvals.models import Approval, ApprovalRule, ApprovalStep
from app.contracts.models import Contract
from app.core import bulk, clock, entity, jobs, parameters, undo
from app.core.changes import Batch
from app.core.entity import Owned
from app.core.jobs import Job
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.customers.models import Contact, Customer, Followup
from app.opportunities.models import Opportunity
from app.payments.models import Payment, PaymentPlan
from app.quotes.models import Quote
from app.security import handover
from app.security.handover import Plan
from app.security.models import Department, Employee
from app.security.people import actor_for
from app.targets.models import Credit, Share
from app.tasks.models import Task
from tests.safety.test_undo import checksum, last

MOVED = (Customer, Contact, Opportunity, Quote, Contract, PaymentPlan, Task, Followup, Payment, Credit, Share)


@pytest.fixture
def office(make, session, people):
    """李 holds six customers, three of them of level A, with everything that hangs on them, done and still to do."""
    rows = [make.customer(owner="li", level="A" if n < 3 else "C", region=("江苏省 苏州市", "江苏省 无锡市", "上海市 浦东新区")[n % 3]) for n in range(6)]
    for n, row in enumerate(rows):
        make.contact(owner="li", customer_id=row.id)
        make.followup(owner="li", customer_id=row.id)
        make.opportunity(owner="li", customer_id=row.id)
        make.task(owner="li", customer_id=row.id, title=f"回访{n}")
    first = rows[0].id
    make.opportunity(owner="li", customer_id=first, name="输掉的", stage="lost", closed_on=dt.date(2026, 1, 5))
    make.task(owner="li", customer_id=first, title="做完的", state="done", done_at=clock.now())
    make.quote(owner="li", customer_id=first, name="还有效", state="sent")
    make.quote(owner="li", customer_id=first, name="被拒的", state="refused")
    contract = make.contract(owner="li", customer_id=first, name="执行中", state="running", signed_on=dt.date(2026, 10, 8))
    make.contract(owner="li", customer_id=first, name="履约完", state="done", signed_on=dt.date(2025, 10, 8))
    make.payment_plan(owner="li", contract_id=contract.id)
    make.payment(owner="li", contract_id=contract.id, amount=500_00)
    make.task(owner="li", title="买票")
    session.commit()
    return rows


def owners(session, model, *where) -> dict:
    session.expire_all()
    return dict(session.execute(select(model.owner_id, func.count()).where(*where).group_by(model.owner_id)).all())


def test_a_leaver_is_parted_evenly_and_taken_back(office, login, session, people):
    """Both get three customers, as many of each level; what belongs to a customer follows it; done work keeps its author."""
    li, wang, qian = (people[n] for n in ("li", "wang", "qian"))
    before, admin = checksum(session, *MOVED), login("admin")
    page = admin.get(f"/handover/?who={li}").text
    held = dict(re.findall(r'data-held="(\w+)"><td>[^<]*</td><td class="r num">(\d+)', page))
    assert held == {"customer": "6", "contact": "6", "opportunity": "6", "quote": "1", "contract": "1", "payment_plan": "1", "task": "7"}
    plan = f"who={li}&to={wang}&to={qian}&way=even"
    page = admin.get(f"/handover/?{plan}&preview=1").text
    told = {kind: tuple(map(int, re.findall(r'data-gets="\d+">(\d+)', cells))) for kind, cells in re.findall(
        r'data-kind="(\w+)">(.*?)</tr>', page.partition("data-k-preview")[2], flags=re.S)}
    assert told["customer"] == told["contact"] == told["opportunity"] == (3, 3) and sum(told["task"]) == 7
    assert checksum(session, *MOVED) == before, "a preview changes nothing"

    answer = admin.post("/handover/", data={"plan": plan})
    job = session.get(Job, int(answer.location.rsplit("/", 1)[1]))
    assert job.state == "done" and owners(session, Customer) == {wang: 3, qian: 3}
    for level in "AC":
        assert sorted(owners(session, Customer, Customer.level == level).values()) == [1, 2], level
    for model in (Contact, Opportunity):
        apart = select(func.count()).select_from(model).join(Customer, Customer.id == model.customer_id).where(model.owner_id != Customer.owner_id)
        left = apart.where(model.owner_id != li)
        assert session.scalar(left) == 0, f"{model.__name__} follows its customer"
    history = {Followup: [], Payment: [], Task: [Task.state == "done"], Opportunity: [Opportunity.closed_on.is_not(None)],
               Quote: [Quote.state == "refused"], Contract: [Contract.state == "done"], Credit: []}
    for model, where in history.items():
        assert set(owners(session, model, *where)) == {li}, model.__name__
    assert li not in owners(session, Task, Task.state != "done") and li not in owners(session, PaymentPlan)
    batch = last(session)
    assert (batch.kind, batch.entity, batch.actor_id, batch.undone_at) == ("handover", "ab_user", people["admin"], None)
    page = admin.get(answer.location).text
    assert f'action="/undo/{batch.id}"' in page and "28 条" in page
    assert "负责人" in admin.get(f"/undo/show/{batch.id}").text
    assert undo.take_back(session, batch.id) == []
    assert checksum(session, *MOVED) == before


def test_by_region_by_level_by_kind_and_to_one(office, session, people):
    li, wang, qian, zhao = (people[n] for n in ("li", "wang", "qian", "zhao"))
    assert handover.value_of("region", "江苏省 苏州市") == "江苏省" and handover.value_of("region", "上海 浦东") == "上海"
    found = handover.assign(session, Plan(li, [wang, qian, zhao], "region", {"江苏省": wang, "上海市": qian}))
    assert {to: len(ids) for to, ids in found[Customer].items()} == {wang: 4, qian: 2}
    assert {to: len(ids) for to, ids in found[Contact].items()} == {wang: 4, qian: 2}
    found = handover.assign(session, Plan(li, [wang, qian], "level", {"A": qian}))
    assert len(found[Customer][qian]) == 3 + 1 and len(found[Customer][wang]) == 2, "a level that nobody was given is dealt evenly"
    found = handover.assign(session, Plan(li, [wang, qian], kinds={"task": str(qian), "contact": "stay"}))
    assert found[Task] == {qian: found[Task][qian]} and len(found[Task][qian]) == 7 and not found[Contact]
    found = handover.assign(session, Plan(li, [wang], kinds={"customer": "stay"}))
    assert not found[Customer] and {to: len(ids) for to, ids in found[Contact].items()} == {wang: 6}
    assert all(set(gets) <= {wang} for gets in found.values())


def test_what_cannot_be_handed_over_is_told(office, login, session, people, as_, as_role):
    li, wang, zhao = (people[n] for n in ("li", "wang", "zhao"))
    with as_("admin"):
        for plan, said in ((Plan(li, []), "接手人"), (Plan(li, [li]), "其他人"), (Plan(0, [wang]), "谁"), (Plan(wang, [li]), "没有可以移交"),
                           (Plan(li, [wang], "level", {"A": zhao}), "只有接手人"), (Plan(li, [wang], kinds={"task": str(zhao)}), "只有接手人"),
                           (Plan(li, [10**6]), "已停用")):
            with pytest.raises(RuleError) as no:
                handover.do(session, plan)
            assert said in str(no.value), (plan, str(no.value))
    session.rollback()
    admin, sales = login("admin"), login("zhao")
    assert sales.get("/handover/").status_code == sales.post("/handover/", data={"plan": f"who={li}&to={zhao}"}).status_code == 403
    for bad in ("who=x", "to=x", "way=phone", "kind.ab_user=5", "kind.task=x", "way=level&share.level.A=x"):
        assert admin.get(f"/handover/?{bad}").status_code == 400, bad
    answer = admin.post("/handover/", data={"plan": f"who={li}&to={li}"})
    assert answer.location == f"/handover/?who={li}&to={li}" and "其他人" in admin.get(answer.location).text
    assert owners(session, Customer) == {li: 6} and session.scalar(select(func.count()).select_from(Batch).where(Batch.kind == "handover")) == 0


def test_the_credit_goes_along_when_it_is_asked_for(office, login, session, people):
    """By default a split keeps the past with who earned it; else credit follows the contract, as by any change of its owner."""
    li, wang, admin = people["li"], people["wang"], login("admin")
    admin.post("/handover/", data={"plan": f"who={li}&to={wang}&credit=move"})
    running = select(Contract.id).where(Contract.state == "running")
    assert set(owners(session, Credit, Credit.contract_id.in_(running))) == {wang} and not owners_of_shares(session)
    undo.take_back(session, last(session).id)
    session.commit()
    assert set(owners(session, Credit)) == {li}
    admin.post("/handover/", data={"plan": f"who={li}&to={wang}"})
    assert set(owners(session, Credit)) == {li} and owners_of_shares(session) == [(li, 10_000)]


def owners_of_shares(session) -> list:
    return [tuple(row) for row in session.execute(select(Share.employee_id, Share.percent))]


def test_the_action_for_programs_is_the_same_hand_over(office, login, session, people):
    li, wang = people["li"], people["wang"]
    done = login("admin").post("/user/action_post", data={"action": "handover", "rowid": str(li), "to": str(wang)})
    assert done.status_code == 302
    assert owners(session, Customer) == {wang: 6} and set(owners(session, Followup)) == {li}
    assert last(session).kind == "handover"
    page = login("admin").get(f"/user/show/{li}").text
    assert f'href="/handover/?who={li}"' in page


def test_what_a_manager_is_for_others_goes_to_one_person_and_comes_back(login, session, people, make, as_):
    """钱 leaves: his subordinates, his department, the approvals that wait for him and what others share with him go to 李, who stood below
    him and now stands in his place."""
    li, wang, qian, chen = (people[n] for n in ("li", "wang", "qian", "chen"))
    east = session.scalar(select(Department).where(Department.name == "华东部"))
    east.head_id = qian
    rule = ApprovalRule(entity="quote", least=0, approver="person", person_id=qian, is_on=True)
    session.add(rule)
    quote, shared = make.quote(owner="wang", amount=100_00, approval="needed"), make.customer(owner="zhao")
    trip = make.task(owner="wang", title="同去", created_by_id=qian)
    done = make.task(owner="wang", title="去过了", state="done", done_at=clock.now())
    for row, kind in ((shared, "customer"), (trip, "task"), (done, "task")):
        make.collaborator(entity=kind, row_id=row.id, employee_id=qian, may_write=True)
    make.collaborator(entity="customer", row_id=shared.id, employee_id=li, until=clock.today() - dt.timedelta(30))
    kept = (Department, ApprovalRule, ApprovalStep, Collaborator)
    with as_("wang"):
        approvals.submit(session, [quote])
        session.commit()
    def superiors():
        return dict(session.execute(select(Employee.id, Employee.superior_id)).all())
    before, admin = (checksum(session, *kept), superiors()), login("admin")
    page = admin.get(f"/handover/?who={qian}").text
    held = dict(re.findall(r'data-held="(\w+)"><td>[^<]*</td><td class="r num">(\d+)', page))
    assert held == {"superior": "2", "head": "1", "collaborator": "3", "approval_step": "1", "approval_rule": "1"}
    refused = admin.post("/handover/", data={"plan": f"who={qian}&to={li}&kind.approval_step={wang}&to={wang}"})
    assert "交给其他人" in admin.get(refused.location).text and (checksum(session, *kept), superiors()) == before

    answer = admin.post("/handover/", data={"plan": f"who={qian}&to={li}&to={wang}&kind.approval_rule=stay"})
    session.expire_all()
    job = session.get(Job, int(answer.location.rsplit("/", 1)[1]))
    assert job.state == "done" and "7 条" in admin.get(answer.location).text
    above = superiors()
    assert (above[li], above[wang], above[qian], east.head_id, rule.person_id) == (chen, li, chen, li, qian)
    assert session.scalars(select(ApprovalStep.approver_id)).all() == [li]
    tasks = session.execute(select(Collaborator.row_id, Collaborator.employee_id, Collaborator.may_write).where(Collaborator.entity == "task")).all()
    assert set(tasks) == {(trip.id, li, False), (done.id, qian, True)} and [p.id for p in trip.team] == [wang], "he sees how it goes, and does it not"
    assert login("li").get(f"/customer/edit/{shared.id}").status_code == 200, "his share that had ended is as wide as the other's"
    with as_("li"):
        approvals.approve(session, [session.scalar(select(Approval))])
        session.rollback()
    assert undo.take_back(session, last(session).id) == []
    session.commit()
    assert (checksum(session, *kept), superiors()) == before
    east.head_id = None
    session.commit()


def test_approvals_never_go_to_whoever_submitted_holds_or_decides_and_only_by_who_may_set_them(session, people, make, as_, as_role):
    li, wang, qian, chen, zhao = (people[n] for n in ("li", "wang", "qian", "chen", "zhao"))
    session.add_all(ApprovalRule(entity="quote", least=0, approver="person", person_id=who, position=n, is_on=True) for n, who in enumerate((qian, zhao)))
    quote = make.quote(owner="li", amount=100_00, approval="needed")
    with as_("chen"):
        approvals.submit(session, [quote])
        session.commit()
    for to in (chen, li, zhao):
        with as_("admin"), pytest.raises(RuleError, match="交给其他人"):
            handover.do(session, Plan(qian, [to]))
        session.rollback()
    with as_("admin"):
        handover.do(session, Plan(qian, [wang], kinds={"superior": "stay"}))
        session.commit()
    assert session.scalars(select(ApprovalStep.approver_id).order_by(ApprovalStep.position)).all() == [wang, zhao]
    assert {"approval_step", "approval_rule"} & handover.duties(session, zhao).keys()
    with as_("chen"):
        assert not {"approval_step", "approval_rule", "head"} & handover.duties(session, zhao).keys(), "without the right to set them"


def test_much_is_handed_over_by_a_job_and_comes_back(login, session, people, make):
    li, wang, qian = (people[n] for n in ("li", "wang", "qian"))
    make.customer(owner="li")
    ids = bulk.reserve_ids(session, Customer, 700)
    session.add_all(Customer(id=i, name=f"客户{i}", owner_id=li, level="ABC"[i % 3]) for i in ids)
    before = checksum(session, Customer)
    answer = login("admin").post("/handover/", data={"plan": f"who={li}&to={wang}&to={qian}"})
    job = session.get(Job, int(answer.location.rsplit("/", 1)[1]))
    assert job.state == "queued" and job.total == 701 and owners(session, Customer) == {li: 701}
    jobs.run(session, job.id, actor_for)
    session.expire_all()
    assert job.state == "done" and sorted(owners(session, Customer).values()) == [350, 351]
    assert undo.take_back(session, job.result["batch"]) == []
    assert checksum(session, Customer) == before


def test_every_owned_entity_says_what_of_it_is_handed_over(session, people):
    """History or still to do: what a model says can be asked of the database; what is known to be history stays."""
    stays = {m.__tablename__ for m in entity.entities() if issubclass(m, Owned) and m.stays}
    assert stays == {"followup", "payment", "invoice", "expense", "claim", "journal", "mail", "approval", "target", "credit", "api_token", "hook"}
    assert all(rows == [] for rows in handover.held(session, people["zhao"]).values())


def test_the_preview_warns_of_the_limit_by_which_the_hand_over_would_be_refused(office, login, session, people):
    li, wang, qian, admin = people["li"], people["wang"], people["qian"], login("admin")
    parameters.put(session, "pool.owner_limit", 4)
    session.commit()
    alone, parted = f"who={li}&to={wang}", f"who={li}&to={wang}&to={qian}"
    page = admin.get(f"/handover/?{alone}&preview=1").text
    assert "王浩然 接手后会超出每人客户数上限（4）2 个" in page and "data-warning" not in admin.get(f"/handover/?{parted}&preview=1").text
    answer = admin.post("/handover/", data={"plan": alone})
    assert "4" in admin.get(answer.location).text and owners(session, Customer) == {li: 6}
    office[0].is_won = office[1].is_won = True
    parameters.put(session, "pool.limit_counts_won", False)
    session.commit()
    assert "data-warning" not in admin.get(f"/handover/?{alone}&preview=1").text, "what is won takes no place"
    admin.post("/handover/", data={"plan": alone})
    assert owners(session, Customer) == {wang: 6}
    hands = login("wang").get(f"/customer/show/{office[0].id}?tab=owners").text
    assert re.search(rf"{clock.today()} \d\d:\d\d</td><td>交接</td><td>李雨桐</td><td>王浩然", hands), "the day and the kind stand in the history"


def test_filters_that_a_leaver_shared_get_another_keeper(login, session, people, make):
    """His own ones stay his; whoever takes over may have one of the name already; all of it is taken back."""
    li, wang, qian, admin = people["li"], people["wang"], people["qian"], login("admin")
    rule = {"match": "all", "when": [{"field": "level", "op": "in", "value": ["A"]}]}
    shared = make.panel_item(name="华东A", rule=rule, person_id=li, audience={"people": [wang, qian]}, is_on=True, is_default=True)
    own = make.panel_item(name="只给自己", rule=rule, person_id=li, is_on=True)
    make.panel_item(name="华东A", rule=rule, person_id=wang, is_on=True)
    assert "共享的快速过滤" in admin.get(f"/handover/?who={li}").text
    assert admin.post("/handover/", data={"plan": f"who={li}&to={wang}"}).status_code == 302
    session.expire_all()
    assert (shared.person_id, shared.name, shared.audience["people"], shared.is_default, own.person_id) == (wang, "华东A · 李雨桐", [qian], False, li)
    assert login("wang").get(f"/filter/?list=customer&item=f{shared.id}").text.count("华东A · 李雨桐") and "华东A · 李雨桐" in login("qian").get("/customer/list/").text
    assert undo.take_back(session, last(session).id) == []
    session.commit()
    assert (shared.person_id, shared.name, shared.is_default) == (li, "华东A", True)

"""权限透视: who may see a record and why; the rights of a role in words."""
import datetime as dt
import itertools
import random
import re

import pytest
from sqlalchemy import select

from app.core import clock, memo
from app.core.scope import Collaborator
from app.security.models import SCOPES, RolePolicy
from tests import cast

pytestmark = pytest.mark.once


def listed(client, entity, row):
    """(who sees, who edits) as the page says, each with a reason; or its status."""
    answer = client.get(f"/access/{entity}/{row.id}")
    if answer.status_code != 200:
        return answer.status_code
    assert answer.text.count('data-seat="') == len(re.findall(r'class="k-reasons"><div>.', answer.text)), (entity, "a reason for each")
    seats = re.findall(r'data-seat="(\d+)" data-edits="(\d)"', answer.text)
    return {int(i) for i, _edits in seats}, {int(i) for i, edits in seats if edits == "1"}


def reason(client, entity, row, person):
    """Why the page says that a person sees a record."""
    line = re.search(rf'data-seat="{person}".*?</tr>', client.get(f"/access/{entity}/{row.id}").text, re.S)[0]
    return re.findall(r"<div>(.*?)</div>", line)


@pytest.fixture
def scopes(session):
    """`scopes(sales="department")` gives roles another data scope for the test."""
    kept = {p.key: (p.scope, p.masked) for p in session.scalars(select(RolePolicy))}

    def put(**wanted):
        for policy in session.scalars(select(RolePolicy)):
            policy.scope = wanted.get(policy.key, policy.scope)
        session.commit()
    yield put
    session.rollback()
    for policy in session.scalars(select(RolePolicy)):
        policy.scope, policy.masked = kept[policy.key]
    memo.touch(session, "security")
    session.commit()


def _share(session, who, row, rng):
    """Share the row, or the customer above it, with somebody: for reading or writing, until yesterday, today or for good."""
    table, key = (row.__tablename__, row.id) if rng.random() < 0.6 or not getattr(row, "customer_id", None) else ("customer", row.customer_id)
    until = rng.choice([None, clock.today(), clock.today() - dt.timedelta(1)])
    session.add(Collaborator(entity=table, row_id=key, employee_id=who, may_write=rng.random() < 0.5, until=until))
    session.commit()


@pytest.mark.parametrize("seed", [0, 1])
def test_the_list_is_who_in_fact_opens_the_record(app, session, login, make, people, as_role, scopes, seed):
    """For records of every kind with random owners, sharings and data scopes: who is listed gets 200, who is not gets 403 or 404; who
    is listed as editing opens the form; each has a reason; who does not see may not ask."""
    from app.lens.pages import has_seats
    rng, walked = random.Random(seed), 0
    make.numbers = itertools.count(3000 + seed * 300)
    clients = {name: login(name) for name in cast.PEOPLE}
    scopes(sales=rng.choice(SCOPES[:-1]), manager=rng.choice(SCOPES[1:-1]))
    with as_role("zhao", rng.choice(["finance", "sales"]), "manager"):
        for view in [v for v in app.appbuilder.baseviews if has_seats(v)][seed::2]:
            owned = hasattr(view.model, "owner_id")
            for owner in rng.sample(list(cast.PEOPLE), 1):
                row = make.row(view.model.__tablename__, owner)
                _share(session, rng.choice(list(people.values())), row, rng) if owned else None
                told = {name: listed(client, view.entity, row) for name, client in clients.items()}
                sees = {people[n] for n, c in clients.items() if c.get(f"/{view.entity}/show/{row.id}").status_code == 200}
                edits = {people[n] for n, c in clients.items() if c.get(f"/{view.entity}/edit/{row.id}").status_code == 200}
                assert sees, (view.entity, owner)
                for name in cast.PEOPLE:
                    if people[name] in sees:
                        assert told[name] == (sees, edits), (view.entity, owner, name)
                    else:
                        assert told[name] in (403, 404), (view.entity, name)
                    walked += 2
    print(f"access: {walked} answers compared, seed {seed}")
    assert walked > 150


def test_the_reasons_are_the_true_ones(session, login, make, people, scopes):
    """Owner, superior, role with all, collaborator until a day, through the customer, department."""
    customer, day = make.customer(owner="li"), clock.today() + dt.timedelta(5)
    contact = make.contact(owner="li", customer_id=customer.id)
    session.add(Collaborator(entity="customer", row_id=customer.id, employee_id=people["zhao"], may_write=True, until=day))
    session.commit()
    li = login("li")
    assert listed(li, "customer", customer) == ({people[n] for n in ("li", "qian", "chen", "admin", "zhao")},) * 2
    assert reason(li, "customer", customer, people["li"]) == ["负责人"]
    assert reason(li, "customer", customer, people["qian"]) == ["李雨桐的上级"]
    assert reason(li, "customer", customer, people["chen"]) == ["角色「销售总监」可看全部记录"]
    assert reason(li, "customer", customer, people["zhao"]) == [f"协作人，可编辑（至 {day}）"]
    assert reason(li, "contact", contact, people["zhao"]) == [f"所属客户：协作人，可编辑（至 {day}）"]
    assert login("wang").get(f"/access/customer/{customer.id}").status_code == 404
    scopes(sales="department")
    assert reason(li, "customer", customer, people["wang"]) == ["与李雨桐同部门"]
    assert listed(login("wang"), "customer", customer)[0] >= {people["wang"]}


def test_a_link_stands_under_more_and_the_hidden_fields_are_named(session, login, make, people):
    row = make.product()
    page = login("li").get(f"/product/show/{row.id}").text
    assert f'href="/access/product/{row.id}"' in page and "谁能看到" in page
    told = re.search(rf'data-seat="{people["li"]}".*?</tr>', login("li").get(f"/access/product/{row.id}").text, re.S)[0]
    assert "成本" in told and "角色「销售员」有查看权" in told
    chen = re.search(rf'data-seat="{people["chen"]}".*?</tr>', login("li").get(f"/access/product/{row.id}").text, re.S)[0]
    assert "成本" not in chen


def test_who_meets_a_customer_in_its_pool_is_told_apart(session, login, make, people):
    from app.pool.models import Pool
    pool = Pool(name="公海")
    session.add(pool)
    session.commit()
    row = make.customer(owner_id=None, pool_id=pool.id, pooled_at=clock.now())
    page = login("chen").get(f"/access/customer/{row.id}").text
    assert listed(login("chen"), "customer", row)[0] == {people["chen"], people["admin"]}
    assert re.search(r"data-pooled.*?李雨桐", page, re.S) and login("li").get(f"/access/customer/{row.id}").status_code == 404
    assert row.name in login("li").get("/pool/").text


def test_odd_questions_are_refused(login, make, people):
    make.customer()
    admin = login("admin")
    for path in ("customer/999999", "nothing/1", "loginlog/1", f"user/{people['li']}", "role/1"):
        assert admin.get(f"/access/{path}").status_code == 404, path
    assert login("li").get("/access/department/1").status_code == 403


# ---- the rights in words ----------------------------------------------------------------------------------------
def told(client, url):
    """{entity: sentence} of a page of rights."""
    return dict(re.findall(r'data-right="(\w+)">(.*?)</li>', client.get(url).text))


def test_the_sentences_say_the_matrix_and_follow_it_at_once(session, login, scopes, people):
    """「客户：查看、新建、编辑本人的；看不到：…」 changes with the matrix; the person reads the same under 我的权限."""
    admin, li, role = login("admin"), login("li"), cast.role("sales")
    kept = re.findall(r'name="grant" value="([\w.]+)" checked', admin.get(f"/role/show/{role}").text)
    try:
        admin.post(f"/role/edit/{role}", data={"scope": "subordinates", "grant": ["customer.read", "customer.add", "customer.edit", "task.read"],
                                               "mask": ["customer.phone"]})
        words = told(admin, f"/rights/role/{role}")
        assert words == {"customer": "客户：查看、新建、编辑本人及下属的；看不到：电话", "task": "任务/备忘录：查看本人的"}
        assert told(li, "/rights/") == words and "销售员" in li.get("/rights/").text
        without = re.search(r"data-without>(.*?)</p>", li.get("/rights/").text)[1].split("、")
        assert not {"客户", "回收站", "操作批次"} & set(without), "everybody has a trash and operations of his own"
    finally:
        admin.post(f"/role/edit/{role}", data={"scope": "own", "grant": kept})
    assert set(re.findall(r'name="grant" value="([\w.]+)" checked', admin.get(f"/role/show/{role}").text)) == set(kept)


def test_every_sentence_is_true_for_every_role(app, session, login, make, as_role):
    """A role's sentence names 查看 exactly when a holder opens the list, 新建 exactly when he opens the form."""
    from app.views.entity_view import EntityView
    views = [v for v in app.appbuilder.baseviews if isinstance(v, EntityView) and {"list", "add"} <= v.include_route_methods]
    admin, walked = login("admin"), 0
    for policy in session.scalars(select(RolePolicy).where(RolePolicy.key.in_(["admin", "sales", "finance", "office"]))).all():
        key, words = policy.key, told(admin, f"/rights/role/{policy.role_id}")
        with as_role("zhao", key):
            client = login("zhao")
            assert told(client, "/rights/") == words, key
            for view in views:
                sentence = words.get(view.entity, "")
                assert (client.get(f"/{view.entity}/list/").status_code == 200) is ("查看" in sentence), (key, view.entity)
                assert (client.get(f"/{view.entity}/add").status_code != 403) is ("新建" in sentence), (key, view.entity)
                walked += 2
    print(f"rights: {walked} sentences and answers compared")
    assert walked > 200


def test_only_who_reads_the_roles_reads_those_of_others(login, people):
    role = cast.role("sales")
    assert login("admin").get("/rights/user/%d" % people["li"]).status_code == 200
    assert login("admin").get("/rights/role/99999").status_code == 404 == login("admin").get("/rights/user/99999").status_code
    for path in (f"/rights/role/{role}", f"/rights/user/{people['chen']}"):
        assert login("li").get(path).status_code == 403


def test_the_matrix_has_a_column_for_every_right(app):
    """Else saving the page of a role would take the rights away that it does not show."""
    from app.security import pages, roles
    assert {verb for verbs in roles.verbs_of_views().values() for verb in verbs} <= set(pages.VERBS)

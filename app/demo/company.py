"""Fills an empty database: 6 departments, 24 employees, 2,000 customers with contacts and follow-ups. Seeded: every
demo is the same but for its dates, which end today."""
import datetime as dt
import random

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.core import choices, clock
from app.core.choices import Choice
from app.core.rules import RuleError
from app.customers.models import Contact, Customer, Followup
from app.customers.rules import name_key
from app.security import rules
from app.security.models import Department, Employee, RolePolicy

from . import agenda, aims, chain, companies, diary, pools, tailored

PASSWORD = "kuaike-Demo-2026"  # nosec B105  printed by make demo
DEPARTMENTS = (("销售部", None), ("华东组", "销售部"), ("华南组", "销售部"), ("华北组", "销售部"), ("财务部", None), ("行政部", None))
SURNAMES, GIVEN = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", ("雨桐", "浩然", "立强", "嘉怡", "雅婷", "思远", "国栋", "敏", "静怡", "志伟", "婉清", "子昂",
                                                    "海波", "立群", "春燕", "明辉", "卫东", "晓峰", "丽娟", "建军")
TITLES = ("采购经理", "设备部经理", "总经理", "技术总监", "财务主管", "项目经理")
TALKS = ("电话沟通需求，对方在比较两家方案。", "上门拜访，看了车间现场，约定下周发方案。", "微信发送了产品资料，等待反馈。", "客户希望价格再优惠，需请示。",
         "确认了交货期，准备合同。", "客户预算推迟到下季度，保持联系。")
CUSTOMERS = 2000
SALES = ("华东组", "华南组", "华北组")


def fill(session, say) -> None:
    """Make the company; `say(line)` tells what was made. Raises RuleError when there are customers already."""
    if session.scalar(select(Customer.id).limit(1)):
        raise RuleError("the database has customers already")
    dice = random.Random(2026)  # nosec B311  a made-up company, no secret
    people = _people(session, _departments(session))
    codes = _industries(session)
    customers = _customers(session, dice, [p for p in people if p.department.name in SALES], codes)
    _contacts_and_talks(session, dice, customers)
    session.flush()
    sold = {**chain.fill(session, dice), "tasks": agenda.fill(session, dice, people), "filters": tailored.fill(session, people)}
    sold["own fields"] = tailored.own_fields(session, dice, people)
    sold["targets"] = aims.fill(session, dice, people)
    sold["reports"] = diary.fill(session, dice, people)
    sold["pool"] = pools.fill(session)
    session.commit()
    say(" ".join(f"{name} {n}" for name, n in sold.items()))
    say(f"departments {len(DEPARTMENTS)} employees {len(people)} customers {len(customers)}")
    for person in people:
        say(f"{person.username}  {person.name}  {person.department.name}  {PASSWORD}")


def _departments(session) -> dict:
    made = {}
    for name, parent in DEPARTMENTS:
        made[name] = Department(name=name, parent_id=made[parent].id if parent else None)
        session.add(made[name])
        session.flush()
    return made


def _people(session, departments) -> list[Employee]:
    roles = {p.key: session.get(Role, p.role_id) for p in session.scalars(select(RolePolicy))}
    plan = [("director", "销售部"), *(("manager", d) for d in SALES), *(("sales", SALES[n % 3]) for n in range(17)),
            ("finance", "财务部"), ("finance", "财务部"), ("office", "行政部")]
    made: list[Employee] = []
    for n, (role, department) in enumerate(plan):
        name = SURNAMES[n % 20] + GIVEN[n % 20]
        boss = _boss(made, departments[department]) if role in ("sales", "manager") else None
        person = Employee(username=f"demo{n + 1:02d}", name=name, first_name=name, last_name="", email=f"demo{n + 1:02d}@example.com", active=True,
                          department=departments[department], superior=boss, roles=[roles[role]])
        rules.set_password(session, person, PASSWORD, check=False)
        session.add(person)
        session.flush()
        made.append(person)
    return made


def _boss(made, department):
    """The first of the department, else the director."""
    return next((p for p in made if p.department is department), made[0] if made else None)


def _industries(session) -> dict[str, str]:
    names = sorted({row["所属行业"] for row in companies(CUSTOMERS)})
    codes = {}
    for n, name in enumerate(names[:40]):
        codes[name] = choices.code_for(session, "industry", name)
        session.add(Choice(list_name="industry", code=codes[name], name=name, position=100 + n))
        session.flush()
    return codes


def _customers(session, dice, owners, codes) -> list[Customer]:
    now, made = clock.now(), []
    for row in companies(CUSTOMERS):
        created = now - dt.timedelta(days=dice.randrange(1, 720), minutes=dice.randrange(1440))
        status = dice.choices(("potential", "interested", "lost"), (5, 4, 1))[0]
        made.append(Customer(
            name=row["客户名称"], name_key=name_key(row["客户名称"]), short_name=row["客户简称"], region=row["地区"],
            industry=codes.get(row["所属行业"], "production"), level=dice.choices("ABC", (2, 5, 3))[0], status=status,
            source=dice.choice(("search", "referral", "call", "visit", "advert")), created_at=created,
            phone=f"0{dice.randrange(20, 800)}-{dice.randrange(2000000, 89999999)}", owner_id=dice.choice(owners).id))
    session.add_all(made)
    session.flush()
    return made


def _contacts_and_talks(session, dice, customers) -> None:
    now = clock.now()
    for customer in customers:
        people = [Contact(name=dice.choice(SURNAMES) + dice.choice(GIVEN), customer_id=customer.id, owner_id=customer.owner_id,
                          title=dice.choice(TITLES), mobile=f"1{dice.choice('3578')}{dice.randrange(10 ** 8, 10 ** 9)}", is_key=dice.random() < 0.2,
                          created_at=customer.created_at) for _n in range(dice.choice((1, 1, 2)))]
        session.add_all(people)
        customer.primary_contact = people[0]
        talks = sorted(now - dt.timedelta(days=dice.randrange(0, 120), minutes=dice.randrange(600)) for _n in range(dice.choice((0, 1, 1, 2))))
        session.add_all(Followup(customer_id=customer.id, owner_id=customer.owner_id, method=dice.choice(("call", "visit", "wechat")),
                                 content=dice.choice(TALKS), happened_at=when, created_at=when) for when in talks)
        if talks:
            customer.last_follow_at, customer.last_follow_text = talks[-1], dice.choice(TALKS)
        if dice.random() < 0.4:
            customer.next_follow_at = now + dt.timedelta(days=dice.randrange(-5, 25), minutes=dice.randrange(600))

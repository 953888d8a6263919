"""The demo company's tasks and memos: done, late, of today, of the coming weeks; some handed out by the head of the group."""
import datetime as dt

from sqlalchemy import select

from app.core import clock
from app.customers.models import Customer
from app.tasks.models import Task
from app.tasks.rules import check_task, set_executors, share

TASKS = ("电话回访：报价确认", "发送合同盖章扫描件", "视觉方案讲解", "报价单提交审批", "填报本周费用", "现场拜访：价格谈判", "商务条款会签", "补充订单排产确认",
         "样机测试数据回传", "需求调研表回收", "合同评审会", "技术澄清", "催收到期款", "补发选型计算书", "准备投标文件")
MEMOS = ("下午在上海，可约晚餐", "公司周年庆，安排花篮", "对方采购换人，新负责人下月到岗", "年底预算冻结，明年一月重启", "展会门票已寄出")
HOURS = (9, 10, 10, 11, 14, 14, 15, 16, 17)


def fill(session, dice, people) -> int:
    """Tasks for everybody who sells; returns how many."""
    made = 0
    for person in people:
        if person.superior_id is None or person.department.name not in ("华东组", "华南组", "华北组"):
            continue
        customers = session.scalars(select(Customer).where(Customer.owner_id == person.id).limit(40)).all()
        for n in range(18):
            task, maker = _task(dice, n, customers, person), person.superior_id if dice.random() < 0.2 else person.id
            task.created_by_id, team = maker, [person.id]
            set_executors(task, team)
            check_task(session, task)
            session.add(task)
            session.flush()
            share(session, task, team)
            made += 1
    return made


def _task(dice, n, customers, person) -> Task:
    day = clock.today() + dt.timedelta(0 if n < 3 else dice.randrange(-12, 24))
    day -= dt.timedelta(max(0, day.weekday() - 4))
    starts_at = clock.to_utc(dt.datetime.combine(day, dt.time(dice.choice(HOURS), dice.choice((0, 30)))))
    kind, past = "memo" if dice.random() < 0.2 else "task", day < clock.today()
    task = Task(kind=kind, title=dice.choice(MEMOS if kind == "memo" else TASKS), starts_at=starts_at, reminders="15" if dice.random() < 0.5 else None,
                ends_at=starts_at + dt.timedelta(minutes=dice.choice((30, 60, 60, 90, 120))), priority=dice.choice(("p1", "p2", "p2", "p3", "p4")),
                state="done" if past and dice.random() < 0.85 else dice.choice(("open", "open", "open", "doing")), is_all_day=dice.random() < 0.08)
    if customers and dice.random() < 0.8:
        task.customer_id = dice.choice(customers).id
    if task.is_all_day:
        task.title, task.customer_id, task.ends_at = "出差：拜访客户", None, starts_at + dt.timedelta(days=dice.randrange(0, 3))
    return task

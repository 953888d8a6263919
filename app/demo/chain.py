"""The demo company's sales: products, opportunities in all stages, quotes, contracts, plans with some overdue, payments, expenses."""
import datetime as dt

from sqlalchemy import select

from app.contracts.models import Contract, ContractLine
from app.core import clock, parameters
from app.customers.models import Customer, Followup
from app.expenses.models import Claim, Expense
from app.opportunities.models import Opportunity, OpportunityContact, OpportunityLine, StageChange
from app.opportunities.rules import stages
from app.payments.models import Invoice, Payment, PaymentPlan
from app.payments.terms import spread
from app.products.amounts import settle
from app.products.models import PriceList, Product, ProductCategory
from app.quotes.models import Quote, QuoteLine

CATEGORIES = {"伺服系统": (("伺服驱动器", "SD", "台", 128_000), ("伺服电机", "SM", "台", 186_000), ("编码器", "EN", "个", 42_000)),
              "控制系统": (("运动控制器", "MC", "台", 368_000), ("可编程控制器", "PLC", "台", 215_000), ("触摸屏", "HMI", "台", 98_000)),
              "视觉检测": (("工业相机", "CAM", "台", 268_000), ("镜头", "LEN", "个", 36_000), ("视觉工位", "VS", "套", 1_580_000)),
              "服务": (("安装调试", "INS", "项", 60_000), ("年度维保", "SRV", "项", 240_000))}
SPECS = ("400W", "750W", "1.5kW", "标准型")
DEALS = ("三号车间产线改造", "电芯叠片机运动控制", "AGV 驱动器年度框架", "PACK 线视觉检测", "焊装夹具定位系统", "五轴机床伺服包", "灌装线控制升级", "端子检测工位",
         "机械手驱动套件", "刀库换刀驱动", "挤出线张力控制", "涂装线视觉定位")
KINDS = ("trip", "traffic", "hotel", "meal", "host", "gift")
WORDS = {"s1": ("电话沟通需求，对方在比较两家方案。", "上门拜访，看了车间现场，约定下周发方案。"), "s2": ("技术交流会，确认了接口和节拍要求。", "补充了需求清单，等待内部立项。"),
         "s3": ("发出正式报价，客户要求分项列明。", "讲解方案，对方认可可靠性，关心交期。"), "s4": ("价格谈判，希望再让 2 个点。", "讨论付款方式，对方坚持 3-6-1。"),
         "s5": ("合同条款已确认，等待盖章。",), "won": ("合同已盖章寄回。",), "lost": ("客户通知已选定其他供应商。",), "void": ("项目取消，暂不采购。",)}
LOSSES = ("rival", "budget", "price", "silence")


def fill(session, dice) -> dict:
    """Everything after the customers; returns how many of each were made."""
    _given.clear()
    parameters.put(session, "company.name", "启衡自动化技术有限公司")
    parameters.put(session, "company.address", "苏州工业园区星湖街 328 号")
    parameters.put(session, "company.phone", "0512-62881234")
    parameters.put(session, "company.bank", "工商银行苏州园区支行 1102 0200 0900 1234 567")
    parameters.put(session, "company.tax_number", "91320594MA1XXXX27P")
    products = _products(session, dice)
    customers = session.scalars(select(Customer).order_by(Customer.id)).all()
    deals = [_deal(session, dice, dice.choice(customers), products) for _n in range(400)]
    session.flush()
    quotes = [_quote(session, dice, deal) for deal in deals if deal.stage in ("s3", "s4", "s5", "won") or dice.random() < 0.1]
    session.flush()
    won = [q for q in quotes if q.opportunity.stage == "won"]
    contracts = [_contract(session, dice, quote) for quote in won]
    session.flush()
    for contract in contracts:
        _money(session, dice, contract)
    spent = [_expense(session, dice, dice.choice(contracts)) for _n in range(160)]
    session.flush()
    _claims(session, dice, spent)
    return {"products": len(products), "opportunities": len(deals), "quotes": len(quotes), "contracts": len(contracts), "expenses": len(spent)}


def _products(session, dice) -> list[Product]:
    made = []
    for place, (category, kinds) in enumerate(CATEGORIES.items()):
        branch = ProductCategory(name=category, position=place)
        session.add(branch)
        session.flush()
        for name, code, unit, price in kinds:
            for n, spec in enumerate(SPECS[:2] if category != "服务" else ("标准型",)):
                fen = price * (10 + 4 * n) // 10
                made.append(Product(code=f"{code}-{n + 1:03d}", name=name, spec=spec, unit=_unit(unit), category_id=branch.id, price=fen,
                                    cost=fen * 62 // 100, lowest=fen * 85 // 100, tax_rate=600 if category == "服务" else 1300, state="on"))
    session.add_all(made)
    session.flush()
    session.add_all(PriceList(product_id=p.id, level="A", price=p.price * 92 // 100) for p in made[::3])
    return made


def _unit(name) -> str:
    return {"台": "u8", "个": "u1", "套": "u13", "项": "u14"}[name]


def _lines(dice, products, kind):
    return [kind(product_id=p.id, name=p.name, spec=p.spec, unit=p.unit, quantity=dice.randrange(1, 24) * 1000, list_price=p.price,
                 price=p.price * dice.choice((100, 100, 95, 92, 90)) // 100, tax_rate=p.tax_rate, is_taxed=True, cost=p.cost, position=n)
            for n, p in enumerate(dice.sample(products, dice.choice((1, 2, 3, 3, 4))))]


def _deal(session, dice, customer, products) -> Opportunity:
    way = list(stages(session).values())
    stage = dice.choices(way, (4, 4, 5, 4, 3, 9, 3, 1))[0]
    history = _way_of(dice, way, stage)
    began, staged = history[0][1], history[-1][1]
    deal = Opportunity(
        name=dice.choice(DEALS), customer_id=customer.id, contact_id=customer.primary_contact_id, owner_id=customer.owner_id, stage=stage.code,
        rate=stage.rate, source=dice.choice(("referral", "search", "fair", "again")), kind=dice.choice(("new", "new", "more")), created_at=began,
        created_by_id=customer.owner_id, closes_on=_closing(dice, stage, staged), discount=10_000, reduction=0, fees=0, staged_at=staged,
        furthest=max((s for s, _at in history if s.kind in ("open", "won")), key=lambda s: s.position).code,
        rivals=dice.choice((None, None, "汇川", "西门子", "台达")), needs=dice.choice((None, "原设备停产，需在年底大修前完成切换。", "节拍提升 20%，停机不超过 48 小时。")))
    if stage.kind != "open":
        deal.closed_on = clock.to_office(staged).date()
    if stage.kind == "lost":
        deal.loss_reason = dice.choice(LOSSES)
    deal.number = _number("JH", clock.to_office(began).date())
    deal.lines = _lines(dice, products, OpportunityLine)
    settle(deal, deal.lines)
    session.add(deal)
    session.flush()
    _around(session, dice, deal, history)
    return deal


def _way_of(dice, way, stage) -> list:
    """(stage, since when) of the stages it went through; an open one stands where it is for some days, a closed one since it closed."""
    open_way = [s for s in way if s.kind == "open"]
    upto = open_way.index(stage) if stage.kind == "open" else len(open_way) - 1 if stage.kind == "won" else dice.randrange(len(open_way))
    passed = [*open_way[:upto + 1], *([stage] if stage.kind != "open" else [])]
    ago = dice.choices((dice.randrange(0, 12), dice.randrange(12, 24), dice.randrange(24, 40)), (8, 2, 1))[0] if stage.kind == "open" \
        else dice.choices((dice.randrange(0, 90), dice.randrange(90, 700)), (2, 5))[0]
    at, found = _office_hour(dice, ago), []
    for step in reversed(passed):
        found.append((step, at))
        at -= dt.timedelta(hours=dice.randrange(30, 380))
    return found[::-1]


def _office_hour(dice, days_ago) -> dt.datetime:
    """A moment between nine and six of a day so long ago, never in the future."""
    local = dt.datetime.combine(clock.today() - dt.timedelta(days_ago), dt.time(9)) + dt.timedelta(minutes=dice.randrange(540))
    return min(clock.to_utc(local), clock.now() - dt.timedelta(minutes=dice.randrange(5, 90)))


def _closing(dice, stage, staged) -> dt.date:
    if stage.kind != "open":
        return clock.to_office(staged).date() + dt.timedelta(dice.randrange(-10, 15))
    return clock.today() + dt.timedelta(dice.choices((dice.randrange(2, 110), dice.randrange(-20, 0)), (9, 1))[0])


_given: dict = {}  # numbers of past days: prefix and day -> the last one


def _number(prefix, day) -> str | None:
    """A document number of a past day; today's come from the numbering itself."""
    if day >= clock.today():
        return None
    _given[prefix, day] = _given.get((prefix, day), 0) + 1
    return f"{prefix}{day:%Y%m%d}-{_given[prefix, day]:04d}"


def _around(session, dice, deal, history) -> None:
    """Its stage history, its people with their parts, what was said."""
    before = None
    for step, at in history:
        session.add(StageChange(
            opportunity_id=deal.id, from_stage=before and before[0].code, to_stage=step.code, at=at, amount=deal.amount, created_by_id=deal.owner_id,
            created_at=at, seconds=int((at - before[1]).total_seconds()) if before else None, reason=deal.loss_reason if step.kind == "lost" else None))
        before = step, at
    if deal.contact_id:
        session.add(OpportunityContact(opportunity_id=deal.id, contact_id=deal.contact_id, role=dice.choice(("decides", "influences", "uses", "buys"))))
    for step, at in history[:3]:
        when, method, content = at + dt.timedelta(hours=dice.randrange(1, 20)), dice.choice(("call", "visit", "wechat")), dice.choice(WORDS[step.code])
        if when < clock.now():
            session.add(Followup(customer_id=deal.customer_id, opportunity_id=deal.id, contact_id=deal.contact_id, owner_id=deal.owner_id, created_at=when,
                                 happened_at=when, method=method, content=content))
            deal.last_follow_at = when
    if deal.closed_on is None and dice.random() < 0.6:
        deal.next_follow_at = clock.now() + dt.timedelta(days=dice.randrange(0, 14), minutes=dice.randrange(600))


def _copied(lines, kind):
    names = ("product_id", "name", "spec", "unit", "quantity", "list_price", "price", "tax_rate", "is_taxed", "cost", "position")
    return [kind(**{n: getattr(line, n) for n in names}) for line in lines]


def _quote(session, dice, deal) -> Quote:
    day = min(clock.to_office(deal.created_at).date() + dt.timedelta(days=5), clock.today())
    at = min(clock.to_utc(dt.datetime.combine(day, dt.time(14, dice.randrange(60)))), clock.now())
    state = "accepted" if deal.stage == "won" else dice.choice(("draft", "sent", "sent"))
    quote = Quote(name=deal.name, customer_id=deal.customer_id, contact_id=deal.contact_id, opportunity=deal, owner_id=deal.owner_id, quoted_on=day,
                  number=_number("BJ", day), created_at=at, created_by_id=deal.owner_id, sent_at=at + dt.timedelta(minutes=40) if state != "draft" else None,
                  valid_until=(clock.today() if state == "draft" else day) + dt.timedelta(days=30), state=state, discount=dice.choice((10_000, 10_000, 9_800, 9_500)), reduction=0,
                  fees=dice.choice((0, 0, 80_000)), payment_terms="预付30%，发货前60%，质保金10%", delivery="合同生效后 4 周", terms="整机质保 12 个月，终身维护。")
    quote.lines = _copied(deal.lines, QuoteLine)
    settle(quote, quote.lines)
    session.add(quote)
    return quote


def _contract(session, dice, quote) -> Contract:
    deal, day = quote.opportunity, quote.opportunity.closed_on
    old = day < clock.today() - dt.timedelta(380)
    contract = Contract(
        name=quote.name, kind=dice.choice(("contract", "contract", "order")), customer_id=quote.customer_id, contact_id=quote.contact_id, opportunity_id=deal.id,
        quote_id=quote.id, owner_id=quote.owner_id, signatory_id=quote.owner_id, signed_on=day, number=_number("HT", day), created_by_id=quote.owner_id,
        created_at=deal.staged_at, starts_on=day, ends_on=day + dt.timedelta(days=365), state="done" if old else dice.choice(("signed", "running", "running")),
        discount=quote.discount, reduction=quote.reduction, fees=quote.fees, payment_terms=quote.payment_terms, delivered_on=day + dt.timedelta(28))
    contract.lines = _copied(quote.lines, ContractLine)
    settle(contract, contract.lines)
    customer = session.get(Customer, quote.customer_id)
    customer.status = "won"
    session.add(contract)
    return contract


def _money(session, dice, contract) -> None:
    """A plan of 30/60/10; what is due was mostly paid, some of the last year is late."""
    today, paid_all = clock.today(), 0
    for n, amount in enumerate(spread(contract.amount, [30, 60, 10])):
        due = contract.signed_on + dt.timedelta(days=(7, 45, 180)[n])
        plan = PaymentPlan(contract_id=contract.id, customer_id=contract.customer_id, owner_id=contract.owner_id, term=n + 1, amount=amount, due_on=due,
                           created_at=contract.created_at)
        session.add(plan)
        if due > today or (due > today - dt.timedelta(110) and dice.random() < 0.3):
            continue
        session.flush()
        part = amount // 2 if due > today - dt.timedelta(100) and dice.random() < 0.15 else amount
        paid = min(due + dt.timedelta(days=dice.randrange(-3, 12)), today)
        paid_all += part
        session.add(Payment(
            contract_id=contract.id, customer_id=contract.customer_id, plan_id=plan.id, amount=part, paid_on=paid, owner_id=contract.owner_id,
            number=_number("HK", paid), method=dice.choice(("wire", "online", "cheque")), kind=("deposit", "progress", "final")[n], check="confirmed" if
            paid < today - dt.timedelta(days=20) else "new", checked_on=paid, approval="none", payer=contract.customer.name if contract.customer else None))
    if paid_all and dice.random() < 0.8:
        session.add(Invoice(contract_id=contract.id, customer_id=contract.customer_id, owner_id=contract.owner_id, number=f"{dice.randrange(10**7, 10**8)}",
                            kind="special", amount=paid_all, issued_on=min(contract.signed_on + dt.timedelta(10), today)))


def _expense(session, dice, contract) -> Expense:
    day = min(contract.signed_on + dt.timedelta(days=dice.randrange(-20, 60)), clock.today())
    row = Expense(kind=dice.choice(KINDS), amount=dice.randrange(5_000, 300_000), spent_on=day, reason=dice.choice(("拜访客户", "现场勘测", "项目启动会", "安装调试")),
                  number=_number("FY", day), customer_id=contract.customer_id, contract_id=contract.id, opportunity_id=contract.opportunity_id,
                  owner_id=contract.owner_id, slips=dice.randrange(1, 6), state="open", approval="none")
    session.add(row)
    return row


def _claims(session, dice, spent) -> int:
    """Older expenses of each person were claimed and paid out, the latest are open."""
    made = 0
    for owner in sorted({e.owner_id for e in spent}):
        old = [e for e in spent if e.owner_id == owner and e.spent_on < clock.today() - dt.timedelta(60)]
        if old:
            day = max(e.spent_on for e in old)
            claim = Claim(name=f"{day.month} 月差旅与接待", owner_id=owner, number=_number("BX", day + dt.timedelta(5)), state="paid", approval="none",
                          paid_on=day + dt.timedelta(12), created_at=clock.day_start(day + dt.timedelta(5)))
            session.add(claim)
            session.flush()
            made += 1
            for expense in old:
                expense.claim_id, expense.state = claim.id, "paid"
    return made

"""Payment plans, payments and invoices (manual 4.7). 逾期 is computed when read, never stored."""
from sqlalchemy import Index, and_, func, or_, select
from sqlalchemy.orm import relationship

from app.approvals.models import Approvable
from app.contracts.models import Contract
from app.core import clock, fields, money, rollup
from app.core.choices import declare, fixed
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l

declare(
    "payment_method",
    _l("Payment method"),
    [
        ("cheque", "支票", "Cheque"),
        ("cash", "现金", "Cash"),
        ("post", "邮政汇款", "Postal remittance"),
        ("wire", "电汇", "Wire transfer"),
        ("online", "网上转账", "Online transfer"),
        ("alipay", "支付宝", "Alipay"),
        ("wechat", "微信支付", "WeChat Pay"),
        ("other", "其他", "Other"),
    ],
)
declare("payment_kind", _l("Payment type"), [
    ("deposit", "定金(预付款)", "Deposit"), ("progress", "进度款", "Progress payment"), ("final", "尾款", "Final payment"),
    ("warranty", "质保金", "Warranty retention"), ("full", "全款", "Full payment"), ("refund", "退款", "Refund", "amber")], steers=True)
declare(
    "invoice_kind",
    _l("Invoice type"),
    [
        ("special", "增值税专用发票", "Special VAT invoice"),
        ("plain", "增值税普通发票", "Ordinary VAT invoice"),
        ("receipt", "收据", "Receipt"),
    ],
)
fixed("plan_state", [("open", _l("To be received"), "blue"), ("part", _l("Partly received"), "cyan"),
                     ("done", _l("Fully received"), "green"), ("late", _l("Overdue"), "red"),
                     ("later", _l("Not in force yet"), "grey"), ("void", _l("Void"), "grey")])
fixed(
    "payment_check", [("new", _l("To be confirmed"), "amber"), ("confirmed", _l("Confirmed"), "green"), ("refused", _l("Sent back"), "red")]
)


class PaymentPlan(Entity, Owned):
    """An expected payment of a contract."""

    scope_parent = "customer"
    unlogged = frozenset({"received"})
    contract_id = fields.ref(_l("Contract"), "contract", required=True, within="customer", import_names=("合同编号", "合同"))
    contract = fields.related("Contract", contract_id)
    customer_id = fields.ref(_l("Customer"), "customer", readonly=True)
    customer = fields.related("Customer", customer_id)
    term = fields.whole(_l("Term"), readonly=True, default=1)
    amount = fields.money(_l("Planned amount"), required=True, import_names=("计划回款金额", "计划金额", "金额"))
    due_on = fields.date(_l("Planned date"), required=True, import_names=("计划回款日期", "计划日期"))
    method = fields.choice(_l("Payment method"), "payment_method", import_names=("计划回款方式",))
    remind_days = fields.whole(_l("Remind days before"), default=3, import_names=("提前几天提醒",))
    received = fields.money(_l("Received"), readonly=True, default=0)
    note = fields.text(_l("Note"), 200, import_names=("备注",))
    __table_args__ = (
        *fields.sorted_by("payment_plan", "created_at due_on amount"),
        *(fields.partial(name, "deleted_at IS NULL AND received < amount", columns) for name, columns in (  # enough to sum receivables
            ("ix_payment_plan_open_own", "owner_id due_on amount received contract_id customer_id deleted_at"),
            ("ix_payment_plan_open_all", "due_on amount received contract_id customer_id owner_id deleted_at"),
            ("ix_payment_plan_open_of", "customer_id due_on amount received contract_id owner_id deleted_at"))),
        Index("ix_payment_plan_contract_term", "contract_id", "term"),
        {"extend_existing": True},
    )

    @classmethod
    def handed(cls):
        """Terms on which money is still to come."""
        return [cls.received < cls.amount]

    def __repr__(self) -> str:
        return str(_l("Term %(n)d", n=self.term or 0))

    @fields.fact(_l("Plan state"), "choice", choices="plan_state", loads="contract")
    def state(self):
        """待回款, 部分回款, 回款完成, 逾期, 待生效 or 作废, as of today."""
        if self.contract and self.contract.state == "void":
            return "void"
        if self.contract and self.contract.approval not in (None, "none", "approved"):
            return "later"
        if (self.received or 0) >= self.amount:
            return "done"
        return "late" if self.due_on < clock.today() else "part" if self.received else "open"

    @fields.fact(_l("Outstanding"), "money")
    def outstanding(self):
        """Planned less received, never below zero, in fen."""
        return max(0, self.amount - (self.received or 0))

    @fields.fact(_l("Days overdue"), "whole")
    def days_late(self):
        """Days since the planned date while something is outstanding."""
        late = (clock.today() - self.due_on).days
        return late if late > 0 and (self.received or 0) < self.amount else None


class Payment(Entity, Owned, Approvable, Extended):
    """Money received on a contract; a refund is a negative amount."""

    stays = True
    scope_parent = "customer"
    search_names = ("number",)
    search_codes = ("voucher", "receipt")
    number = fields.numbered(_l("Payment number"), "HK{day:%Y%m%d}-{seq:04d}", import_names=("回款编号",))
    contract_id = fields.ref(_l("Contract"), "contract", required=True, within="customer", import_names=("合同编号", "合同", "合同/订单"))
    contract = fields.related("Contract", contract_id)
    customer_id = fields.ref(_l("Customer"), "customer", import_names=("客户名称", "客户"))
    customer = fields.related("Customer", customer_id)
    plan_id = fields.ref(_l("Term"), "payment_plan", within="contract", linked=False)
    plan = fields.related("PaymentPlan", plan_id)
    paid_on = fields.date(_l("Paid on"), required=True, default=clock.today, import_names=("回款日期", "到账日期"))
    amount = fields.money(_l("Paid amount"), required=True, import_names=("回款金额", "金额"))
    method = fields.choice(_l("Payment method"), "payment_method", import_names=("回款方式",))
    kind = fields.choice(_l("Payment type"), "payment_kind", import_names=("回款类型",))
    bank = fields.text(_l("Receiving bank"), 120, import_names=("收款银行",))
    account = fields.text(_l("Receiving account"), 40, masked=True, import_names=("收款账号",))
    payer = fields.text(_l("Payer"), 120, import_names=("付款单位",))
    voucher = fields.text(_l("Voucher number"), 60, import_names=("凭证号",))
    receipt = fields.text(_l("Receipt over several contracts"), 40, readonly=True)
    refund_of_id = fields.ref(_l("Refund of"), "payment", readonly=True)
    refund_of = relationship("Payment", foreign_keys=[refund_of_id], remote_side="Payment.id")
    check = fields.choice(_l("Confirmation"), "payment_check", readonly=True, default="new")
    checked_on = fields.date(_l("Confirmed on"), readonly=True)
    note = fields.note(_l("Note"), import_names=("备注",))
    __table_args__ = (*fields.sorted_by("payment", "created_at paid_on amount"), {"extend_existing": True})

    def __repr__(self) -> str:
        return self.number or ""


class Invoice(Entity, Owned):
    """An invoice issued for a contract."""

    stays = True
    scope_parent = "customer"
    contract_id = fields.ref(_l("Contract"), "contract", required=True, within="customer", import_names=("合同编号", "合同"))
    contract = fields.related("Contract", contract_id)
    customer_id = fields.ref(_l("Customer"), "customer", import_names=("客户名称",))
    customer = fields.related("Customer", customer_id)
    number = fields.text(_l("Invoice number"), 40, required=True, import_names=("发票号码",))
    kind = fields.choice(_l("Invoice type"), "invoice_kind", import_names=("开票类型",))
    amount = fields.money(_l("Invoiced amount"), required=True, import_names=("开票金额",))
    issued_on = fields.date(_l("Issued on"), required=True, default=clock.today, import_names=("开票日期", "实际开票日期"))
    title = fields.text(_l("Invoice title"), 120, import_names=("抬头", "开票抬头"))
    tax_number = fields.text(_l("Tax number"), 30, import_names=("税号",))
    tracking = fields.text(_l("Tracking number"), 60, import_names=("物流单号",))
    note = fields.note(_l("Note"), import_names=("备注",))
    __table_args__ = (*fields.sorted_by("invoice", "created_at issued_on amount"), {"extend_existing": True})

    def __repr__(self) -> str:
        return self.number or ""


def counted(table):
    """The SQL "this payment counts": not sent back, approved or in need of no approval."""
    return and_(table.c.check != "refused", table.c.approval.not_in(("needed", "pending", "rejected", "withdrawn")))


def hoped(table):
    """The SQL "this payment may yet come": not sent back, not refused or withdrawn in approval."""
    return and_(table.c.check != "refused", table.c.approval.not_in(("rejected", "withdrawn")))


def standing(table):
    """The SQL "this payment takes up room on its contract": money that came or may yet come; a refund gives room when it counts."""
    return or_(counted(table), and_(table.c.amount > 0, hoped(table)))


def booked(session, contract_ids) -> dict[int, dict]:
    """What came in on each term: the payments booked on it, up to its amount; whatever is above, or booked on none, fills the terms
    in order of their dates. So the terms of a contract always lack what the contract lacks."""
    line, plan = session.connection(), PaymentPlan.__table__.c
    plans, own, total = {}, {}, {}
    for i, contract, amount in line.execute(select(plan.id, plan.contract_id, plan.amount).where(
            plan.contract_id.in_(sorted(contract_ids)), plan.deleted_at.is_(None)).order_by(plan.due_on, plan.term, plan.id)):
        plans.setdefault(contract, []).append((i, amount))
    for contract, term, fen in line.execute(select(_payment.c.contract_id, _payment.c.plan_id, func.sum(_payment.c.amount)).where(
            _payment.c.contract_id.in_(sorted(contract_ids)), _payment.c.deleted_at.is_(None), counted(_payment)).group_by(
            _payment.c.contract_id, _payment.c.plan_id)):
        own[term] = int(fen)
        total[contract] = total.get(contract, 0) + int(fen)
    return {i: {"received": fen} for contract, terms in plans.items() for i, fen in _pour(terms, own, total.get(contract, 0)).items()}


def _pour(terms, own, total) -> dict[int, int]:
    """Fen by term: `terms` are (id, amount) in order, `own` the payments booked on them, `total` all of the contract."""
    found = {i: min(max(own.get(i, 0), 0), amount) for i, amount in terms}
    rest = total - sum(found.values())
    for i, amount in terms if rest > 0 else terms[::-1]:
        part = min(rest, amount - found[i]) if rest > 0 else max(rest, -found[i])
        found[i], rest = found[i] + part, rest - part
    return found


_payment = Payment.__table__
rollup.keep(Contract, "received", Payment, "contract_id", _payment.c.amount, counted(_payment))
rollup.keep(Contract, "invoiced", Invoice, "contract_id", Invoice.__table__.c.amount)
rollup.derive(PaymentPlan, "received", booked, (Payment, "contract_id"), (PaymentPlan, "contract_id"))
for _model, _told, _clauses in (
        (Payment, _l("Payments of %(sum)s would be above the contract amount of %(most)s."), [standing(_payment)]),
        (PaymentPlan, _l("Terms of %(sum)s would be above the contract amount of %(most)s."), []),
        (Invoice, _l("Invoices of %(sum)s would be above the contract amount of %(most)s."), [])):
    rollup.limit(Contract, "amount", _model, "contract_id", _model.__table__.c.amount, lambda fen, most, told=_told: str(told) % {
        "sum": money.shown(fen), "most": money.shown(most)}, *_clauses)

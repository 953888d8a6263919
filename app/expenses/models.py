"""Expenses and claims (manual 4.8)."""
from sqlalchemy.orm import relationship

from app.approvals.models import Approvable
from app.contracts.models import Contract
from app.core import clock, fields, rollup
from app.core.choices import declare, fixed
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l

declare(
    "expense_kind",
    _l("Expense type"),
    [
        ("trip", "差旅费", "Business trip"),
        ("traffic", "交通费", "Transport"),
        ("hotel", "住宿费", "Hotel"),
        ("meal", "餐饮费", "Meals"),
        ("host", "业务招待费", "Hospitality"),
        ("gift", "礼品费", "Gifts"),
        ("phone", "通讯费", "Telephone"),
        ("market", "市场推广费", "Marketing"),
        ("commission", "佣金", "Commission"),
        ("other", "其他", "Other"),
    ],
)
fixed("expense_state", [("open", _l("Not claimed"), "grey"), ("claimed", _l("In a claim"), "blue"), ("paid", _l("Paid out"), "green")])
fixed("claim_state", [("draft", _l("Draft"), "grey"), ("paid", _l("Paid out"), "green")])


class Claim(Entity, Owned, Approvable):
    """A claim form that gathers one's own expenses (报销单). `amount` is the kept sum of its expenses."""

    stays = True
    unlogged = frozenset({"amount"})
    number = fields.numbered(_l("Claim number"), "BX{day:%Y%m%d}-{seq:04d}")
    name = fields.text(_l("Claim"), 120, required=True)
    amount = fields.money(_l("Claimed amount"), readonly=True, default=0)
    state = fields.choice(_l("Claim state"), "claim_state", readonly=True, default="draft")
    paid_on = fields.date(_l("Paid out on"), readonly=True)
    note = fields.note(_l("Note"))
    __table_args__ = (*fields.sorted_by("claim", "created_at amount"), {"extend_existing": True})


class Expense(Entity, Owned, Approvable, Extended):
    """Money spent on a customer, a deal or a contract; the owner is who spent it (经手人)."""

    stays = True
    undo_with = ("claim_id",)
    search_names = ("reason",)
    search_codes = ("number",)
    number = fields.numbered(_l("Expense number"), "FY{day:%Y%m%d}-{seq:04d}", import_names=("费用编号",))
    kind = fields.choice(_l("Expense type"), "expense_kind", required=True, import_names=("费用类型", "类型"))
    amount = fields.money(_l("Expense amount"), required=True, import_names=("费用金额", "金额"))
    spent_on = fields.date(_l("Spent on"), required=True, default=clock.today, import_names=("发生日期", "日期"))
    reason = fields.text(_l("What for"), 200, required=True, import_names=("事由", "说明", "费用说明"))
    customer_id = fields.ref(_l("Customer"), "customer", import_names=("客户名称", "客户"))
    customer = fields.related("Customer", customer_id)
    contact_id = fields.ref(_l("Contact"), "contact", within="customer", hangs=False)
    contact = fields.related("Contact", contact_id)
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", within="customer")
    opportunity = fields.related("Opportunity", opportunity_id)
    contract_id = fields.ref(_l("Contract"), "contract", within="customer", import_names=("合同编号", "合同"))
    contract = fields.related("Contract", contract_id)
    method = fields.choice(_l("Payment method"), "payment_method", import_names=("支付方式",))
    slips = fields.whole(_l("Number of receipts"), default=0, import_names=("票据张数",))
    state = fields.choice(_l("Claim state"), "expense_state", readonly=True, default="open")
    claim_id = fields.ref(_l("Claim"), "claim", readonly=True)
    claim = relationship("Claim", foreign_keys=[claim_id])
    note = fields.note(_l("Note"), import_names=("备注",))
    __table_args__ = (*fields.sorted_by("expense", "created_at spent_on amount"), {"extend_existing": True})

    def __repr__(self) -> str:
        return self.reason or self.number or ""

    @fields.fact(_l("Department"), loads="owner")
    def department(self):
        """The department of who spent it."""
        return self.owner and self.owner.department and self.owner.department.name


_expense = Expense.__table__
rollup.keep(Contract, "spent", Expense, "contract_id", _expense.c.amount, _expense.c.approval.not_in(("rejected", "withdrawn")))
rollup.keep(Claim, "amount", Expense, "claim_id", _expense.c.amount)

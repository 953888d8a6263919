"""Contracts and orders: one module with a type (manual 4.6, decision 7)."""
from sqlalchemy.orm import relationship

from app.approvals.models import Approvable
from app.core import clock, fields
from app.core.choices import declare, fixed
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l
from app.products.models import Line, Priced

NOT_IN_FORCE = "state = 'void' OR approval NOT IN ('none', 'approved') OR deleted_at IS NOT NULL"  # an index holds just these

declare("contract_kind", _l("Contract type"), [
    ("contract", "合同", "Contract", "blue"), ("order", "订单", "Order", "cyan"), ("agency", "代理合同", "Agency contract"),
    ("service", "服务合同", "Service contract"), ("frame", "框架合同", "Frame contract")])
fixed("contract_state", [("unsigned", _l("To be signed"), "amber"), ("signed", _l("Signed"), "blue"), ("running", _l("Running"), "cyan"),
                         ("done", _l("Fulfilled"), "green"), ("void", _l("Void"), "grey"), ("archived", _l("Archived"), "grey")])


class Contract(Entity, Owned, Priced, Approvable, Extended):
    """A contract or an order. `received`, `invoiced`, `spent` are kept sums of later modules' rows (core.rollup)."""

    scope_parent = "customer"
    search_names = ("name",)
    search_codes = ("number",)
    unlogged = frozenset({"received", "invoiced", "spent"})
    number = fields.numbered(_l("Contract number"), "HT{day:%Y%m%d}-{seq:04d}", typed=True, import_names=("合同编号", "订单编号", "合同号"))
    name = fields.text(_l("Contract name"), 120, required=True, import_names=("合同名称", "订单名称", "名称"))
    kind = fields.choice(_l("Contract type"), "contract_kind", default="contract", import_names=("合同类型", "类型"))
    customer_id = fields.ref(_l("Customer"), "customer", required=True, import_names=("客户名称", "客户"))
    customer = fields.related("Customer", customer_id)
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", within="customer")
    opportunity = fields.related("Opportunity", opportunity_id)
    quote_id = fields.ref(_l("Quote"), "quote", within="customer")
    quote = fields.related("Quote", quote_id)
    amount = fields.money(_l("Contract amount"), import_names=("合同金额", "订单金额", "金额"))
    signed_on = fields.date(_l("Signed on"), required=True, default=clock.today, import_names=("签订日期", "下单时间", "下单日期"))
    starts_on = fields.date(_l("Starts on"), import_names=("开始日期", "合同开始日期"))
    ends_on = fields.date(_l("Ends on"), import_names=("结束日期", "合同结束日期", "到期日期"))
    contact_id = fields.ref(_l("Signed by the customer"), "contact", within="customer")
    contact = fields.related("Contact", contact_id)
    signatory_id = fields.ref(_l("Signed by us"), "ab_user", hangs=False)
    signatory = relationship("Employee", foreign_keys=[signatory_id])
    payment_terms = fields.text(_l("Payment terms"), 200, import_names=("付款方式",))
    delivered_on = fields.date(_l("Delivery date"), import_names=("交货日期",))
    delivery = fields.text(_l("Place of delivery"), 200, import_names=("交货地点",))
    receiver = fields.text(_l("Receiver"), 60, import_names=("收货人",))
    receiver_phone = fields.text(_l("Receiver's phone"), 32, masked=True, format="phone", import_names=("收货电话",))
    state = fields.choice(_l("Contract state"), "contract_state", readonly=True, default="signed")
    void_reason = fields.text(_l("Reason"), 500, readonly=True)
    received = fields.money(_l("Received"), readonly=True, default=0)
    invoiced = fields.money(_l("Invoiced"), readonly=True, default=0)
    spent = fields.money(_l("Expenses"), readonly=True, default=0)
    note = fields.note(_l("Note"), import_names=("备注",))
    lines = relationship("ContractLine", order_by="ContractLine.position", primaryjoin=(
        "and_(ContractLine.contract_id == Contract.id, ContractLine.deleted_at.is_(None))"))
    __table_args__ = (*fields.sorted_by("contract", "created_at signed_on ends_on amount state"),
                      fields.partial("ix_contract_not_in_force", NOT_IN_FORCE, "id"),
                      fields.partial("ix_contract_standing", "deleted_at IS NULL", "state approval amount received deleted_at"),
                      {"extend_existing": True})

    @classmethod
    def handed(cls):
        """Those under way, their money still to come."""
        return [cls.state.in_(("unsigned", "signed", "running"))]

    @property
    def living(self) -> list:
        """The lines that were not taken out, in order."""
        return sorted((line for line in self.lines if line.deleted_at is None), key=lambda line: line.position or 0)

    @fields.fact(_l("Outstanding"), "money")
    def outstanding(self):
        """Amount less received, in fen; nothing is outstanding on a void contract."""
        return 0 if self.state == "void" else (self.amount or 0) - (self.received or 0)

    @fields.fact(_l("Received %"), "percent")
    def progress(self):
        """Received of the amount, in hundredths of a percent."""
        from app.core.money import half_up
        return half_up((self.received or 0) * 10_000, self.amount) if self.amount else 0

    @fields.fact(_l("Not invoiced"), "money")
    def uninvoiced(self):
        """Amount less invoiced, in fen."""
        return (self.amount or 0) - (self.invoiced or 0)

    @fields.fact(_l("Profit so far"), "money")
    def profit(self):
        """Received less expenses, in fen (product.md 4.8)."""
        return (self.received or 0) - (self.spent or 0)

    @fields.fact(_l("Margin"), "money", masked=True)
    def margin(self):
        """Amount without tax, less cost of goods and expenses, in fen; None while a line has no cost."""
        return (self.amount or 0) - (self.tax or 0) - self.cost - (self.spent or 0) if self.cost is not None else None


class ContractLine(Line):
    """A sold product."""

    part_of = "contract"
    contract_id = fields.ref(_l("Contract"), "contract", required=True)

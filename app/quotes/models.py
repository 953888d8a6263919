"""Quotes with lines and versions (manual 4.5)."""
import datetime as dt

from sqlalchemy.orm import relationship

from app.approvals.models import Approvable
from app.core import clock, fields
from app.core.choices import fixed
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l
from app.products.models import Line, Priced

fixed(
    "quote_state",
    [
        ("draft", _l("Draft"), "grey"),
        ("sent", _l("Sent"), "blue"),
        ("accepted", _l("Accepted"), "green"),
        ("refused", _l("Refused"), "amber"),
        ("replaced", _l("Replaced by a new version"), "grey"),
        ("void", _l("Void"), "grey"),
        ("expired", _l("Expired"), "red"),
    ],
)


def _in_a_month() -> dt.date:
    return clock.today() + dt.timedelta(30)


class Quote(Entity, Owned, Priced, Approvable, Extended):
    """An offer to a customer; a quote that was sent is changed by a new version."""

    scope_parent = "customer"
    search_names = ("name",)
    search_codes = ("number",)
    number = fields.numbered(_l("Quote number"), "BJ{day:%Y%m%d}-{seq:04d}", import_names=("报价单号", "报价编号"))
    name = fields.text(_l("Quote name"), 120, required=True, import_names=("报价名称", "报价主题", "主题"))
    customer_id = fields.ref(_l("Customer"), "customer", required=True, import_names=("客户名称", "客户"))
    customer = fields.related("Customer", customer_id)
    contact_id = fields.ref(_l("Contact"), "contact", within="customer")
    contact = fields.related("Contact", contact_id)
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", within="customer")
    opportunity = fields.related("Opportunity", opportunity_id)
    quoted_on = fields.date(_l("Quote date"), required=True, default=clock.today, import_names=("报价日期",))
    valid_until = fields.date(_l("Valid until"), required=True, default=_in_a_month, import_names=("有效期至", "到期日期"))
    amount = fields.money(_l("Quote total"), readonly=True, default=0)
    state = fields.choice(_l("Quote state"), "quote_state", readonly=True, default="draft")
    sent_at = fields.moment(_l("Sent at"), readonly=True)
    revision = fields.whole(_l("Version"), readonly=True, default=1)
    former_id = fields.ref(_l("Former version"), "quote", readonly=True, hangs=False)
    former = relationship("Quote", foreign_keys=[former_id], remote_side="Quote.id")
    payment_terms = fields.text(_l("Payment terms"), 200, import_names=("付款方式",))
    delivery = fields.text(_l("Delivery"), 200, import_names=("交货期",))
    terms = fields.note(_l("Warranty and terms"), import_names=("质保", "条款"))
    closing_note = fields.text(_l("Reason"), 500, readonly=True)
    note = fields.note(_l("Note"), import_names=("备注",))
    lines = relationship("QuoteLine", order_by="QuoteLine.position", primaryjoin=(
        "and_(QuoteLine.quote_id == Quote.id, QuoteLine.deleted_at.is_(None))"))
    __table_args__ = (*fields.sorted_by("quote", "created_at quoted_on valid_until amount state"), {"extend_existing": True})

    @classmethod
    def handed(cls):
        """Those that may still be accepted."""
        return [cls.state.in_(("draft", "sent"))]

    @property
    def living(self) -> list:
        """The lines that were not taken out, in order."""
        return sorted((line for line in self.lines if line.deleted_at is None), key=lambda line: line.position or 0)

    @fields.fact(_l("State"), "choice", choices="quote_state")
    def shown_state(self):
        """The state; 已过期 when the validity has passed while it was still open (computed when read)."""
        return "expired" if self.state in ("draft", "sent") and self.valid_until and self.valid_until < clock.today() else self.state

    @fields.fact(_l("Margin"), "money", masked=True)
    def margin(self):
        """Total without tax and cost of goods, in fen; None while a line has no cost."""
        return self.amount - (self.tax or 0) - self.cost if self.cost is not None and self.amount is not None else None


class QuoteLine(Line):
    """An offered product."""

    part_of = "quote"
    quote_id = fields.ref(_l("Quote"), "quote", required=True)

"""Sales targets, and who gets which part of what was signed and received (manual 4.2 销售指标设定)."""
from sqlalchemy import Index, func, or_, select
from sqlalchemy.orm import relationship

from app.contracts.models import Contract
from app.core import choices, fields, tally
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l
from app.customers.models import Contact, Customer, Followup
from app.opportunities.models import Opportunity, Stage
from app.payments.models import Payment, PaymentPlan

fixed("target_kind", [("signed", _l("Signed amount"), "blue"), ("received", _l("Received amount"), "green"),
                      ("customers", _l("New customers"), "violet")])
KINDS = ("signed", "received", "customers")


class Target(Entity, Owned):
    """What a person (the owner) shall reach in a month: his own target and the superior's. Amounts are hundredths: fen of yuan,
    or of customers (20 customers are 2000). One row a person, kind and month."""

    stays = True
    year = fields.whole(_l("Year"), required=True, import_names=("年份",))
    month = fields.whole(_l("Month"), required=True, import_names=("月份",))
    kind = fields.choice(_l("Target type"), "target_kind", required=True, default="signed", import_names=("指标类型",))
    own = fields.money(_l("Own target"), import_names=("本人目标",))
    assigned = fields.money(_l("Superior's target"), import_names=("下派目标", "上级下派目标"))
    assigned_by_id = fields.ref(_l("Handed out by"), "ab_user", readonly=True, hangs=False)
    assigned_by = relationship("Employee", foreign_keys=[assigned_by_id])
    assigned_at = fields.moment(_l("Handed out at"), readonly=True)
    note = fields.text(_l("Note"), 200)
    __table_args__ = (*fields.sorted_by("target", "year month kind"), fields.partial(
        "ix_target_once", "deleted_at IS NULL", "owner_id", "year", "month", "kind", unique=True),
                      {"extend_existing": True})

    @property
    def slot(self) -> str:
        """'yyyy-mm'."""
        return f"{self.year}-{self.month:02d}"

    @fields.fact(_l("Goal that counts"), "money")
    def goal(self):
        """The superior's target where there is one, else one's own (product.md 4.2), in hundredths."""
        return self.assigned if self.assigned is not None else self.own

    def __repr__(self) -> str:
        return f"{self.slot} {choices.label(None, 'target_kind', self.kind)}"


class MonthLock(Entity):
    """A month that somebody closed or reopened by hand; others close by themselves some days after their end."""

    part_of = "target"
    year = fields.whole(_l("Year"), required=True)
    month = fields.whole(_l("Month"), required=True)
    is_open = fields.flag(_l("Open"))


class Share(Entity):
    """A person's part of a contract in hundredths of a percent; without any the owner has all of it."""

    part_of = "contract"
    contract_id = fields.ref(_l("Contract"), "contract", required=True)
    employee_id = fields.ref(_l("Person"), "ab_user", required=True)
    employee = relationship("Employee", foreign_keys=[employee_id])
    percent = fields.percent(_l("Share of the deal"), required=True)


class Credit(Entity, Owned):
    """What one person gets of a signed contract or of a payment on it (业绩): made from contract, shares and payments, never
    typed. Its owner is that person; all credits of a contract add up to it, so that nothing counts twice."""

    stays = True
    audited = soft_delete = False
    scope_parent = "contract"  # whose deal it is sees who has which part
    kind = fields.choice(_l("Credit type"), "credit_kind", required=True, readonly=True)
    day = fields.date(_l("Counts on"), required=True, readonly=True)
    amount = fields.money(_l("Credited amount"), required=True, readonly=True)
    percent = fields.percent(_l("Share of the deal"), required=True, readonly=True)
    contract_id = fields.ref(_l("Contract"), "contract", required=True, readonly=True, hangs=False)
    contract = fields.related(Contract, contract_id)
    customer_id = fields.ref(_l("Customer"), "customer", readonly=True, hangs=False)
    customer = fields.related(Customer, customer_id)
    payment_id = fields.ref(_l("Payment"), "payment", readonly=True, hangs=False)
    payment = fields.related(Payment, payment_id)
    __table_args__ = (*fields.sorted_by("credit", "day amount created_at"),
                      Index("ix_credit_kind_owner_day", "kind", "owner_id", "day", "id"), Index("ix_credit_kind_day", "kind", "day", "id"),
                      {"extend_existing": True})

    def __repr__(self) -> str:
        return str(self.contract or "")


fixed("credit_kind", [("signed", _l("Signing"), "blue"), ("received", _l("Receipt"), "green")])

_credit, _deal, _plan = Credit.__table__, Opportunity.__table__, PaymentPlan.__table__
_contract, _stage = Contract.__table__, Stage.__table__
_in_force = _contract.c.state != "void", or_(_contract.c.approval.is_(None), _contract.c.approval.in_(("none", "approved")))
for _kind in ("signed", "received"):
    tally.keep(_kind, Credit, "day", amount=_credit.c.amount, only=("kind", _kind), watch=("amount",))
tally.keep("customers", Customer, "created_at")
tally.keep("contacts", Contact, "created_at")
tally.keep("followups", Followup, "happened_at")
tally.keep("opportunities", Opportunity, "created_at", amount=_deal.c.amount, watch=("amount",))
tally.keep("contracts", Contract, "signed_on", counts=_in_force, watch=("state", "approval"))
tally.keep("deals", Opportunity, "stage", amount=_deal.c.amount, counts=(_deal.c.closed_on.is_(None),),
           watch=("amount", "rate", "closed_on"),
           more=(func.coalesce(_deal.c.amount, 0) * func.coalesce(_deal.c.rate, 0) + 5000) // 10_000)
for _kind in ("won", "lost"):
    tally.keep(_kind, Opportunity, "closed_on", amount=_deal.c.amount, watch=("amount", "stage"),
               counts=(_deal.c.stage.in_(select(_stage.c.code).where(_stage.c.kind == _kind)),))
tally.keep("due", PaymentPlan, "due_on", amount=_plan.c.amount - _plan.c.received, watch=("amount",),
           counts=(_plan.c.received < _plan.c.amount, _plan.c.contract_id.in_(select(_contract.c.id).where(
               _contract.c.deleted_at.is_(None), *_in_force))),
           through=((Contract, "id", "contract_id"), (Payment, "contract_id", "contract_id"), (PaymentPlan, "contract_id", "contract_id")))

"""Approval of documents: off by default, per entity and amount (product.md must-have 6)."""
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import fields
from app.core.choices import fixed, table
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("approval_state", [
    ("none", _l("Needs none"), ""), ("needed", _l("To be submitted"), "amber"), ("pending", _l("In approval"), "blue"),
    ("approved", _l("Approved"), "green"), ("rejected", _l("Rejected"), "red"), ("withdrawn", _l("Withdrawn"), "grey")])
fixed("approval_decision", [("waiting", _l("Waiting"), "amber"), ("approved", _l("Approved"), "green"), ("rejected", _l("Rejected"), "red"),
                            ("off", _l("No longer needed"), "grey")])
fixed("approver_kind", [("superior", _l("Direct superior")), ("person", _l("A named person")), ("role", _l("Whoever holds a role"))])
fixed("approvable", [("quote", _l("Quotes")), ("contract", _l("Contracts and orders")), ("payment", _l("Payments")),
                     ("expense", _l("Expenses")), ("claim", _l("Expense claims"))])
table(
    "approver_role",
    lambda session: {str(r.id): (r.name, r.name, "", False, False) for r in session.scalars(select(Role).order_by(Role.id))},
)


class Approvable:
    """A document that may need approval; `approval` changes only by the actions of `rules`."""

    approval = fields.choice(_l("Approval"), "approval_state", readonly=True, default="none")


class ApprovalRule(Entity):
    """When a kind of document needs approval, and by whom. Several rules of one document are steps in order of position."""

    memo = "parameters"
    entity = fields.choice(_l("Documents"), "approvable", required=True)
    least = fields.money(_l("From amount"), default=0)
    only_below = fields.flag(_l("Only below the lowest price"))
    approver = fields.choice(_l("Approver"), "approver_kind", required=True, default="superior")
    person_id = fields.ref(_l("Person"), "ab_user")
    person = relationship("Employee", foreign_keys=[person_id])
    role = fields.choice(_l("Role"), "approver_role")
    position = fields.whole(_l("Position"), default=0)
    is_on = fields.flag(_l("Switched on"), default=True)

    def __repr__(self) -> str:
        return f"{self.entity} {self.approver}"


class Approval(Entity, Owned):
    """One submission of one document; its owner is who submitted it."""

    stays = True
    memo = "approvals"

    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    title = fields.text(_l("Document"), 200, readonly=True)
    amount = fields.money(_l("Amount"), readonly=True)
    kind = fields.choice(_l("Documents"), "approvable", readonly=True)
    state = fields.choice(_l("Approval"), "approval_state", readonly=True, default="pending")
    reason = fields.text(_l("Why"), 200, readonly=True)
    steps = relationship("ApprovalStep", order_by="ApprovalStep.position", primaryjoin=(
        "and_(ApprovalStep.approval_id == Approval.id, ApprovalStep.deleted_at.is_(None))"))
    __table_args__ = (
        Index("ix_approval_row", "entity", "row_id"),
        *fields.sorted_by("approval", "created_at state"),
        {"extend_existing": True},
    )

    def __repr__(self) -> str:
        return self.title or ""


class ApprovalStep(Entity):
    """One approver's turn: a person, or whoever holds a role."""

    memo = "approvals"

    part_of = "approval"
    approval_id = fields.ref(_l("Approval"), "approval", required=True)
    approver_id = fields.ref(_l("Approver"), "ab_user")
    approver = relationship("Employee", foreign_keys=[approver_id])
    role = fields.choice(_l("Role"), "approver_role")
    decision = fields.choice(_l("Decision"), "approval_decision", required=True, default="waiting")
    words = fields.text(_l("Words"), 500)
    decided_at = fields.moment(_l("Decided at"))
    position = fields.whole(_l("Position"), default=0)

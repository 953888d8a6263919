"""Pairs of customers that may be the same, and requests to work along on somebody's customer."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, fields
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("share_request_state", [("open", _l("Waiting"), "amber"), ("read", _l("May read"), "green"), ("write", _l("May edit"), "green"),
                              ("refused", _l("Refused"), "grey")])


class DuplicatePair(Model):
    """Two customers that the last whole run found alike; `reason` is a key of twins.REASONS. Dismissed ones are not shown again."""

    __tablename__ = "duplicate_pair"
    __table_args__ = (Index("ix_duplicate_pair_both", "one_id", "other_id", unique=True), {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    one_id: Mapped[int] = mapped_column(Integer, ForeignKey("customer.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(Integer, ForeignKey("customer.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(String(10))
    is_dismissed: Mapped[bool] = mapped_column(default=False)
    found_at: Mapped[dt.datetime] = mapped_column(default=clock.now)


class ShareRequest(Entity, Owned):
    """Somebody asks the owner of a customer to work along on it; the owner decides."""

    customer_id = fields.ref(_l("Customer"), "customer", required=True, hangs=False)
    customer = fields.related("Customer", customer_id)
    asker_id = fields.ref(_l("Asked by"), "ab_user", required=True, hangs=False)
    asker = fields.related("Employee", asker_id)
    reason = fields.text(_l("Reason"), 200)
    state = fields.choice(_l("State"), "share_request_state", required=True, default="open", readonly=True)
    decided_at = fields.moment(_l("Decided at"), readonly=True)

    @classmethod
    def handed(cls):
        """Those that nobody has answered."""
        return [cls.state == "open"]

    def __repr__(self) -> str:
        return str(self.customer or f"#{self.customer_id}")

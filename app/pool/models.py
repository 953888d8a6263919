"""Pools of customers that nobody works on (公海), the rules by which customers fall into them, and who had a customer when."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, fields
from app.core.choices import fixed
from app.core.entity import Entity
from app.core.words import _, _l

fixed("pool_cause", [("idle", _l("No follow-up for"), "amber"), ("opportunity", _l("No opportunity for"), "cyan"),
                     ("deal", _l("No deal for"), "blue")])
fixed("move_kind", [("fall", _l("Fell into the pool"), "amber"), ("release", _l("Put into the pool"), "grey"),
                    ("claim", _l("Claimed"), "green"), ("assign", _l("Assigned"), "blue"), ("undo", _l("Taken back"), "grey"),
                    ("transfer", _l("Transferred"), "cyan"), ("handover", _l("Handed over"), "cyan")])


class Pool(Entity):
    """A pool: whose customers fall into it, who may claim them and how many (product.md 6 no. 4)."""

    memo = "pool"
    name = fields.text(_l("Pool name"), 40, required=True, unique=True)
    department_id = fields.ref(_l("For the department"), "department", tree="parent_id")
    department = fields.related("Department", department_id)
    daily_limit = fields.whole(_l("Claims a person a day"))
    wait_days = fields.whole(_l("The former owner waits (days)"))
    is_stopped = fields.flag(_l("Stopped"))
    note = fields.note(_l("Note"))


class PoolRule(Entity):
    """When customers fall: so many days without a follow-up, an opportunity or a sale; for some levels or for all."""

    memo = "pool"
    pool_id = fields.ref(_l("Pool"), "pool", required=True, hangs=False)
    pool = fields.related("Pool", pool_id)
    cause = fields.choice(_l("Cause"), "pool_cause", required=True, default="idle")
    days = fields.whole(_l("Days"), required=True, default=30)
    levels = fields.several(_l("Levels"), "customer_level")
    spares_won = fields.flag(_l("Won customers stay"), default=True)
    spares_open = fields.flag(_l("Customers with an open opportunity stay"), default=True)
    starts_on = fields.date(_l("Works from"), required=True, default=clock.today)

    def __repr__(self) -> str:
        return _("%(n)d days", n=self.days)


class OwnerMove(Model):
    """A customer went from one hand to another; written with the change, kept for ever. None: the pool."""

    __tablename__ = "owner_move"
    __table_args__ = (Index("ix_owner_move_customer", "customer_id", "at"), Index("ix_owner_move_to", "to_id", "at"),
                      {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(Integer, ForeignKey("customer.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    from_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id"))
    to_id: Mapped[int | None] = mapped_column(Integer, ForeignKey("ab_user.id"))
    pool_id: Mapped[int | None] = mapped_column(Integer)
    by_id: Mapped[int | None] = mapped_column(Integer)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now)

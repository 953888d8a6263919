"""What the reports of a month said when it was over."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import BigInteger, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock


class Snapshot(Model):
    """One bar of one report of a month, by owner: so that it can be shown to each as far as he sees. `label` is what the value
    was called then; amounts in fen."""

    __tablename__ = "snapshot"
    __table_args__ = (Index("ix_snapshot_month", "month", "report", "owner_id"), {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[str] = mapped_column(String(7))
    report: Mapped[str] = mapped_column(String(20))
    field: Mapped[str] = mapped_column(String(30))
    value: Mapped[str | None] = mapped_column(String(255))
    label: Mapped[str] = mapped_column(String(255), default="")
    owner_id: Mapped[int] = mapped_column(default=0)
    n: Mapped[int] = mapped_column(default=0)
    amount: Mapped[int] = mapped_column(BigInteger, default=0)
    taken_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

"""What a person is told: reminders and what others did for him. One row a person and occasion, whatever number of workers finds it."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock


class Notice(Model):
    """One thing told to one person. `mark` names person and occasion and is there once: whoever writes it first has it."""

    __tablename__ = "notice"
    __table_args__ = (Index("ix_notice_person", "employee_id", "id"), Index("ix_notice_waiting", "state", "due_at"))
    id: Mapped[int] = mapped_column(primary_key=True)
    employee_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(200))
    mark: Mapped[str] = mapped_column(String(160), unique=True)
    made_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    read_at: Mapped[dt.datetime | None]
    state: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, sent, failed: on its way by e-mail and robot
    attempts: Mapped[int] = mapped_column(default=0)
    told: Mapped[str] = mapped_column(String(20), default="", server_default="")  # channels that have it already, with spaces
    due_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

"""The secret link by which a calendar reads a person's dates."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock


class Feed(Model):
    """One link a person; only the hash of its secret is kept."""

    __tablename__ = "calendar_feed"
    employee_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[dt.datetime] = mapped_column(default=clock.now)

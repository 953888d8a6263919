"""What each person keeps for himself: columns, sort, page size, own quick filters of every list."""
from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from . import actor, memo


class Preference(Model):
    """One remembered thing of one person, e.g. key 'list.customer'."""

    memo = "preferences"
    __tablename__ = "preference"
    employee_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(60), primary_key=True)
    value: Mapped[dict] = mapped_column(JSON)


def read(session, key: str) -> dict:
    """The acting person's value, {} when he keeps none."""
    t, who = Preference.__table__.c, actor.current_id()

    def load():
        return session.connection().scalar(select(t.value).where(t.employee_id == who, t.key == key)) or {}
    return dict(memo.recall(session, "preferences", (who, key), load))


def keep(session, key: str, **values) -> None:
    """Merge values into what the acting person keeps under a key; None removes one."""
    who = actor.current_id()
    row = session.get(Preference, (who, key)) or Preference(employee_id=who, key=key, value={})
    row.value = {k: v for k, v in {**row.value, **values}.items() if v is not None}
    session.add(row)


class FormToken(Model):
    """A form that was saved: a second press of the same form finds its record here (promise 22)."""

    __tablename__ = "form_token"
    token: Mapped[str] = mapped_column(String(40), primary_key=True)
    row_id: Mapped[int]

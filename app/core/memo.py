"""What each process may remember between requests, and when it must forget.

One small table holds a revision for each subject ('security', 'choices', 'parameters'); a change of any row whose
class names the subject (`memo = "choices"`) raises it in the same transaction. A request reads all revisions once.
"""
from contextvars import ContextVar

from flask_appbuilder import Model
from sqlalchemy import String, event, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

_seen: ContextVar[dict | None] = ContextVar("revisions", default=None)
_kept: dict = {}


class Revision(Model):
    """How often a subject has changed."""

    __tablename__ = "revision"
    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(default=1)


def look(session) -> None:
    """Read the revisions for this request or job."""
    t = Revision.__table__
    _seen.set(dict(session.connection().execute(select(t.c.subject, t.c.number)).all()))


def forget_revisions() -> None:
    """Read them again at the next use."""
    _seen.set(None)


def recall(session, subject: str, key, load):
    """The value remembered under (subject, key), loaded by `load()` when the subject has changed since."""
    if _seen.get() is None:
        look(session)
    number = _seen.get().get(subject, 0)
    place = (session.get_bind(), subject, key)
    kept = _kept.get(place)
    if kept is None or kept[0] != number:
        kept = _kept[place] = (number, load())
    return kept[1]


def touch(session, subject: str) -> None:
    """The subject has changed: raise its revision in this transaction."""
    line, t = session.connection(), Revision.__table__
    if line.execute(update(t).where(t.c.subject == subject).values(number=t.c.number + 1)).rowcount == 0:
        line.execute(insert(t).values(subject=subject, number=1))
    forget_revisions()


@event.listens_for(Session, "after_flush")
def _notice(session, _context):
    subjects = {getattr(type(row), "memo", None) for rows in (session.new, session.dirty, session.deleted) for row in rows}
    for subject in subjects - {None}:
        touch(session, subject)


@event.listens_for(Session, "after_rollback")
def _doubt(_session):
    """What was remembered inside a rolled-back transaction may be wrong."""
    forget_revisions()
    _kept.clear()

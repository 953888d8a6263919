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
_of: list = [None]  # the engine of what is kept


class Revision(Model):
    """How often a subject has changed."""

    __tablename__ = "revision"
    subject: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(default=1)


_ALL = select(Revision.subject, Revision.number)


def look(session) -> None:
    """Read the revisions for this request or job."""
    line = session.connection()
    if _of[0] is not line.engine:  # another database: nothing of the last one holds
        _kept.clear()
        _of[0] = line.engine
    _seen.set(dict(line.execute(_ALL).all()))


def forget_revisions() -> None:
    """Read them again at the next use."""
    _seen.set(None)


def revision(session, subject: str) -> int:
    """How often a subject has changed, as this request or job saw it."""
    if (seen := _seen.get()) is None:
        look(session)
        seen = _seen.get() or {}
    return seen.get(subject, 0)


def recall(session, subject: str, key, load):
    """The value remembered under (subject, key), loaded by `load()` when the subject has changed since."""
    seen = _seen.get()  # asked a hundred times a page
    number, kept = revision(session, subject) if seen is None else seen.get(subject, 0), _kept.get((subject, key))
    if kept is None or kept[0] != number:
        kept = _kept[subject, key] = (number, load())
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

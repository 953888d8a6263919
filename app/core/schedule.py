"""What happens by itself, without anybody's press: each entry has the moment at which it is due; the first worker that
comes takes it, so that it runs once however many workers there are. What fell due while no worker ran is done once, late.
"""
import datetime as dt
import logging

from flask_appbuilder import Model
from sqlalchemy import String, event, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from . import clock, memo
from .database import writing

log = logging.getLogger(__name__)
ENTRIES: dict = {}  # name -> (next_after(session, moment) -> moment, run(session))


class Due(Model):
    """When an entry is due next, and when it was taken last (naive UTC)."""

    __tablename__ = "schedule"
    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    due_at: Mapped[dt.datetime]
    taken_at: Mapped[dt.datetime | None]


def entry(name: str, next_after):
    """Register `run(session)` as an entry; `next_after(session, moment)` says when it is due after a moment. Short work is
    done at once and committed; long work enqueues a job."""
    def register(run):
        ENTRIES[name] = (next_after, run)
        return run
    return register


def every(name: str, minutes: int):
    """An entry that is due every so many minutes, on the clock."""
    step = dt.timedelta(minutes=minutes)
    return entry(name, lambda session, moment: moment - (moment - dt.datetime(2000, 1, 1)) % step + step)


def daily(name: str, at):
    """An entry that is due every day at 'HH:MM' of the office; `at` is the text or a function of the session."""
    return entry(name, lambda session, moment: day_time(moment, at if isinstance(at, str) else at(session)))


def day_time(moment: dt.datetime, at: str) -> dt.datetime:
    """The first 'HH:MM' of the office after a moment (naive UTC in and out)."""
    local, (hour, minute) = clock.to_office(moment), map(int, at.split(":"))
    first = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return clock.to_utc(first if first > local else first + dt.timedelta(1))


def _known(session) -> dict:
    writing.set(False)
    try:
        return dict(session.execute(select(Due.name, Due.due_at)).all())
    finally:
        session.rollback()
        writing.set(True)


def _open(session, name, now) -> None:
    """Write down a new entry's first moment; another worker may have done it already."""
    try:
        session.execute(insert(Due.__table__).values(name=name, due_at=ENTRIES[name][0](session, now)))
        session.commit()
    except IntegrityError:
        session.rollback()


def _take(session, name, due_at, now) -> bool:
    t = Due.__table__
    later = ENTRIES[name][0](session, now)
    taken = session.execute(update(t).where(t.c.name == name, t.c.due_at == due_at).values(due_at=later, taken_at=now)).rowcount
    session.commit()
    return bool(taken)


def tick(session) -> list[str]:
    """Do what is due; returns the names. A failure is logged and does not stop the others."""
    now, known, done = clock.now(), _known(session), []
    for name, (_next, run) in list(ENTRIES.items()):
        if name not in known:
            _open(session, name, now)
        elif known[name] <= now and _take(session, name, known[name], now):
            memo.forget_revisions()
            try:
                run(session)
                session.commit()
            except Exception:
                session.rollback()
                log.exception("schedule %s failed", name)
            done.append(name)
    return done


_bells = []  # the queue's doorbells: callables with an entry's name


def on_ring(bell) -> None:
    """Register a doorbell: called with the name of an entry that shall run now, whenever it is due."""
    _bells[:] = [bell]


def ring(session, name: str) -> None:
    """Wake a worker for an entry as soon as this transaction, which it shall see, is committed."""
    session.info.setdefault("rings", set()).add(name)


@event.listens_for(Session, "after_commit")
def _wake(session):
    for name in session.info.pop("rings", ()):
        for bell in _bells:
            bell(name)


@event.listens_for(Session, "after_rollback")
def _let_sleep(session):
    session.info.pop("rings", None)


def put_off(session, name: str) -> None:
    """The entry's time has changed (a parameter): reckon its next moment anew, in this transaction."""
    t = Due.__table__
    session.execute(update(t).where(t.c.name == name).values(due_at=ENTRIES[name][0](session, clock.now())))

"""Long work in the background. The table `job` is the truth; the queue only wakes the worker.

A kind of work is a function `run(job, session, progress)` registered by `@kind("import")`. It reports by
`progress(done, total)`, which also raises `Cancelled` when the user asked for it; it returns the result (JSON).
A job whose worker died is taken up again when the worker starts; the function continues from what it stored.
"""
import datetime as dt
import logging
import time

from flask_appbuilder import Model
from sqlalchemy import JSON, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from . import actor, clock, memo
from .rules import RuleError

log = logging.getLogger(__name__)
KINDS: dict = {}
_wake = []  # the queue's doorbells: callables with a job's id


class Cancelled(Exception):
    """The user cancelled the job."""


class Job(Model):
    """One piece of background work and how far it is. States: queued running done failed cancelled."""

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    label: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(10), default="queued", index=True)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    params: Mapped[dict] = mapped_column(JSON, default=dict)
    result: Mapped[dict | None] = mapped_column(JSON)
    message: Mapped[str] = mapped_column(Text, default="")
    owner_id: Mapped[int | None] = mapped_column(index=True)
    cancel: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]


def kind(name: str):
    """Register the function that does a kind of work."""
    def register(run):
        KINDS[name] = run
        return run
    return register


def on_enqueue(ring) -> None:
    """Register a doorbell: called with the job's id after `enqueue`d work was committed."""
    _wake[:] = [ring]


def enqueue(session, name: str, params: dict, *, label: str = "", total: int = 0, mark=None) -> Job:
    """Put work on the list and commit, so that the worker can see it; `mark(job)` writes along in that commit."""
    job = Job(kind=name, params=params, label=label, total=total, owner_id=actor.current_id())
    session.add(job)
    session.flush()
    if mark:
        mark(job)
    session.commit()
    for ring in _wake:
        ring(job.id)
    return job


def cancel(session, job: Job) -> None:
    """Ask a job to stop; a queued one stops at once."""
    job.cancel = True
    if job.state == "queued":
        job.state, job.finished_at = "cancelled", clock.now()


def _progress(session, job_id):
    last = [0.0]

    def report(done, total=None):
        if time.monotonic() - last[0] < 0.3 and done != total:
            return
        last[0] = time.monotonic()
        values = {"done": done, **({"total": total} if total is not None else {})}
        session.execute(update(Job).where(Job.id == job_id).values(**values))
        session.commit()
        if session.scalar(select(Job.cancel).where(Job.id == job_id)):
            raise Cancelled
    return report


def claim(session, job_id: int) -> bool:
    """Take a queued job; False when another worker has it."""
    taken = session.execute(update(Job).where(Job.id == job_id, Job.state == "queued").values(
        state="running", started_at=clock.now())).rowcount
    session.commit()
    return bool(taken)


def run(session, job_id: int, actor_of) -> None:
    """Do one job as its owner (`actor_of(session, id)`), and store how it ended."""
    memo.forget_revisions()
    if not claim(session, job_id):
        return
    job = session.get(Job, job_id)
    state, message, result = "done", "", None
    with actor.acting_as(actor_of(session, job.owner_id) if job.owner_id else None):
        try:
            result = KINDS[job.kind](job, session, _progress(session, job_id))
            session.commit()
        except Cancelled:
            session.rollback()
            state = "cancelled"
        except RuleError as no:
            session.rollback()
            state, message = "failed", str(no)
        except Exception:
            session.rollback()
            log.exception("job %s failed", job_id)
            state, message = "failed", "error"
    session.execute(update(Job).where(Job.id == job_id).values(
        state=state, message=message, finished_at=clock.now(), **({"result": result} if result is not None else {})))
    session.commit()


def take_up(session) -> list[int]:
    """At the worker's start: running jobs of a dead worker are queued again; returns all queued ids in order."""
    session.execute(update(Job).where(Job.state == "running").values(state="queued"))
    session.commit()
    return list(session.scalars(select(Job.id).where(Job.state == "queued").order_by(Job.id)))


def waiting(session) -> list[int]:
    """Ids of the queued jobs, oldest first."""
    return list(session.scalars(select(Job.id).where(Job.state == "queued").order_by(Job.id).limit(10)))

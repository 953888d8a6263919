"""Long work in the background. The table `job` is the truth; the queue only wakes the worker.

A kind of work is a function `run(job, session, progress)` registered by `@kind("import")`. It reports by
`progress(done, total)`, which also raises `Cancelled` when the user asked for it; it returns the result (JSON).
A job whose worker died is taken up again when the worker starts; the function continues from what it stored.
"""
import datetime as dt
import logging
import os
import secrets
import socket
import time
from functools import cache
from pathlib import Path

from flask_appbuilder import Model
from sqlalchemy import JSON, String, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from . import actor, clock, memo
from .rules import RuleError

log = logging.getLogger(__name__)
KINDS: dict = {}
SILENT = dt.timedelta(minutes=10)
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
    worker: Mapped[str | None] = mapped_column(String(80))  # who runs it: `me`
    beat_at: Mapped[dt.datetime | None]  # when that one was last heard of
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


def at_once(session, name: str, params: dict, *, label: str = "", total: int = 0) -> Job:
    """Do a small piece of work here and now; it stands on the list like any other. What it raises is the caller's to tell."""
    job = Job(kind=name, params=params, label=label, total=total, owner_id=actor.current_id(), state="running", worker=me(),
              started_at=clock.now(), beat_at=clock.now())
    session.add(job)
    session.flush()
    result = KINDS[name](job, session, lambda done, total=None: None)
    job.state, job.result, job.done, job.finished_at = "done", result, total, clock.now()
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
        values = {"done": done, "beat_at": clock.now(), **({"total": total} if total is not None else {})}
        session.execute(update(Job).where(Job.id == job_id).values(**values))
        session.commit()
        if session.scalar(select(Job.cancel).where(Job.id == job_id)):
            raise Cancelled
    return report


def _beside(session, job_id: int) -> Path | None:
    """SQLite: the file beside the database in which a job of one transaction tells how far it is."""
    url = session.get_bind().url
    return Path(f"{url.database}.job-{job_id}") if url.get_backend_name() == "sqlite" and url.database else None


def _stop(place: Path) -> Path:
    """The file by which such a job is asked to stop."""
    return place.with_name(f"{place.name}-stop")


def cancel_aside(session, job: Job) -> bool:
    """Ask a job of one transaction to stop without writing to SQLite, which it keeps locked; False when this is none that runs."""
    place = _beside(session, job.id)
    if place is None or not place.exists():
        return False
    _stop(place).touch()
    return True


def aside(session, job_id: int):
    """A report `told(n more)` for work that is one transaction, whole or not at all; it may raise `Cancelled`. PostgreSQL takes it on a
    line of its own; SQLite, which lets nobody else write meanwhile, has it in a small file."""
    place, engine, last, done = _beside(session, job_id), session.get_bind(), [0.0], [0]

    def told(more: int) -> None:
        done[0] += more
        if time.monotonic() - last[0] < 0.3:
            return
        last[0] = time.monotonic()
        if place is not None:
            place.write_text(str(done[0]), encoding="ascii")
            if _stop(place).exists():
                raise Cancelled
            return
        with engine.begin() as line:
            line.execute(update(Job.__table__).where(Job.__table__.c.id == job_id).values(done=done[0], beat_at=clock.now()))
            if line.scalar(select(Job.__table__.c.cancel).where(Job.__table__.c.id == job_id)):
                raise Cancelled
    return told


def done_of(session, job: Job) -> int:
    """How far a job is, wherever it tells it."""
    place = _beside(session, job.id)
    try:
        return max(job.done, int(place.read_text(encoding="ascii") or 0)) if place is not None else job.done
    except (OSError, ValueError):
        return job.done


@cache
def me() -> str:
    """This process among all workers: host, process, and a mark of this run."""
    return f"{socket.gethostname()[-50:]}:{os.getpid()}:{secrets.token_hex(4)}"


def claim(session, job_id: int) -> bool:
    """Take a queued job; False when another worker has it."""
    taken = session.execute(update(Job).where(Job.id == job_id, Job.state == "queued").values(
        state="running", started_at=clock.now(), worker=me(), beat_at=clock.now())).rowcount
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
    if (place := _beside(session, job_id)) is not None:
        place.unlink(missing_ok=True)
        _stop(place).unlink(missing_ok=True)


def _is_gone(job: Job) -> bool:
    """Whether the worker that ran a job is dead: seen at once on its own machine, elsewhere after ten minutes of silence."""
    host, process, _mark = (job.worker or "::").split(":")
    if job.worker == me():
        return False
    if host != me().split(":")[0]:
        return job.beat_at is None or clock.now() - job.beat_at > SILENT
    if int(process) == os.getpid() or not os.path.isdir("/proc"):
        return True  # this process's number in its last life; or not Linux, where one worker is all there is
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return b"worker" not in file.read()
    except OSError:
        return True


def take_up(session) -> list[int]:
    """Running jobs of dead workers are queued again; returns all queued ids in order."""
    for job in session.scalars(select(Job).where(Job.state == "running")):
        if _is_gone(job):
            job.state = "queued"
    session.commit()
    return list(session.scalars(select(Job.id).where(Job.state == "queued").order_by(Job.id)))


def waiting(session) -> list[int]:
    """Ids of the queued jobs, oldest first."""
    return list(session.scalars(select(Job.id).where(Job.state == "queued").order_by(Job.id).limit(10)))

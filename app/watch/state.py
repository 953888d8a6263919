"""How the system is: versions, database, queue, storage. No Flask."""
import datetime as dt
import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

from alembic.migration import MigrationContext
from sqlalchemy import func, select, text

from app.core import clock, schedule
from app.core.attachments import Attachment
from app.core.jobs import Job
from app.core.jobs import take_up as queued_again

VERSION = "0.1"
SILENT = dt.timedelta(minutes=3)  # a worker that did not tick for so long is away
BACKUPS: list = []  # of a later module: functions session -> (moment of the last good backup or None, words)


@schedule.every("heartbeat", 1)
def beat(session) -> None:
    """The worker lives: being due and taken says so. It also takes up what a dead one has left."""
    queued_again(session)


def versions(session) -> dict[str, str]:
    """What runs here."""
    line = session.connection()
    server = line.scalar(text("SELECT sqlite_version()" if line.dialect.name == "sqlite" else "SHOW server_version"))
    return {"快客 CRM": VERSION, "Python": platform.python_version(), "Flask-AppBuilder": version("flask-appbuilder"),
            "SQLAlchemy": version("sqlalchemy"), {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[line.dialect.name]: server,
            "schema": MigrationContext.configure(line).get_current_revision() or "-"}


def jobs(session) -> dict[str, int]:
    """How many jobs wait, run, and failed since yesterday."""
    counted = dict(session.execute(select(Job.state, func.count()).where(Job.state.in_(("queued", "running"))).group_by(Job.state)).all())
    failed = session.scalar(select(func.count(Job.id)).where(Job.state == "failed", Job.finished_at > clock.now() - dt.timedelta(1)))
    return {"queued": counted.get("queued", 0), "running": counted.get("running", 0), "failed": failed}


def worker_seen(session) -> dt.datetime | None:
    """When a worker last did what is due (naive UTC)."""
    return session.scalar(select(schedule.Due.taken_at).where(schedule.Due.name == "heartbeat"))


def worker_lives(session) -> bool:
    """Whether a worker was there within the last minutes."""
    seen = worker_seen(session)
    return seen is not None and clock.now() - seen < SILENT


def database_size(session) -> int:
    """Bytes of the database."""
    line = session.connection()
    if line.dialect.name == "sqlite":
        return line.scalar(text("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"))
    return line.scalar(text("SELECT pg_database_size(current_database())"))


def storage(session, uploads: str) -> dict[str, int]:
    """Bytes: database, attachments, free and all of the disk that holds them."""
    place = Path(uploads)
    while not place.exists():
        place = place.parent
    disk = shutil.disk_usage(place)
    files = session.scalar(select(func.coalesce(func.sum(Attachment.size), 0)).execution_options(everyone=True))
    return {"database": database_size(session), "files": int(files), "free": disk.free, "disk": disk.total}


def gauges(session) -> dict[str, tuple[str, float]]:
    """name -> (what it is, value), for Prometheus."""
    now, seen, counted = clock.now(), worker_seen(session), jobs(session)
    return {"jobs_queued": ("Jobs that wait", counted["queued"]), "jobs_running": ("Jobs that run", counted["running"]),
            "jobs_failed_day": ("Jobs that failed since yesterday", counted["failed"]),
            "worker_silent_seconds": ("Seconds since a worker did what was due", (now - seen).total_seconds() if seen else float("nan")),
            "database_bytes": ("Size of the database", database_size(session)),
            "open_files": ("Open files of this process", len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0)}

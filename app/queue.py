"""The queue that wakes the worker: an SQLite file beside the database, or Redis when configured (huey does both)."""
import logging
import os
import time
from pathlib import Path

from huey import RedisHuey, SqliteHuey

from app.core import jobs
from app.core.database import writing
from app.extensions import db

log = logging.getLogger(__name__)


def make(app):
    """The huey queue of an app, with its one task; `jobs.enqueue` rings it."""
    if app.config["CRM_REDIS_URL"]:
        huey = RedisHuey("crm", url=app.config["CRM_REDIS_URL"])
    else:
        database = app.config["SQLALCHEMY_DATABASE_URI"]
        place = Path(database.removeprefix("sqlite:///")).with_suffix(".queue.db") if database.startswith("sqlite:////") \
            else Path(app.instance_path) / "queue.db"
        place.parent.mkdir(parents=True, exist_ok=True)
        huey = SqliteHuey("crm", filename=str(place), journal_mode="wal")

    @huey.task(name="crm.job")
    def do(job_id):
        from app.security.people import actor_for
        with app.app_context():
            try:
                jobs.run(db.session, job_id, actor_for)
            finally:
                db.session.remove()

    def ring(job_id):
        try:
            do(job_id)
        except Exception:  # the queue is away: the worker finds the job in the table
            log.warning("queue did not take job %s", job_id)
    jobs.on_enqueue(ring)
    return huey, do


def _queued(app, first: bool) -> list[int]:
    """Ids of the jobs to do; the session is given back before they are done."""
    with app.app_context():
        writing.set(first)
        try:
            return jobs.take_up(db.session) if first else jobs.waiting(db.session)
        finally:
            db.session.remove()
            writing.set(True)


def work(app) -> None:
    """The worker: what a dead one left, then whatever rings; looks at the table as well, so that nothing waits for ever.
    Ends when the server that started it has ended."""
    huey, do = make(app)
    parent, first = os.getppid(), True
    while os.getppid() == parent:
        try:
            for job_id in _queued(app, first):
                do.call_local(job_id)
            first = False
            task = huey.dequeue()
            if task is not None:
                huey.execute(task)
                continue
        except Exception:
            log.exception("queue")
        time.sleep(0.5)

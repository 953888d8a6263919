"""The queue that wakes the worker: an SQLite file beside the database, or Redis when configured (huey does both)."""
import logging
import time
from pathlib import Path

from huey import RedisHuey, SqliteHuey

from app.core import jobs
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


def work(app) -> None:
    """The worker: what a dead one left, then whatever rings; polls the table as well, so that nothing waits for ever."""
    huey, do = make(app)
    with app.app_context():
        for job_id in jobs.take_up(db.session):
            do.call_local(job_id)
    while True:
        try:
            task = huey.dequeue()
            if task is not None:
                huey.execute(task)
                continue
        except Exception:
            log.exception("queue")
        with app.app_context():
            for job_id in jobs.waiting(db.session):
                do.call_local(job_id)
            db.session.remove()
        time.sleep(0.5)

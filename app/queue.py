"""The queue that wakes the worker: an SQLite file beside the database, or Redis when configured (huey does both)."""
import logging
import os
import sys
import time
from pathlib import Path

from app.core import jobs, memo, schedule
from app.core.database import writing
from app.extensions import db

log = logging.getLogger(__name__)


def _huey(*unused):
    """huey, which imports the client of every storage that is installed: those that are not used here stay out (14 MiB a process)."""
    out = [name for name in unused if name not in sys.modules]
    sys.modules.update(dict.fromkeys(out))
    try:
        import huey
    finally:
        for name in out:
            del sys.modules[name]
    return huey


def make(app):
    """The huey queue of an app, with its one task; `jobs.enqueue` rings it."""
    kinds = _huey("psycopg", *(() if app.config["CRM_REDIS_URL"] else ("redis",)))
    if app.config["CRM_REDIS_URL"]:
        huey = kinds.RedisHuey("crm", url=app.config["CRM_REDIS_URL"])
    else:
        database = app.config["SQLALCHEMY_DATABASE_URI"]
        place = Path(database.removeprefix("sqlite:///")).with_suffix(".queue.db") if database.startswith("sqlite:////") \
            else Path(app.instance_path) / "queue.db"
        place.parent.mkdir(parents=True, exist_ok=True)
        huey = kinds.SqliteHuey("crm", filename=str(place), journal_mode="wal")

    @huey.task(name="crm.job")
    def do(job_id):
        from app.security.people import actor_for
        with app.app_context():
            try:
                jobs.run(db.session, job_id, actor_for)
            finally:
                db.session.remove()

    @huey.task(name="crm.due")
    def due(name):
        _at_work(app, lambda session: schedule.ENTRIES[name][1](session))

    def ringing(task):
        def ring(what):
            try:
                task(what)
            except Exception:  # the queue is away: the worker finds it in the table
                log.warning("queue did not take %s", what)
        return ring
    jobs.on_enqueue(ringing(do))
    schedule.on_ring(ringing(due))
    return huey, do


def ping(app) -> None:
    """Raise when the queue does not answer within two seconds."""
    if app.config["CRM_REDIS_URL"]:
        import redis
        with redis.from_url(app.config["CRM_REDIS_URL"], socket_timeout=2, socket_connect_timeout=2) as line:
            line.ping()


def _queued(app, first: bool) -> list[int]:
    """Ids of the jobs to do; the session is given back before they are done."""
    from app.watch import readonly
    with app.app_context():
        writing.set(first)
        try:
            memo.forget_revisions()
            if readonly.is_on():
                return []
            return jobs.take_up(db.session) if first else jobs.waiting(db.session)
        finally:
            db.session.remove()
            writing.set(True)


def _at_work(app, what) -> None:
    """Do `what(session)`, unless nothing may be changed just now."""
    from app.watch import readonly
    with app.app_context():
        try:
            if not readonly.is_on():
                what(db.session)
        finally:
            db.session.remove()


def work(app) -> None:
    """The worker: what a dead one left, then whatever rings or is due; looks at the table as well, so that nothing waits
    for ever. Ends when the server that started it has ended."""
    huey, do = make(app)
    parent, first = os.getppid(), True
    while os.getppid() == parent:
        try:
            for job_id in _queued(app, first):
                do.call_local(job_id)
            first = False
            _at_work(app, schedule.tick)
            task = huey.dequeue()
            if task is not None:
                huey.execute(task)
                continue
        except Exception:
            log.exception("queue")
        time.sleep(0.5)

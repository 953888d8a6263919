"""Backups by themselves and by the administrator's press; what was restored ends everybody's session."""
from pathlib import Path

from flask import current_app
from sqlalchemy import func, insert, inspect, select, text

from app.core import backup, clock, jobs, memo, parameters, schedule
from app.core.attachments import Attachment
from app.core.jobs import Job
from app.core.memo import Revision
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.security import rules as accounts
from app.security.models import Employee
from app.watch import readonly, state

from . import rules


def folder() -> Path:
    """Where the backups lie."""
    return Path(current_app.config["CRM_BACKUP_DIR"])


def uploads() -> Path:
    """Where the attachments lie."""
    return Path(current_app.config["CRM_UPLOAD_DIR"])


def _last_good(_session):
    good = rules.last_good(folder())
    newest = next(iter(rules.listed(folder())), None)
    failed = _("The newest one is damaged: %(why)s", why=newest.said) if newest and newest.tried is False else ""
    return (good.made_at if good else None), failed or (good.name if good else "")


state.BACKUPS.append(_last_good)


def check_recent() -> None:
    """RuleError when there is no good backup of the last two days."""
    good = rules.last_good(folder())
    if good is None or clock.now() - good.made_at > rules.STALE:
        raise RuleError(_("There is no good backup of the last two days."))


@schedule.daily("backup", lambda session: parameters.get(session, "backup.at"))
def daily(session) -> None:
    """Every night, unless it is switched off."""
    if parameters.get(session, "backup.daily"):
        jobs.enqueue(session, "backup", {"kind": "daily"}, label=_("Daily backup"), total=4)


def _quiet(session, progress):
    """Progress that leaves no transaction open: nobody waits for a backup."""
    def told(done, total):
        progress(done, total)
        session.rollback()
    return told


@jobs.kind("backup")
def backup_job(job, session, progress):
    """Make a backup, try it, remove what is too old."""
    kind = job.params["kind"]
    with_files = kind != "daily" or parameters.get(session, "backup.files")
    engine, path, told = session.get_bind(), folder() / rules.new_name(kind), _quiet(session, progress)
    session.rollback()
    backup.make(engine, uploads(), path, told, with_files=with_files)
    known = rules.tried(engine, path)
    rules.rotate(session, folder())
    return {"text": _("%(name)s: %(rows)d rows, %(files)d files; restored on trial and found the same.", name=path.name, rows=known.rows,
                      files=known.files), "back": "/backup/"}


@jobs.kind("rehearsal")
def rehearsal_job(job, session, _progress):
    """Restore a backup into a temporary place and compare."""
    path, engine = rules.place_of(folder(), job.params["name"]), session.get_bind()
    session.rollback()
    known = rules.tried(engine, path)
    return {"text": _("%(name)s: %(rows)d rows, %(files)d files; restored on trial and found the same.", name=path.name, rows=known.rows,
                      files=known.files), "back": "/backup/"}


@jobs.kind("restore")
def restore_job(job, session, progress):
    """Put a backup back; one that was interrupted is not taken up again."""
    if job.done:
        raise RuleError(_("The restore was interrupted; nothing was changed. Start it again."))
    path, number, told = rules.place_of(folder(), job.params["name"]), job.id, _quiet(session, progress)
    told(1, 4)
    restore(path, session.get_bind(), job=number)
    return {"text": _("Everything is as it was in %(name)s. Everybody logs in again.", name=path.name)}


def is_in_use(engine) -> bool:
    """Whether a database has people in it."""
    with engine.connect() as line:
        return inspect(line).has_table("ab_user") and bool(line.scalar(select(func.count()).select_from(Employee.__table__)))


def restore(path: Path, engine, job: int | None = None) -> dict:
    """Put a backup in the place of everything; a database in use is saved first and is read-only meanwhile, and its people log in again.
    RuleError when the file is not whole: nothing is changed. Returns its manifest."""
    with backup.unpacked(path) as found:
        if not is_in_use(engine):
            backup.put_back(found, engine, uploads())
        else:
            with readonly.held():
                backup.make(engine, uploads(), folder() / rules.new_name("before"))
                backup.put_back(found, engine, uploads(), lambda line: _carry(engine, line, job))
            accounts.log(db.session, "restore", detail=path.name)
            db.session.commit()
        memo.forget_revisions()
        if found.manifest["schema"] != backup.newest_schema():
            from app.cli import initialise
            initialise()  # what newer versions add to roles and lists
    return found.manifest


def _carry(engine, line, job: int | None) -> None:
    """Into the unpacked database: nobody goes on with what he had, no process remembers what it knew, the running job is there."""
    with engine.connect() as here:
        numbers = dict(here.execute(select(Revision.subject, Revision.number)).all())
        mine = here.execute(select(Job.__table__).where(Job.id == job)).mappings().first() if job else None
    for subject, number in line.execute(select(Revision.subject, Revision.number)).all():
        numbers[subject] = max(number, numbers.get(subject, 0))
    line.execute(Revision.__table__.delete())
    line.execute(insert(Revision), [{"subject": subject, "number": number + 1} for subject, number in numbers.items()])
    line.execute(text("UPDATE ab_user SET stamp = lower(hex(randomblob(6)))"))
    if mine:
        line.execute(Job.__table__.delete().where(Job.__table__.c.id == job))
        line.execute(insert(Job.__table__), dict(mine))


def check_database(session) -> None:
    """Look into the database itself: whole, no reference into nothing; RuleError says what is wrong."""
    session.rollback()
    line = session.connection()
    if line.dialect.name == "sqlite":
        if line.scalar(text("PRAGMA quick_check(1)")) != "ok":
            raise RuleError(_("The database is damaged: restore the last good backup."))
        if wrong := line.execute(text("PRAGMA foreign_key_check")).first():
            raise RuleError(_("The database refers to what is not there: table %(name)s.", name=wrong[0]))
    kept = line.execute(select(Attachment.__table__.c.digest).distinct()).scalars()
    missing = [digest for digest in kept if not (uploads() / digest[:2] / digest).is_file()]
    if missing:
        raise RuleError(_("%(n)d attachments are not in the upload folder.", n=len(missing)))


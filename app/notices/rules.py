"""What the business says of notices: what others did, and how each person wants to be told. No Flask, no commit."""
import datetime as dt

from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from app.core import actor, clock, events, schedule
from app.core.preferences import Preference
from app.core.words import _, _l
from app.tasks.models import Task

from .models import Notice

KEY = "notices"
KINDS = {"task": _l("Reminders of tasks and memos"), "call": _l("Next follow-ups"), "contact": _l("Next follow-ups of contacts"),
         "plan": _l("Planned payments"), "quote": _l("Quote validity ends"), "contract": _l("Contract ends"),
         "birthday": _l("Birthdays of contacts"), "approval": _l("Waiting for my approval"), "handed": _l("Tasks handed to me"),
         "done": _l("Tasks that I handed out are done")}
CHANNELS = {"bell": _l("Bell"), "mail": _l("E-mail message"), "robot": _l("Group robot")}
ROBOTS = {"": _l("None"), "wecom": "企业微信", "dingtalk": "钉钉", "feishu": "飞书"}
MOST, CHUNK = 2000, 500  # notices read by one press; rows of one statement


def put(session, found: list[dict]) -> None:
    """Write notices that are not there yet, in this transaction; {employee_id, kind, title, url, mark}. Another worker may be
    writing the same ones at this moment: whoever comes first has them, the other goes on."""
    t, dialect = Notice.__table__, postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    for start in range(0, len(found), CHUNK):
        part = found[start:start + CHUNK]
        there = set(session.connection().scalars(select(t.c.mark).where(t.c.mark.in_([row["mark"] for row in part]))))
        fresh = [{**row, "title": row["title"][:300]} for row in part if row["mark"] not in there]
        if fresh:
            session.connection().execute(dialect.insert(t).on_conflict_do_nothing(index_elements=["mark"]), fresh)


def one(employee_id, kind, title, url, occasion) -> dict:
    """A notice as `put` takes it; `occasion` tells it from the others of its kind."""
    return {"employee_id": employee_id, "kind": kind, "title": title, "url": url, "mark": f"{kind}-{occasion}-{employee_id}"}


# ---- what others did ------------------------------------------------------------------------------------------
@events.changed.connect
def hear(session, rows) -> None:
    """A task that was handed to somebody, or done for whoever handed it out, in the transaction of the change."""
    put(session, [told for row in rows if row["entity"] == "task" for told in _of_task(session, row)])


def _of_task(session, row):
    new, by = row["new"] or {}, row["actor_id"]
    if new.get("state") == "done":
        kind, column = "done", Task.created_by_id
    elif "owner_id" in new and row["verb"] in ("add", "edit"):
        kind, column = "handed", Task.owner_id
    else:
        return []
    t = Task.__table__.c
    told = session.connection().execute(select(t[column.key], t.title).where(t.id == row["row_id"])).first()
    if told is None or by is None or told[0] in (None, by):
        return []
    said = {"who": actor.current().name, "name": told[1]}
    words = _("%(who)s has done: %(name)s", **said) if kind == "done" else _("%(who)s hands to you: %(name)s", **said)
    return [one(told[0], kind, words, f"/task/show/{row['row_id']}", f"{row['row_id']}-{row['at']:%Y%m%d%H%M%S%f}")]


# ---- the person's side ----------------------------------------------------------------------------------------
def shown(session, employee_id: int) -> tuple:
    """The clauses of what a person's bell tells."""
    return Notice.employee_id == employee_id, Notice.kind.not_in(wishes(session, employee_id)["off"]["bell"])


def unread(session, employee_id: int) -> int:
    """How many a person has not read."""
    return session.scalar(select(func.count(Notice.id)).where(*shown(session, employee_id), Notice.read_at.is_(None)))


def read(session, employee_id: int) -> None:
    """Mark a person's notices as read, up to two thousand a press."""
    for row in session.scalars(select(Notice).where(Notice.employee_id == employee_id, Notice.read_at.is_(None)).limit(MOST)):
        row.read_at = clock.now()


def wishes(session, employee_id: int) -> dict:
    """How a person wants to be told: {robot, address, secret, quiet_from, quiet_to, off: {channel: [kinds not told there]}}."""
    kept = dict(session.scalar(select(Preference.value).where(Preference.employee_id == employee_id, Preference.key == KEY)) or {})
    off, by_mail = kept.pop("off", {}), kept.pop("mail", True)
    if isinstance(off, list):  # as it was kept before each channel had its own
        off = {"mail": off, "robot": off}
    if not by_mail:
        off = {**off, "mail": list(KINDS)}
    return {"robot": "", "address": "", "secret": "", "quiet_from": "21:00", "quiet_to": "08:00", **kept,  # nosec B105: none is kept yet
            "off": {channel: off.get(channel, []) for channel in CHANNELS}}


def quiet_until(wish: dict, now: dt.datetime) -> dt.datetime | None:
    """The end of the quiet hours that `now` (naive UTC) lies in, of the office's time and over midnight too; None outside of them."""
    at, first, last = clock.to_office(now).strftime("%H:%M"), wish["quiet_from"], wish["quiet_to"]
    inside = first <= at < last if first <= last else at >= first or at < last
    return schedule.day_time(now, last) if inside else None


def forget_old():
    """The clause: read long ago."""
    return or_(Notice.read_at < clock.now() - dt.timedelta(90), Notice.made_at < clock.now() - dt.timedelta(365))


@schedule.daily("notices.forget", "03:55")
def forget(session) -> None:
    """What was read is kept for ninety days, all else for a year."""
    for row in session.scalars(select(Notice).where(forget_old()).limit(5000)):
        session.delete(row)

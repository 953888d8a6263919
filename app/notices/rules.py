"""What the business says of notices: what others did, and how each person wants to be told. No Flask, no commit."""
import datetime as dt

from sqlalchemy import event, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core import actor, clock, events, schedule
from app.core.preferences import Preference
from app.core.words import _, _l
from app.customers.models import Customer
from app.duplicates.models import ShareRequest
from app.hooks import robots
from app.journals.models import Journal
from app.targets.models import Target
from app.tasks.models import Task

from .models import Notice

KEY = "notices"
KINDS = {"task": _l("Reminders of tasks and memos"), "call": _l("Next follow-ups"), "contact": _l("Next follow-ups of contacts"),
         "plan": _l("Planned payments"), "quote": _l("Quote validity ends"), "contract": _l("Contract ends"),
         "pool": _l("Customers soon in the pool"), "birthday": _l("Birthdays of contacts"), "approval": _l("Waiting for my approval"),
         "handed": _l("Tasks handed to me"), "done": _l("Tasks that I handed out are done"), "given": _l("Customers handed to me"),
         "share": _l("Requests to work along"), "journal": _l("Daily and weekly reports"), "target": _l("Targets handed to me")}
CHANNELS = {"bell": _l("Bell"), "mail": _l("E-mail message"), "robot": _l("Group robot")}
ROBOTS = {"": _l("None"), **robots.NAMES}
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
    """What somebody did for another, in the transaction of the change; what is taken back is told nobody."""
    if actor.current_id() and not session.info.get("restoring"):
        told = [found for row in rows if row["entity"] in _HEARD and (found := _HEARD[row["entity"]](session, row))]
        put(session, [one(person, *what) for person, *what in told if person not in (None, actor.current_id())])
        for row in rows:
            if row["entity"] == "customer" and row["verb"] in ("add", "edit") and (row["new"] or {}).get("owner_id"):
                session.info.setdefault("given", {}).setdefault((row["batch_id"], row["new"]["owner_id"]), []).append(row["row_id"])


def _row(session, model, key, *names):
    """Some columns of a row, read beside the session, which is being flushed."""
    t = model.__table__.c
    return session.connection().execute(select(*(t[n] for n in names)).where(t.id == key)).first()


def _by(name: str) -> dict:
    """Who does it, and to what."""
    return {"who": actor.current().name, "name": name}


def _task(session, row):
    """Handed to somebody, or done for whoever handed it out."""
    new, key = row["new"] or {}, row["row_id"]
    done = new.get("state") == "done"
    if not done and not ("owner_id" in new and row["verb"] in ("add", "edit")):
        return None
    if (told := _row(session, Task, key, "created_by_id" if done else "owner_id", "title")) is None:
        return None
    said = _by(told[1])
    words = _("%(who)s has done: %(name)s", **said) if done else _("%(who)s hands to you: %(name)s", **said)
    return told[0], "done" if done else "handed", words, f"/task/show/{key}", f"{key}-{row['at']:%Y%m%d%H%M%S%f}"


@event.listens_for(Session, "before_commit")
def _given(session) -> None:
    """Customers that got an owner: one notice a person and operation, however many they are."""
    if session.in_nested_transaction():
        return
    session.flush()
    found, who = [], actor.current()
    for (batch, owner), ids in session.info.pop("given", {}).items():
        if who and owner != who.id:
            said = _by(_row(session, Customer, ids[0], "name").name)
            words = _("%(who)s hands you customers: %(name)s and others", **said) if len(ids) > 1 else _(
                "%(who)s hands you the customer: %(name)s", **said)
            found.append(one(owner, "given", words, f"/customer/show/{ids[0]}" if len(ids) == 1 else "/customer/list/?quick=mine", batch))
    put(session, found)


@event.listens_for(Session, "after_rollback")
def _forget(session) -> None:
    session.info.pop("given", None)


def _request(session, row):
    """Somebody asks to work along on a customer; the owner has answered."""
    key, state = row["row_id"], "open" if row["verb"] == "add" else (row["new"] or {}).get("state")
    if state is None:
        return None
    owner, asker, customer, reason = _row(session, ShareRequest, key, "owner_id", "asker_id", "customer_id", "reason")
    said = _by(_row(session, Customer, customer, "name").name)
    if state == "open":
        words = _("%(who)s asks to work along on %(name)s", **said) + (_(": %(reason)s", reason=reason) if reason else "")
        return owner, "share", words, f"/sharerequest/show/{key}", key
    if state == "refused":
        return asker, "share", _("%(who)s does not want you to work along", **said), "/duplicate/", key
    return asker, "share", _("%(who)s lets you work along on %(name)s", **said), f"/customer/show/{customer}", key


def _report(session, key) -> tuple:
    """Whose report it is, to whom it was sent, and its title beside who acts."""
    owner, superior, kind, day = _row(session, Journal, key, "owner_id", "sent_to_id", "kind", "day")
    return owner, superior, _by(str(Journal(kind=kind, day=day)))


def _journal(session, row):
    """A report was sent to the superior."""
    if (row["new"] or {}).get("state") != "sent":
        return None
    key = row["row_id"]
    _owner, superior, said = _report(session, key)
    return superior, "journal", _("%(who)s sends you: %(name)s", **said), f"/journal/show/{key}", key


def _comment(session, row):
    """Somebody says something of a report: the other one of the two hears it."""
    if row["verb"] != "add":
        return None
    key = row["new"]["journal_id"]
    owner, superior, said = _report(session, key)
    person = superior if owner == actor.current_id() else owner
    return person, "journal", _("%(who)s comments on: %(name)s", **said), f"/journal/show/{key}", f"c{row['row_id']}"


def _target(session, row):
    """Targets were handed out: one notice an operation."""
    if not (row["new"] or {}).get("assigned"):
        return None
    person = _row(session, Target, row["row_id"], "owner_id").owner_id
    return person, "target", _("%(who)s hands you targets", who=actor.current().name), "/target/", row["batch_id"]


_HEARD = {"task": _task, "share_request": _request, "journal": _journal, "journal_comment": _comment, "target": _target}


# ---- the person's side ----------------------------------------------------------------------------------------
def shown(session, employee_id: int) -> tuple:
    """The clauses of what a person's bell tells."""
    return Notice.employee_id == employee_id, Notice.kind.not_in(wishes(session, employee_id)["off"]["bell"])


def unread(session, employee_id: int) -> int:
    """How many a person has not read."""
    return session.scalar(select(func.count(Notice.id)).where(*shown(session, employee_id), Notice.read_at.is_(None)))


def read(session, employee_id: int, only: int | None = None) -> None:
    """Mark a person's notices as read, up to two thousand a press; one alone by its id."""
    which = [Notice.id == only] if only else []
    for row in session.scalars(select(Notice).where(Notice.employee_id == employee_id, Notice.read_at.is_(None), *which).limit(MOST)):
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

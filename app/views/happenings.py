"""What happened around a record, of all kinds in one order: each module declares what it has to tell as a `Source`.

One UNION ALL reads the newest of all kinds within the person's scope; the words are made from its columns.
"""
import json
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

from markupsafe import Markup
from sqlalchemy import BigInteger, String, cast, literal, null, select, union_all

from app.core import actor, clock, money
from app.core.changes import Change
from app.core.words import _, _l
from app.extensions import db

from . import cells, record

GROUPS = [("", _l("All")), ("follow", _l("Follow-ups")), ("business", _l("Business")), ("system", _l("Changes"))]
STEPS = (40, 400)  # how many are shown at first, and on request
ELSEWHERE = {"stage", "rate", "next_follow_at"}  # told by an entry of their own


@dataclass(frozen=True)
class Source:
    """A kind of thing that happens: `model` rows at a moment (or on a `noon_of` a day: `dated`) by somebody, told of the records in
    `of` (table name -> the column that leads there). `say(row)` makes headline and HTML of code, text, more and amount;
    `entity` must be readable and has the page that an entry opens (`id`: which one)."""

    key: str
    group: str
    entity: str
    model: type
    at: object
    who: object
    of: dict
    say: Callable
    icon: str
    tone: str = ""
    id: object = None
    code: object = None
    text: object = None
    more: object = None
    amount: object = None
    join: tuple = ()
    where: tuple = ()
    dated: bool = False

    def line(self):
        """SELECT of all such things, the same columns for every kind."""
        wanted = select(
            cast(literal(self.key), String).label("key"), (self.model.id if self.id is None else self.id).label("id"), self.at.label("at"),
            self.who.label("who"), *(_words(getattr(self, name)).label(name) for name in ("code", "text", "more")),
            cast(null() if self.amount is None else self.amount, BigInteger).label("amount")).select_from(self.model).where(*self.where)
        return wanted.join(*self.join) if self.join else wanted


SOURCES: list[Source] = []


def _words(sql):
    return cast(null() if sql is None else sql, String)


def document(row) -> Markup:
    """Number, name and amount of a document's line."""
    return Markup("{} {} <b class=\"num\">¥{}</b>").format(row.code or "", row.text or "", money.shown(row.amount or 0))


def _log(table, group) -> Source:
    """The record's own log; what the program itself did stands only among the changes."""
    more = () if group else (Change.actor_id.is_not(None),)
    return Source("log", "system", "", Change, Change.at, Change.actor_id, {table: Change.row_id}, document, icon="edit", code=Change.verb,
                  text=Change.new, more=Change.old, where=(Change.entity == table, Change.verb.in_(("add", "edit")), *more))


def read(view, row, group: str = "", many: int = STEPS[0]) -> tuple[list[dict], bool]:
    """(what happened around a record, newest first; whether there is more)."""
    may, table = actor.current().may, row.__tablename__
    known = {s.key: s for s in (*SOURCES, _log(table, group))
             if table in s.of and group in ("", s.group) and (not s.entity or may(s.entity, "read"))}
    if not known:
        return [], False
    all_ = union_all(*(s.line().where(s.of[table] == row.id) for s in known.values())).subquery()
    rows = db.session.execute(select(*all_.c).order_by(all_.c.at.desc(), all_.c.id.desc()).limit(many + 1)).all()
    told = (_log_entry(view, r) if r.key == "log" else _entry(known[r.key], r) for r in rows[:many])
    return [entry for entry in told if entry], len(rows) > many


def _entry(source, row) -> dict:
    title, html = source.say(row)
    local = clock.to_office(row.at)
    return {"key": source.key, "id": row.id, "icon": source.icon, "tone": source.tone,
            "who": cells.people().get(row.who) or _("The system"),
            "title": title, "html": html, "day": local.date(), "time": "" if source.dated else local.strftime("%H:%M"),
            "url": f"/{source.entity}/show/{row.id}"}


def _log_entry(view, row) -> dict | None:
    """A change of the record itself in words; None when nothing of interest was changed."""
    local, html = clock.to_office(row.at), Markup("")
    if row.code == "edit":
        change = SimpleNamespace(old=json.loads(row.more or "null"), new=json.loads(row.text or "null"))
        fields = [f for f in record.changed(view.model, change) if f["key"] not in ELSEWHERE and not f["readonly"]]
        if not fields:
            return None
        html = Markup("；").join(
            Markup('{}：<span class="t3">{}</span> → {}').format(f["label"], f["old"], f["new"]) for f in fields)
    return {"key": "log", "id": row.id, "icon": "edit" if row.code == "edit" else "plus", "tone": "",
            "who": cells.people().get(row.who) or _("The system"),
            "title": _("changed it") if row.code == "edit" else _("made it"), "html": html,
            "day": local.date(), "time": local.strftime("%H:%M"), "url": "?tab=history"}

"""How the safety pages tell operations: their kinds in words, records by name, fields before and after; what their addresses ask."""
import datetime as dt
from types import SimpleNamespace

from flask import abort, current_app
from sqlalchemy import select

from app.core import clock, entity, undo
from app.core.words import _, _l
from app.views import record

KINDS = {"add": _l("Added"), "edit": _l("Changed"), "delete": _l("Deleted"), "import": _l("Import"), "transfer": _l("Transfer"),
         "share": _l("Share"), "unshare": _l("Stop sharing"),
         "status": _l("Change status"), "lock": _l("Lock"), "unlock": _l("Unlock"), "undo": _l("Undo"),
         "stop": _l("Stop"), "start": _l("Activate a user"), "resume": _l("Resume"), "primary": _l("Make primary contact"),
         "handover": _l("Hand over"), "finish": _l("Mark as done"), "begin": _l("In progress"), "later": _l("Put off"), "move": _l("Moved"),
         "confirm": _l("Confirm the end"), "reopen": _l("Reopen"), "assign": _l("Hand out"), "allot": _l("Assign"),
         "split": _l("Split the credit"), "targets": _l("Sales targets"), "filter": _l("Quick filters"),
         "fall": _l("Fell into the pool"), "release": _l("Put into the pool"), "claim": _l("Claimed"),
         "merge": _l("Merge"), "paste": _l("Paste and recognise"),
         "send": _l("Send to the superior"), "read": _l("Mark as read"), "comment": _l("Comment"),
         "restore": _l("Restore"), "purge": _l("Delete for ever"), "mass": _l("Change many"),
         "revert": _l("Earlier value"), "stage": _l("Change stage"), "fields": _l("Own fields"), "parameters": _l("System parameters")}
VERBS = {"add": _l("Added"), "edit": _l("Changed"), "delete": _l("Deleted"), "restore": _l("Restored"), "purge": _l("Removed")}


MORE = {"attachment": _l("Attachments"), "collaborator": _l("Collaborator"), "panel_item": _l("Quick filters"),
        "parameter": _l("System parameters")}  # what has no list of its own
PARTS = {"opportunity_contact": _l("Role in buying"), "stage_change": _l("Stage history"), "share": _l("Split of the credit")}


def kinds() -> dict:
    """The kinds of operations in words: the known ones and the actions of all lists."""
    found = {a.key: a.label for v in current_app.appbuilder.baseviews for a in getattr(v, "actions_declared", ())}
    return {**found, **KINDS}


def _views() -> dict:
    """Table name -> the view of its rows, of all that the log tells of."""
    return {v.model.__tablename__: v for v in current_app.appbuilder.baseviews
            if hasattr(v, "list_columns") and getattr(v.model, "audited", False)}


def titles() -> dict:
    """Table name -> what its records are called; parts of a document after their whole."""
    found = {**MORE, **{table: v.title for table, v in _views().items()}}
    parts = {m.__tablename__: m.part_of for m in entity.entities() if getattr(m, "part_of", None)}
    return {**found, **{part: f"{found[whole]} · {PARTS.get(part) or _('Lines')}"
                      for part, whole in parts.items() if part not in found and whole in found}}


def view_at(table: str):
    """The view of a table's rows, None when they have none."""
    return _views().get(table)


def number(args: dict, key: str) -> int:
    """A whole number of the address, 0 when it is not asked; 400 when it is none."""
    text = args.get(key, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 16):
        abort(400)
    return int(text or 0)


def since_until(args: dict, column) -> list:
    """The clauses of ?since= and ?until= (office days) on a moment; 400 for what is no day."""
    try:
        since, until = (dt.date.fromisoformat(args[k]) if k in args else None for k in ("since", "until"))
        return ([column >= clock.day_start(since)] if since else []) + (
            [column < clock.day_start(until + dt.timedelta(1))] if until else [])
    except (ValueError, OverflowError):
        abort(400)


def named(session, keys) -> dict:
    """(table, id) -> name, kind and address of some rows, one statement a table; what lies in the trash has no address, who does not
    see a row gets its number alone."""
    known, rows = titles(), {}
    for table in {table for table, _id in keys}:
        model = entity.by_name(table)
        wanted = select(model).where(model.id.in_({key for name, key in keys if name == table})).execution_options(with_trash=True)
        rows |= {(table, row.id): row for row in session.scalars(wanted).unique()}
    return {key: _named(key, rows.get(key), known) for key in keys}


def _named(key, row, known) -> dict:
    view = view_at(key[0]) if row is not None and not getattr(row, "deleted_at", None) else None
    return {"name": str(row) if row is not None else f"#{key[1]}", "entity": str(known.get(key[0], key[0])),
            "url": f"{view.route_base}/show/{key[1]}" if view else "", "trash": bool(row is not None and getattr(row, "deleted_at", None))}


def fields(change) -> list[dict]:
    """The fields that a change wrote, before and after, in words; those of a removed row as they were."""
    model = entity.by_name(change.entity)
    return record.changed(model, SimpleNamespace(old=change.old, new=change.new or dict.fromkeys(change.old or {})))


def told(session, changes) -> list[SimpleNamespace]:
    """Changes as their operation's page tells them: each with at most twelve fields; of a removed row the name that it had."""
    rows = named(session, [(c.entity, c.row_id) for c in changes])
    found = []
    for change in changes:
        row = rows[change.entity, change.row_id]
        if change.verb == "purge":
            row = {**row, "name": str(undo.as_it_was(change))}
        found.append(SimpleNamespace(id=change.id, verb=change.verb, fields=fields(change)[:12], **row))
    return found

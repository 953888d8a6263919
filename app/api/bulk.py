"""Many records in one request: made or changed, all or none, or each for itself."""
from flask import abort
from werkzeug.exceptions import HTTPException

from app.core import actor, changes
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.views import saving

from . import door, writing

MOST = 1000  # rows of one request


def write(view, asked: dict):
    """(status, {count, result: [{status, id} or {status, message, errors}]}); with `partial` the good rows stay, else one bad row
    refuses all. The whole is one operation and can be taken back as one."""
    rows = asked.get("rows")
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST or not all(isinstance(row, dict) for row in rows):
        raise RuleError(_("Send a list of 1 to %(n)d rows.", n=MOST), "rows")
    batch = changes.start_batch(db.session, "bulk", view.entity, str(view.title))
    with changes.in_batch(db.session, batch):
        result = [_one(view, row) for row in rows]
    good = sum(1 for one in result if one["status"] < 400)
    if good < len(rows) and not asked.get("partial"):
        db.session.rollback()
        bad = [{"row": n, **one} for n, one in enumerate(result) if one["status"] >= 400]
        return 422, {"message": _("Nothing was written: %(n)d rows are refused.", n=len(bad)), "count": 0, "result": bad}
    return 200, {"count": good, "result": result}


def _one(view, asked) -> dict:
    fresh = asked.get("id") is None
    try:
        with db.session.begin_nested():
            if not actor.current().may(view.entity, "add" if fresh else "edit"):
                abort(403)
            row = None if fresh else view.fetch_for_edit(asked["id"] if isinstance(asked["id"], int) else abort(404), lock=True)
            row = writing.put(view, row, asked)
        return {"status": 201 if fresh else 200, "id": row.id, "version": row.version}
    except HTTPException as no:
        return {"status": no.code, "message": door.sentence(no)}
    except (RuleError, writing.Refused, saving.Clash) as no:
        status, told = door.refusal(no)
        return {"status": status, **told}

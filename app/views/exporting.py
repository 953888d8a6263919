"""Export of a list: the filter or the selection, the shown columns, streamed; large ones as a job; logged."""
import tempfile
from pathlib import Path
from urllib.parse import parse_qsl

from flask import abort, current_app, redirect, request, send_file
from sqlalchemy import select
from werkzeug.datastructures import ImmutableMultiDict

from app.core import events, jobs
from app.core.words import _
from app.extensions import db

from . import cells
from .listing import Listing

AT_ONCE = 5000
CHUNK = 1000


def view_of(entity: str):
    """The view of an entity by its address; raises KeyError."""
    return {getattr(v, "entity", None): v for v in current_app.appbuilder.baseviews if hasattr(v, "list_columns")}[entity]


def _columns(listing):
    """Every field with a column, the shown ones first; so that an export can be imported again."""
    shown = listing.columns()
    rest = [one for one in listing.view.fields.values() if one not in shown and one.column is not None and one.name != "changed_at"]
    return [*shown, *rest]


def _rows(listing, ids, columns):
    """Values row by row, a chunk of rows in memory."""
    loads, readers = listing.loads_of(columns), [cells.reader(one) for one in columns]
    for start in range(0, len(ids), CHUNK):
        part = ids[start:start + CHUNK]
        # the ids come from the scoped statement of the list
        wanted = select(listing.view.model).where(listing.view.model.id.in_(part)).options(*loads).execution_options(everyone=True)
        found = {row.id: row for row in db.session.scalars(wanted)}
        for i in part:
            if i in found:
                row = found[i]
                yield [read(row) for read in readers]


def write(listing, path, ids=None, progress=None) -> int:
    """Write a list's rows to a file by its ending; returns how many."""
    from .spreadsheet import WRITERS
    ids = list(db.session.scalars(listing.ordered())) if ids is None else ids
    columns = _columns(listing)
    rows = _rows(listing, ids, columns)
    if progress:
        rows = _told(rows, len(ids), progress)
    return WRITERS[Path(path).suffix[1:]](path, [str(one.label) for one in columns], rows)


def _told(rows, total, progress):
    for n, row in enumerate(rows, 1):
        if n % CHUNK == 0:
            progress(n, total)
        yield row


def to_file(entity: str, path: str) -> int:
    """The command's export: everything that the acting person may see."""
    if Path(path).suffix not in (".xlsx", ".csv"):
        raise KeyError(path)
    return write(Listing(view_of(entity), args=ImmutableMultiDict({"quick": "all"}), prefs={}), path)


def export(view):
    """POST /<entity>/export: send the file, or start a job and show its page."""
    fmt = request.form.get("fmt", "xlsx")
    if fmt not in ("xlsx", "csv"):
        abort(400)
    listing, chosen = Listing(view), request.form.getlist("ids")
    ids = list(db.session.scalars(listing.ordered()))
    if chosen:
        wanted = {int(i) for i in chosen if i.isdecimal() and len(i) < 16}
        ids = list(db.session.scalars(select(view.model.id).where(view.model.id.in_(wanted))))
    events.exported.send(entity=view.entity, rows=len(ids), kind=fmt)
    if len(ids) > AT_ONCE:
        job = jobs.enqueue(db.session, "export", {"entity": view.entity, "query": listing.query_string(), "fmt": fmt},
                           label=str(view.title), total=len(ids))
        return redirect(f"/job/{job.id}")
    db.session.commit()
    place = Path(tempfile.mkdtemp(prefix="crm-export-")) / f"{view.entity}.{fmt}"
    write(listing, place, ids)
    answer = send_file(place, as_attachment=True, download_name=f"{view.title}.{fmt}")
    answer.call_on_close(lambda: (place.unlink(missing_ok=True), place.parent.rmdir()))
    return answer


@jobs.kind("export")
def export_job(job, session, progress):
    """Write a large export to the upload folder; the job's page offers it to its owner."""
    view, p = view_of(job.params["entity"]), job.params
    args = ImmutableMultiDict(parse_qsl(p["query"]))
    place = Path(current_app.config["CRM_UPLOAD_DIR"]) / "exports" / f"{job.id}.{p['fmt']}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with current_app.test_request_context(f"/?{p['query']}"):
        n = write(Listing(view, args=args), place, progress=progress)
    return {"rows": n, "file": place.name, "name": f"{view.title}.{p['fmt']}", "text": _("%(n)d rows", n=n)}

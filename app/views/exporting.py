"""Export of a list: the filter or the selection, the shown columns, streamed; large ones as a job; logged."""
import re
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from flask import abort, current_app, redirect, request, send_file
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload
from werkzeug.datastructures import ImmutableMultiDict

from app.core import actor, events, jobs
from app.core.describe import describe, target_model
from app.core.words import _
from app.extensions import db

from . import cells
from .listing import Listing
from .spreadsheet import WRITERS, write_sheets

AT_ONCE = 5000
CHUNK = 1000
FORMATS = {"xlsx": "xlsx", "csv": "csv", "lines": "xlsx"}  # what may be asked for -> the file's ending; lines: a row for each line
SHEETS: dict[str, Callable] = {}  # entity -> function of the list's ids -> `Sheet`: what is exported instead of the list's columns


@dataclass(frozen=True)
class Sheet:
    """Headings and rows of an export, and about how many rows there are."""

    count: int
    head: list[str]
    rows: Iterable


def view_of(entity: str):
    """The view of an entity by its address; raises KeyError."""
    return {getattr(v, "entity", None): v for v in current_app.appbuilder.baseviews if hasattr(v, "list_columns")}[entity]


def _columns(listing):
    """Every field with a column, the shown ones first; so that an export can be imported again."""
    shown = listing.columns()
    rest = [one for one in listing.view.fields.values() if one not in shown and one.stored and one.name != "changed_at"]
    return [*shown, *rest]


def _reader(one):
    """A function row -> value; what is named by more than its name gets its number or code in front, so that it is found again."""
    if one.kind == "ref" and one.target == "ab_user":
        return _person(one)
    model = target_model(one) if one.kind == "ref" and one.target not in ("ab_user", None) else None
    code = next((name for name in ("number", "code") if hasattr(model, name)), None) if model is not None else None
    if code is None or one.target == "customer":  # a customer's name is there only once
        return cells.reader(one)

    def read(row):
        other = getattr(row, one.name)
        key = other is not None and getattr(other, code)
        return None if other is None else str(other) if not key or key == str(other) else f"{key} {other}"
    return cells.reader(one) if cells.is_masked(one) else read


def _person(one):
    """A function row -> name; namesakes get their user names in front."""
    model, plain = target_model(one), cells.reader(one)
    twice = select(model.name).group_by(model.name).having(func.count() > 1)
    namesakes = db.session.execute(select(model.id, model.username, model.name).where(model.name.in_(twice)))
    told = {key: f"{username} {name}" for key, username, name in namesakes}
    return lambda row: told.get(getattr(row, one.key)) or plain(row)


def _part_columns(view) -> list:
    """The fields of a document's lines: what a line of it is, not whose it is."""
    return [one for one in describe(view.part).values() if one.stored and not one.system and one.target != view.model.__tablename__
            and one.name not in ("owner", "position", "discount")]


def _with_parts(listing, ids, columns):
    """A row for each line; the head's values stand in the first row of a document, its number in every one."""
    view, parts = listing.view, _part_columns(listing.view)
    heads, readers = [_reader(one) for one in columns], [_reader(one) for one in parts]
    key = next((at for name in ("number", "name") for at, one in enumerate(columns) if one.name == name), 0)
    for row in _found(listing, ids, columns, lines=True):
        head = [read(row) for read in heads]
        for n, part in enumerate(view.parts(row) or [None]):
            said = head if n == 0 else [value if at == key else None for at, value in enumerate(head)]
            yield [*said, *(read(part) for read in readers)] if part is not None else [*said, *[None] * len(readers)]


def _found(listing, ids, columns, lines=False):
    """The rows themselves, a chunk in memory."""
    loads, model = listing.loads_of(columns), listing.view.model
    loads += [selectinload(model.lines)] if hasattr(model, "lines") and lines else []
    for start in range(0, len(ids), CHUNK):
        part = ids[start:start + CHUNK]
        # the ids come from the scoped statement of the list
        wanted = select(model).where(model.id.in_(part)).options(*loads).execution_options(everyone=True)
        found = {row.id: row for row in db.session.scalars(wanted).unique()}
        for i in part:
            if i in found:
                yield found[i]


def _rows(listing, ids, columns):
    """Values row by row."""
    readers = [_reader(one) for one in columns]
    for row in _found(listing, ids, columns):
        yield [read(row) for read in readers]


def write(listing, path, ids=None, progress=None, lines=False) -> int:
    """Write a list's rows to a file by its ending, with `lines` a row for each line of a document; returns how many rows."""
    sheet = _sheet_of(listing, list(db.session.scalars(listing.ordered())) if ids is None else ids, lines)
    rows = _told(sheet.rows, sheet.count, progress) if progress else sheet.rows
    return WRITERS[Path(path).suffix[1:]](path, sheet.head, rows)


def _sheet_of(listing, ids, lines=False) -> Sheet:
    if listing.view.entity in SHEETS:
        return SHEETS[listing.view.entity](ids)
    columns = _columns(listing)
    shown = [*columns, *(_part_columns(listing.view) if lines else ())]
    return Sheet(len(ids), [str(one.label) for one in shown], (_with_parts if lines else _rows)(listing, ids, columns))


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
    asked = request.form.get("fmt", "xlsx")
    if asked not in FORMATS or (asked == "lines" and view.part is None):
        abort(400)
    lines, fmt = asked == "lines", FORMATS[asked]
    listing, chosen = Listing(view), request.form.getlist("ids")
    ids = list(db.session.scalars(listing.ordered()))
    if chosen:
        wanted = {int(i) for i in chosen if i.isdecimal() and len(i) < 16}
        ids = list(db.session.scalars(select(view.model.id).where(view.model.id.in_(wanted), *view.only())))
    rows = _sheet_of(listing, ids, lines).count
    events.exported.send(entity=view.entity, rows=rows, kind=fmt)
    if rows > AT_ONCE:
        job = jobs.enqueue(db.session, "export", {"entity": view.entity, "query": listing.query_string(), "fmt": asked},
                           label=str(view.title), total=rows)
        return redirect(f"/job/{job.id}")
    db.session.commit()
    place = Path(tempfile.mkdtemp(prefix="crm-export-")) / f"{view.entity}.{fmt}"
    write(listing, place, ids, lines=lines)
    answer = send_file(place, as_attachment=True, download_name=f"{view.title}.{fmt}")
    answer.call_on_close(lambda: (place.unlink(missing_ok=True), place.parent.rmdir()))
    return answer


@jobs.kind("export")
def export_job(job, session, progress):
    """Write a large export to the upload folder; the job's page offers it to its owner."""
    view, p = view_of(job.params["entity"]), job.params
    args = ImmutableMultiDict(parse_qsl(p["query"]))
    fmt = FORMATS[p["fmt"]]
    place = Path(current_app.config["CRM_UPLOAD_DIR"]) / "exports" / f"{job.id}.{fmt}"
    place.parent.mkdir(parents=True, exist_ok=True)
    with current_app.test_request_context(f"/?{p['query']}"):
        n = write(Listing(view, args=args), place, progress=progress, lines=p["fmt"] == "lines")
    return {"rows": n, "file": place.name, "name": f"{view.title}.{fmt}", "text": _("%(n)d rows", n=n)}


@jobs.kind("book")
def book_job(job, session, progress):
    """Everything that the person may export, and the office's own settings, one sheet a list, as one book; the job's page offers it to
    him."""
    place = Path(current_app.config["CRM_UPLOAD_DIR"]) / "exports" / f"{job.id}.xlsx"
    place.parent.mkdir(parents=True, exist_ok=True)
    found = [v for v in current_app.appbuilder.baseviews if hasattr(v, "list_columns") and v.model is not None]
    wanted = [v for v in found if actor.current().may(v.entity, "export" if v.exportable else "read") and (v.exportable or v.in_book)]
    wanted.sort(key=lambda v: (v.in_book, not v.importable))  # the records, what is written down of them, the settings
    with current_app.test_request_context("/?quick=all"):
        n = write_sheets(place, (sheet for at, view in enumerate(wanted, 1) for sheet in _sheets(view, at, len(wanted), progress)))
        events.exported.send(entity="*", rows=n, kind="xlsx")  # as long as it is known who asks
    return {"rows": n, "file": place.name, "name": f"{_('All data')}.xlsx", "text": _("%(n)d rows", n=n)}


def _sheets(view, at, total, progress):
    """The sheet of a list, and of documents another one with their lines, each behind its document's number."""
    listing = Listing(view, args=ImmutableMultiDict({"quick": "all"}), prefs={})
    columns, ids, title = _columns(listing), list(db.session.scalars(listing.ordered())), re.sub(r"[\[\]:*?/\\]", " ", str(view.title))
    progress(at, total)
    yield title[:28], [str(one.label) for one in columns], _rows(listing, ids, columns), ()
    if view.part is not None:
        key = [one for one in columns if one.name == "number"]
        heads = [str(one.label) for one in (*key, *_part_columns(view))]
        yield f"{title[:20]} {_('Lines')}", heads, _with_parts(listing, ids, key), ()

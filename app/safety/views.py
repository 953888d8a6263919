"""操作日志: every operation of everybody, for who has the right; each leads to its page, the export tells it field by field."""
from flask import redirect
from flask_appbuilder import expose
from sqlalchemy import func, select

from app.core import choices, entity, trash, undo
from app.core.changes import Batch, Change
from app.core.words import _, _l
from app.extensions import db
from app.views import cells, exporting
from app.views.declare import Asked, MenuItem, QuickFilter
from app.views.entity_view import LogView
from app.views.guard import granted

from . import telling

CHUNK = 500  # operations, and changed rows, held at once by an export

GIVEN = ("transfer", "assign", "allot", "handover", "claim", "release", "fall")


def _of_record(value: str):
    """?row=customer.12: the operations that touched one record."""
    table, _dot, key = value.partition(".")
    entity.by_name(table)
    if not (key.isascii() and key.isdecimal() and len(key) < 16):
        raise ValueError(value)
    return Batch.id.in_(select(Change.batch_id).where(Change.entity == table, Change.row_id == int(key)))


def _record_told(value: str) -> str:
    table, _dot, key = value.partition(".")
    (found,) = telling.named(db.session, [(table, int(key))]).values()
    return f"{found['entity']} · {found['name']}"


class AuditView(LogView):
    """The operations of everybody, kept until the log is purged by the command; read only."""

    model = Batch
    entity = "audit"
    menu = MenuItem("system", _l("Operation log"), icon="clipboard-list", position=51)
    title = _l("Operation log")
    list_columns = "at actor kind entity label count undone_at"
    quick_filters = [
        QuickFilter("deleted", _l("Deletions"), lambda who: Batch.kind.in_(("delete", "purge", "merge"))),
        QuickFilter("imported", _l("Imports"), lambda who: Batch.kind == "import"),
        QuickFilter("given", _l("Change of owner"), lambda who: Batch.kind.in_(GIVEN)),
        QuickFilter("undone", _l("Taken back"), lambda who: Batch.undone_at.is_not(None)),
        QuickFilter("system", _l("By the system"), lambda who: Batch.actor_id.is_(None))]
    conditions = "actor kind entity label at | count"
    asked = {"row": Asked(_l("Record"), _of_record, _record_told)}
    default_sort = "at.desc"
    in_api = False
    include_route_methods = LogView.include_route_methods | {"index"}

    @expose("/")
    @granted("read")
    def index(self):
        """The short address."""
        return redirect(self.home)

    @expose("/show/<int:pk>")
    @granted("read")
    def show(self, pk):
        """The operation row by row."""
        return redirect(f"/undo/show/{self.fetch(pk).id}")


def _name(change, rows) -> str:
    """A record's name now, or as it was when it went."""
    if (row := rows.get((change.entity, change.row_id))) is not None:
        return str(row)
    return str(undo.as_it_was(change)) if change.verb == "purge" else f"#{change.row_id}"


def _lines(ids):
    """A line for each field of each row that some operations changed."""
    kinds, titles, people = telling.kinds(), telling.titles(), cells.people()
    for start in range(0, len(ids), CHUNK):
        batches = {b.id: b for b in db.session.scalars(select(Batch).where(Batch.id.in_(ids[start:start + CHUNK])))}
        for batch in (batches[i] for i in ids[start:start + CHUNK] if i in batches):
            head = [cells.moment(batch.at), people.get(batch.actor_id) or _("The system"), str(kinds.get(batch.kind, batch.kind))]
            for change, name in _changes(batch):
                what = [str(titles.get(change.entity, change.entity)), name, str(telling.VERBS.get(change.verb, change.verb))]
                for field in telling.fields(change) or [{"label": "", "old": "", "new": ""}]:
                    yield [*head, *what, field["label"], field["old"], field["new"]]


def _changes(batch):
    """The changes of an operation with the names of their records, a page in memory."""
    last, wanted = 0, select(Change).where(Change.batch_id == batch.id).order_by(Change.id).limit(CHUNK)
    while found := db.session.scalars(wanted.where(Change.id > last)).all():
        last, rows = found[-1].id, trash.rows_of(db.session, found)
        yield from ((change, _name(change, rows)) for change in found)


def _sheet(ids) -> exporting.Sheet:
    count = 0
    for start in range(0, len(ids), CHUNK):
        count += db.session.scalar(select(func.coalesce(func.sum(Batch.count), 0)).where(Batch.id.in_(ids[start:start + CHUNK])))
    head = [_("Time"), _("Person"), _("Operation"), _("Kind"), _("Record"), _("Verb"), _("Field"), _("Value before"), _("Value after")]
    return exporting.Sheet(count, head, _lines(ids))


exporting.SHEETS["audit"] = _sheet
choices.fixed("operation", lambda: list(telling.kinds().items()))
choices.fixed("record_kind", lambda: list(telling.titles().items()))

"""Saving a form: once, by the rules, without losing anybody's change or typing."""
import datetime as dt

from flask import request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.changes import Change
from app.core.describe import describe
from app.core.preferences import FormToken
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db


def put_error(form, error: RuleError) -> str | None:
    """Set a refusal at its field; returns the sentence when it belongs to the page."""
    names = {error.field, (error.field or "").removesuffix("_id")}
    for name in names & set(form._fields):
        form[name].errors = [*form[name].errors, str(error)]
        return None
    return str(error)


def saved_before(form) -> int | None:
    """The id of the record that this very form has made already (double click, resend)."""
    token = (form.token.data or "")[:40]
    return db.session.scalar(select(FormToken.row_id).where(FormToken.token == token)) if token else None


def remember(form, row) -> None:
    """This form has made this record."""
    if form.token.data:
        db.session.add(FormToken(token=form.token.data[:40], row_id=row.id))


def _same(kept, value) -> bool:
    """Whether a form brings back what a row holds: it shows moments by the minute."""
    return (kept.replace(second=0, microsecond=0) if isinstance(kept, dt.datetime) else kept) == value or kept == value


def fill(form, row, fields) -> None:
    """Move the form's values into the row; only fields that changed are touched."""
    for one in fields:
        value = form[one.name].data
        if not _same(getattr(row, one.key), value):
            setattr(row, one.key, value)


def _since(row, version: int) -> dict:
    """The old values of the fields that others changed since a version, as they were then."""
    wanted = select(Change).where(Change.entity == row.__tablename__, Change.row_id == row.id, Change.version > version)
    before: dict = {}
    known = {one.key: one for one in describe(type(row)).values()}
    for change in db.session.scalars(wanted.order_by(Change.id)):
        for key, old in (change.old or {}).items():
            before.setdefault(key, known[key].typed(old) if key in known else old)
    return before


def merge(form, row, fields, shown) -> list[dict]:
    """Three-way merge of a form made on an older version: what only others changed is taken from them; returns the
    fields that both changed differently as {name, label, mine, theirs}."""
    version = form.version.data
    if not (version or "").isdecimal() or len(version) > 9 or int(version) >= row.version:
        return []
    before, clashes = _since(row, int(version)), []
    for one in fields:
        if one.key not in before:
            continue
        mine, theirs = form[one.name].data, getattr(row, one.key)
        if _same(before[one.key], mine):
            form[one.name].data, form[one.name].raw_data = theirs, None
        elif not _same(theirs, mine):
            clashes.append({"name": one.name, "label": str(one.label),
                            "mine": shown(form[one.name]), "theirs": shown(form[one.name], theirs)})
    return clashes


def as_typed(field, value=...):
    """A form field's value as its control shows it; with `value`, another value in the same dress."""
    if value is not ...:
        kept, field.data, field.raw_data = (field.data, field.raw_data), value, None
    try:
        if hasattr(field, "chosen"):
            return (field.chosen() or ("", ""))[1]
        if hasattr(field, "iter_choices"):
            return next((one.label for one in field.iter_choices() if one.selected), "")
        return field._value() if hasattr(field, "_value") else str(field.data or "")
    finally:
        if value is not ...:
            field.data, field.raw_data = kept


class Clash(Exception):
    """Two people changed the same fields differently: `fields` is a list of {name, label, mine, theirs}."""

    def __init__(self, fields):
        super().__init__("clash")
        self.fields = fields


def put(view, form, row, fields, shown=as_typed):
    """Write a filled form into its row (None: a new one) by the view's rules; flushed, not committed. Returns the row, or None when
    the form itself is refused. Raises RuleError, and Clash when somebody else changed the same fields since the form's version."""
    clashes = [*merge(form, row, fields, shown), *view.more_clashes(form, row)] if row is not None else []
    if not form.validate():
        return None
    if clashes:
        raise Clash(clashes)
    fresh, row = row is None, row if row is not None else view.model()
    with db.session.no_autoflush:
        fill(form, row, fields)
        view.before_save(row, form)
        type(view).check_save(db.session, row)
    db.session.add(row)
    _once(db.session.flush)
    view.after_fill(row, form)
    view.after_save(row, fresh)
    if fresh:
        remember(form, row)
    return row


def _once(write) -> None:
    """A unique value taken meanwhile becomes a sentence."""
    try:
        write()
    except IntegrityError as taken:
        raise RuleError(_("Another record has this value already.")) from taken


def commit() -> None:
    """Commit what was put; RuleError when a unique value was taken meanwhile."""
    _once(db.session.commit)


def wants_another() -> bool:
    """Whether 保存并新建 was pressed."""
    return "another" in request.form

"""A record made without leaving the form that needs it (product.md 3.3): a small form in a dialog, the new record as JSON."""

from flask import jsonify, render_template, request

from app.core import actor
from app.core.rules import RuleError
from app.extensions import db

from . import saving
from .look import new_token

OFFERED: set[str] = set()  # entities whose view names the fields of its small form


def may_make(entity: str) -> bool:
    """Whether the acting person may make such a record from within another form."""
    who = actor.current()
    return entity in OFFERED and bool(who and who.may(entity, "add"))


def answer(view):
    """GET: the dialog; POST: the made record as an option of a drop-down, or the dialog again (422) with what to mend."""
    fields = [one for one in view.form_fields() if one.name in view.quick_fields.split()]
    form = view.form_class(fields, None)(request.form if request.method == "POST" else None, data=view._data(None, fields))
    if request.method == "GET":
        form.token.data = new_token()
        view.preset(form)
        return _dialog(view, form, fields)
    if made := saving.saved_before(form):
        return _made(view, db.session.get(view.model, made))
    try:
        row = saving.put(view, form, None, fields)
        if row is None:
            return _dialog(view, form, fields), 422
        saving.commit()
    except RuleError as no:
        db.session.rollback()
        return _dialog(view, form, fields, saving.put_error(form, no)), 422
    return _made(view, row)


def _dialog(view, form, fields, problem=None):
    return render_template("entity/quick.html", view=view, form=form, names=[one.name for one in fields], problem=problem)


def _made(view, row):
    return jsonify(id=row.id, text=str(row), hint=view.hint(row), **view.options([row])[0])

"""Actions on chosen rows: offered by right, done by a rule, one commit, one sentence, one way back."""
from flask import abort, current_app, flash, redirect, render_template, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core import actor, changes, scope, undo
from app.core.entity import Entity
from app.core.hanging import hanging
from app.core.rules import RuleError
from app.core.words import _, _l, ngettext
from app.extensions import db

from . import mass
from .declare import Action
from .page import local

LIMIT = 1000  # rows of one action without a job


def _delete_rows(session, rows, view):
    for row in rows:
        type(view).check_change(session, row)
        type(view).check_delete(session, row)
        _check_hanging(session, row)
        session.delete(row)
    return ngettext("%(num)d record moved to the trash.", "%(num)d records moved to the trash.", len(rows))


def titles() -> dict[type, str]:
    """model -> the title of its list, in the reader's language."""
    return {v.model: str(v.title) for v in current_app.appbuilder.baseviews if getattr(v, "model", None) is not None}


def _check_hanging(session, row) -> None:
    """Refuse with a sentence that names what hangs on the record (product.md 5.5)."""
    if found := hanging(session, row):
        named = titles()
        what = "、".join(_("%(n)d × %(what)s", n=n, what=named.get(model, "")) for model, n in found)
        raise RuleError(_("%(name)s cannot be deleted: %(what)s hang on it.", name=row, what=what))


DELETE = Action("delete", _l("Delete"), _delete_rows, icon="trash", danger=True, verb="delete",
                confirm=_l("Delete the chosen records? They go to the trash and can be taken back."))


def all_actions(view) -> dict:
    """The view's actions by key; deleting is one of them."""
    return {a.key: a for a in (*view.actions_declared, DELETE)}


def offered(view, *, many=False, row=None) -> list[dict]:
    """The buttons a person may press, on the list (`many`) or on a record's page (`row`)."""
    who = actor.current()
    found = [a for a in all_actions(view).values() if who.may(view.entity, a.verb) and (a.many if many else a.single)]
    mass_edit = [{"key": "mass", "label": _("Change many"), "icon": "edit", "many": True, "dialog": mass.address(view)}]
    return (mass_edit if many and mass.is_offered(view) else []) + [
        {"key": a.key, "label": str(a.label), "icon": a.icon, "danger": a.danger, "many": a.many,
         "confirm": str(a.confirm) if a.confirm else "", "form": a.form is not None}
        for a in found if row is None or a.shown(row)]


def action_of(view, key) -> Action:
    """The action of this key: 404 when there is none, 403 without its right."""
    found = all_actions(view).get(key) or abort(404)
    return found if actor.current().may(view.entity, found.verb) else abort(403)


def rows_of(view, ids, edits):
    """The rows of these ids (texts), all visible and, when the action edits, all open to the person; else 400, 404, 403."""
    if not ids or len(ids) > LIMIT or not all(i.isascii() and i.isdecimal() and len(i) < 16 for i in ids):
        abort(400)
    wanted = select(view.model).where(view.model.id.in_([int(i) for i in ids])).order_by(view.model.id)
    rows = list(db.session.scalars(wanted.with_for_update(of=view.model)))  # two people's actions come one after the other
    if len(rows) != len(set(ids)):
        abort(404)
    if edits and not all(scope.may_edit(db.session, row, actor.current()) for row in rows):
        abort(403)
    return rows


def dialog(view, key):
    """The HTML of an action's form."""
    action = action_of(view, key)
    if action.form is None:
        abort(404)
    ids = request.args.get("ids", "").split(",")
    return render_template("entity/dialog.html", view=view, action=action, form=action.form()(), ids=ids,
                           back=request.args.get("back", ""))


def perform(view):
    """Do the posted action; a refusal changes nothing."""
    action = action_of(view, request.form.get("action", ""))
    rows = rows_of(view, request.form.getlist("rowid"), action.edits)
    values = {}
    if action.leads:
        return redirect(f"{action.leads}?ids={','.join(str(row.id) for row in rows)}")
    if action.form is not None:
        form = action.form()(request.form)
        if not form.validate():
            flash(" ".join(e for f in form for e in f.errors), "danger")
            return _back(view)
        values = {f.name: f.data for f in form if f.name != "csrf_token"}
    return _do(view, action, rows, values)


def run(view, action, rows, values):
    """Do an action as one operation, flushed, not committed; returns what its rule said. Raises RuleError."""
    with changes.operation(db.session, action.key, view.model.__tablename__, changes.named(rows)):
        return action.rule(db.session, rows, **values) if action is not DELETE else _delete_rows(db.session, rows, view)


def refused(no: Exception) -> str:
    """Why nothing was written: the rule's sentence, or that somebody else was quicker."""
    return str(no) if isinstance(no, RuleError) else _("Somebody changed this a moment ago; please look and try again.")


def _do(view, action, rows, values):
    try:
        said = run(view, action, rows, values)
        db.session.commit()
    except (RuleError, IntegrityError, StaleDataError) as no:
        db.session.rollback()
        flash(refused(no), "danger")
        return _back(view)
    if isinstance(said, Entity):
        say_done(str(action.label), (view.model.__tablename__, action.key))
        return redirect(f"/{said.__tablename__.replace('_', '')}/show/{said.id}")
    say_done(said or ngettext("%(num)d record changed.", "%(num)d records changed.", len(rows)), (view.model.__tablename__, action.key))
    return _back(view, rows[0].id)


def do_one(view, key, row, **values):
    """Do one declared action with one row that the person may edit: for buttons inside a row."""
    return _do(view, action_of(view, key), [row], values)


def delete(view, rows):
    """Delete rows by the same way as the action."""
    return _do(view, DELETE, rows, {})


def say_done(text: str, kind: tuple = ()) -> None:
    """Tell that it was done, with the way back (撤销) when the operation left a batch and its (entity, kind) has no way of its own."""
    batch = db.session.info.pop("last_batch", None)
    flash({"text": text, "undo": batch} if batch and not (kind and undo.is_final(*kind)) else text, "success")


def _back(view, done=None):
    """Where the press came from; the list when that was the page of a record (`done`) that is gone or no longer his to see."""
    here = local(request.form.get("back"), "")
    of_a_record = done and here.startswith(f"{view.route_base}/show/")
    if of_a_record and db.session.scalar(select(view.model.id).where(view.model.id == done)) is None:
        here = ""
    return redirect(here or view.back_url())


def say(text) -> None:
    """Tell something that has no way back."""
    flash(str(text), "info")

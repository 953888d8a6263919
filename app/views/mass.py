"""批量修改: some fields of the chosen rows, or of all rows of a filter, by the rules of their form. One operation, whose undo restores
what did not change since; rows that refuse are listed with the reason. Many rows are changed by a job, a chunk a transaction."""
import time
from urllib.parse import parse_qsl

from flask import abort, flash, jsonify, render_template, request
from flask_appbuilder import expose
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import ImmutableMultiDict

from app.core import actor, changes, jobs, scope
from app.core.changes import Batch
from app.core.rules import RuleError
from app.core.words import _, ngettext
from app.extensions import db

from . import forms
from .exporting import view_of
from .guard import granted
from .listing import Listing
from .page import Page, local

AT_ONCE, CHUNK, TOLD = 100, 200, 200  # rows without the worker, rows a transaction, refusals told one by one
CHOSEN = 1000  # ids of one request
PAUSE = 0.02  # seconds between chunks, in which others get SQLite's write lock


def address(view) -> str:
    """Where the dialog of a list is."""
    return f"/mass/{view.entity}"


def is_offered(view) -> bool:
    """Whether the acting person may change many rows of this list at once."""
    who = actor.current()
    return bool(view.exportable and view.mass_fields != "" and "edit" in view.include_route_methods
                and who and who.may(view.entity, "edit"))


def fields_of(view) -> list:
    """What the acting person may change of many rows at once: the form's fields that he sees, but for the names and numbers by which
    records are told apart, and for what is chosen within another record."""
    if not is_offered(view):
        return []
    names = view.mass_fields
    told_by = (*getattr(view.model, "search_names", ()), *getattr(view.model, "search_codes", ()))
    return [f for f in view.form_fields(view.model()) if (names is None or f.name in names.split()) and f.kind != "number"
            and f.name not in told_by and not f.info.get("unique") and not f.info.get("within")]


# ---- the dialog -----------------------------------------------------------------------------------------------
class MassPage(Page):
    """The dialog of every list, and what it asks for."""

    route_base = "/mass"
    default_view = "change"

    @expose("/<entity>", methods=["GET", "POST"])
    @granted("")
    def change(self, entity):
        """GET: the dialog for ?ids= or for the filter ?query= of ?every=1. POST: {"url"} to go on to, {"ask"} before fields are
        emptied (sent again with ?sure), or the dialog with its faults."""
        try:
            view = view_of(entity)
        except KeyError:
            abort(404)
        if not (fields := fields_of(view)):
            abort(403)
        which, named = _which(request.values), {f.name: f for f in fields}
        chosen = [named[n] for n in dict.fromkeys(request.form.getlist("field")) if n in named]
        form = forms.make_form("MassForm", chosen)(request.form if request.method == "POST" else None)
        if request.method == "POST" and chosen and form.validate():
            values = {f.key: changes.to_json(form[f.name].data) for f in chosen}
            emptied = [str(f.label) for f in chosen if values[f.key] in (None, "", [])]
            if emptied and "sure" not in request.form:
                return jsonify(ask=_("“%(fields)s” will be emptied on %(n)s records. Go on?",
                                     fields="、".join(emptied), n=f"{_count(view, which):,}"))
            return jsonify(url=self._go(view, which, values, chosen))
        rest = forms.make_form("RestForm", [f for f in fields if f not in chosen])(None)
        return render_template("entity/mass.html", view=view, which=which, total=_count(view, which), fields=fields, form=form, rest=rest,
                               nothing=request.method == "POST" and not chosen)

    def _go(self, view, which, values, chosen) -> str:
        total, told = _count(view, which), f"{view.title} · {'、'.join(str(f.label) for f in chosen)}"[:180]
        params, label = {"entity": view.entity, **which, "values": values, "label": told}, _("Change many: %(what)s", what=told)
        if total > AT_ONCE:
            return f"/job/{jobs.enqueue(self.session, 'mass', params, label=label, total=total).id}"
        job = jobs.at_once(self.session, "mass", params, label=label, total=total)
        self.session.commit()
        if job.result["refused"] or not job.result["batch"]:
            return f"/job/{job.id}"
        flash({"text": job.result["text"], "undo": job.result["batch"]}, "success")
        return local(request.form.get("back"), view.home)


def _which(args) -> dict:
    """The rows that are meant: {"ids": […]} or {"query": …} of all rows of a filter."""
    if args.get("every"):
        return {"query": args.get("query", "")[:4000]}
    ids = [i for text in args.getlist("ids") for i in text.split(",") if i]
    if not 0 < len(ids) <= CHOSEN or not all(i.isascii() and i.isdecimal() and len(i) < 10 for i in ids):
        abort(400)
    return {"ids": sorted({int(i) for i in ids})}


def _wanted(view, which):
    """SELECT of the ids that are meant, as far as the acting person sees them."""
    if "ids" in which:
        return select(view.model.id).where(view.model.id.in_(which["ids"]))
    return Listing(view, args=ImmutableMultiDict(parse_qsl(which["query"], keep_blank_values=True)), prefs={}).statement()


def _count(view, which) -> int:
    return db.session.scalar(select(func.count()).select_from(_wanted(view, which).subquery()))


# ---- the work -------------------------------------------------------------------------------------------------
@jobs.kind("mass")
def mass_job(job, session, progress):
    """Change the rows of a job; one that was broken off goes on behind the last chunk it wrote."""
    told = {"batch": 0, "last": 0, "done": 0, "changed": 0, "same": 0, "refused": 0, "why": [], **job.params}
    view = view_of(told["entity"])
    known = {f.key: f for f in fields_of(view)}
    if not told["values"].keys() <= known.keys():
        raise RuleError(_("You may not change these fields any more."))
    values = {key: known[key].typed(kept) for key, kept in told["values"].items()}
    todo = [i for i in session.scalars(_wanted(view, told).order_by(view.model.id)) if i > told["last"]]
    total = told["done"] + len(todo)
    told["batch"] = told["batch"] or changes.start_batch(session, "mass", view.model.__tablename__, told["label"])
    try:
        for start in range(0, len(todo), CHUNK):
            _chunk(session, view, todo[start:start + CHUNK], values, told)
            job.params = {**told}
            session.commit()
            progress(told["done"], total)
            if total > AT_ONCE:
                time.sleep(PAUSE)
    except Exception:  # cancelled or broken off: what was written stays, is told and can be taken back
        session.rollback()
        job.result = _result(session, view, told)
        session.commit()
        raise
    return _result(session, view, told)


def _result(session, view, told) -> dict:
    """What the job's page tells; an operation that changed nothing is not kept."""
    if not told["changed"]:
        session.delete(session.get(Batch, told["batch"]))
    text = ngettext("%(num)d record changed.", "%(num)d records changed.", told["changed"])
    if told["same"]:
        text += " " + _("%(n)d had these values already.", n=told["same"])
    return {"text": text, "batch": told["batch"] if told["changed"] else None, "home": view.route_base,
            **{key: told[key] for key in ("changed", "same", "refused", "why")}}


def _chunk(session, view, ids, values, told) -> None:
    """Change some rows: together, and when one refuses one by one."""
    model = view.model
    rows = list(session.scalars(select(model).where(model.id.in_(ids)).order_by(model.id).with_for_update(of=model)))
    with changes.in_batch(session, told["batch"]):
        try:
            changed = _together(session, view, rows, values)
        except (RuleError, IntegrityError, StaleDataError):
            changed = sum(_alone(session, view, i, values, told) for i in [row.id for row in rows])
    told["changed"] += changed
    told["same"] = told["done"] + len(ids) - told["changed"] - told["refused"]
    told["done"], told["last"] = told["done"] + len(ids), ids[-1]


def _together(session, view, rows, values) -> int:
    with session.begin_nested():
        with session.no_autoflush:
            changed = [row for row in rows if _fill(session, view, row, values)]
        session.flush()
        for row in changed:
            view.after_save(row, False)
    return len(changed)


def _alone(session, view, row_id, values, told) -> int:
    row = session.get(view.model, row_id)
    if row is None:
        return 0
    name = str(row)
    try:
        return _together(session, view, [row], values)
    except (RuleError, IntegrityError, StaleDataError) as no:
        said = {IntegrityError: _("Another record has this value already."),
                StaleDataError: _("Somebody changed this a moment ago; please look and try again.")}.get(type(no), str(no))
        told["refused"] += 1
        if len(told["why"]) < TOLD:
            told["why"] = [*told["why"], [row_id, name[:120], said[:300]]]
        return 0


def _fill(session, view, row, values) -> bool:
    """Give a row its new values by the rules of its form; False when it has them already. Raises RuleError."""
    new = {key: value for key, value in values.items() if getattr(row, key) != value}
    if not new:
        return False
    if not scope.may_edit(session, row, actor.current()):
        raise RuleError(_("It is shared with you for reading only."))
    type(view).check_change(session, row)
    for key, value in new.items():
        setattr(row, key, value)
    type(view).check_save(session, row)
    return True

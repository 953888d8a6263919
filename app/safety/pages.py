"""撤销中心 and 回收站: the operations of the last days with their way back, and what was deleted with its own."""
import datetime as dt

from flask import abort, flash, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core import changes, clock, jobs, trash, undo
from app.core.changes import Batch, Change
from app.core.rules import RuleError
from app.core.words import _, _l, ngettext
from app.views import acting, cells, files
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page, asked, back_to

from . import telling

DAYS, SIZE, AT_ONCE = 30, 50, 500  # days shown, rows a page, rows of an undo without a job


class UndoPage(Page):
    """The operations of a person, of everybody for who may take back those of others (撤销中心)."""

    route_base = "/undo"
    home = "/undo/"
    menu_verb = ""
    menu = MenuItem("desktop", _l("Undo center"), icon="arrow-back-up", position=60)

    @expose("/")
    @granted("")
    def index(self):
        """The newest operations of the last 30 days by ?q= &kind= &entity= &who= &since= &until=; ?before= pages by id."""
        args, everyone = asked(), self.who.may("batch", "undo")
        wanted = select(Batch).where(Batch.at >= clock.now() - dt.timedelta(DAYS), *telling.since_until(args, Batch.at))
        if not everyone or "who" in args:  # 0: the system
            wanted = wanted.where(Batch.actor_id == ((telling.number(args, "who") or None) if everyone else self.who.id))
        exact = {Batch.kind: args.get("kind"), Batch.entity: args.get("entity")}
        wanted = wanted.where(*(column == value for column, value in exact.items() if value))
        if "q" in args:
            wanted = wanted.where(Batch.label.contains(args["q"], autoescape=True))
        if before := telling.number(args, "before"):
            wanted = wanted.where(Batch.id < before)
        found = self.session.scalars(wanted.order_by(Batch.id.desc()).limit(SIZE + 1)).all()
        return render_template("safety/undo.html", batches=found[:SIZE], more=len(found) > SIZE, kinds=telling.kinds(),
                               titles=telling.titles(), args=args, everyone=everyone, final=undo.is_final,
                               people={**cells.people(), 0: _("The system")})

    def _batch(self, batch_id) -> Batch:
        batch = self.fetch(Batch, batch_id)
        known = batch.actor_id == self.who.id or self.who.may("batch", "undo") or self.who.may("audit", "read")
        return batch if known else abort(404)

    @expose("/show/<int:batch_id>")
    @granted("")
    def show(self, batch_id):
        """One operation row by row: field, before, after; what was left alone by its undo."""
        batch, after = self._batch(batch_id), telling.number(asked(), "after")
        wanted = select(Change).where(Change.batch_id == batch.id, Change.id > after).order_by(Change.id).limit(SIZE + 1)
        found = self.session.scalars(wanted).all()
        left = undo.left_alone(self.session, batch)
        rows = telling.told(self.session, found[:SIZE])
        return render_template(
            "safety/operation.html", batch=batch, rows=rows, more=len(found) > SIZE and found[SIZE - 1].id, kinds=telling.kinds(),
            left=list(telling.named(self.session, left).values()), people=cells.people(), verbs=telling.VERBS,
            forever=batch.kind in undo.FOREVER, undoable=not batch.undone_at and undo.may_take_back(batch, self.who),
            titles=telling.titles())

    @expose("/<int:batch_id>", methods=["POST"])
    @granted("")
    def take_back(self, batch_id):
        """Take one operation back, a large one as a job; rows that changed since are listed on its page."""
        batch = self.fetch(Batch, batch_id)
        if batch.count > AT_ONCE and undo.may_take_back(batch, self.who) and not batch.undone_at:
            job = jobs.enqueue(self.session, "undo", {"batch": batch_id}, label=_("Undo"), total=batch.count)
            return redirect(f"/job/{job.id}")
        try:
            conflicts = undo.take_back(self.session, batch_id)
            self.session.commit()
        except (RuleError, IntegrityError) as no:
            self.session.rollback()
            flash(str(no) if isinstance(no, RuleError) else _("Other records lean on this by now; it cannot be taken back."), "danger")
            return back_to("/undo/")
        if not conflicts:
            flash(_("Taken back."), "success")
            return back_to("/undo/")
        flash(_("Taken back, except for %(n)d records that were changed since.", n=len(set(conflicts))), "warning")
        return back_to(f"/undo/show/{batch_id}")

    @expose("/field/<int:change_id>/<name>", methods=["POST"])
    @granted("")
    def revert(self, change_id, name):
        """Give one field of a record the value that it had before a change; the rules of its form are asked."""
        change = self.fetch(Change, change_id)
        view = telling.view_at(change.entity) or abort(404)
        if not view.may("edit"):
            abort(403)
        row = view.fetch_for_edit(change.row_id, lock=True)
        one = next((f for f in view.form_fields(row) if f.key == name), None)
        if one is None or name not in (change.old or {}):
            abort(404)
        try:
            with changes.operation(self.session, "revert", change.entity, str(row)), self.session.no_autoflush:
                type(view).check_change(self.session, row)
                changes.put_back(row, name, change.old[name])
                type(view).check_save(self.session, row)
            self.session.commit()
            acting.say_done(_("“%(field)s” has its earlier value again.", field=one.label))
        except (RuleError, IntegrityError) as no:
            self.session.rollback()
            flash(str(no) if isinstance(no, RuleError) else _("Somebody changed this a moment ago; please look and try again."), "danger")
        return redirect(f"{view.route_base}/show/{change.row_id}?tab=history")


class TrashPage(Page):
    """/trash/: what was deleted, of all that a person may see; restored, or by who has the right removed for good."""

    route_base, home = "/trash", "/trash/"
    default_view = "index"
    menu = MenuItem("desktop", _l("Trash"), icon="trash", position=70)

    def _wanted(self, args):
        """The deletions by ?q= &entity= &who= &since= &until=."""
        models = trash.kinds(self.who)
        chosen = [m for m in models if m.__tablename__ == args["entity"]] if "entity" in args else models
        wanted = trash.found(self.who, chosen, args.get("q", "")).where(*telling.since_until(args, Change.at))
        who = telling.number(args, "who")
        return models, wanted.where(Change.actor_id == who) if who else wanted

    @expose("/")
    @granted("")
    def index(self):
        """The newest deletions first; ?before= pages by id."""
        args = asked()
        models, wanted = self._wanted(args)
        total, before = trash.count(self.session, wanted), telling.number(args, "before")
        wanted = wanted.where(Change.id < before) if before else wanted
        found = self.session.scalars(wanted.order_by(Change.id.desc()).limit(SIZE + 1)).all()
        titles, people = telling.titles(), cells.people()
        return render_template("safety/trash.html", rows=self._rows(found[:SIZE], titles, people),
                               more=len(found) > SIZE and found[SIZE - 1].id,
                               total=total, cap=trash.CAP, args=args, people=people, may=self.who.may,
                               titles={m.__tablename__: titles.get(m.__tablename__, m.__tablename__) for m in models})

    def _rows(self, found, titles, people) -> list[dict]:
        rows = trash.rows_of(self.session, found)
        return [{"id": c.id, "batch": c.batch_id, "name": str(rows[c.entity, c.row_id]), "kind": titles.get(c.entity, c.entity),
                 "who": people.get(c.actor_id) or _("The system"), "at": cells.moment(c.at), "owner": people.get(
                     getattr(rows[c.entity, c.row_id], "owner_id", None), "")} for c in found]

    def _picked(self) -> list[Change]:
        """The posted deletions, all of them seen by the person; else 400 or 404."""
        ids = request.form.getlist("rowid")
        if not ids or len(ids) > acting.LIMIT or not all(i.isascii() and i.isdecimal() and len(i) < 16 for i in ids):
            abort(400)
        wanted = {int(i) for i in ids}
        found = self.session.scalars(trash.found(self.who, trash.kinds(self.who)).where(Change.id.in_(wanted))).all()
        return found if len(found) == len(wanted) else abort(404)

    def _tell(self, outcome, done: str) -> None:
        """Commit what was done; say it, and what stayed with the reason."""
        if outcome.done:
            self.session.commit()
            acting.say_done(done, ("trash", outcome.kind))
        else:
            self.session.rollback()
        for name, why in outcome.left[:5]:
            flash(_("%(name)s: %(why)s", name=name, why=why), "warning")
        if len(outcome.left) > 5:
            flash(ngettext("%(num)d record stayed in the trash.", "%(num)d records stayed in the trash.", len(outcome.left)), "warning")

    @expose("/restore", methods=["POST"])
    @granted("")
    def restore(self):
        """Take the chosen rows out of the trash."""
        outcome = trash.restore(self.session, self._picked(), self.who)
        since = " " + _("Changed while in the trash: %(names)s.", names=changes.named(outcome.since)) if outcome.since else ""
        self._tell(outcome, ngettext("%(num)d record restored.", "%(num)d records restored.", len(outcome.done)) + since)
        return back_to("/trash/")

    @expose("/purge", methods=["POST"])
    @granted("")
    def purge(self):
        """Remove the chosen rows for good, their files as well; only with the right."""
        if not self.who.may("trash", "purge"):
            abort(403)
        outcome = trash.remove(self.session, self._picked(), telling.titles())
        self._tell(outcome, ngettext("%(num)d record removed for good.", "%(num)d records removed for good.", len(outcome.done)))
        files.forget(outcome.digests)
        return back_to("/trash/")


@jobs.kind("undo")
def undo_job(job, session, _progress):  # its progress must not commit what is half taken back
    """Take a large operation back, whole or not at all; leads to the operation's page."""
    conflicts = undo.take_back(session, job.params["batch"], jobs.aside(session, job.id))
    return {"url": f"/undo/show/{job.params['batch']}", "left": len(set(conflicts)), "text": _("Taken back.")}

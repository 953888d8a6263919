"""The administrator's page of backups: make, try, fetch, put back; everything as one book of Excel."""
from flask import abort, current_app, flash, redirect, render_template, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import clock, events, jobs, parameters
from app.core.rules import RuleError
from app.core.schedule import Due
from app.core.words import _, _l
from app.security import rules as accounts
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

from . import rules, running

KINDS = {"daily": _l("Daily"), "hand": _l("By hand"), "before": _l("Before a restore")}


class BackupPage(Page):
    """/backup/."""

    entity, route_base, home = "backup", "/backup", "/backup/"
    default_view = "index"
    menu = MenuItem("system", _l("Backups"), icon="database-export", position=88)

    @expose("/")
    @granted("read")
    def index(self):
        """All backups, the last good one on top."""
        found = rules.listed(running.folder())
        due = self.session.scalar(select(Due.due_at).where(Due.name == "backup"))
        return render_template(
            "backups/index.html", rows=found, good=rules.last_good(running.folder()), kinds=KINDS, office=clock.to_office, may=self.who.may,
            folder=running.folder(), due=due, at=self._set("at"), daily=self._set("daily"),
            keep={key: self._set(key) for key in ("days", "weeks", "months")},
            stale=rules.STALE, now=clock.now())

    def _set(self, key):
        return parameters.get(self.session, f"backup.{key}")

    def _path(self, name):
        try:
            return rules.place_of(running.folder(), name)
        except RuleError:
            return abort(404)

    def _start(self, work, label, total=0, **params):
        return redirect(f"/job/{jobs.enqueue(self.session, work, params, label=str(label), total=total).id}")

    @expose("/make", methods=["POST"])
    @granted("add")
    def make(self):
        """Make one now."""
        return self._start("backup", _("Backup"), 4, kind="hand")

    @expose("/book", methods=["POST"])
    @granted("export")
    def book(self):
        """All lists as one book of Excel."""
        return self._start("book", _("All data"))

    @expose("/<name>/try", methods=["POST"])
    @granted("add")
    def rehearse(self, name):
        """Restore one on trial."""
        self._path(name)
        return self._start("rehearsal", _("Restore on trial"), name=name)

    @expose("/<name>/file", methods=["POST"])
    @granted("export")
    def file(self, name):
        """Fetch one: it holds everything, so this is logged."""
        path = self._path(name)
        events.exported.send(entity="backup", rows=1, kind=name)
        self.session.commit()
        return send_file(path, as_attachment=True, download_name=name, mimetype="application/zip")

    @expose("/<name>/delete", methods=["POST"])
    @granted("delete")
    def delete(self, name):
        """Remove one."""
        self._path(name)
        rules.remove(running.folder(), name)
        accounts.log(self.session, "permission", username=self.who.username, detail=f"backup {name} deleted")
        self.session.commit()
        flash(_("The backup is removed."), "success")
        return redirect(self.home)

    @expose("/<name>/restore", methods=["GET", "POST"])
    @granted("restore")
    def restore(self, name):
        """Say what will happen, ask for the word, put everything back."""
        self._path(name)
        known = next(one for one in rules.listed(running.folder()) if one.name == name)
        if request.method == "POST" and request.form.get("word", "").strip() == _("Restore"):
            return self._start("restore", _("Restore"), 4, name=name)
        wrong = _("Type the word “%(word)s” to go on.", word=_("Restore")) if request.method == "POST" else ""
        return render_template("backups/restore.html", known=known, made=clock.to_office(known.made_at), wrong=wrong,
                               app_name=current_app.config["APP_NAME"])

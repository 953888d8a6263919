"""/import/: file → mapping → check with the bad cells to mend → run with progress → result (manual 4.9.4)."""
import io

from flask import abort, flash, redirect, render_template, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import choices, entity, events, jobs
from app.core.rules import RuleError
from app.core.words import _, _l
from app.security.models import Employee
from app.views import cells, spreadsheet
from app.views.declare import MenuItem
from app.views.exporting import view_of
from app.views.guard import granted
from app.views.page import Page
from app.views.wire import takes_files

from . import checking, headings, running
from .models import ImportProblem, ImportRun

SHOWN = 200  # faults on the check page


class ImportPage(Page):
    """The import of customers, contacts and whatever else may be imported."""

    route_base = "/import"
    home = "/import/"
    menu_verb = "import"
    entity = "customer"
    menu = MenuItem("customers", _l("Import data"), icon="file-import", position=60)

    def _entity(self) -> str:
        name = request.values.get("entity", "customer")
        views = {v.entity: v for v in self.appbuilder.baseviews if getattr(v, "importable", False)}
        if name not in views or not self.who.may(name, "import"):
            abort(403 if name in views else 404)
        return views[name].model.__tablename__

    def _run(self, run_id) -> ImportRun:
        run = self.fetch(ImportRun, run_id)
        return run if run.owner_id == self.who.id or self.who.may("job", "read") else abort(404)

    @expose("/")
    @granted("")
    def index(self):
        """Choose a file; past imports below."""
        wanted = select(ImportRun).order_by(ImportRun.id.desc()).limit(50)
        if not self.who.may("job", "read"):
            wanted = wanted.where(ImportRun.owner_id == self.who.id)
        may = [v for v in self.appbuilder.baseviews if getattr(v, "importable", False) and self.who.may(v.entity, "import")]
        if not may:
            abort(403)
        return render_template("imports/index.html", runs=self.session.scalars(wanted).all(), entities=may,
                               chosen=request.args.get("entity", "customer"))

    @expose("/upload", methods=["POST"])
    @granted("")
    def upload(self):
        """Take the file, propose the mapping."""
        file, name = request.files.get("file"), self._entity()
        try:
            if file is None or not file.filename:
                raise RuleError(_("Choose a file."))
            run = running.new_run(self.session, file.filename, file.read(), name, self.who.id)
            self.session.commit()
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return redirect(f"/import/?entity={request.values.get('entity', 'customer')}")
        return redirect(f"/import/{run.id}")

    @expose("/<int:run_id>")
    @granted("")
    def show(self, run_id):
        """The step that the run is at."""
        run = self._run(run_id)
        if run.state == "running":
            return redirect(f"/job/{run.job_id}")
        if run.state != "new":
            return render_template("imports/result.html", run=run, problems=self._problems(run), sheet=running.sheet_of(run))
        sheet, fields = running.sheet_of(run), headings.fields_of(run.entity)
        found, problem = None, ""
        if "check" in request.args:
            try:
                found = checking.summary(self.session, sheet, running.plan_of(run), keep=SHOWN)
            except RuleError as no:
                problem = str(no)
        if problem:
            flash(problem, "danger")
        return render_template(
            "imports/check.html" if found else "imports/mapping.html", run=run, sheet=sheet, found=found, fields=fields,
            groups=self._groups(fields), keys=checking.keys_of(run.entity), owner=self._owner(run), options=self._answers,
            changed=self._changed(found, sheet))

    def _problems(self, run):
        wanted = select(ImportProblem).where(ImportProblem.run_id == run.id).order_by(ImportProblem.id).limit(SHOWN)
        return self.session.scalars(wanted).all()

    @staticmethod
    def _groups(fields):
        groups: dict = {}
        for target, one in fields.items():
            groups.setdefault(target.split(".")[0], []).append((target, str(one.label)))
        return [(_("Lines") if name.endswith("_line") else str(view_of(name.replace("_", "")).title), rows)
                for name, rows in groups.items()]

    def _owner(self, run):
        owner = (run.options or {}).get("owner_id") or self.who.id
        return self.session.get(Employee, owner)

    def _answers(self, item):
        """The values that may stand for an unknown one."""
        if item["kind"] == "choice":
            return choices.options(self.session, item["list"], english=cells.english())
        return [(str(p.id), str(p)) for p in self.session.scalars(select(Employee).where(Employee.active.is_(True)).limit(200))]

    @staticmethod
    def _changed(found, sheet):
        """The bad rows with their cells, for mending on screen."""
        if not found:
            return []
        bad: dict = {}
        for fault in found["faults"]:
            bad.setdefault(fault["row"], {})[fault["at"]] = fault["reason"]
        return [(number, list(enumerate(row)), bad[number]) for number, row in sheet.rows if number in bad]

    @expose("/<int:run_id>/save", methods=["POST"])
    @granted("")
    def save(self, run_id):
        """Keep mapping, options, decisions and mended cells; then check again, or run."""
        run = self._run(run_id)
        if run.state != "new":
            abort(400)
        self._keep(run)
        self.session.flush()
        if "run" not in request.form:
            self.session.commit()
            return redirect(f"/import/{run.id}" + ("" if "back" in request.form else "?check=1"))
        try:
            checking.Checker(self.session, running.sheet_of(run), running.plan_of(run))
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return redirect(f"/import/{run.id}")
        return self._start(run)

    def _keep(self, run):
        form, sheet = request.form, running.sheet_of(run)
        known = headings.fields_of(run.entity)
        if "map" in form:
            chosen = [t if t in known else "" for t in form.getlist("map")][:len(sheet.headings)]
            run.mapping = [t if t and chosen.index(t) == n else "" for n, t in enumerate(chosen)]
        options = dict(run.options or {})
        if form.get("key") in checking.keys_of(run.entity):
            options["key"] = form["key"]
        if form.get("on_duplicate") in running.DUPLICATES:
            options["on_duplicate"] = form["on_duplicate"]
        if form.get("owner", "").isdecimal() and self.session.get(Employee, int(form["owner"])):
            options["owner_id"] = int(form["owner"])
        run.options = options
        run.decisions = {**(run.decisions or {}), **{k[2:]: v for k, v in form.items() if k.startswith("d:") and len(v) < 60}}
        edits = {row: dict(cells_) for row, cells_ in (run.edits or {}).items()}
        for name, value in form.items():
            part = name.split(":")
            if part[0] == "e" and len(part) == 3 and part[1].isdecimal() and part[2].isdecimal():
                edits.setdefault(part[1], {})[part[2]] = value[:500]
        run.edits = edits

    def _start(self, run):
        run.state = "running"
        events.imported.send(entity=run.entity, rows=run.rows, kind=run.file_name[:60])
        self.session.flush()
        job = jobs.enqueue(self.session, "import", {"run_id": run.id}, label=run.file_name, total=run.rows,
                           mark=lambda made: setattr(run, "job_id", made.id))
        return redirect(f"/job/{job.id}")

    @expose("/<int:run_id>/undo", methods=["POST"])
    @granted("")
    def undo(self, run_id):
        """Take the whole import back."""
        run = self._run(run_id)
        if run.state not in ("done", "cancelled") or not run.batch_id:
            abort(400)
        job = jobs.enqueue(self.session, "import_undo", {"run_id": run.id}, label=_("Undo: %(name)s", name=run.file_name))
        return redirect(f"/job/{job.id}")

    @expose("/<int:run_id>/result")
    @granted("")
    def result(self, run_id):
        """The user's own sheet with the reasons."""
        run = self._run(run_id)
        sheet, problems = running.sheet_of(run), {}
        for p in self.session.scalars(select(ImportProblem).where(ImportProblem.run_id == run.id)):
            problems.setdefault(p.row, []).append((p.at, p.reason))
        out = io.BytesIO()
        spreadsheet.write_result(out, sheet.headings, sheet.rows, problems)
        out.seek(0)
        return send_file(out, as_attachment=True, download_name=f"{run.file_name.rsplit('.', 1)[0]}-{_('result')}.xlsx")

    @expose("/template")
    @granted("")
    def template(self):
        """An empty sheet with the headings, required ones marked, and a row that explains."""
        name = self._entity()
        fields = [one for one in headings.fields_of(name).values() if not one.system and (not one.readonly or one.kind == "number")]
        out = io.BytesIO()
        spreadsheet.write_template(out, [(str(f.label) + (" *" if f.required else ""), self._explain(f)) for f in fields])
        out.seek(0)
        return send_file(out, as_attachment=True, download_name=f"{entity.by_name(name).__tablename__}-template.xlsx")

    def _explain(self, one) -> str:
        kinds = {"date": "2026-11-24", "moment": "2026-11-24 09:30", "money": "1234.50", "flag": f"{_('Yes')}/{_('No')}", "whole": "12"}
        if one.kind == "choice":
            return " / ".join(label for _code, label in choices.options(self.session, one.choices, english=cells.english()))[:200]
        if one.kind == "ref":
            return _("full name or user name") if one.target == "ab_user" else _("name or number")
        return kinds.get(one.kind, _("at most %(n)d characters", n=one.size) if one.size else "")


takes_files("ImportPage.upload")

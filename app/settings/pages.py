"""System parameters: each with its meaning and default; changes are logged, can be taken back and work at once (manual 4.9.6)."""
from flask import abort, flash, jsonify, redirect, render_template, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import changes, money, numbering, parameters, undo
from app.core.changes import Batch, Change
from app.core.rules import RuleError
from app.core.words import _, _l
from app.views import acting, cells, files, forms, shell
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page
from app.views.wire import takes_files

ICONS = {"security": "shield-lock", "company": "building", "number": "hash", "contract": "file-certificate", "quote": "file-dollar",
         "target": "target-arrow", "pool": "users-group", "system": "server", "backup": "database", "print": "printer",
         "duplicate": "copy-check", "notice": "bell", "payment": "cash", "customer": "building-community", "approval": "checklist"}
ORDER = list(ICONS)
ELSEWHERE = ("choice", "stage", "customfield", "filter", "approvalrule", "pool", "officeday", "role")  # settings with own pages


class ParameterPage(Page):
    """/parameter/: all parameters by group."""

    entity, route_base, home = "parameter", "/parameter", "/parameter/"
    default_view = "index"
    menu = MenuItem("system", _l("System parameters"), icon="adjustments", position=66)

    @expose("/")
    @granted("read")
    def index(self):
        """The form of all parameters."""
        return self._page({}, {})

    def _page(self, typed, errors):
        groups: dict = {}
        for known in sorted(parameters.KNOWN.values(), key=lambda k: ORDER.index(k.place) if k.place in ORDER else len(ORDER)):
            groups.setdefault(known.place, []).append(self._line(known, typed, errors))
        tree = [(place, str(lines[0]["known"].group), ICONS.get(place, "adjustments")) for place, lines in groups.items()]
        return render_template("settings/parameters.html", groups=groups, tree=tree, may=self.who.may("parameter", "edit"),
                               elsewhere=self._elsewhere(), at=request.args.get("group", ""))

    def _line(self, known, typed, errors):
        kept = parameters.get(self.session, known.key)
        value = typed.get(known.key, kept)
        turned = money.shown if known.kind == "money" else str
        return {"known": known, "error": errors.get(known.key), "kept": kept, "changed": kept != known.default,
                "value": turned(value) if isinstance(value, int) and known.kind != "flag" else value,
                "default": parameters.shown(known, known.default), "raw": known.default if known.kind == "flag" else turned(known.default),
                "next": numbering.preview(self.session, self._rule({}, known.key)) if known.kind == "pattern" else ""}

    def _elsewhere(self):
        views = [v for entry in shell.MENU if entry["key"] == "system" for v in entry["views"]
                 if v.entity in ELSEWHERE and self.who.may(v.entity, v.menu_verb)]
        return sorted(views, key=lambda v: ELSEWHERE.index(v.entity))

    def _rule(self, values, key) -> numbering.Rule:
        """The numbering rule of a parameter as it would be with these values; RuleError."""
        names = (key, f"{key}.restart", f"{key}.start")
        pattern, restart, start = (values.get(name, parameters.get(self.session, name)) for name in names)
        return numbering.Rule(numbering.read(pattern), restart, start)

    @expose("/preview")
    @granted("edit")
    def preview(self):
        """The next number by a rule that is being typed, or what is wrong with it."""
        key, told = request.args.get("key", ""), {k.key: parameters.get(self.session, k.key) for k in parameters.KNOWN.values()}
        if key not in parameters.KNOWN or parameters.KNOWN[key].kind != "pattern":
            abort(404)
        try:
            for name in (key, f"{key}.restart", f"{key}.start"):
                told[name] = parameters.read(parameters.KNOWN[name], request.args.get(name, ""))
            numbering.check_rule(told, key)
            return jsonify(text=numbering.preview(self.session, self._rule(told, key)))
        except RuleError as no:
            return jsonify(error=str(no))

    @expose("/edit", methods=["POST"])
    @granted("edit")
    def edit(self):
        """Save all or nothing; a wrong value comes back with its sentence."""
        typed, errors, values = {}, {}, {}
        for known in parameters.KNOWN.values():
            text = forms.clean(request.form.get(known.key, "")) or ""
            typed[known.key] = text if known.kind != "flag" else text == "1"
            try:
                values[known.key] = self._file(known) if known.kind == "file" else parameters.read(known, text)
            except RuleError as bad:
                errors[known.key] = str(bad)
            if known.key in errors or known.kind == "file":
                values.setdefault(known.key, parameters.get(self.session, known.key))
        errors = {**parameters.check(values), **errors}
        if errors:
            flash(_("Nothing was saved: look at the marked parameters."), "danger")
            return self._page(typed, errors)
        with changes.operation(self.session, "edit", "parameter", _("System parameters")):
            for key, value in values.items():
                if value != parameters.get(self.session, key):
                    parameters.put(self.session, key, value)
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect("/parameter/")

    def _file(self, known) -> str:
        upload = request.files.get(known.key)
        if not upload or not upload.filename:
            return "" if request.form.get(f"{known.key}-none") == "1" else parameters.get(self.session, known.key)
        return files.received(upload, known.accept)

    @expose("/file/<key>")
    @granted("")
    def file(self, key):
        """A file that is a parameter: the logo for everybody, the others for who may see the parameters."""
        known = parameters.KNOWN.get(key)
        digest, _colon, name = parameters.get(self.session, key).partition(":") if known and known.kind == "file" else ("", "", "")
        if not digest or not (known.public or self.who.may("parameter", "read")):
            abort(404)
        return send_file(files.path_of(digest), download_name=name, as_attachment=not known.public)

    @expose("/history")
    @granted("read")
    def history(self):
        """Who changed which parameter from what to what, with the way back."""
        wanted = select(Change, Batch).join(Batch, Batch.id == Change.batch_id).where(
            Change.entity == "parameter").order_by(Change.id.desc()).limit(200)
        names, keys = cells.people(), dict(self.session.execute(select(parameters.Parameter.id, parameters.Parameter.key)).all())
        rows = []
        for change, batch in self.session.execute(wanted).all():
            key = keys.get(change.row_id) or (change.new or change.old or {}).get("key", "")
            known, old, new = parameters.KNOWN.get(key), (change.old or {}).get("value"), (change.new or {}).get("value")
            whose = f"{parameters.KNOWN[known.within].label} · " if known and known.within else ""
            rows.append({
                "at": cells.moment(change.at), "who": names.get(change.actor_id, _("The system")), "batch": batch,
                "label": f"{whose}{known.label}" if known else key, "group": known.group if known else "",
                "new": parameters.shown_text(key, new),
                "old": parameters.shown(known, known.default) if known and old is None else parameters.shown_text(key, old),
                "undo": batch.undone_at is None and batch.undoes_id is None and undo.may_take_back(batch, self.who)})
        return render_template("settings/history.html", rows=rows)


takes_files("ParameterPage.edit")

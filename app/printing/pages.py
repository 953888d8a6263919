"""/template/: the firm's own Word templates: the names they may use, tried with a real record before they are taken into use."""
import io
import re
from importlib import import_module

from flask import abort, redirect, render_template, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import changes, parameters
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.views import acting, files, forms
from app.views.declare import MenuItem
from app.views.exporting import view_of
from app.views.guard import granted
from app.views.page import Page
from app.views.wire import takes_files

from .documents import MAKERS

KINDS = ("quote", "contract")
KEPT = re.compile(r"[0-9a-f]{64}:[^:/\\]{1,100}\.docx", re.I)


def _word():
    """The module of Word files; its library loads at the first use."""
    return import_module("app.printing.word")


class TemplatePage(Page):
    """The Word templates of quotes and contracts; the one in use stays until another one has shown itself to be whole."""

    entity, route_base, home = "parameter", "/template", "/template/"
    default_view = "index"
    menu = MenuItem("system", _l("Word templates"), icon="file-text", position=67)

    @expose("/")
    @granted("read")
    def index(self):
        """What is in use, and the names."""
        return self._page()

    def _page(self, **tried):
        kinds = [{"entity": entity, "title": view_of(entity).title, "kept": parameters.get(self.session, f"print.{entity}"),
                  "labels": [one.label for name in f"{view_of(entity).paper_facts} {view_of(entity).paper_terms}".split()
                             if (one := describe(view_of(entity).model).get(name))]} for entity in KINDS]
        return render_template("printing/templates.html", kinds=kinds, words=_word().WORDS, tried=tried,
                               may=self.who.may("parameter", "edit"))

    @expose("/sample.docx")
    @granted("read")
    def sample(self):
        """The built-in layout as a template to begin with."""
        return send_file(io.BytesIO(_word().sample()), mimetype=MAKERS["docx"][0], as_attachment=True, download_name="template.docx")

    def _filled(self, entity, kept) -> bytes | None:
        """A template filled with the record of the asked number, or the newest one; None when there is none yet. RuleError."""
        _word().check(kept)
        model, number = view_of(entity).model, (forms.clean(request.values.get("number", "")) or "")[:60]
        wanted = select(model).where(model.number == number) if number else select(model)
        row = self.session.scalars(wanted.order_by(model.id.desc()).limit(1)).first()
        if row is None and number:
            raise RuleError(_("There is no document %(number)s.", number=number))
        return _word().make(view_of(entity).paper(row), kept.partition(":")[0], strict=True) if row else None

    def _kept(self, entity) -> str:
        kept = request.values.get("kept", "")
        if entity not in KINDS or not KEPT.fullmatch(kept) or not files.path_of(kept[:64]).exists():
            abort(404)
        return kept

    @expose("/try/<entity>", methods=["POST"])
    @granted("edit")
    def trial(self, entity):
        """The preview of an uploaded template, or what is wrong with it; nothing changes yet."""
        if entity not in KINDS:
            abort(404)
        tried = {"entity": entity, "number": request.form.get("number", "")}
        try:
            tried["kept"] = kept = files.received(request.files.get("file"), ("docx",))
            made = self._filled(entity, kept)
            tried["parts"] = _word().preview(made) if made else []
        except RuleError as no:
            tried["error"] = str(no)
        return self._page(**tried)

    @expose("/filled/<entity>.docx")
    @granted("edit")
    def filled(self, entity):
        """The preview as the file that Word opens."""
        made = self._filled(entity, self._kept(entity))
        return send_file(io.BytesIO(made or abort(404)), mimetype=MAKERS["docx"][0], as_attachment=True, download_name="preview.docx")

    @expose("/use/<entity>", methods=["POST"])
    @granted("edit")
    def use(self, entity):
        """Take the tried template into use, or with `none` go back to the built-in layout."""
        kept = "" if request.form.get("none") and entity in KINDS else self._kept(entity)
        try:
            if kept:
                self._filled(entity, kept)
        except RuleError as no:
            return self._page(entity=entity, error=str(no))
        with changes.operation(self.session, "edit", "parameter", _("Word templates")):
            parameters.put(self.session, f"print.{entity}", kept)
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect("/template/")


takes_files("TemplatePage.trial")

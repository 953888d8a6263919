"""Printed: a record that goes to paper (print page, PDF, spreadsheet, Word); PrintedView: a document with lines, with or without prices."""
import io
from importlib import import_module

from flask import abort, flash, redirect, render_template, request, send_file
from flask_appbuilder import expose

from app.core import actor, events
from app.core.rules import RuleError
from app.extensions import db
from app.products.documents import DocumentView
from app.views.guard import granted

from . import papers

OFFICE = "application/vnd.openxmlformats-officedocument"
MAKERS = {"pdf": ("application/pdf", "pdf"), "xlsx": (f"{OFFICE}.spreadsheetml.sheet", "book"),
          "docx": (f"{OFFICE}.wordprocessingml.document", "word")}  # kind -> mime, module: their libraries load at the first use
PAPERS = {"printed", "download"}


class Printed:
    """What goes to paper: `paper(row)` says how; print page, PDF, spreadsheet, Word."""

    paper_title: object = ""
    extra_bar = "printing/bar.html"
    with_prices = False  # whether it can be printed without them

    @expose("/print/<int:pk>")
    @granted("read")
    def printed(self, pk):
        """The page that the browser prints."""
        row = self.fetch(pk)
        return render_template("printing/page.html", paper=self.paper(row), item=row, view=self)

    @expose("/paper/<int:pk>.<kind>")
    @granted("read")
    def download(self, pk, kind):
        """The file in one of the formats."""
        if kind not in MAKERS:
            abort(404)
        row, (mime, name) = self.fetch(pk), MAKERS[kind]
        try:
            made = import_module(f"app.printing.{name}").make(self.paper(row))
        except RuleError as no:
            flash(str(no), "danger")
            return redirect(f"{self.route_base}/show/{pk}")
        events.exported.send(entity=self.entity, rows=1, kind=kind)
        db.session.commit()
        return send_file(io.BytesIO(made), mimetype=mime, as_attachment=True, download_name=f"{row.number or pk}.{kind}")


class PrintedView(Printed, DocumentView):
    """A document with lines on paper. `paper_facts` and `paper_terms` name the fields that stand above and below the lines."""

    paper_facts = paper_terms = ""
    paper_signs: tuple = ()
    with_prices = True
    include_route_methods = DocumentView.include_route_methods | PAPERS

    def paper(self, row) -> papers.Paper:
        """The document for printing; `?prices=0` leaves the prices out, `?pictures=1` shows the products to who may read them."""
        return papers.paper(db.session, row, str(self.paper_title), self.paper_facts, self.paper_terms,
                            prices=request.args.get("prices") != "0",
                            pictures=request.args.get("pictures") == "1" and actor.current().may("product", "read"),
                            signs=[str(s) for s in self.paper_signs])

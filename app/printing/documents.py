"""PrintedView: a document that goes to paper: print page, PDF, spreadsheet, Word; with or without prices."""
import io

from flask import abort, flash, redirect, render_template, request, send_file
from flask_appbuilder import expose

from app.core import events
from app.core.rules import RuleError
from app.products.documents import DocumentView
from app.views.guard import granted

from . import book, papers, pdf, word

MAKERS = {"pdf": ("application/pdf", lambda paper, entity: pdf.make(paper)),
          "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", lambda paper, entity: book.make(paper)),
          "docx": ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", word.make)}


class PrintedView(DocumentView):
    """`paper_facts` and `paper_terms` name the fields that stand above and below the lines."""

    paper_title: object = ""
    paper_facts = paper_terms = ""
    paper_signs: tuple = ()
    include_route_methods = DocumentView.include_route_methods | {"printed", "download"}
    extra_bar = "printing/bar.html"

    def paper(self, row) -> papers.Paper:
        """The document for printing; `?prices=0` leaves the prices out."""
        from app.extensions import db
        return papers.paper(db.session, row, str(self.paper_title), self.paper_facts, self.paper_terms,
                            prices=request.args.get("prices") != "0", signs=[str(s) for s in self.paper_signs])

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
        row, (mime, make) = self.fetch(pk), MAKERS[kind]
        try:
            made = make(self.paper(row), self.entity)
        except RuleError as no:
            flash(str(no), "danger")
            return redirect(f"{self.route_base}/show/{pk}")
        events.exported.send(entity=self.entity, rows=1, kind=kind)
        from app.extensions import db
        db.session.commit()
        return send_file(io.BytesIO(made), mimetype=mime, as_attachment=True, download_name=f"{row.number or pk}.{kind}")

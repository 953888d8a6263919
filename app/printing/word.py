"""A `Paper` through a Word template: the firm's own (docxtpl's words in double braces), else one made here."""
import io
from pathlib import Path

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from docxtpl import DocxTemplate
from flask import current_app
from jinja2.sandbox import SandboxedEnvironment

from app.core.rules import RuleError
from app.core.words import _


def place(entity: str) -> Path:
    """Where the firm's own template of an entity lies."""
    return Path(current_app.config["CRM_UPLOAD_DIR"]) / "templates" / f"{entity}.docx"


def sample() -> bytes:
    """A template that shows every word that a template may use."""
    made = Document()
    style = made.styles["Normal"]
    style.font.name, style.font.size = "Microsoft YaHei", Pt(10)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), "Microsoft YaHei")
    made.add_paragraph("{{ company.name }}")
    made.add_heading("{{ title }}", 1).alignment = WD_ALIGN_PARAGRAPH.CENTER
    made.add_paragraph("{{ number }}")
    made.add_paragraph("{%p for fact in facts %}")
    made.add_paragraph("{{ fact[0] }}：{{ fact[1] }}")
    made.add_paragraph("{%p endfor %}")
    table = made.add_table(rows=4, cols=1)
    table.style = "Table Grid"
    for n, text in enumerate(("{%tc for head in heads %}{{ head }}{%tc endfor %}", "{%tr for row in rows %}",
                              "{%tc for cell in row %}{{ cell }}{%tc endfor %}", "{%tr endfor %}")):
        table.rows[n].cells[0].text = text
    _columns(table)
    for text in (
        "{%p for sum in sums %}",
        "{{ sum[0] }}：{{ sum[1] }}",
        "{%p endfor %}",
        "{% if capitals %}{{ in_words }}：{{ capitals }}{% endif %}",
        "{%p for term in terms %}",
        "{{ term[0] }}：{{ term[1] }}",
        "{%p endfor %}",
        "{{ signs|join('                                ') }}",
        "{{ day }}",
    ):
        made.add_paragraph(text)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def _columns(table) -> None:
    """Three cells for a row of cells: its loop's start, the cell, its end, as docxtpl wants them."""
    for n in (0, 2):
        row = table.rows[n]
        start, cell, end = row.cells[0].text.replace("%}{{", "%}|{{").replace("}}{%", "}}|{%").split("|")
        row.cells[0].text = start
        for text in (cell, end):
            copied = row._tr.add_tc()
            copied.add_p().add_r().text = text


def make(paper, entity: str) -> bytes:
    """The docx file's bytes; RuleError when the firm's template cannot be filled."""
    own = place(entity)
    template = DocxTemplate(str(own) if own.exists() else io.BytesIO(sample()))
    words = {
        "company": paper.company,
        "title": paper.title,
        "number": paper.number,
        "facts": paper.facts,
        "heads": [c[0] for c in paper.columns],
        "rows": paper.rows,
        "sums": paper.sums,
        "capitals": paper.capitals,
        "terms": paper.terms,
        "signs": paper.signs,
        "day": paper.day,
        "in_words": _("In words"),
    }
    out = io.BytesIO()
    try:
        template.render(words, jinja_env=SandboxedEnvironment(autoescape=True))
        template.save(out)
    except Exception as bad:  # whatever a template made by hand may hold
        raise RuleError(_("The Word template cannot be filled: %(why)s", why=str(bad)[:200])) from bad
    return out.getvalue()

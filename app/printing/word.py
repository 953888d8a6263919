"""A `Paper` through a Word template: the firm's own (docxtpl's words in double braces), else one made here."""
import io
from pathlib import Path

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docxtpl import DocxTemplate
from jinja2.sandbox import SandboxedEnvironment

from app.core import parameters
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.views.files import path_of


def check(kept: str) -> None:
    """RuleError when a firm's template ('digest:name') cannot be filled or asks for words that no document has."""
    if not kept:
        return
    there = path_of(kept.partition(":")[0])
    _fill(there, dict.fromkeys(WORDS, ""))
    asked = DocxTemplate(str(there)).get_undeclared_template_variables(SandboxedEnvironment(autoescape=True))
    if unknown := sorted(asked - set(WORDS)):
        raise RuleError(_("The template asks for what no document has: %(words)s", words="、".join(unknown)))


def sample() -> bytes:
    """A template that shows every word that a template may use."""
    made = Document()
    style = made.styles["Normal"]
    style.font.name, style.font.size = "Microsoft YaHei", Pt(9.5)
    style.paragraph_format.space_after = Pt(3)
    sheet = made.sections[0]
    sheet.page_width, sheet.page_height, sheet.left_margin, sheet.right_margin = Mm(210), Mm(297), Mm(16), Mm(16)
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
            copied.p_lst[0].add_r().text = text


def _widths(table, paper) -> None:
    """Columns as wide as on the other papers, numbers at the right."""
    whole, table.autofit = sum(width for _head, _right, width in paper.columns), False
    for column, (_head, _right, width) in zip(table.columns, paper.columns, strict=True):
        column.width = Mm(178 * width / whole)
    for row in table.rows:
        for cell, (_head, right, width) in zip(row.cells, paper.columns, strict=True):
            cell.width = Mm(178 * width / whole)
            for paragraph in cell.paragraphs:
                paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT


WORDS = ("company", "title", "number", "facts", "by_label", "heads", "rows", "sums", "capitals", "terms", "signs", "day", "in_words")


def make(paper) -> bytes:
    """The docx file's bytes; RuleError when the firm's template cannot be filled."""
    key = f"print.{paper.entity}"
    own = parameters.get(db.session, key).partition(":")[0] if key in parameters.KNOWN else ""
    said = {
        "facts": paper.facts,
        "by_label": dict(paper.facts),  # {{ by_label["设备编号"] }}
        "heads": [c[0] for c in paper.columns],
        "in_words": _("In words"),
    }
    words = {word: said[word] if word in said else getattr(paper, word) for word in WORDS}
    return _fill(path_of(own), words) if own else _fill(io.BytesIO(sample()), words, paper)


def _fill(source, words: dict, shaped=None) -> bytes:
    """A template filled; `shaped`: the paper after whose columns its table is shaped."""
    out = io.BytesIO()
    try:
        template = DocxTemplate(str(source) if isinstance(source, Path) else source)
        template.render(words, jinja_env=SandboxedEnvironment(autoescape=True))
        if shaped is not None and shaped.columns:
            _widths(template.docx.tables[0], shaped)
        template.save(out)
    except Exception as bad:  # whatever a template made by hand may hold
        raise RuleError(_("The Word template cannot be filled: %(why)s", why=str(bad)[:200])) from bad
    return out.getvalue()

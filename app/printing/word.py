"""A `Paper` through a Word template: the firm's own (docxtpl's words in double braces), else one made here."""
import io
import re
from pathlib import Path

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Mm, Pt
from docxtpl import DocxTemplate
from jinja2 import ChainableUndefined, StrictUndefined, TemplateSyntaxError, Undefined, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from app.core import parameters
from app.core.rules import RuleError
from app.core.words import _, _l
from app.extensions import db
from app.views.files import path_of

WORDS = {  # every name that a template may use, with its meaning
    "company": _l("The company's data: company.name, .address, .phone, .tax_number, .bank"),
    "title": _l("The title: quote, contract"),
    "number": _l("The document's number"),
    "facts": _l("What stands above the lines, one after the other: fact[0] is the label, fact[1] the value"),
    "by_label": _l("One value by its label, from above, below or the sums"),
    "heads": _l("The headings of the columns"),
    "rows": _l("The lines as rows of cells below these headings"),
    "lines": _l("The lines by name: line.name, .spec, .unit, .quantity, .price, .discount, .tax_rate, .amount, .note"),
    "sums": _l("The sums one after the other: sum[0] is the label, sum[1] the amount"),
    "capitals": _l("The total in words"),
    "terms": _l("The texts below the lines: term[0] is the label, term[1] the text"),
    "signs": _l("Who signs"),
    "day": _l("The day of printing"),
    "in_words": _l("The label of the total in words"),
}


class _Labels(dict):
    """Facts by label; one that the document leaves empty prints nothing."""

    def __missing__(self, _label):
        return ""


def check(kept: str) -> None:
    """RuleError when a firm's template ('digest:name') cannot be filled or asks for words that no document has."""
    if not kept:
        return
    there = path_of(kept.partition(":")[0])
    _fill(there, dict.fromkeys(WORDS, ""), undefined=ChainableUndefined)
    asked = DocxTemplate(str(there)).get_undeclared_template_variables(SandboxedEnvironment(autoescape=True))
    if unknown := sorted(asked - set(WORDS)):
        raise RuleError(_unknown(there, unknown))


def _unknown(source, words) -> str:
    """The sentence about names that there are not, each with the paragraph in which it stands."""
    texts = ["".join(t.text or "" for t in p.iter(qn("w:t"))) for p in Document(str(source)).element.body.iter(qn("w:p"))]
    places = {word: next((t for t in texts if re.search(rf"\b{re.escape(word)}\b", t)), "") for word in words}
    told = "、".join(f"{word}（{place.strip()[:80]}）" if place else word for word, place in places.items())
    return _("The template asks for what no document has: %(words)s", words=told)


def _fault(source, bad) -> str:
    """What is wrong with a template: where, and which kind of fault."""
    if isinstance(bad, UndefinedError):
        return _unknown(source, re.findall(r"'([^']+)'", str(bad))[-1:])
    if not isinstance(bad, TemplateSyntaxError):
        return _("The Word template cannot be filled: %(why)s", why=str(bad)[:200])
    near = [text.strip() for text in list(getattr(bad, "docx_context", ()))[:min(4, bad.lineno)] if text.strip()]
    why = str(bad.message)
    kind = _("the braces are not closed, or what stands between them is wrong")
    if "looking for" in why:
        kind = _("a for or an if is not ended")
    elif "unknown tag" in why or "named" in why:
        kind = _("there is no such command")
    return _("The template has a fault near “%(text)s”: %(kind)s.", text=near[-1][:80] if near else "", kind=kind)


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


def make(paper, own: str | None = None, *, strict: bool = False) -> bytes:
    """The docx file's bytes; RuleError when the firm's template cannot be filled. `own`: the digest of one that is being tried;
    `strict`: a name that there is not is refused instead of left empty."""
    key = f"print.{paper.entity}"
    if own is None:
        own = parameters.get(db.session, key).partition(":")[0] if key in parameters.KNOWN else ""
    said = {
        "by_label": _Labels([*paper.facts, *paper.sums, *paper.terms]),  # {{ by_label["设备编号"] }}
        "heads": [c[0] for c in paper.columns],
        "in_words": _("In words"),
    }
    words = {word: said[word] if word in said else getattr(paper, word) for word in WORDS}
    return _fill(path_of(own), words, undefined=StrictUndefined if strict else Undefined) if own \
        else _fill(io.BytesIO(sample()), words, paper)


def _fill(source, words: dict, shaped=None, undefined=Undefined) -> bytes:
    """A template filled; `shaped`: the paper after whose columns its table is shaped."""
    out = io.BytesIO()
    template = DocxTemplate(str(source) if isinstance(source, Path) else source)
    try:
        template.init_docx()
    except Exception as bad:  # whatever somebody may have given the ending docx
        raise RuleError(_("This is no Word document (docx).")) from bad
    try:
        template.render(words, jinja_env=SandboxedEnvironment(autoescape=True, undefined=undefined))
        if shaped is not None and shaped.columns:
            _widths(template.docx.tables[0], shaped)
        template.save(out)
    except Exception as bad:  # whatever a template made by hand may hold
        raise RuleError(_fault(source, bad)) from bad
    return out.getvalue()


def preview(made: bytes) -> list:
    """A filled document for the page: a text for a paragraph, rows of texts for a table."""
    return [[[cell.text for cell in row.cells] for row in part.rows] if hasattr(part, "rows") else part.text
            for part in Document(io.BytesIO(made)).iter_inner_content()]

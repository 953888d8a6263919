"""A `Paper` as PDF, A4, with the Chinese font embedded (only the glyphs in use), so that it is right on a bare machine."""
import logging
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import FontFace

from app.core.words import _

FONT = Path(__file__).resolve().parent.parent / "static" / "vendor" / "fonts" / "NotoSansSC.ttf"
logging.getLogger("fontTools.subset").setLevel(logging.WARNING)


class _Sheet(FPDF):
    """A4 with the company at the foot and page numbers."""

    foot = ""

    def footer(self):
        """Company data and page number."""
        self.set_y(-14)
        self.set_font("sc", size=8)
        self.set_text_color(110)
        self.cell(0, 5, self.foot[:120], align="L")
        self.set_x(-40)
        self.cell(25, 5, f"{self.page_no()} / {{nb}}", align="R")


def make(paper) -> bytes:
    """The PDF's bytes."""
    sheet = _Sheet(format="A4")
    sheet.add_font("sc", fname=str(FONT))
    sheet.set_margins(15, 14, 15)
    sheet.set_auto_page_break(True, margin=18)
    c = paper.company
    sheet.foot = "  ".join(v for v in (c.get("address"), c.get("phone"), c.get("bank"), c.get("tax_number")) if v)
    sheet.set_title(f"{paper.title} {paper.number}")
    sheet.add_page()
    _head(sheet, paper)
    _facts(sheet, paper)
    if paper.rows:
        _lines(sheet, paper)
    _sums(sheet, paper)
    _terms(sheet, paper)
    return bytes(sheet.output())


def _head(sheet, paper):
    sheet.set_font("sc", size=12)
    sheet.cell(0, 7, paper.company.get("name", ""), new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("sc", size=20)
    sheet.cell(0, 12, paper.title, align="C", new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("sc", size=9)
    sheet.cell(0, 6, paper.number, align="R", new_x="LMARGIN", new_y="NEXT")
    sheet.ln(1)


def _facts(sheet, paper):
    sheet.set_font("sc", size=10)
    pairs = [paper.facts[n:n + 2] for n in range(0, len(paper.facts), 2)]
    for pair in pairs:
        for label, value in pair:
            sheet.set_text_color(110)
            sheet.cell(24, 6.5, label)
            sheet.set_text_color(20)
            sheet.cell(66, 6.5, _short(sheet, value, 64))
        sheet.ln(6.5)
    sheet.ln(3)


def _short(sheet, text, width) -> str:
    """The text cut to a width in mm, so that it never runs into its neighbour."""
    while text and sheet.get_string_width(text) > width:
        text = text[:-2] + "…"
    return text


def _lines(sheet, paper):
    sheet.set_font("sc", size=9)
    sheet.set_draw_color(190)
    head = FontFace(fill_color=(238, 241, 246))
    with sheet.table(col_widths=tuple(w for _h, _r, w in paper.columns), line_height=6, headings_style=head, padding=1,
                     text_align=tuple("RIGHT" if right else "LEFT" for _h, right, _w in paper.columns)) as table:
        for cells in ([h for h, _r, _w in paper.columns], *paper.rows):
            row = table.row()
            for text in cells:
                row.cell(text)
    sheet.ln(2)


def _sums(sheet, paper):
    sheet.set_font("sc", size=10)
    for label, value in paper.sums:
        sheet.cell(140, 6, label, align="R")
        sheet.cell(40, 6, value, align="R", new_x="LMARGIN", new_y="NEXT")
    if paper.capitals:
        sheet.cell(0, 8, f"{_('In words')}：{paper.capitals}", align="R", new_x="LMARGIN", new_y="NEXT")
    sheet.ln(3)


def _terms(sheet, paper):
    for label, value in paper.terms:
        sheet.set_text_color(110)
        sheet.cell(0, 6, label, new_x="LMARGIN", new_y="NEXT")
        sheet.set_text_color(20)
        sheet.multi_cell(0, 6, value, new_x="LMARGIN", new_y="NEXT")
    sheet.ln(8)
    for sign in paper.signs:
        sheet.cell(90, 7, f"{sign}：")
    sheet.ln(16)
    sheet.cell(0, 6, paper.day, align="R")

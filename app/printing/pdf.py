"""A `Paper` as PDF, A4, with the Chinese font embedded (only the glyphs in use), so that it is right on a bare machine."""
import io
import logging
from pathlib import Path

from fpdf import FPDF
from fpdf.fonts import FontFace

from app.core.words import _
from app.views import thumbs
from app.views.files import path_of

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
    if logo := paper.company.get("logo"):
        sheet.image(str(path_of(logo.partition(":")[0])), h=12, keep_aspect_ratio=True)
        sheet.ln(1)
    sheet.set_font("sc", size=12)
    sheet.cell(0, 7, paper.company.get("name", ""), new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("sc", size=20)
    sheet.cell(0, 12, paper.title, align="C", new_x="LMARGIN", new_y="NEXT")
    sheet.set_font("sc", size=9)
    sheet.cell(0, 6, paper.number, align="R", new_x="LMARGIN", new_y="NEXT")
    sheet.ln(1)


def _facts(sheet, paper):
    """Two to a line; one that is too long for its half has a line of its own: nothing is cut."""
    sheet.set_font("sc", size=10)
    half = False
    for label, value in paper.facts:
        long = sheet.get_string_width(value) > 64 or "\n" in value
        if half and long:
            sheet.ln(6.5)
            half = False
        sheet.set_text_color(110)
        sheet.cell(24, 6.5, label)
        sheet.set_text_color(20)
        if long:
            sheet.multi_cell(0, 6.5, value, new_x="LMARGIN", new_y="NEXT", align="L")
        else:
            sheet.cell(66, 6.5, value)
            half = not half
            sheet.ln(0 if half else 6.5)
            sheet.set_x(sheet.l_margin + (90 if half else 0))
    sheet.ln(9.5 if half else 3)


def _lines(sheet, paper):
    sheet.set_font("sc", size=9)
    sheet.set_draw_color(190)
    head = FontFace(fill_color=(238, 241, 246))
    columns = [*paper.columns, (_("Picture"), False, 1.5)] if paper.pictures else paper.columns
    with sheet.table(col_widths=tuple(w for _h, _r, w in columns), line_height=6, headings_style=head, padding=1,
                     text_align=tuple("RIGHT" if right else "LEFT" for _h, right, _w in columns)) as table:
        table.row([h for h, _r, _w in columns])
        for n, cells in enumerate(paper.rows):
            row = table.row(min_height=18 if paper.pictures and paper.pictures[n] else None)
            for text in cells:
                row.cell(text)
            if paper.pictures:
                _picture(row, paper.pictures[n])
    sheet.ln(2)


def _picture(row, picture) -> None:
    """The product's picture in the row's last cell."""
    made = thumbs.small(path_of(picture.digest), 240) if picture else None
    if made:
        row.cell(img=io.BytesIO(made), img_fill_width=False)
    else:
        row.cell("")


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
        sheet.cell(180 / len(paper.signs), 7, f"{sign}：")
    sheet.ln(16)
    sheet.cell(0, 6, paper.day, align="R")

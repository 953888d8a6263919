"""A `Paper` as a spreadsheet: one sheet, as it would be printed."""
import io

import xlsxwriter

from app.core.words import _


def make(paper) -> bytes:
    """The xlsx file's bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet = book.add_worksheet(paper.title[:31])
    big, bold = (
        book.add_format({"bold": True, "font_size": 16, "align": "center"}),
        book.add_format({"bold": True, "bg_color": "#EEF1F6", "border": 1}),
    )
    left, right = (
        book.add_format({"border": 1, "text_wrap": True, "valign": "top"}),
        book.add_format({"border": 1, "align": "right", "valign": "top"}),
    )
    wide = len(paper.columns) - 1
    sheet.write_string(0, 0, paper.company.get("name", ""))
    sheet.merge_range(1, 0, 1, max(wide, 1), paper.title, big)
    sheet.write_string(2, 0, paper.number)
    at = 3
    for label, value in paper.facts:
        sheet.write_string(at, 0, label)
        sheet.write_string(at, 2, value)
        at += 1
    at += 1
    for n, (head, _right, width) in enumerate(paper.columns):
        sheet.write_string(at, n, head, bold)
        sheet.set_column(n, n, 6 + 6 * width)
    for row in paper.rows:
        at += 1
        for n, text in enumerate(row):
            sheet.write_string(at, n, text, right if paper.columns[n][1] else left)
    for label, value in [*paper.sums, *([(_("In words"), paper.capitals)] if paper.capitals else []), *paper.terms]:
        at += 1
        sheet.write_string(at, max(wide - 2, 0), label)
        sheet.write_string(at, max(wide - 1, 1), value)
    sheet.fit_to_pages(1, 0)
    book.close()
    return out.getvalue()

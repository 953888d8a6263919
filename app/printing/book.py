"""A `Paper` as a spreadsheet: one A4 sheet, as it would be printed; amounts are numbers that go on to be added up."""
import io
import re

import xlsxwriter

from app.core.words import _

NUMBER = re.compile(r"-?\d[\d,]*(\.\d+)?")
FORMATS = {2: "#,##0.00", 0: "#,##0"}  # decimals of an amount, of a count


def _write(sheet, at, column, text, style) -> None:
    """A number as a number in its format, anything else as it is; `style(**more)` makes the cell's format."""
    if NUMBER.fullmatch(text):
        places = len(text.partition(".")[2])
        sheet.write_number(at, column, float(text.replace(",", "")), style(align="right", num_format=FORMATS.get(places, "#,##0.###")))
    else:
        sheet.write_string(at, column, text, style())


def make(paper) -> bytes:
    """The xlsx file's bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    sheet, made = book.add_worksheet(paper.title[:31]), {}

    def style(**more):
        key = tuple(sorted(more.items()))
        if key not in made:
            made[key] = book.add_format({"font_name": "Microsoft YaHei", "font_size": 10, "valign": "vcenter", **more})
        return made[key]
    wide = max(len(paper.columns) - 1, 3)
    sheet.set_paper(9)
    sheet.set_margins(0.5, 0.5, 0.6, 0.6)
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, paper.company.get("name", ""), style())
    sheet.merge_range(1, 0, 1, wide, paper.title, style(bold=True, font_size=16, align="center"))
    sheet.write_string(2, wide, paper.number, style(align="right"))
    at = 3
    for label, value in paper.facts:
        sheet.write_string(at, 0, label, style(font_color="#666666"))
        sheet.write_string(at, 2, value, style())
        at += 1
    at = _lines(sheet, paper, style, at + 1)
    for label, value in paper.sums:
        sheet.write_string(at, wide - 1, label, style(align="right", font_color="#666666"))
        _write(sheet, at, wide, value, lambda **more: style(align="right", **{k: v for k, v in more.items() if k != "align"}))
        at += 1
    if paper.capitals:
        sheet.merge_range(at, 0, at, wide, f"{_('In words')}：{paper.capitals}", style(align="right"))
        at += 1
    for label, value in paper.terms:
        sheet.write_string(at, 0, label, style(font_color="#666666"))
        sheet.merge_range(at + 1, 0, at + 1, wide, value, style(text_wrap=True, valign="top"))
        sheet.set_row(at + 1, 15 * (1 + value.count("\n") + len(value) // 60))
        at += 2
    for n, sign in enumerate(paper.signs):
        sheet.write_string(at + 1, n * (wide + 1) // len(paper.signs), f"{sign}：", style())
    sheet.write_string(at + 3, wide, paper.day, style(align="right"))
    book.close()
    return out.getvalue()


def _lines(sheet, paper, style, at) -> int:
    """The table of lines; returns the row below it."""
    for n, (head, right, width) in enumerate(paper.columns):
        sheet.write_string(at, n, head, style(bold=True, bg_color="#EEF1F6", border=1, align="right" if right else "left"))
        sheet.set_column(n, n, 4 + 6 * width)
    for row in paper.rows:
        at += 1
        for n, text in enumerate(row):
            right = {"align": "right"} if paper.columns[n][1] else {}
            _write(sheet, at, n, text, lambda right=right, **more: style(border=1, text_wrap=True, **{**right, **more})) \
                if right else sheet.write_string(at, n, text, style(border=1, text_wrap=True))
    return at + 1

"""Spreadsheets out: rows are streamed, formulas made harmless so that an import reads them back unchanged (promise 16)."""
import csv
import datetime as dt
from decimal import Decimal
from itertools import islice

import xlsxwriter

# An office of the East takes the wide ones for the others; the apostrophe is what the import drops.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula; the import drops the leading apostrophe again."""
    return "'" + text if text.startswith(DANGEROUS) else text


def _book(path):
    """A workbook to a path or an open file, that takes no text for a formula or a link."""
    quiet = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    return xlsxwriter.Workbook(path if hasattr(path, "write") else str(path), quiet)


def write_csv(path, headings, rows) -> int:
    """UTF-8 with BOM, as Excel expects; returns the number of rows."""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        out, n = csv.writer(file), 0
        out.writerow([harmless(one) for one in headings])
        for row in rows:
            out.writerow([harmless(v) if isinstance(v, str) else _csv_value(v) for v in row])
            n += 1
    return n


def _csv_value(value):
    if isinstance(value, dt.datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return "" if value is None else value


MOST = 1_048_575  # rows of a sheet below its heading


def write_xlsx(path, headings, rows, widths=()) -> int:
    """Constant memory; text is always written as text; returns the number of rows."""
    return write_sheets(path, [("", headings, rows, widths)])


def write_sheets(path, sheets) -> int:
    """A book of several sheets, each (name, headings, rows, widths); one that is full goes on in another. Returns the number of rows."""
    book, n = _book(path), 0
    formats = {key: book.add_format(look) for key, look in (
        ("bold", {"bold": True}), ("money", {"num_format": "#,##0.00"}), ("day", {"num_format": "yyyy-mm-dd"}),
        ("moment", {"num_format": "yyyy-mm-dd hh:mm:ss"}))}
    for name, headings, rows, widths in sheets:
        rows, part = iter(rows), 1
        while True:
            sheet = book.add_worksheet((f"{name} {part}" if part > 1 else name) or None)
            written = _fill(sheet, formats, headings, islice(rows, MOST), widths)
            n, part = n + written, part + 1
            if written < MOST:
                break
    book.close()
    return n


def _fill(sheet, formats, headings, rows, widths) -> int:
    for at, heading in enumerate(headings):
        sheet.set_column(at, at, widths[at] if at < len(widths) else 18)
        sheet.write_string(0, at, str(heading), formats["bold"])
    n = 0
    for row in rows:
        n += 1
        for at, value in enumerate(row):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                sheet.write_string(n, at, value)
            elif isinstance(value, dt.datetime):
                sheet.write_datetime(n, at, value, formats["moment"])
            elif isinstance(value, dt.date):
                sheet.write_datetime(n, at, value, formats["day"])
            else:
                sheet.write_number(n, at, float(value) if isinstance(value, Decimal) else value,
                                   formats["money"] if isinstance(value, Decimal) else None)
    sheet.freeze_panes(1, 0)
    return n


def write_result(path, headings, rows, problems: dict) -> None:
    """The user's own sheet with red cells and the columns 结果 and 原因. `problems`: row number -> [(column index, reason)]."""
    from app.core.words import _
    book = _book(path)
    sheet, bold = book.add_worksheet(), book.add_format({"bold": True})
    red = book.add_format({"bg_color": "#FFC7CE", "font_color": "#9C0006"})
    for at, heading in enumerate([*headings, _("Result"), _("Reason")]):
        sheet.write_string(0, at, str(heading), bold)
    for n, (number, cells) in enumerate(rows, 1):
        bad = dict(problems.get(number, ()))
        for at, value in enumerate(cells):
            if value not in (None, "") or at in bad:
                sheet.write_string(n, at, str(value), red if at in bad else None)
        sheet.write_string(n, len(headings), _("not imported") if bad else _("imported"))
        sheet.write_string(n, len(headings) + 1, "; ".join(bad.values()))
    book.close()


WRITERS = {"xlsx": write_xlsx, "csv": write_csv}


def write_template(path, columns) -> None:
    """A sheet to fill in: (heading, explanation) each."""
    book = xlsxwriter.Workbook(path, {"in_memory": True})
    sheet, bold, grey = book.add_worksheet(), book.add_format({"bold": True}), book.add_format({"font_color": "#808080", "italic": True})
    for at, (heading, explanation) in enumerate(columns):
        sheet.set_column(at, at, 20)
        sheet.write_string(0, at, heading, bold)
        sheet.write_comment(0, at, explanation or heading)
        sheet.write_string(1, at, explanation, grey)
    sheet.freeze_panes(1, 0)
    book.close()

"""Opens a Chinese spreadsheet as it is: xlsx, xls, csv in UTF-8 or GB18030, title rows, merged cells.

The kind is told by the content, never by the name. Raises RuleError with a sentence when it cannot be read.
"""
import csv
import io
import zipfile
import zlib
from dataclasses import dataclass, field

from python_calamine import CalamineError, CalamineWorkbook

from app.core.rules import RuleError
from app.core.words import _

LIMIT = 32 * 1024 * 1024  # bytes of a file
UNPACKED = 600 * 1024 * 1024  # bytes of an unpacked xlsx
RATIO = 200  # how many times larger than packed a part of at least MANY bytes may be: real sheets stay under 30
MANY = 16 * 1024 * 1024
COLUMNS = 200
LOOK = 20  # rows in which the heading row is looked for


@dataclass
class Sheet:
    """A table: headings, and rows as (row number in the file, 1-based; cells)."""

    headings: list[str]
    heading_row: int
    rows: list[tuple[int, list]] = field(default_factory=list)
    encoding: str = ""


def _decode(data: bytes) -> tuple[str, str]:
    """Text and encoding: BOM, then strict UTF-8, then GB18030."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name), name
    for name in ("utf-8", "gb18030"):
        try:
            return data.decode(name), name
        except UnicodeDecodeError:
            continue
    raise RuleError(_("The file is neither a spreadsheet nor text in UTF-8 or GBK."))


def _csv_rows(data: bytes):
    if b"\x00" in data[:4096] and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        raise RuleError(_("The file is neither a spreadsheet nor text in UTF-8 or GBK."))
    text, encoding = _decode(data)
    head = text[:8192]
    mark = max(",\t;，", key=lambda m: head.count(m))
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="," if mark == "，" else mark)
    try:
        return list(reader), encoding
    except csv.Error as bad:
        raise RuleError(_("The file cannot be read: %(why)s", why=str(bad))) from bad


def _guard_zip(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            parts = packed.infolist()
            if sum(p.file_size for p in parts) > UNPACKED or any(p.file_size > max(MANY, RATIO * p.compress_size) for p in parts):
                raise RuleError(_("The file unpacks to more than this program reads."))
            for part in parts:  # what the parts say of their size must be true
                with packed.open(part) as opened:
                    while opened.read(MANY):
                        pass
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as bad:
        raise RuleError(_("The spreadsheet is damaged.")) from bad


def _book_rows(data: bytes):
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(data))
        best: list = []
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            rows = sheet.to_python(skip_empty_area=False)
            if rows and not best:
                best = _fill_merged(rows, sheet)
        return best
    except CalamineError as bad:
        raise RuleError(_("The spreadsheet is damaged.")) from bad


def _fill_merged(rows, sheet):
    """Every cell of a merged range gets the range's value (not in wide title rows: they stay one cell)."""
    for (top, left), (bottom, right) in getattr(sheet, "merged_cell_ranges", None) or []:
        if bottom == top or top >= len(rows):
            continue
        value = rows[top][left] if left < len(rows[top]) else ""
        for r in range(top, min(bottom + 1, len(rows))):
            for c in range(left, min(right + 1, len(rows[r]))):
                rows[r][c] = value
    return rows


def _texts(row) -> list[str]:
    return [str(cell).strip() for cell in row if str(cell).strip()]


def heading_at(rows, known) -> int:
    """Index of the heading row: the one of the first rows with most known headings, else with most distinct texts."""
    scored = [(sum(known(cell) for cell in set(_texts(row))), len(set(_texts(row))), -n) for n, row in enumerate(rows[:LOOK])]
    return -max(scored)[2] if scored else 0


def read(data: bytes, known) -> Sheet:
    """The table in a file; `known(text)` tells whether a heading means something to us."""
    if len(data) > LIMIT:
        raise RuleError(_("The file is larger than 32 MiB."))
    encoding = ""
    if data.startswith(b"PK\x03\x04"):
        _guard_zip(data)
        rows = _book_rows(data)
    elif data.startswith(b"\xd0\xcf\x11\xe0"):
        rows = _book_rows(data)
    else:
        rows, encoding = _csv_rows(data)
    if not any(_texts(row) for row in rows):
        raise RuleError(_("The file is empty."))
    at = heading_at(rows, known)
    headings = [str(cell).strip() for cell in rows[at]][:COLUMNS]
    while headings and not headings[-1]:
        headings.pop()
    width = len(headings)
    body = [(n, [*row[:width], *[""] * (width - len(row))]) for n, row in enumerate(rows[at + 1:], at + 2)
            if any(cell not in ("", None) and str(cell).strip() for cell in row)]
    return Sheet(headings, at + 1, body, encoding)

"""What the business says of the office's days (manual 4.9.6; product.md 节假日与调休)."""
import datetime as dt
import re

from sqlalchemy import select

from app.core.rules import RuleError
from app.core.words import _
from app.core.workdays import OfficeDay

KINDS = {"休": "off", "假": "off", "放假": "off", "off": "off", "班": "work", "上班": "work", "补班": "work", "调休": "work",
         "work": "work"}
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?")
MOST = 60  # days of one line


def check_day(session, row) -> None:
    """A day stands once in the table."""
    if session.scalar(select(OfficeDay.id).where(OfficeDay.day == row.day, OfficeDay.id != (row.id or 0)).limit(1)):
        raise RuleError(_("This day is in the table already."), "day")


def read_days(text: str) -> list[tuple[dt.date, str, str]]:
    """(day, kind, name) of pasted lines: "2027-02-05~2027-02-11 休 春节", "2027/2/14 班", cells of a spreadsheet. Raises
    RuleError that names the line."""
    found: list = []
    for n, line in enumerate(text.splitlines(), 1):
        if line.strip():
            found += _line(n, line)
    if not found:
        raise RuleError(_("There is no day in this text."), "text")
    return found


def _line(n: int, line: str):
    days = DAY.findall(line)
    kind, _gap, name = DAY.sub("", line).strip(" \t~～至到-—,，").partition(" ") if days else ("", "", "")
    kind, _tab, more = kind.partition("\t")
    try:
        first, last = (dt.date(*map(int, days[at])) for at in (0, -1))
        if kind not in KINDS or not 0 <= (last - first).days < MOST or len(days) > 2:
            raise ValueError
    except (ValueError, IndexError):
        raise RuleError(_("Line %(n)d is not understood: %(line)s", n=n, line=line.strip()[:60]), "text") from None
    return [(first + dt.timedelta(i), KINDS[kind], (more or name).strip()[:40]) for i in range((last - first).days + 1)]


def paste_days(session, text: str) -> int:
    """Put pasted days into the table; those that are there get the new kind and name. Returns how many."""
    days = read_days(text)
    there = {row.day: row for row in session.scalars(select(OfficeDay).where(OfficeDay.day.in_([d for d, _k, _n in days])))}
    for day, kind, name in days:
        row = there.setdefault(day, OfficeDay(day=day))
        row.kind, row.name = kind, name or row.name
        session.add(row)
    return len(there)

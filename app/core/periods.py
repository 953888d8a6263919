"""Named periods and relative days: what a filter keeps instead of dates, so that it is right next month as well."""
import datetime as dt
import re

from . import clock
from .words import _, _l

PERIODS = {
    "today": _l("Today"), "yesterday": _l("Yesterday"), "tomorrow": _l("Tomorrow"), "this_week": _l("This week"),
    "last_week": _l("Last week"), "next_week": _l("Next week"), "this_month": _l("This month"), "last_month": _l("Last month"),
    "next_month": _l("Next month"), "this_quarter": _l("This quarter"), "last_quarter": _l("Last quarter"),
    "next_quarter": _l("Next quarter"), "this_year": _l("This year"), "last_year": _l("Last year"), "past_7": _l("Past 7 days"),
    "past_30": _l("Past 30 days"), "past_90": _l("Past 90 days"), "next_7": _l("Next 7 days"), "next_30": _l("Next 30 days")}
MONTHS = {"month": 1, "quarter": 3, "year": 12}
DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
AWAY = re.compile(r"([+-])(\d{1,4})d")
TYPED = [(re.compile(r"(\d{1,4})\s*(?:天前|日前|days? ago)", re.I), "-"),
         (re.compile(r"(?:in\s+)?(\d{1,4})\s*(?:天后|日后|days?)", re.I), "+")]


def month(day: dt.date, shift: int) -> dt.date:
    """The first day of the month `shift` months away."""
    months = day.year * 12 + day.month - 1 + shift
    return dt.date(months // 12, months % 12 + 1, 1)


def period(key: str, today: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """First and last day of a named period (weeks begin on Monday) or of 'yyyy-mm-dd~yyyy-mm-dd'; ValueError otherwise."""
    today = today or clock.today()
    if "~" in key:
        first, last = (dt.date.fromisoformat(part) if part else None for part in key.split("~", 1))
        if first is None and last is None:
            raise ValueError(key)
        return first or dt.date(1900, 1, 1), last or dt.date(2999, 12, 31)
    if key not in PERIODS:
        raise ValueError(key)
    way, _sep, unit = key.rpartition("_")
    one = dt.timedelta(1)
    if unit.isdecimal():
        days = dt.timedelta(int(unit) - 1)
        return (today - days, today) if way == "past" else (today, today + days)
    if key in DAYS:
        return (today + DAYS[key] * one,) * 2
    return _span(unit, {"last": -1, "this": 0, "next": 1}[way], today)


def compared(key: str, today: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """First and last day of what a named week, month, quarter or year is compared with: the one before it, whole when it is over, up to
    the same day while it runs (the 31st with the last day of a shorter month). KeyError for other names."""
    today = today or clock.today()
    way, _sep, unit = key.rpartition("_")
    first, last = _span(unit, {"last": -1, "this": 0}[way] - 1, today)
    return first, _earlier(unit, today) if way == "this" else last


def _earlier(unit: str, day: dt.date) -> dt.date:
    """The same day of the week, month, quarter or year before."""
    if unit == "week":
        return day - dt.timedelta(7)
    first, after = (month(day, shift - MONTHS[unit]) for shift in (0, 1))
    return min(first + dt.timedelta(day.day - 1), after - dt.timedelta(1))


def _span(unit: str, shift: int, today: dt.date) -> tuple[dt.date, dt.date]:
    """The week, month, quarter or year that lies `shift` of them away."""
    if unit == "week":
        monday = today - dt.timedelta(today.weekday() - 7 * shift)
        return monday, monday + dt.timedelta(6)
    months = MONTHS[unit]
    first = month(today, -((today.month - 1) % months) + months * shift)
    return first, month(first, months) - dt.timedelta(1)


def within(attribute, kind: str, key: str):
    """The clause "in this period" for a date or moment attribute."""
    first, last = period(key)
    if kind == "date":
        return attribute.between(first, last)
    return (attribute >= clock.day_start(first)) & (attribute < clock.day_start(last + dt.timedelta(1)))


def day(text: str) -> dt.date:
    """A day kept by a filter: 'yyyy-mm-dd', 'today', '-30d', '+7d'; ValueError otherwise."""
    if text in DAYS:
        return clock.today() + dt.timedelta(DAYS[text])
    if found := AWAY.fullmatch(text):
        return clock.today() + dt.timedelta(int(found[1] + found[2]))
    return dt.date.fromisoformat(text)


def read_day(typed: str) -> str:
    """What somebody typed for a day as a filter keeps it: 今天, 30天前, 7天后, 2026-11-24; ValueError otherwise."""
    text = typed.strip()
    for key in DAYS:
        if text in (key, str(PERIODS[key])):
            return key
    for pattern, sign in TYPED:
        if found := pattern.fullmatch(text):
            return f"{sign}{int(found[1])}d"
    day(text)
    return text


def told_day(kept: str) -> str:
    """A kept day in words."""
    if kept in DAYS:
        return str(PERIODS[kept])
    found = AWAY.fullmatch(kept)
    if not found:
        return kept
    return _("%(n)s days ago", n=found[2]) if found[1] == "-" else _("in %(n)s days", n=found[2])

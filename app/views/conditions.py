"""The conditions of the quick-filter panel: one clause and one control a kind of field."""
import datetime as dt

from flask import abort
from markupsafe import Markup
from sqlalchemy import and_, false, true

from app.core import choices, clock, memo, money
from app.core.describe import target_model
from app.core.words import _, _l
from app.extensions import db

from . import cells

PERIODS = {
    "today": _l("Today"), "yesterday": _l("Yesterday"), "tomorrow": _l("Tomorrow"), "this_week": _l("This week"),
    "last_week": _l("Last week"), "next_week": _l("Next week"), "this_month": _l("This month"), "last_month": _l("Last month"),
    "next_month": _l("Next month"), "this_quarter": _l("This quarter"), "last_quarter": _l("Last quarter"),
    "next_quarter": _l("Next quarter"), "this_year": _l("This year"), "last_year": _l("Last year"), "past_7": _l("Past 7 days")}


def month(day: dt.date, shift: int) -> dt.date:
    """The first day of the month `shift` months away."""
    months = day.year * 12 + day.month - 1 + shift
    return dt.date(months // 12, months % 12 + 1, 1)


def period(key: str, today: dt.date | None = None) -> tuple[dt.date, dt.date]:
    """First and last day of a named period (weeks begin on Monday) or of 'yyyy-mm-dd~yyyy-mm-dd'; ValueError otherwise."""
    today = today or clock.today()
    if "~" in key:
        first, last = (dt.date.fromisoformat(part) if part else None for part in key.split("~", 1))
        return first or dt.date(1900, 1, 1), last or dt.date(2999, 12, 31)
    monday, quarter = today - dt.timedelta(today.weekday()), month(today, -((today.month - 1) % 3))
    shift = {"last": -1, "this": 0, "next": 1}.get(key.split("_")[0], 0)
    one = dt.timedelta(1)
    spans = {
        "today": (today, today), "yesterday": (today - one, today - one), "tomorrow": (today + one, today + one),
        "week": (monday + dt.timedelta(7 * shift), monday + dt.timedelta(7 * shift + 6)),
        "month": (month(today, shift), month(today, shift + 1) - one),
        "quarter": (month(quarter, 3 * shift), month(quarter, 3 * shift + 3) - one),
        "year": (dt.date(today.year + shift, 1, 1), dt.date(today.year + shift, 12, 31)), "7": (today - dt.timedelta(6), today)}
    if key not in PERIODS:
        raise ValueError(key)
    return spans[key if key in spans else key.split("_")[1]]


def within(attribute, kind: str, key: str):
    """The clause "in this period" for a date or moment attribute."""
    first, last = period(key)
    if kind == "date":
        return attribute.between(first, last)
    return (attribute >= clock.day_start(first)) & (attribute < clock.day_start(last + dt.timedelta(1)))


def _between(attribute, value: str):
    """Amounts from~to in yuan, one side may be open; a single amount is the least."""
    low, _tilde, high = value.replace(",", "").partition("~")
    try:
        found = [attribute >= money.to_fen(low.strip())] if low.strip() else []
        return and_(true(), *found, *([attribute <= money.to_fen(high.strip())] if high.strip() else []))
    except ValueError:
        abort(400)


def clause(one, value: str):
    """The WHERE of one condition: '=' alone is empty, '=text' is exactly this text; a malformed value is a 400."""
    attribute = one.attribute
    if value == "=":
        return (attribute.is_(None) | (attribute == "")) if one.kind in ("text", "choice") else attribute.is_(None)
    if one.kind in ("date", "moment"):
        try:
            return within(attribute, one.kind, value)
        except (ValueError, OverflowError, IndexError):
            abort(400)
    if one.kind == "money":
        return _between(attribute, value)
    if one.kind == "ref":
        return attribute == int(value) if value.isascii() and value.isdecimal() and len(value) < 16 else false()
    if one.kind == "flag":
        return attribute.is_(value == "1")
    if one.kind in ("choice", "number"):
        return attribute == value
    return attribute == value[1:] if value.startswith("=") else attribute.contains(value, autoescape=True)


def _options(one):
    if one.kind == "choice":
        return choices.options(db.session, cells.list_of(one), english=cells.english())
    if one.kind == "flag":
        return [("1", _("Yes")), ("0", _("No"))]
    if one.kind in ("date", "moment"):
        return [(key, str(label)) for key, label in PERIODS.items()]
    return []


def _html(one, value) -> Markup:
    """The options as HTML; without a chosen one they are made once for each change of the lists."""
    def make():
        return Markup("").join(Markup('<option value="{}"{}>{}</option>').format(
            v, Markup(" selected") if v == value else "", t) for v, t in _options(one))
    if value:
        return make()
    return memo.recall(db.session, "choices", ("options", one.kind, one.choices, cells.english()), make)


def control(one, value: str, entity: str) -> dict:
    """What the template needs to draw the condition."""
    kind = {"date": "period", "moment": "period"}.get(one.kind, one.kind)
    made = {"name": one.name, "label": str(one.label), "kind": kind, "options": _html(one, value), "value": value, "text": value}
    if one.kind == "ref":
        row = db.session.get(target_model(one), int(value)) if value.isdecimal() else None
        table = one.target.replace("_", "")
        made |= {"url": f"/{'user' if table == 'abuser' else table}/choose", "text": str(row) if row else ""}
    return made

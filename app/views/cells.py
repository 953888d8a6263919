"""How a value looks: one function a kind, for tables, pages and spreadsheets."""
import datetime as dt
import re

from flask import has_request_context, request
from flask_babel import get_locale
from markupsafe import Markup, escape

from app.core import actor, choices, clock, money
from app.core.words import _, language
from app.extensions import db

EMPTY = Markup('<span class="t4">—</span>')


def english() -> bool:
    """Whether the reader's language is English."""
    return (language.get() or str(get_locale() or "zh")).startswith("en")


def mask(value: str) -> str:
    """138****8812: the middle of a number behind stars."""
    text = str(value)
    keep = 3 if len(text) >= 7 else 1
    return text[:keep] + "*" * 4 + text[-4:] if len(text) > keep + 4 else text[:1] + "****"


def is_masked(one, who=None) -> bool:
    """Whether the acting person sees this field with stars."""
    who = who or actor.current()
    return bool(who and f"{one.model.__tablename__}.{one.name}" in who.masked)


def day(value: dt.date, short=False) -> str:
    """11-24 this year in tables, 2026-11-24 elsewhere."""
    return value.strftime("%m-%d" if short and value.year == clock.today().year else "%Y-%m-%d")


def moment(value: dt.datetime, short=False) -> str:
    """A naive UTC moment in the office's time."""
    local = clock.to_office(value)
    return local.strftime("%m-%d %H:%M" if short and local.year == clock.today().year else "%Y-%m-%d %H:%M")


def reader(one):
    """A function row -> value for a spreadsheet or an API: label, text, Decimal yuan, date, office datetime, None when empty.
    What depends on the column alone (labels, mask, language) is looked up once, not once a cell."""
    name, turn = one.name, _turner(one)

    def read(row):
        value = getattr(row, name)
        return None if value is None or value == "" else turn(value)
    return read


def _turner(one):
    if is_masked(one):
        return mask
    if one.kind == "choice":
        known = dict(choices.options(db.session, list_of(one), english=english(), keep=ANY))
        return lambda code: known.get(code, code)
    if one.kind == "flag":
        yes, no = _("Yes"), _("No")
        return lambda value: yes if value else no
    return {"money": money.to_yuan, "moment": clock.to_office, "date": _same, "whole": _same, "percent": _same}.get(one.kind, str)


def _same(value):
    return value


class _Any:
    """Keeps every stopped value of a list."""

    def __contains__(self, _code):
        return True


ANY = _Any()


def list_of(one) -> str:
    """The choice list of a choice field; a fact's list is named entity_field."""
    return one.choices or f"{one.model.__tablename__ if one.model.__tablename__ != 'ab_user' else 'employee'}_{one.name}"


def _choice(row, one, value, short):
    name = list_of(one)
    label, colour = choices.label(db.session, name, value, english=english()), choices.colour(db.session, name, value)
    if name.endswith("_level"):
        return Markup('<span class="k-lv {}" title="{}">{}</span>').format(value, label, value if len(value) < 3 else label)
    return Markup('<span class="k-st {}">{}</span>').format(COLOURS.get(colour, ""), label) if colour else escape(label)


COLOURS = {"green": "g", "blue": "b", "cyan": "c", "violet": "v", "amber": "y", "red": "r", "grey": ""}
_KINDS = {
    "choice": _choice,
    "money": lambda row, one, value, short: Markup('<span class="num">{}</span>').format(money.shown(value)),
    "date": lambda row, one, value, short: day(value, short),
    "moment": lambda row, one, value, short: moment(value, short),
    "flag": lambda row, one, value, short: _("Yes") if value else _("No"),
    "percent": lambda row, one, value, short: f"{value / 100:g}%",
}
_LATE = re.compile(r"^next_|_due$")


def _tone(one, value) -> str:
    """Red when late, amber when today (only for promised moments)."""
    if one.kind != "moment" or not _LATE.search(one.name):
        return ""
    if value < clock.now():
        return "c-red"
    return "c-amber" if clock.to_office(value).date() == clock.today() else ""


def cell(row, one, short=True):
    """A value as HTML (escaped), short for tables; a pale dash when empty."""
    value = getattr(row, one.name)
    if value is None or value == "" or (one.kind == "flag" and value is False and short):
        return EMPTY
    if is_masked(one):
        return escape(mask(value))
    make = _KINDS.get(one.kind)
    shown = make(row, one, value, short) if make else escape(str(value))
    tone = _tone(one, value)
    return Markup('<span class="{}">{}</span>').format(tone, shown) if tone else shown


def link(row, one, shown):
    """A reference leads to its record."""
    if one.kind != "ref" or shown is EMPTY or one.target in ("ab_user", None):
        return shown
    return Markup('<a href="/{}/show/{}">{}</a>').format(one.target.replace("_", ""), getattr(row, one.key), shown)


def here() -> str:
    """The address of this page, for links that come back."""
    return request.full_path.rstrip("?") if has_request_context() else "/"

"""How a value looks: one function a kind, for tables, pages and spreadsheets."""
import datetime as dt
import re

from flask import has_request_context, request
from flask_babel import get_locale
from markupsafe import Markup, escape
from sqlalchemy import select

from app.core import actor, choices, clock, memo, money
from app.core.attachments import Attachment
from app.core.describe import describe, target_model
from app.core.words import _, language, ngettext
from app.extensions import db

EMPTY = Markup('<span class="t4">—</span>')


def english() -> bool:
    """Whether the reader's language is English."""
    return (language.get() or str(get_locale() or "zh")).startswith("en")


def mask(value: str) -> str:
    """138****8812: the middle of a number behind stars."""
    if not isinstance(value, str):
        return "****"
    text = value
    keep = 3 if len(text) >= 7 else 1
    return text[:keep] + "*" * 4 + text[-4:] if len(text) > keep + 4 else text[:1] + "****"


def is_masked(one, who=None) -> bool:
    """Whether the acting person sees this field with stars."""
    return one.hidden_from(who or actor.current())


def day(value: dt.date, short=False) -> str:
    """11-24 this year in tables, 2026-11-24 elsewhere."""
    text = value.isoformat()[:10]
    return text[5:] if short and value.year == clock.today().year else text


def moment(value: dt.datetime, short=False) -> str:
    """A naive UTC moment in the office's time."""
    local = clock.to_office(value)
    text = local.isoformat(" ", "minutes")
    return text[5:] if short and local.year == clock.today().year else text


def hundredths(value: int) -> str:
    """1350 as 13.5."""
    return f"{value / 100:.2f}".rstrip("0").rstrip(".")


def thousandths(value: int) -> str:
    """1500 as 1.5."""
    return f"{value / 1000:,.3f}".rstrip("0").rstrip(".")


def people() -> dict[int, str]:
    """Everybody's name by id, remembered until the staff changes: no list joins the people."""
    model = target_model(describe(Attachment)["created_by"])

    def load():
        return {key: name or username for key, name, username in db.session.execute(select(model.id, model.name, model.username))}
    return memo.recall(db.session, "security", "names", load)


def _value(one):
    """A function row -> the value to show; of a person the name, or what the field says of nobody."""
    name, key = one.name, one.key
    if one.target != "ab_user" or one.kind != "ref":
        return lambda row: getattr(row, name)
    names, nobody = people(), one.info.get("nobody")
    return lambda row: names.get(getattr(row, key)) or (nobody and str(nobody))


def reader(one):
    """A function row -> value for a spreadsheet or an API: label, text, Decimal yuan, date, office datetime, None when empty.
    What depends on the column alone (labels, mask, language) is looked up once, not once a cell."""
    value_of, turn = _value(one), _turner(one)

    def read(row):
        value = value_of(row)
        return None if value is None or value == "" else turn(value)
    return read


def _turner(one):
    if is_masked(one):
        return mask
    if one.kind == "choice":
        known = dict(choices.options(db.session, list_of(one), english=english(), keep=ANY))
        return lambda code: known.get(code, code)
    if one.kind == "several":
        return lambda codes: choices.labels(db.session, list_of(one), codes, english=english())
    if one.kind == "flag":
        yes, no = _("Yes"), _("No")
        return lambda value: yes if value else no
    return {"money": money.to_yuan, "moment": clock.to_office, "date": _same, "whole": _same, "percent": lambda v: v / 100,
            "quantity": lambda v: v / 1000}.get(one.kind, str)


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


COLOURS = {"green": "g", "blue": "b", "cyan": "c", "violet": "v", "amber": "y", "red": "r", "grey": ""}
_LATE = re.compile(r"^next_|_due$")
_RISKY = re.compile("[&<>\"']").search


def _choice(one, short):
    name, known = list_of(one), {}

    def turn(code):
        if code not in known:
            label, colour = choices.label(db.session, name, code, english=english()), choices.colour(db.session, name, code)
            known[code] = _level(code, label) if name.endswith("_level") else \
                f'<span class="k-st {COLOURS.get(colour, "")}">{escape(label)}</span>' if colour else str(escape(label))
        return known[code]
    return turn


def _level(code, label) -> str:
    return f'<span class="k-lv {escape(code)}" title="{escape(label)}">{escape(code if len(code) < 3 else label)}</span>'


def tag(one, code) -> Markup:
    """A choice as a coloured tag, for heads and cards."""
    name = list_of(one)
    label, colour = choices.label(db.session, name, code, english=english()), choices.colour(db.session, name, code)
    return Markup(_level(code, label)) if name.endswith("_level") else Markup('<span class="k-tag {}">{}</span>').format(
        COLOURS.get(colour) or "line", label)


def _moment(one, short):
    """Red when late, amber when today (only promised moments)."""
    promised, now, today = bool(_LATE.search(one.name)), clock.now(), clock.today()

    def turn(value):
        local = clock.to_office(value)
        shown = local.isoformat(" ", "minutes")
        if short and local.year == today.year:
            shown = shown[5:]
        if not promised or (value >= now and local.date() != today):
            return shown
        return f'<span class="{"c-red" if value < now else "c-amber"}">{shown}</span>'
    return turn


def _countdown(one, short):
    """How long it is until a moment: 12 days, 5 hours; amber in the last week, red on the last day."""
    now = clock.now()

    def turn(value):
        left = value - now
        if left.total_seconds() <= 0:
            return f'<span class="c-red">{escape(_("now"))}</span>'
        words = ngettext("%(num)d day", "%(num)d days", left.days) if left.days else ngettext(
            "%(num)d hour", "%(num)d hours", max(1, left.seconds // 3600))
        tone = "c-red" if left.days < 1 else "c-amber" if left.days < 7 else "t2"
        return f'<span class="{tone}" title="{moment(value)}">{escape(words)}</span>'
    return turn


def _flag(one, short):
    words = {True: _("Yes"), False: str(EMPTY) if short else _("No")}
    return lambda value: words[bool(value)]


_KINDS: dict = {
    "several": lambda one, short: lambda codes: str(escape(choices.labels(db.session, list_of(one), codes, english=english()))),
    "choice": _choice, "moment": lambda one, short: (_countdown if one.info.get("counts_down") else _moment)(one, short), "flag": _flag,
    "money": lambda one, short: lambda value: f'<span class="num">{money.shown(value)}</span>',
    "date": lambda one, short: lambda value: day(value, short),
    "percent": lambda one, short: lambda value: f'<span class="num">{hundredths(value)}%</span>',
    "quantity": lambda one, short: lambda value: f'<span class="num">{thousandths(value)}</span>',
    "html": lambda one, short: str}


def maker(one, short=True, linked=True):
    """A function row -> escaped HTML of a field, short for tables; a pale dash when empty; a record is a link, unless the cell is one
    itself. What depends on the field alone (mask, labels, language, link) is settled once, not once a cell."""
    key, empty, value_of = one.key, str(EMPTY), _value(one)
    turn = (lambda value: str(escape(mask(value)))) if is_masked(one) else _KINDS.get(one.kind, lambda one, short: _plain)(one, short)
    linked = linked and one.kind == "ref" and one.target not in ("ab_user", None) and one.info.get("linked", True)
    place = f'<a href="/{one.target.replace("_", "")}/show/' if linked else ""

    def make(row):
        value = value_of(row)
        if value is None or value == "":
            return empty
        return f'{place}{getattr(row, key)}">{turn(value)}</a>' if place else turn(value)
    return make


def _plain(value) -> str:
    text = str(value)
    return str(escape(text)) if _RISKY(text) else text


def cell(row, one, short=True) -> Markup:
    """One value as HTML."""
    return Markup(maker(one, short)(row))


def here() -> str:
    """The address of this page, for links that come back."""
    return request.full_path.rstrip("?") if has_request_context() else "/"

"""The single conditions of the quick-filter panel: what stands in the address, its clause, its control."""
from flask import abort, render_template
from markupsafe import Markup
from werkzeug.datastructures import ImmutableMultiDict, MultiDict

from app.core import actor, choices, filters, memo
from app.core.clock import dt  # noqa: F401
from app.core.describe import target_model
from app.core.periods import PERIODS, month, period, within  # noqa: F401
from app.core.words import _, language
from app.extensions import db

from . import cells

LOOKS = {"choice": ("select", "checks"), "several": ("checks", "select"), "flag": ("select",), "ref": ("ref",), "date": ("day",),
         "moment": ("day",), **dict.fromkeys(filters.SCALE, ("range",))}  # how a kind of field may be shown, the usual one first


def canonical(args):
    """The arguments of an address with every condition in one word: several check boxes 'A,B', two ends 'low~high'."""
    if not isinstance(args, MultiDict) or (not any("." in key for key in args) and all(len(v) == 1 for _k, v in args.lists())):
        return args
    found: dict = {}
    for key, values in args.lists():
        name, _dot, end = key.partition(".")
        if not end:
            found.setdefault(key, ",".join(dict.fromkeys(v for v in values if v)))
    for key in [k for k in args if "." in k]:
        name, end = key.split(".", 1)
        if end == "span" and args[key].strip():
            found[name] = args[key].replace(" ", "")
        elif end in ("low", "high") and (low := args.get(f"{name}.low", "").strip()) + (high := args.get(f"{name}.high", "").strip()):
            found[name] = f"{low}~{high}"
    return ImmutableMultiDict(found)


def read(one, value: str) -> tuple[str, list[str]]:
    """(operator, values) of a condition as it stands in an address: '=' is empty, '=text' exactly this text."""
    if value == "=":
        return "empty", []
    if one.kind in ("choice", "several", "ref"):
        return "in", value.split(",")
    if one.kind in ("date", "moment"):
        return "within", [value]
    if one.kind in filters.SCALE:
        low, tilde, high = (part.strip() for part in value.partition("~"))
        return ("between", [low, high]) if tilde or one.kind == "money" else ("is", [low])
    if one.kind == "flag":
        return "is", [value]
    whole = one.kind == "number" or cells.is_masked(one)
    return ("is", [value.removeprefix("=")]) if whole or value.startswith("=") else ("contains", [value])


def clause(one, value: str):
    """The WHERE of one condition; a value that makes no sense is a 400."""
    op, values = read(one, value)
    try:
        return filters.sql(one, op, values, actor.current())
    except (ValueError, OverflowError, IndexError):
        abort(400)


def _options(one):
    if one.kind in ("choice", "several"):
        known, english = cells.list_of(one), cells.english()
        gone = choices.options(db.session, known, english=english, stopped=True)  # rows may still hold them
        return choices.options(db.session, known, english=english) + [(code, f"{label} ({_('Deactivated')})") for code, label in gone]
    if one.kind == "flag":
        return [("1", _("Yes")), ("0", _("No"))]
    if one.kind in ("date", "moment"):
        return [(key, str(label)) for key, label in PERIODS.items()]
    return []


def _html(one, value) -> Markup:
    return Markup("").join(Markup('<option value="{}"{}>{}</option>').format(
        v, Markup(" selected") if v == value else "", t) for v, t in _options(one))


def panel(wanted) -> Markup:
    """Conditions (field, value, look) as HTML; one without a value is made once for each change of the lists."""
    def make(one, value, look):
        def draw():
            return Markup(render_template("entity/condition.html", c=control(one, value, look)))
        return draw() if value else memo.recall(
            db.session, "choices", ("condition", one.model, one.name, str(one.label), look, language.get()), draw)
    return Markup("").join(make(*one) for one in wanted)


def fold(inner) -> Markup:
    """Rare conditions behind a word."""
    return Markup('<details class="k-fold-c k-only-d"><summary class="k-chip dash">{}</summary><div>{}</div></details>').format(
        _("Rare conditions"), inner)


def chip(name, value, one, way_out) -> Markup:
    """What a link asked for: kept by the form, with its way out."""
    return Markup('<input type="hidden" name="{}" value="{}"><span class="k-chip active">{} {}<a class="k-act" href="{}" aria-label="{}">'
                  '<i class="ti ti-x" aria-hidden="true"></i></a></span>').format(
                      name, value, one.label, one.told(value), way_out, _("Remove"))


def control(one, value: str, look: str = "auto") -> dict:
    """What the template needs to draw a condition: `look` select, checks, day, range, ref or text."""
    looks = LOOKS.get(one.kind, ("text",))
    look = look if look in looks else looks[0]
    made = {"name": one.name, "label": str(one.label), "look": look, "kind": one.kind, "value": value, "text": value,
            "options": _html(one, value) if look in ("select", "day") else ""}
    if look == "select":
        known = dict(_options(one)) if value else {}
        if value and value not in known:  # several values, a stopped one, "empty"
            made["text"] = _("is empty") if value == "=" else "、".join(known.get(v, v) for v in value.split(","))
    elif look == "checks":
        made |= _checks(one, value)
    elif look == "day":
        made |= {"periods": _options(one), "text": "" if not value else _("is empty") if value == "=" else str(PERIODS.get(value, value))}
    elif look == "range":
        made |= _range(one, value)
    elif look == "ref":
        made |= _ref(one, value)
    return made


def _range(one, value) -> dict:
    if value in ("", "="):
        return {"low": "", "high": "", "text": _("is empty") if value else ""}
    low, tilde, high = value.partition("~")
    if not tilde and one.kind != "money":
        return {"low": low, "high": low, "text": low}
    return {"low": low, "high": high, "text": f"{low or '…'} ~ {high or '…'}"}


def _checks(one, value) -> dict:
    chosen = value.split(",") if value else []
    options = _options(one)
    known = dict(options)
    gone = [v for v in chosen if v not in known and v != "="]
    options += [(v, choices.label(db.session, cells.list_of(one), v, english=cells.english())) for v in gone]
    known = dict(options)
    return {"boxes": [(v, label, v in chosen) for v, label in options], "text": "、".join(known.get(v, v) for v in chosen)}


def _ref(one, value) -> dict:
    row = db.session.get(target_model(one), int(value)) if value.isdecimal() and len(value) < 16 else None
    table = one.target.replace("_", "")
    words = {key: str(label) for key, label in filters.WHO.items()}
    text = str(row) if row else _("is empty") if value == "=" else "、".join(words.get(v, v) for v in value.split(",")) if value else ""
    return {"url": f"/{'user' if table == 'abuser' else table}/choose", "text": text}

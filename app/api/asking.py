"""What a list request asks: `?q=` holds Flask-AppBuilder's query (rison, or JSON): columns, filters [{col, opr, value}], order_column,
order_direction, page, page_size; besides `search` (free text) and `quick` (a named filter). Becomes a Listing, so that scope, masks and
named filters are the list page's own."""
import datetime as dt
import json

import prison
from flask import request
from sqlalchemy import not_, or_
from werkzeug.datastructures import ImmutableMultiDict

from app.core import clock, money
from app.core.rules import RuleError
from app.core.words import _
from app.views import cells
from app.views.listing import Listing

from . import values

MOST = 200  # rows of a page
KEYS = {"columns": list, "filters": list, "order_column": str, "order_direction": str, "page": int, "page_size": int, "search": str,
        "quick": str, "keys": list, "select_columns": list}
COMPARED = {"eq": "__eq__", "rel_o_m": "__eq__", "gt": "__gt__", "lt": "__lt__", "ge": "__ge__", "le": "__le__"}
LIKE = {"sw": "istartswith", "ew": "iendswith", "ct": "icontains"}
NEGATED = {"neq": "eq", "nsw": "sw", "new": "ew", "nct": "ct", "not_in": "in", "nrel_o_m": "rel_o_m"}  # an empty value is not this one
OPERATORS = {**dict.fromkeys(("money", "whole", "percent", "quantity", "date", "moment"), "eq neq gt lt ge le in not_in null"),
             **dict.fromkeys(("text", "note", "number"), "eq neq sw ew ct nsw new nct in not_in null"), "flag": "eq neq null",
             "choice": "eq neq in not_in null", "several": "ct nct null", "ref": "rel_o_m nrel_o_m eq neq in not_in null"}


class Malformed(RuleError):
    """The question makes no sense: answered with 400."""


def parsed(otherwise=None):
    """The value of `?q=` as lists and dicts; raises Malformed."""
    text = request.args.get("q", "")
    if not text:
        return {} if otherwise is None else otherwise
    try:
        told = json.loads(text) if text.startswith(("{", "[")) else prison.loads(text)
        if is_text(text, told):
            return told
        raise ValueError
    except (ValueError, RecursionError, prison.decoder.ParserException):
        raise Malformed(_("The query is neither rison nor JSON.")) from None


def is_text(written: str, told) -> bool:
    """Whether JSON holds no half of a surrogate pair, which is no text."""
    try:
        return "\\ud" not in written.lower() or bool(json.dumps(told, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False


def asked() -> dict:
    """`?q=` of a list or a record, its parts in their types."""
    said = parsed()
    if not isinstance(said, dict):
        raise Malformed(_("The query is neither rison nor JSON."))
    for key, value in said.items():
        if not isinstance(value, KEYS.get(key, ())) or isinstance(value, bool):
            raise Malformed(_("The query does not know “%(key)s” in this way.", key=str(key)[:40]))
    return said


def columns(view, said) -> list:
    """The asked fields, all of them by default; raises Malformed for an unknown one."""
    known = values.shown(view)
    names = said.get("columns") or said.get("select_columns") or list(known)
    names = [n.split(".")[0] for n in names if isinstance(n, str) and n not in ("id", "version")]
    for name in names:
        _field(view, name)
    return [known[name] for name in dict.fromkeys(names)]


def listing(view, said) -> Listing:
    """The list page's own Listing with what was asked."""
    name, page, size = type(view).__name__, said.get("page", 0), said.get("page_size", 25)
    args = {"quick": said.get("quick", "all"), "q": said.get("search", ""), "exact": "1", f"page_{name}": str(max(page, 0)),
            f"psize_{name}": str(min(size, MOST) if size > 0 else MOST)}
    if "order_column" in said:
        args |= {f"_oc_{name}": said["order_column"], f"_od_{name}": said.get("order_direction", "asc")}
    return Listing(view, also=[clause(view, one) for one in said.get("filters", ())], args=ImmutableMultiDict(args),
                   prefs={"columns": [one.name for one in columns(view, said)]})


def _field(view, name):
    one = values.shown(view).get(name)
    if one is None:
        raise Malformed(_("There is no field “%(name)s”.", name=str(name)[:40]))
    return one


def operators(one) -> list[str]:
    """The operators that a field may be filtered with, in FAB's short names; none for a fact without a column and for a figure that
    the acting person must not guess."""
    if one.attribute is None or one.kind not in OPERATORS:
        return []
    if cells.is_masked(one):
        return ["eq"] if one.kind in values.TEXTS else []
    return OPERATORS[one.kind].split()


def clause(view, said):
    """The WHERE of one filter {col, opr, value}."""
    if not isinstance(said, dict) or not isinstance(said.get("opr"), str):
        raise Malformed(_("A filter is {col, opr, value}."))
    one, operator, value = _field(view, said.get("col")), said["opr"], said.get("value")
    if operator not in operators(one):
        raise Malformed(_("“%(name)s” cannot be filtered with “%(opr)s”.", name=one.name, opr=operator[:20]))
    if operator in NEGATED:
        return or_(one.attribute.is_(None), not_(_clause(one, NEGATED[operator], value)))
    return _clause(one, operator, value)


def _clause(one, operator, value):
    attribute = one.attribute
    if operator == "null":
        return attribute.is_(None) if value in (True, "true", 1) else attribute.is_not(None)
    if operator == "in":
        if not isinstance(value, list) or len(value) > 1000:
            raise Malformed(_("This must be a list."))
        return attribute.in_([meant(one, v) for v in value])
    if operator in COMPARED:
        return getattr(attribute, COMPARED[operator])(meant(one, value))
    if one.kind == "several":
        return ("," + attribute + ",").contains(f",{meant(one, value)},", autoescape=True)
    return getattr(attribute, LIKE[operator])(meant(one, value), autoescape=True)


def meant(one, value):
    """A filter's value as the column keeps it; raises Malformed."""
    try:
        if value is None or isinstance(value, (list, dict)):
            raise ValueError
        return MEANT.get(one.kind, _text)(value)
    except (ValueError, OverflowError, ArithmeticError):
        raise Malformed(_("“%(value)s” is no value of “%(name)s”.", value=str(value)[:40], name=one.name)) from None


def _moment(text) -> dt.datetime:
    said = dt.datetime.fromisoformat(str(text))
    return said.astimezone(dt.timezone.utc).replace(tzinfo=None) if said.tzinfo else clock.to_utc(said)


def _id(value) -> int:
    if not -2**63 <= int(value) < 2**63:
        raise ValueError
    return int(value)


def _flag(value) -> bool:
    text = str(value).lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError
    return text in ("true", "1")


def _text(value) -> str:
    return str(value).replace("\0", "")


MEANT = {"money": lambda v: money.to_fen(str(v)), "whole": _id, "ref": _id, "percent": lambda v: round(float(v) * 100),
         "quantity": lambda v: round(float(v) * 1000), "date": lambda v: dt.date.fromisoformat(str(v)[:10]), "moment": _moment,
         "flag": _flag}

"""What a filter may ask of a field, and its SQL (manual 4.9.5 快速过滤管理).

A rule is {"match": "all" | "any", "when": [...]}; each of `when` is a condition {"field", "op", "value"} or again a rule (a group).
`value` is a list of texts: codes, ids ('me', 'team', 'below' for people), amounts in yuan, days and periods as in `periods`.
A field named '@quick' or '@q' stands for another named filter or the search box; who asks brings their clauses (`more`).
"""
from decimal import Decimal, InvalidOperation

from sqlalchemy import and_, false, not_, or_, true

from . import choices, money, periods
from .describe import describe, target_model
from .rules import RuleError
from .trees import branch
from .words import _, _l

OPS = {  # key: (label, how many values; -1: any number)
    "is": (_l("equals"), 1), "is_not": (_l("does not equal"), 1), "contains": (_l("contains"), 1), "lacks": (_l("does not contain"), 1),
    "starts": (_l("starts with"), 1), "in": (_l("is one of"), -1), "not_in": (_l("is none of"), -1), "above": (_l("greater than"), 1),
    "at_least": (_l("at least"), 1), "below": (_l("less than"), 1), "at_most": (_l("at most"), 1), "between": (_l("between"), 2),
    "within": (_l("falls into"), 1), "before": (_l("earlier than"), 1), "after": (_l("later than"), 1),
    "empty": (_l("is empty"), 0), "filled": (_l("is filled in"), 0)}
_TEXT, _NUMBER = "contains is is_not lacks starts empty filled", "at_least above at_most below between is is_not empty filled"
_LIST, _DAY = "in not_in empty filled", "within before after empty filled"
KINDS = {"text": _TEXT, "note": _TEXT, "number": _TEXT, "money": _NUMBER, "whole": _NUMBER, "percent": _NUMBER, "quantity": _NUMBER,
         "choice": _LIST, "several": _LIST, "ref": _LIST, "date": _DAY, "moment": _DAY, "flag": "is"}
TYPES = {"text": str, "note": str, "number": str, "choice": str, "several": str, "flag": bool, "date": periods.dt.date,
         "moment": periods.dt.datetime}
WHO = {"me": _l("Whoever looks"), "team": _l("Whoever looks and those below"), "below": _l("Those below whoever looks")}
SCALE = {"money": 100, "whole": 1, "percent": 100, "quantity": 1000}
DEEP = 5  # filters that refer to filters


def ops(one, who=None) -> list[str]:
    """What may be asked of a field; nothing when it has no column of its kind or is a masked figure. A masked number (a phone)
    may be asked for whole only: piece by piece it could be guessed."""
    attribute = one.attribute
    if attribute is None or one.kind not in KINDS or attribute.type.python_type is not TYPES.get(one.kind, int):
        return []
    if one.hidden_from(who):
        return ["is", "empty", "filled"] if one.kind == "text" else []
    return KINDS[one.kind].split()


def number(one, text: str) -> int:
    """A typed number in the smallest parts that the column keeps; ValueError when it is none."""
    if one.kind == "money":
        return money.read(text)
    plain = text.strip().replace(",", "").replace("，", "").rstrip("%")
    try:
        found = Decimal(plain) * SCALE[one.kind]
    except InvalidOperation as bad:
        raise ValueError(text) from bad
    if not found.is_finite() or abs(found) >= 2**62:
        raise ValueError(text)
    return int(found)


# ---- SQL ------------------------------------------------------------------------------------------------------
def _people(value, who) -> set[int]:
    """The ids that a list of people means for whoever looks."""
    me, below = ({who.id}, set(who.subordinates)) if who else (set(), set())
    meant = {"me": me, "team": me | below, "below": below}
    return set().union(*(meant[v] if v in meant else {int(v[:16])} for v in value))


def _listed(one, op, value, who):
    a = one.attribute
    if one.kind == "several":
        hit = or_(*(("," + a + ",").contains(f",{code},", autoescape=True) for code in value))
    elif one.info.get("tree"):
        table = target_model(one).__table__
        hit = or_(false(), *(a.in_(branch(table, one.info["tree"], key)) for key in sorted(_people(value, who))))
    else:
        hit = a.in_(sorted(_people(value, who)) if one.kind == "ref" else value)
    return hit if op == "in" else or_(a.is_(None), not_(hit))


def _text(a, op, v):
    return {"is": lambda: a == v, "is_not": lambda: or_(a.is_(None), a != v), "contains": lambda: a.icontains(v, autoescape=True),
            "lacks": lambda: or_(a.is_(None), not_(a.icontains(v, autoescape=True))),
            "starts": lambda: a.istartswith(v, autoescape=True)}[op]()


def _number(a, op, low, high=None):
    return {"is": lambda: a == low, "is_not": lambda: or_(a.is_(None), a != low), "above": lambda: a > low, "at_least": lambda: a >= low,
            "below": lambda: a < low, "at_most": lambda: a <= low,
            "between": lambda: and_(*([a >= low] if low is not None else []), *([a <= high] if high is not None else []))}[op]()


def _day(one, op, v):
    a = one.attribute
    if op == "within":
        return periods.within(a, one.kind, v)
    day = periods.day(v)
    if one.kind == "date":
        return a < day if op == "before" else a > day
    return a < periods.clock.day_start(day) if op == "before" else a >= periods.clock.day_start(day + periods.dt.timedelta(1))


def _empty(one):
    a = one.attribute
    return or_(a.is_(None), a == "") if one.kind in ("text", "note", "number", "choice") else a.is_(None)


def sql(one, op: str, value: list[str], who):
    """The clause of one condition; ValueError for a value that the kind of field does not take."""
    if op in ("empty", "filled"):
        return _empty(one) if op == "empty" else not_(_empty(one))
    if op in ("in", "not_in"):
        return _listed(one, op, value, who)
    if one.kind in SCALE:
        return _number(one.attribute, op, *(number(one, v) if v else None for v in value))
    if one.kind in ("date", "moment"):
        return _day(one, op, value[0])
    return one.attribute.is_(value[0] == "1") if one.kind == "flag" else _text(one.attribute, op, value[0])


def clause(model, rule: dict, who, more=None, deep: int = 0):
    """The WHERE of a rule for whoever looks. What he must not know or what is no longer there is left out (see `faults`)."""
    found = [c for one in rule.get("when", ()) if deep < DEEP and (c := _one(model, one, who, more, deep)) is not None]
    if not found:
        return true()
    return or_(*found) if rule.get("match") == "any" else and_(*found)


def _one(model, one, who, more, deep):
    if "when" in one:
        return clause(model, one, who, more, deep + 1)
    if one["field"].startswith("@"):
        return more(one["field"], one["value"], deep + 1) if more else None
    field = describe(model).get(one["field"])
    if field is None or one["op"] not in ops(field, who):
        return None
    try:
        return sql(field, one["op"], one["value"], who)
    except (ValueError, OverflowError):
        return None


# ---- words ----------------------------------------------------------------------------------------------------
def conditions(rule: dict):
    """Every condition of a rule, those of its groups among them."""
    for one in rule.get("when", ()):
        if "when" in one:
            yield from conditions(one)
        else:
            yield one


def faults(session, model, rule: dict, who) -> list[str]:
    """What whoever opens the filter must be told: fields that are gone or hidden from him, values that were stopped or deleted."""
    found, known = [], describe(model)
    for one in conditions(rule):
        field = known.get(one["field"])
        if one["field"].startswith("@"):
            continue
        if field is None or not ops(field):
            name = one.get("label") or one["field"]
            found.append(_("The condition on “%(name)s” is left out: this field is no longer there.", name=name))
        elif one["op"] not in ops(field, who):
            found.append(_("The condition on “%(name)s” is left out: your role does not show it.", name=field.label))
        elif field.kind in ("choice", "several"):
            found += _stale(session, field, one["value"])
    return found


def _stale(session, field, codes) -> list[str]:
    open_ = {code for code, _label in choices.options(session, field.choices)}
    return [_("The value “%(value)s” of “%(name)s” is stopped.", value=choices.label(session, field.choices, code), name=field.label)
            for code in codes if code not in open_]


def asked(one, op: str, typed: list[str], who=None) -> dict:
    """A condition out of what was typed; RuleError with a sentence when it makes no sense."""
    count = OPS[op][1] if op in OPS else 1
    value = [v.strip()[:200] for v in typed if v.strip() or count == 2][:50 if count < 0 else count]
    if op not in ops(one, who):
        raise RuleError(_("“%(name)s” cannot be asked in this way.", name=one.label))
    if count and not any(value):
        raise RuleError(_("What should “%(name)s” be compared with?", name=one.label))
    try:
        value = [periods.read_day(v) if op in ("before", "after") else v for v in value]
        sql(one, op, value, who)
    except (ValueError, OverflowError):
        raise RuleError(_("“%(value)s” makes no sense for “%(name)s”.", value=" ~ ".join(value), name=one.label)) from None
    return {"field": one.name, "op": op, "value": value, "label": str(one.label)}

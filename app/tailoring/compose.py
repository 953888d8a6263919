"""The composer of a filter: from the posted rows to a rule and back to rows that can be drawn (manual 4.9.5)."""
import re

from sqlalchemy import select

from app.core import actor, choices, filters, periods
from app.core.describe import target_model
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.views import cells
from app.views.conditions import read

ROW = re.compile(r"c(\d{1,3})-field")
OTHER = {"all": "any", "any": "all"}  # a group asks for the other way round


def typed(form) -> dict:
    """The rule as it was posted (match; c0-field, c0-op, c0-value…, c0-group), unchecked."""
    match = "any" if form.get("match") == "any" else "all"
    top: list = []
    groups: dict = {}
    for n in sorted(int(found[1]) for key in form if (found := ROW.fullmatch(key)) and form[key]):
        values = form.getlist(f"c{n}-value")
        one = {"field": form[f"c{n}-field"], "op": form.get(f"c{n}-op", ""),
               "value": [form.get(f"c{n}-span", "").replace(" ", "")] if values == ["~"] else values}
        group = form.get(f"c{n}-group", "")
        if group and group not in groups:
            groups[group] = {"match": OTHER[match], "when": []}
            top.append(groups[group])
        (groups[group]["when"] if group else top).append(one)
    return {"match": match, "when": top}


def checked(panel, rule: dict) -> dict:
    """A typed rule as it is kept; RuleError names what makes no sense."""
    return {"match": rule["match"], "when": [checked(panel, one) if "when" in one else _condition(panel, **one) for one in rule["when"]]}


def _condition(panel, field, op, value) -> dict:
    if field == "@quick":
        chosen = panel.filters.get(value[0] if value else "")
        if chosen is None:
            raise RuleError(_("Choose one of the filters."))
        return {"field": field, "op": "is", "value": [chosen.key], "label": str(chosen.label)}
    if field == "@q":
        if not value or not value[0].strip():
            raise RuleError(_("What should “%(name)s” be compared with?", name=_("Find")))
        return {"field": field, "op": "contains", "value": [value[0].strip()[:200]], "label": _("Find")}
    if (linked := panel.view.asked.get(field.removeprefix("@"))) and field.startswith("@"):
        return _linked(field[1:], linked, value[0] if value else "")
    one = panel.view.fields.get(field)
    if one is None:
        raise RuleError(_("Choose a field."))
    return filters.asked(one, op, value, actor.current())


def of_listing(listing) -> dict:
    """The rule that gives the same rows as a list does now: its named filter, search and conditions."""
    found = []
    if listing.quick:
        found.append({"field": "@quick", "op": "is", "value": [listing.quick.key], "label": str(listing.quick.label)})
    if listing.q:
        found.append({"field": "@q", "op": "contains", "value": [listing.q], "label": _("Find")})
    for name, value in listing.given.items():
        op, values = read(listing.view.fields[name], value)
        found.append(filters.asked(listing.view.fields[name], op, values, actor.current()))
    found += [_linked(name, one, listing.args[name]) for name, one in listing.view.asked.items() if listing.args.get(name)]
    return {"match": "all", "when": found}


def _linked(name, one, value) -> dict:
    """A condition that only links ask for (declare.Asked)."""
    return {"field": f"@{name}", "op": "is", "value": [value], "label": f"{one.label} {one.told(value)}"}


def rows(panel, rule: dict) -> list[dict]:
    """The rows of a rule for the composer; one empty row when it has none."""
    found = []
    for place, one in enumerate(rule.get("when", ())):
        inner = one.get("when", [one])
        found += [row(panel, {**c, "group": str(place + 1) if "when" in one else ""}) for c in inner if "when" not in c]
    return [{**r, "n": n} for n, r in enumerate(found or [row(panel, {})])]


def row(panel, condition: dict) -> dict:
    """What the template needs to draw one condition; a field that is gone stays named."""
    name, who = condition.get("field", ""), actor.current()
    one = panel.view.fields.get(name)
    linked = name.startswith("@") and name[1:] in panel.view.asked
    keys = ["contains"] if name == "@q" else ["is"] if name == "@quick" or linked else filters.ops(one, who) if one is not None else []
    known = bool(keys)
    op = condition.get("op") if condition.get("op") in keys else (keys[0] if keys else "")
    value = list(condition.get("value", ()))
    named = linked or (name and not known)
    made = {"n": 0, "group": condition.get("group", ""), "field": name, "lost": condition.get("label") or name if named else "",
            "ops": [(key, str(filters.OPS[key][0])) for key in keys], "op": op, "value": value}
    return {**made, **_control(panel, name, one, op, value)} if known else {**made, "control": "none" if not name else "lost"}


def _control(panel, name, one, op, value) -> dict:
    """Which control takes the value: none, text, two, many, people, rows, yes, period, day."""
    if name == "@quick":
        return {"control": "one", "options": [(f.key, str(f.label)) for f in panel.filters.values() if f.key != "all"]}
    if name == "@q":
        return {"control": "text"}
    if name.startswith("@"):
        return {"control": "fixed"}
    if not filters.OPS[op][1]:
        return {"control": "none"}
    if one.kind in ("choice", "several"):
        return {"control": "many", "options": choices.options(db.session, cells.list_of(one), english=cells.english(), keep=value)}
    if one.kind == "ref":
        return _people(one, value)
    if one.kind == "flag":
        return {"control": "one", "options": [("1", _("Yes")), ("0", _("No"))]}
    if op == "within":
        custom = value[:1] if value and value[0] not in periods.PERIODS else []
        return {"control": "period", "options": [(k, str(v)) for k, v in periods.PERIODS.items()], "custom": custom}
    if op in ("before", "after"):
        return {"control": "day", "value": [periods.told_day(v) for v in value]}
    return {"control": "two" if op == "between" else "text", "number": one.kind in filters.SCALE}


def _people(one, value) -> dict:
    model, table = target_model(one), one.target.replace("_", "")
    ids = [int(v) for v in value if v.isdecimal()]
    found = {row.id: str(row) for row in db.session.scalars(select(model).where(model.id.in_(ids)))} if ids else {}
    words = {key: str(label) for key, label in filters.WHO.items()} if one.target == "ab_user" else {}
    return {"control": "rows", "url": f"/{'user' if table == 'abuser' else table}/choose", "also": words,
            "options": [(v, words.get(v) or found.get(int(v), v) if v.isdecimal() or v in words else v) for v in value]}


def fields_of(panel) -> list[tuple[str, str]]:
    """(name, label) of everything that a filter of this list may ask for."""
    who = actor.current()
    own = [(name, str(one.label)) for name, one in panel.view.fields.items() if filters.ops(one, who)]
    return [("@quick", _("Quick filter")), ("@q", _("Find")), *own]


def sorts_of(view) -> list[tuple[str, str]]:
    """(value, label) of the orders a filter may bring."""
    found = []
    for name, one in view.fields.items():
        if view.sorts(name) and not (one.kind != "text" and cells.is_masked(one)):
            found += [(f"{name}.asc", f"{one.label} ↑"), (f"{name}.desc", f"{one.label} ↓")]
    return found

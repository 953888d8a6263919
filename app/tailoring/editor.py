"""What the page of the quick filters shows: the lists, the things of one panel, the editor of one thing (look/quick-filters)."""
from flask import abort
from sqlalchemy import select

from app.core import actor, choices
from app.core.panel import PanelItem
from app.core.words import _
from app.extensions import db
from app.security.models import Employee
from app.security.rules import roles_of
from app.views import conditions, shell
from app.views.panel import Panel

from . import compose, rules, told


def listed_views() -> list:
    """The views whose lists have a panel and that the acting person may read, in the order of the menu."""
    return [v for module in shell.MENU for v in module["views"]
            if hasattr(v, "quick_filters") and (v.quick_filters or v.condition_names) and v.may("read")]


def panel_of(entity: str) -> Panel:
    """The panel of a list, 404 when there is none to read."""
    return Panel(next((v for v in listed_views() if v.entity == entity), None) or abort(404))


def fresh(panel, kind, key="", own=False) -> PanelItem:
    """An item that is not in the database yet."""
    return PanelItem(entity=panel.view.entity, kind=kind, key=key, name="", rule={}, audience={}, look="auto", sort="", is_on=True,
                     is_default=False, person_id=actor.current().id if own else None, position=10_000)


def entries(panel, kind) -> list[dict]:
    """The things of a panel in order, those switched off too: {key, label, item, on, own, default}."""
    if kind == "filter":
        found = [(f.key, str(f.label), f.item) for f in panel.filters.values() if not f.linked]
    else:
        places = panel.places()
        found = [(n, panel.view.label(n), panel.over.get(("condition", n))) for n in sorted(places, key=places.__getitem__)]
    default, me = panel.default and panel.default.key, actor.current().id
    return [{"key": key, "label": label, "item": item, "on": item is None or item.is_on, "default": kind == "filter" and key == default,
             "own": bool(item and item.person_id), "mine": bool(item and item.person_id == me)} for key, label, item in found]


def people(ids) -> list[tuple[int, str]]:
    """(id, name) of employees."""
    return [(p.id, str(p)) for p in db.session.scalars(select(Employee).where(Employee.id.in_(ids)))] if ids else []


def context(panel, kind, item, rule=None, typed=None) -> dict:
    """What filters.html needs; `rule` and `typed` are what a refused form held."""
    who, rule = actor.current(), rule or item.rule or {}
    key = item.key or (f"f{item.id}" if item.id else "")
    made = kind == "filter" and not item.key
    audience = item.audience or {}
    one = panel.view.fields.get(item.key) if kind == "condition" else None
    return {
        "panel": panel, "view": panel.view, "views": listed_views(), "kind": kind, "item": item, "key": key, "made": made,
        "typed": typed, "entries": entries(panel, kind), "words": told.all_of(panel) if kind == "filter" else {},
        "manages": who.may("filter", "edit"), "may": rules.may_manage(item, who),
        "roles": roles_of(db.session),
        "readers": (audience.get("roles", []), people(audience.get("people", []))), "chip": panel.filters.get(key),
        "rows": compose.rows(panel, rule) if made else [], "match": rule.get("match", "all"), "fields": compose.fields_of(panel),
        "sorts": compose.sorts_of(panel.view), "notes": panel.told(panel.filters.get(key)) if made else [],
        "looks": [("auto", _("As the field is")), *((code, label) for code, label in choices.options(db.session, "panel_look")
                                                    if one and code in conditions.LOOKS.get(one.kind, ())[1:])],
        "pinned": [panel.view.entity, key] in rules.pins(db.session, who),
        "control": one and {**conditions.control(one, rule.get("value", ""), item.look or "auto"), "name": "v"}}


def pinned(who) -> list[dict]:
    """The acting person's views for the left menu; those that are gone or no longer his to read are left out."""
    found, panels = [], {}
    for entity, key in rules.pins(db.session, who):
        if entity not in panels:
            view = next((v for v in listed_views() if v.entity == entity), None)
            panels[entity] = view and Panel(view)
        one = panels[entity] and panels[entity].filters.get(key)
        if one:
            view = panels[entity].view
            found.append({"key": f"{entity}.{key}", "label": str(one.label), "url": f"{view.home}?quick={key}", "icon": view.menu.icon})
    return found


shell.PINNED.append(pinned)

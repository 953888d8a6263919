"""What stands around every page: left menu, tabs, languages, person (manual 3.1)."""
from types import SimpleNamespace

from flask import current_app, request, session
from flask_babel import get_locale

from app.core import actor

MENU: list = []  # filled by modules.py: {key, label, icon, views: [(view, MenuItem)]}


def _allowed(view, who) -> bool:
    return not view.entity or who.may(view.entity, view.menu_verb)


def _entry(module, who, here):
    views = [v for v in module["views"] if _allowed(v, who)]
    if not views:
        return None
    tabs = [{"label": str(v.menu.label), "url": v.home, "active": type(v).__name__ == here, "icon": v.menu.icon} for v in views]
    return {"key": module["key"], "label": str(module["label"]), "icon": module["icon"], "url": views[0].home, "badge": None,
            "foot": module.get("foot", False), "active": any(t["active"] for t in tabs), "tabs": tabs}


def shell() -> SimpleNamespace:
    """The `shell` object of layout.html for the acting person."""
    who, here = actor.current(), request.blueprint
    entries = [e for e in (_entry(m, who, here) for m in MENU) if e] if who and who.id else []
    present = next((e for e in entries if e["active"]), None)
    code = str(get_locale() or "zh")[:2]
    languages = [{"code": k, "label": v["name"], "url": f"/lang/{k}", "active": k == code}
                 for k, v in current_app.config["LANGUAGES"].items()]
    name = who.name if who else ""
    return SimpleNamespace(
        modules=[e for e in entries if not e["foot"]], foot=[e for e in entries if e["foot"]],
        tabs=present["tabs"] if present else [], current=present, languages=languages, language=code,
        user=SimpleNamespace(name=name, initial=name[-2:], department=who.department if who else "", id=who.id if who else 0),
        recent=session.get("recent", []) if entries else [], pinned=[], app_name=current_app.config["APP_NAME"])

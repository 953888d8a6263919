"""What stands around every page: left menu, tabs, languages, person (manual 3.1)."""
from types import SimpleNamespace as Bag

from flask import current_app, request, session
from flask_babel import get_locale
from sqlalchemy import literal, select, union_all

from app.core import actor
from app.extensions import db

MENU: list = []  # filled by modules.py: {key, label, icon, views: [(view, MenuItem)]}
READ_ONLY: list = []  # of a later module: whether nothing may be written now
LOOKING: list = []  # of a later module: functions -> {name, left} when somebody looks with another person's eyes, else None
PINNED: list = []  # functions of the acting person -> [{key, label, url, icon}] of his views in the left menu
BADGES: list = []  # functions of the acting person -> {key of the menu, or address of a tab: how much waits for him there}


def _allowed(view, who) -> bool:
    return not view.entity or who.may(view.entity, view.menu_verb)


def _entry(module, who, here):
    views = [v for v in module["views"] if _allowed(v, who)]
    if not views:
        return None
    tabs = [Bag(label=str(v.menu.label), url=v.home, icon=v.menu.icon, active=here in (type(v).__name__, *getattr(v, "stands_for", ())))
            for v in views]
    return Bag(key=module["key"], label=str(module["label"]), icon=module["icon"], url=views[0].home, foot=module.get("foot", False),
               active=any(t.active for t in tabs), tabs=tabs)


def _menu(who, here, code) -> Bag:
    """The menu of a person on a page in a language; made once for each change of his rights."""
    if (kept := who.memo.get(("menu", here, code))) is not None:
        return kept
    if not who.id:
        return Bag(modules=[], foot=[], tabs=[], current=None, languages=_languages(code))
    entries = [e for e in (_entry(m, who, here) for m in MENU) if e]
    present = next((e for e in entries if e.active), None)
    made = who.memo["menu", here, code] = Bag(
        modules=[e for e in entries if not e.foot], foot=[e for e in entries if e.foot],
        tabs=present.tabs if present else [], current=present, languages=_languages(code))
    return made


def _languages(code) -> list[dict]:
    return [Bag(code=k, label=v["name"], url=f"/lang/{k}", active=k == code) for k, v in current_app.config["LANGUAGES"].items()]


def _recent(who) -> list[dict]:
    """Those of the records looked at last that the person still sees; one statement."""
    kept, asked = session.get("recent", []), {}
    views = {v.route_base: v for v in current_app.appbuilder.baseviews if getattr(v, "model", None) is not None} if kept else {}
    for one in kept:
        base, _show, key = one["url"].rpartition("/show/")
        if base in views and who.may(views[base].entity, "read"):
            asked.setdefault(base, []).append(int(key))
    if not asked:
        return []
    lines = [select(literal(base).label("base"), views[base].model.id.label("id")).where(views[base].model.id.in_(ids))
             for base, ids in asked.items()]
    both = union_all(*lines).subquery()
    seen = {f"{row.base}/show/{row.id}" for row in db.session.execute(select(both.c.base, both.c.id))}
    return [one for one in kept if one["url"] in seen]


def shell() -> Bag:
    """The `shell` object of layout.html for the acting person."""
    who, code = actor.current() or actor.NOBODY, str(get_locale() or "zh")[:2]
    menu = _menu(who, request.blueprint, code)
    badges = {k: n for more in BADGES for k, n in more(who).items()} if menu.modules else {}
    pinned = [p for more in PINNED for p in more(who)] if menu.modules else []
    recent = _recent(who) if menu.modules else []
    return Bag(
        **vars(menu), language=code, app_name=current_app.config["APP_NAME"], badges=badges, pinned=pinned, recent=recent,
        varies=repr((badges, pinned, recent)), waits=repr(badges),
        user=Bag(name=who.name, initial=who.given[:2], department=who.department, id=who.id, may=who.may),
        looking=next((found for told in LOOKING if (found := told())), None), read_only=any(is_on() for is_on in READ_ONLY))

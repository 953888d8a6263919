"""The page of a record: head, facts, sections, tabs with counts, neighbours in the list it was opened from."""
from functools import partial
from urllib.parse import parse_qsl, urlencode

from flask import abort, request
from flask import session as cookie
from markupsafe import Markup
from sqlalchemy import func, select
from werkzeug.datastructures import ImmutableMultiDict

from app.core import choices, money, preferences
from app.core.attachments import Attachment
from app.core.changes import Change, from_json
from app.core.describe import describe, target_model
from app.core.words import _
from app.extensions import db

from . import acting, cells, files
from .listing import SIZES, Listing

TABS: dict = {}  # parent view class -> (child view, its field), filled when the views are registered
FIGURES: dict = {}  # view class -> functions row -> [(label, HTML)] of later modules: the head figures of a page


def context(view, row) -> dict:
    """What show.html needs."""
    tabs, chosen = _tabs(view, row)
    before, after = neighbours(view, row)
    return {
        "sections": [{"label": str(s.label), "rows": [_line(view, row, n) for n in s.fields]} for s in view.sections],
        "head": {"title": str(row), "initial": str(row)[:1], "tags": [(view.label(n), cells.cell(row, view.fields[n], False))
                                                                     for n in view.head.split()]},
        "facts": [*((view.label(n), cells.cell(row, view.fields[n])) for n in view.facts.split()),
                  *(fact for more in FIGURES.get(type(view), ()) for fact in more(row))],
        "actions": acting.offered(view, row=row), "tabs": tabs, "tab": chosen, "tab_body": _body(view, row, chosen),
        "prev": before and f"{view.route_base}/show/{before}", "next": after and f"{view.route_base}/show/{after}",
        "back": view.back_url(), "files": files.of(row) if chosen == "attachment" else [],
        "history": history(view, row) if chosen == "history" else []}


def history(view, row) -> list[dict]:
    """The record's changes, newest first, in words: who, what, when, field: old → new."""
    wanted = select(Change).where(Change.entity == row.__tablename__, Change.row_id == row.id).order_by(Change.id.desc()).limit(200)
    changes = db.session.scalars(wanted).all()
    names = people_names({c.actor_id for c in changes})
    verbs = {"add": _("made it"), "edit": _("changed it"), "delete": _("moved it to the trash"), "restore": _("restored it")}
    return [{"verb": c.verb, "who": names.get(c.actor_id, _("System")), "what": verbs.get(c.verb, c.verb), "at": cells.moment(c.at),
             "fields": _changed(view, c) if c.verb == "edit" else []} for c in changes]


def people_names(ids) -> dict[int, str]:
    """Names of employees by id."""
    model = target_model(describe(Attachment)["created_by"])
    return {p.id: str(p) for p in db.session.scalars(select(model).where(model.id.in_([i for i in ids if i])))}


def _changed(view, change):
    by_key = {one.key: one for one in view.fields.values()}
    return [{"label": str(by_key[k].label), "old": _told(by_key[k], (change.old or {}).get(k)), "new": _told(by_key[k], v)}
            for k, v in (change.new or {}).items() if k in by_key and not by_key[k].system]


def _told(one, value) -> str:
    """A logged value in words."""
    if value is None:
        return "—"
    if cells.is_masked(one):
        return cells.mask(value)
    value = from_json(one.column, value)
    if one.kind == "ref":
        found = db.session.scalars(select(target_model(one)).where(target_model(one).id == value).execution_options(
            everyone=True, with_trash=True)).first()
        return str(found or value)
    if one.kind == "choice":
        return choices.label(db.session, cells.list_of(one), value, english=cells.english())
    plain: dict = {"moment": cells.moment, "date": cells.day, "money": money.shown, "flag": lambda v: _("Yes") if v else _("No")}
    return plain.get(one.kind, str)(value)


def _line(view, row, name):
    one = view.fields[name]
    return str(one.label), cells.cell(row, one, False), one.kind == "note"



def _tabs(view, row):
    """The tabs with the counts of their rows (one statement for all), and the key of the chosen one."""
    related = [(c, field) for c, field in TABS.get(type(view), []) if c.may("read")]
    children = [c for c, _field in related]
    wanted = [select(func.count()).select_from(select(c.model.id).where(under(c, field, row)).subquery()).scalar_subquery().label(c.entity)
              for c, field in related]
    files = select(func.count(Attachment.id)).where(Attachment.entity == row.__tablename__, Attachment.row_id == row.id)
    numbers = db.session.execute(select(*wanted, files.scalar_subquery().label("attachment"))).one()._mapping
    keys = view.tab_order(children) if hasattr(view, "tab_order") else None
    found = [("basics", _("Details"), None), *((c.entity, str(c.tab_label or c.title), numbers[c.entity]) for c in children),
             *(view.extra_tabs(row) if hasattr(view, "extra_tabs") else ()),
             ("attachment", _("Attachments"), numbers["attachment"]), ("history", _("Change log"), None)]
    if keys:
        found.sort(key=lambda tab: keys.index(tab[0]) if tab[0] in keys else len(keys))
    chosen = request.args.get("tab") or found[0][0]
    if chosen not in {key for key, _label, _n in found}:
        abort(404)
    return [{"key": key, "label": label, "count": n, "active": key == chosen,
             "url": f"{view.route_base}/show/{row.id}?tab={key}"} for key, label, n in found], chosen


def under(child, field, row):
    """The clause "belongs to this record" of a child view."""
    return child.fields[field].attribute == row.id


def _body(view, row, chosen) -> dict | Markup | None:
    """The chosen tab: a related list's context, or the view's own HTML."""
    for child, field in TABS.get(type(view), []):
        if child.entity == chosen:
            listing = Listing(child, also=[under(child, field, row)], prefs={"size": SIZES[0]}, args=_tab_args(child))
            listing.url = partial(_tab_url, view, row, chosen, child)
            return {"view": child, "page": listing.context(), "add": f"{child.route_base}/add?{field}={row.id}",
                    "actions": acting.offered(child, many=True)}
    own = [tab[0] for tab in view.extra_tabs(row)] if hasattr(view, "extra_tabs") else []
    return view.tab(row, chosen) if chosen in own else None


def _tab_args(child):
    name = type(child).__name__
    return ImmutableMultiDict([(k, v) for k, v in request.args.items() if k.endswith(f"_{name}")])


def _tab_url(view, row, tab, child, **over):
    args = {k: v for k, v in {**_tab_args(child), **over}.items() if v is not None}
    return f"{view.route_base}/show/{row.id}?" + urlencode({"tab": tab, **args})


def neighbours(view, row):
    """Ids before and after this row on the list page it was opened from."""
    state = cookie.get(f"at.{view.entity}")
    if state is None:
        return None, None
    try:
        ids = Listing(view, args=ImmutableMultiDict(parse_qsl(state))).ids()
    except Exception:  # a state that no longer fits: no neighbours
        return None, None
    if row.id not in ids:
        return None, None
    at = ids.index(row.id)
    return (ids[at - 1] if at else None), (ids[at + 1] if at + 1 < len(ids) else None)


def recent(view, row) -> None:
    """Remember the last records looked at, for the left menu."""
    entry = {"url": f"{view.route_base}/show/{row.id}", "label": str(row)[:24]}
    cookie["recent"] = [entry, *(e for e in cookie.get("recent", []) if e["url"] != entry["url"])][:5]


def column_choice(view, listing) -> list[dict]:
    """Every field a list can show, the shown ones first, for the column dialog."""
    shown = [one.name for one in listing.columns()]
    rest = [n for n, one in view.fields.items() if n not in shown and one.kind != "note"]
    return [{"name": n, "label": view.label(n), "shown": n in shown} for n in (*shown, *rest)]


def remember(view) -> None:
    """Keep what was posted: `columns` (names in order), `sort`, `size`, `save` (name, query) or `drop` (index)."""
    key, kept = f"list.{view.entity}", {}
    if "columns" in request.form:
        kept["columns"] = [n for n in request.form.getlist("columns") if n in view.fields] or None
    if (sort := request.form.get("sort", "")) and sort.rsplit(".", 1)[0] in view.sortable:
        kept["sort"] = sort
    if request.form.get("size", "") in {str(n) for n in SIZES}:
        kept["size"] = int(request.form["size"])
    saved = list(preferences.read(db.session, key).get("saved", []))
    if name := request.form.get("save", "").strip()[:30]:
        saved = [s for s in saved if s["name"] != name] + [{"name": name, "query": request.form.get("query", "")[:500]}]
        kept["saved"] = saved
    if (drop := request.form.get("drop", "")).isdecimal() and int(drop) < len(saved):
        kept["saved"] = saved[:int(drop)] + saved[int(drop) + 1:]
    preferences.keep(db.session, key, **kept)
    db.session.commit()

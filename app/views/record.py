"""The page of a record: head, facts, sections, tabs with counts, neighbours in the list it was opened from."""
from functools import partial
from urllib.parse import parse_qsl, urlencode

from flask import abort, request
from flask import session as cookie
from markupsafe import Markup
from sqlalchemy import func, select
from werkzeug.datastructures import ImmutableMultiDict

from app.core import actor, choices, money, preferences
from app.core.attachments import Attachment
from app.core.changes import Change
from app.core.describe import describe, target_model
from app.core.words import _
from app.extensions import db

from . import acting, bar, cells, files
from .listing import SIZES, Listing

TABS: dict = {}  # parent view class -> (child view, its field), filled when the views are registered
FIGURES: dict = {}  # view class -> (entity, asks, says) of later modules, for who may read the entity: asks(row) gives
#                     {name: scalar subquery}, all read in one statement; says(row, numbers) gives [(label, HTML[, small line])]
CARDS: dict = {}  # view class -> functions row -> HTML of later modules: cards in front of the page's own body


def context(view, row) -> dict:
    """What show.html needs."""
    tabs, chosen, numbers = _tabs(view, row)
    before, after = neighbours(view, row)
    basics, buttons = chosen == "basics", bar.buttons(view, row)
    return {
        "sections": [{"label": str(s.label), "rows": [_line(view, row, n) for n in s.fields if n not in view.in_body]}
                     for s in view.groups()] if basics else [],
        "head": _head(view, row), "facts": _facts(view, row, numbers), "bar": buttons[0], "more": buttons[1],
        "body": _cards(view, row) + view.body(row) if basics else "", "tabs": tabs, "tab": chosen, "tab_body": _body(view, row, chosen),
        "prev": before and f"{view.route_base}/show/{before}", "next": after and f"{view.route_base}/show/{after}",
        "back": view.back_url(), "files": files.of(row) if chosen == "attachment" else [],
        "history": history(view, row) if chosen == "history" else [],
        "log_url": f"/audit/list/?row={row.__tablename__}.{row.id}" if actor.current().may("audit", "read") else ""}


def _cards(view, row) -> Markup:
    return Markup("").join(more(row) for more in CARDS.get(type(view), ()))


def _head(view, row) -> dict:
    """Title, tags (choices and flags), a line of smaller things, the owner at the right."""
    title, tags, line = str(row), [], []
    number = getattr(row, "number", None)
    if number and number != title:
        line.append(("", number))
    for name in view.head.split():
        one, value = view.fields[name], getattr(row, name)
        if value in (None, "", "none", False) or name == "owner":
            continue
        if one.kind in ("choice", "flag"):
            tags.append(cells.tag(one, value) if one.kind == "choice" else Markup('<span class="k-tag g">{}</span>').format(one.label))
        else:
            line.append((str(one.label), cells.cell(row, one, False)))
    return {"title": title, "tags": tags, "line": line, "owner": getattr(row, "owner", None) if "owner" in view.head.split() else None}


def _figures(view) -> list[tuple]:
    may = actor.current().may
    return [(asks, says) for entity, asks, says in FIGURES.get(type(view), ()) if may(entity, "read")]


def _facts(view, row, numbers) -> list[dict]:
    """The key figures: label, value, small line; what a role must not see is left out."""
    found, later = [], [fact for _asks, says in _figures(view) for fact in says(row, numbers)]
    for word in view.facts.split():
        if word == "*":
            found, later = found + later, []
            continue
        one, small = view.fields[word.split("/")[0]], view.fields.get(word.partition("/")[2])
        if cells.is_masked(one) and one.kind == "money":
            continue
        under = small and getattr(row, small.name) not in (None, "") and not cells.is_masked(small)
        found.append((str(one.label), cells.cell(row, one), Markup("{} {}").format(small.label, cells.cell(row, small)) if under else ""))
    return [{"label": label, "value": value, "small": small[0] if small else ""} for label, value, *small in (*found, *later)]


def figure(fen: int, url: str, key: str, tone: str = "") -> Markup:
    """An amount that opens the rows it is the sum of; `key` is its name for tests."""
    return Markup('<a href="{}" class="{}" data-figure="{}" data-fen="{}">{}</a>').format(url, tone, key, fen, money.shown(fen))


def history(view, row) -> list[dict]:
    """The record's changes, newest first, in words: who, what, when, field: old → new."""
    wanted = select(Change).where(Change.entity == row.__tablename__, Change.row_id == row.id).order_by(Change.id.desc()).limit(200)
    changes = db.session.scalars(wanted).all()
    names, who = cells.people(), actor.current()
    everything = who.may("audit", "read") or who.may("batch", "undo")
    verbs = {"add": _("made it"), "edit": _("changed it"), "delete": _("moved it to the trash"), "restore": _("restored it")}
    told = [(c, changed(view.model, c) if c.verb == "edit" else []) for c in changes]
    stars = {one.key for one in view.fields.values() if cells.is_masked(one)}
    return [{"verb": c.verb, "who": names.get(c.actor_id, _("The system")), "what": verbs.get(c.verb, c.verb), "at": cells.moment(c.at),
             "id": c.id, "url": f"/undo/show/{c.batch_id}" if everything or c.actor_id == who.id else "", "fields": fields}
            for c, fields in told if fields or c.verb != "edit" or stars & set(c.new or ())]


def changed(model, change) -> list[dict]:
    """The logged fields of a change of a model's row in words; what reads the same before and after is left out."""
    by_key = {one.key: one for one in describe(model).values()}
    found = [{"key": k, "readonly": by_key[k].readonly, "masked": cells.is_masked(by_key[k]), "label": str(by_key[k].label),
              "old": _told(by_key[k], (change.old or {}).get(k)), "new": _told(by_key[k], v)}
             for k, v in (change.new or {}).items() if k in by_key and not by_key[k].system]
    return [f for f in found if f["old"] != f["new"]]


def _told(one, value) -> str:
    """A logged value in words."""
    if value in (None, ""):
        return "—"
    if cells.is_masked(one):
        return cells.mask(value)
    value = one.typed(value)
    if one.kind == "ref":
        found = db.session.scalars(select(target_model(one)).where(target_model(one).id == value).execution_options(
            everyone=True, with_trash=True)).first()
        return str(found or value)
    if one.kind == "choice":
        return choices.label(db.session, cells.list_of(one), value, english=cells.english())
    if one.kind == "several":
        return choices.labels(db.session, cells.list_of(one), value, english=cells.english())
    plain: dict = {"moment": cells.moment, "date": cells.day, "money": money.shown, "flag": lambda v: _("Yes") if v else _("No"),
                   "quantity": cells.thousandths, "percent": lambda v: f"{cells.hundredths(v)}%"}
    return plain.get(one.kind, str)(value)


def lines(view, row, names: str) -> list[tuple]:
    """(label, HTML) of some fields that are not empty."""
    return [(label, cell) for label, cell, _wide, empty in (_line(view, row, n) for n in names.split()) if not empty]


def _line(view, row, name):
    one = view.fields[name]
    return str(one.label), cells.cell(row, one, False), one.kind == "note", getattr(row, name) in (None, "")


def _tabs(view, row):
    """The tabs with the counts of their rows, the key of the chosen one, and the numbers of the figures (one statement for all)."""
    related = [(c, field) for c, field in TABS.get(type(view), []) if c.may("read")]
    children = [c for c, _field in related]
    wanted = [select(func.count()).select_from(select(c.model.id).where(under(c, field, row)).subquery()).scalar_subquery().label(c.entity)
              for c, field in related]
    files = select(func.count(Attachment.id)).where(Attachment.entity == row.__tablename__, Attachment.row_id == row.id)
    wanted += [sql.label(name) for asks, _says in _figures(view) for name, sql in asks(row).items()]
    numbers = db.session.execute(select(*wanted, files.scalar_subquery().label("attachment"))).one()._mapping
    keys = view.tab_order(children) if hasattr(view, "tab_order") else None
    found = [("basics", _("Overview") if view.overview else _("Details"), None),
             *((c.entity, str(c.tab_label or c.title), numbers[c.entity]) for c in children),
             *(view.extra_tabs(row) if hasattr(view, "extra_tabs") else ()),
             ("attachment", _("Attachments"), numbers["attachment"]), ("history", _("Change log"), None)]
    if keys:
        found.sort(key=lambda tab: keys.index(tab[0]) if tab[0] in keys else len(keys))
    chosen = request.args.get("tab") or found[0][0]
    if chosen not in {key for key, _label, _n in found}:
        abort(404)
    return [{"key": key, "label": label, "count": n, "active": key == chosen,
             "url": f"{view.route_base}/show/{row.id}?tab={key}"} for key, label, n in found], chosen, numbers


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
    """Keep what was posted: `columns` (names in order), `sort`, `size` or `group`."""
    key, kept = f"list.{view.entity}", {}
    if "columns" in request.form:
        kept["columns"] = [n for n in request.form.getlist("columns") if n in view.fields] or None
    if (sort := request.form.get("sort", "")) and view.sorts(sort.rsplit(".", 1)[0]):
        kept["sort"] = sort
    if request.form.get("size", "") in {str(n) for n in SIZES}:
        kept["size"] = int(request.form["size"])
    if request.form.get("group", "") in {one.key for one in view.groupings}:
        kept["group"] = request.form["group"]
    preferences.keep(db.session, key, **kept)
    db.session.commit()

"""The bar of a record's page: one filled button, a few plain ones, the rest under 更多 (look: Record)."""
from app.core import actor, scope
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db

from . import acting

LINKS: list = []  # of later modules: functions (view, row) -> (key, address, label, icon) under 更多, or None


def editable(view, row) -> bool:
    """Whether this person may change this row now: no rule has closed it, and it is not only shared for reading."""
    try:
        type(view).check_change(db.session, row)
    except RuleError:
        return False
    return scope.may_edit(db.session, row, actor.current())


def links(view, row, open_: bool) -> list[dict]:
    """The buttons that lead somewhere: edit, the next documents with everything carried over, copy."""
    may = actor.current().may
    here, start = view.route_base, f"{view.next_as or view.entity}={row.id}"
    found = [("edit", f"{here}/edit/{row.id}", _("Edit"), "edit")] if open_ and may(view.entity, "edit") else []
    found += [(entity, f"/{entity}/add?{start}", str(label), icon) for entity, label, icon in view.nexts
              if may(entity, "add") and view.starts(row, entity)]
    found += view.more_links(row)
    found += [("copy", f"{here}/add?copy={row.id}", _("Copy"), "copy")] if may(view.entity, "add") else []
    found += [link for more in LINKS if (link := more(view, row))]
    return [{"key": key, "url": url, "label": label, "icon": icon} for key, url, label, icon in found]


def buttons(view, row) -> tuple[list[dict], list[dict]]:
    """(in the bar, under 更多), in the order that `view.bar` names keys in; the first is the filled one."""
    open_ = editable(view, row)
    actions = [a for a in acting.offered(view, row=row) if open_ or a["key"] != "delete"]
    found = {b["key"]: b for b in (*links(view, row, open_), *actions)}
    order = view.bar.split() or ["edit", *(n[0] for n in view.nexts), *[a["key"] for a in actions if not a["danger"]][:3]]
    return [found.pop(key) for key in order if key in found], list(found.values())

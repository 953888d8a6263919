"""What the help page of the interface shows of an entity: addresses, fields, actions, in the reader's language and rights."""
from app.core import actor
from app.views import acting, cells

from . import info, values
from .openapi import KINDS

MOST = 15  # choices that are named


def _type(one) -> str:
    schema = KINDS.get(one.kind, {"type": "string"})
    return "{id, name}" if one.kind == "ref" else schema.get("format") or schema["type"]


def fields(view) -> list[dict]:
    """Every field that can be read, and whether it can be written."""
    form = {column["name"]: column for column in info.columns(view, None)} if {"add", "edit"} & set(view.verbs()) else {}
    told = [_told(name, form.get(name, {}), label=str(one.label), type=_type(one), masked=cells.is_masked(one))
            for name, one in values.shown(view).items()]
    return told + [_told(name, column) for name, column in form.items() if name not in view.fields and not name.endswith("_mark")]


def _told(name, column, **more) -> dict:
    return {"label": "", "type": "", "required": False, "masked": False, **column, "name": name, "written": bool(column), **more,
            "choices": column.get("choices", ())[:MOST]}


def addresses(view) -> list[tuple[str, str]]:
    """(method, address) of what the reader may do."""
    here, verbs = f"/api/v1/{view.entity}/", set(view.verbs())

    def may(verb):
        return verb in verbs and actor.current().may(view.entity, verb)
    found = [("GET", here), ("GET", f"{here}{{id}}"), ("GET", f"{here}_info")]
    found += [("POST", here)] if may("add") else []
    found += [("PUT", f"{here}{{id}}")] if may("edit") else []
    found += [("POST", f"{here}bulk")] if may("add") and may("edit") else []
    found += [("DELETE", f"{here}{{id}}")] if may("delete") else []
    return found + [("POST", f"{here}{{id}}/{a.key}") for a in acting.all_actions(view).values()
                    if a is not acting.DELETE and may(a.verb)]

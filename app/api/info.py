"""What `_info` tells of an entity: permissions, columns, filters, choices, actions."""
from wtforms.fields import FieldList

from app.core import actor, choices
from app.extensions import db
from app.views import acting, cells, forms
from app.views.panel import Panel

from . import asking, values


def heads(view, fields, what: str) -> dict:
    """Columns, labels and sortable columns, beside a list or a record ('list' or 'show')."""
    told = {f"{what}_columns": [one.name for one in fields], "label_columns": {one.name: str(one.label) for one in fields}}
    if what == "list":
        told |= {"order_columns": sorted(n for n in values.shown(view) if sortable(view, n)), "list_title": str(view.title)}
    return told


def sortable(view, name: str) -> bool:
    """Whether a list may be ordered by a field."""
    one = view.fields[name]
    return view.sorts(name) and not (one.kind != "text" and cells.is_masked(one))


def info(view) -> dict:
    """The whole description."""
    may = actor.current().may
    return {
        "permissions": [f"can_{verb}" for verb in view.verbs() if may(view.entity, verb)], "title": str(view.title),
        "add_title": str(view.add_label or view.title), "edit_title": str(view.title),
        "add_columns": columns(view, None) if may(view.entity, "add") and "add" in view.verbs() else [],
        "edit_columns": columns(view, None) if may(view.entity, "edit") and "edit" in view.verbs() else [],
        "filters": {name: [{"name": o, "operator": o} for o in found]
                    for name, one in values.shown(view).items() if (found := asking.operators(one))},
        "quick_filters": [{"key": f.key, "label": str(f.label)} for f in Panel(view).shown],
        "actions": [{"key": a.key, "label": str(a.label), "columns": [_column(f) for f in a.form()(None, meta={"csrf": False})]
                     if a.form else []} for a in acting.all_actions(view).values() if may(view.entity, a.verb)]}


def columns(view, row) -> list[dict]:
    """What a form takes."""
    return [_column(field) for field in values.blank_form(view, row) if field.short_name not in ("token", "version", "csrf_token")]


def _column(field) -> dict:
    told = {"name": field.short_name, "label": str(field.label.text), "type": kind_of(field),
            "required": any(isinstance(v, forms.Required) for v in field.validators)}
    if isinstance(field, forms.ChoiceField | forms.SeveralField):
        told["choices"] = [{"value": code, "label": str(label)}
                           for code, label in choices.options(db.session, field.list_name, english=cells.english())]
    return told


def kind_of(field) -> str:
    """A word for what a form field takes."""
    return "lines" if isinstance(field, FieldList) else type(field).__name__.removesuffix("Field").lower()

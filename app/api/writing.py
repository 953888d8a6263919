"""Writing by the interface: the same forms, rules, locks and operations as the screens (app/views/saving.py, acting.py); here only from
JSON, and back to it. Nothing here commits."""
from app.core.entity import Entity
from app.core.words import _, ngettext
from app.extensions import db
from app.views import acting, saving

from . import values


class Refused(Exception):
    """What was sent cannot be taken: {field name: sentence}; '' for what belongs to no field."""

    def __init__(self, errors: dict):
        super().__init__("refused")
        self.errors = errors


def _known(view, form, asked) -> dict:
    """The asked values that the form takes; fields that can be read but not written are passed over (promise 10), others are unknown."""
    keys = {one.key: name for name, one in view.fields.items()}
    named = {keys.get(name, name): value for name, value in asked.items() if name not in ("id", "version")}
    unknown = [name for name in named if name not in form._fields and name not in view.fields]
    if unknown:
        raise Refused({str(name)[:60]: _("There is no such field.") for name in unknown})
    return {name: value for name, value in named.items() if name in form._fields and name not in ("token", "csrf_token")}


def fill(view, row, asked: dict):
    """The view's form with JSON values in it; raises Refused."""
    form = values.blank_form(view, row)
    known, blank = _known(view, form, asked), getattr(view, "blank_line", None)
    wrong = values.take(form, known, blank)
    if row is None and not wrong:
        view.preset(form)  # what the screen would fill in from these references
        wrong = values.take(form, known, blank)
    if wrong:
        raise Refused(wrong)
    values.settle(form, known)
    form.version.data = str(asked.get("version") or (row.version if row is not None else ""))
    if row is not None and "lines" in known and "lines_mark" not in known and form.version.data != str(row.version):
        form.lines_mark.data = ""
    return form


def put(view, row, asked: dict):
    """Make a record (row None) or change one by JSON values. Raises Refused, RuleError, saving.Clash."""
    if row is not None:
        type(view).check_change(db.session, row)
    form = fill(view, row, asked)
    saved = saving.put(view, form, row, view.form_fields(row), values.json_of)
    if saved is None:
        raise Refused(errors_of(form.errors))
    return saved


def errors_of(errors: dict, before="") -> dict:
    """WTForms' errors as {name: sentence}; of lines as "lines.0.price"."""
    found: dict = {}
    for name, said in errors.items():
        if isinstance(said, dict):
            found |= errors_of(said, f"{before}{name}.")
        elif any(isinstance(one, dict) for one in said):
            found |= errors_of({str(n): one for n, one in enumerate(said) if one}, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = " ".join(map(str, said))
    return found


def act(view, key: str, rows, asked: dict):
    """Do an action with rows; returns (sentence, the new record or None). Raises Refused, RuleError."""
    action, given = acting.action_of(view, key), {}
    if action.form is not None:
        form = action.form()(None, meta={"csrf": False})
        if unknown := [name for name in asked if name not in form._fields]:
            raise Refused({str(name)[:60]: _("There is no such field.") for name in unknown})
        if wrong := values.take(form, asked):
            raise Refused(wrong)
        values.settle(form, asked)
        if not form.validate():
            raise Refused(errors_of(form.errors))
        given = {f.name: f.data for f in form if f.name != "csrf_token"}
    said = acting.run(view, action, rows, given)
    if isinstance(said, Entity):
        return str(action.label), said
    return said or ngettext("%(num)d record changed.", "%(num)d records changed.", len(rows)), None


def check_version(row, version) -> None:
    """Refuse to delete a record that changed since the caller's version."""
    if version and str(version) != str(row.version):
        raise saving.Clash([])

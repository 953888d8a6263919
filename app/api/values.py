"""Values between JSON and the program: yuan, percent and quantities are numbers, days and moments ISO 8601 (moments with the office's
offset), a choice is its code, a reference {id, name}. The way in goes through the same form fields as the screens."""
import datetime as dt
from decimal import Decimal

from wtforms import BooleanField, FieldList, SelectMultipleField
from wtforms.fields.core import Field as WtField

from app.core import clock, money
from app.core.describe import describe
from app.core.words import _
from app.views import cells, forms, saving

OUT: dict = {  # kind -> function of a value that is not None
    "money": lambda fen: float(money.to_yuan(fen)), "percent": lambda v: v / 100, "quantity": lambda v: v / 1000,
    "flag": bool, "whole": int, "date": lambda day: day.isoformat()[:10], "moment": lambda moment: clock.zoned(moment).isoformat(),
    "several": lambda codes: codes.split(",")}
FORM_KINDS = ((forms.MoneyField, "money"), (forms.MomentField, "moment"), (forms.DayField, "date"), (forms.SeveralField, "several"))
TEXTS = ("text", "note", "choice", "number")


def reader(one):
    """A function row -> JSON value of a described field. Who sees a field masked gets a text with stars, of other kinds nothing."""
    if cells.is_masked(one):
        return (lambda row: (v := getattr(row, one.name)) and cells.mask(v)) if one.kind in TEXTS else lambda row: None
    if one.kind == "ref":
        return _reference(one)
    turn = OUT.get(one.kind, str)
    return lambda row: None if (v := getattr(row, one.name)) is None else turn(v)


def _reference(one):
    names = cells.people() if one.target == "ab_user" else None

    def read(row):
        if (key := getattr(row, one.key)) is None:
            return None
        return {"id": key, "name": names.get(key, "") if names is not None else str(getattr(row, one.name) or "")}
    return read


def shown(view) -> dict:
    """name -> field of everything that the interface tells of an entity."""
    return {name: one for name, one in view.fields.items() if one.kind != "html"}


def recorder(fields):
    """A function row -> JSON of its id, version and these fields; what depends on a field alone is settled once."""
    readers = [(one.name, reader(one)) for one in fields]

    def record(row) -> dict:
        told = {"id": row.id, **({"version": row.version} if hasattr(row, "version") else {})}
        return told | {name: read(row) for name, read in readers}
    return record


def whole(view, row) -> dict:
    """A row with what its form holds besides its fields: lines, executors, roles."""
    return recorder(shown(view).values())(row) | parts(view, row)


def parts(view, row) -> dict:
    """Lists inside a record: the lines of a document, people, roles; and the marks that tell whether they changed meanwhile."""
    found: dict = {}
    for field in blank_form(view, row):
        if isinstance(field, FieldList):
            found[field.short_name] = [_line(line) for line in row.living]
        elif isinstance(field, forms.RefsField):
            found[field.short_name] = [{"id": key, "name": text} for key, text in field.chosen()]
        elif isinstance(field, SelectMultipleField) and field.short_name not in view.fields or field.short_name.endswith("_mark"):
            found[field.short_name] = field.data
    return found


def _line(line) -> dict:
    return {"id": line.id} | {one.name: reader(one)(line) for one in describe(type(line)).values() if not one.system}


def blank_form(view, row):
    """The view's form, filled from a row (None: with the defaults of a new one), not yet with anything asked for."""
    fields = view.form_fields(row)
    return view.form_class(fields, row)(None, data=view._data(row, fields), meta={"csrf": False})


def json_of(field: WtField, value=...):
    """A form field's value, or another value of its kind, as JSON."""
    value = field.data if value is ... else value
    if value is None or value == "":
        return None
    if isinstance(field, forms.RefField):
        return {"id": value, "name": saving.as_typed(field, value)}
    if isinstance(field, forms.ScaledField):
        return value / field.scale
    kind = next((kind for form_field, kind in FORM_KINDS if isinstance(field, form_field)), "")
    return OUT[kind](value) if kind else value


# ---- the way in -----------------------------------------------------------------------------------------------
def typed(field: WtField, value) -> list[str]:
    """What a browser would have posted for a JSON value; raises ValueError for a value of the wrong shape."""
    if isinstance(field, BooleanField):
        if value not in (True, False, None):
            raise ValueError(_("This must be true or false."))
        return ["y"] if value else []
    if isinstance(field, (forms.RefsField, SelectMultipleField)):
        if not isinstance(value, list | None):
            raise ValueError(_("This must be a list."))
        return [_text(one) for one in value or ()]
    if isinstance(field, forms.MomentField) and isinstance(value, str) and "T" in value:
        return [_moment(value)]
    return [_text(value)]


def _text(value) -> str:
    """A single value as text; of a reference its id."""
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | None):
        raise ValueError(_("This value has the wrong shape."))
    return "" if value is None else format(Decimal(str(value)), "f")


def _moment(text: str) -> str:
    """An ISO 8601 moment as the office writes it; without an offset it is the office's time."""
    try:
        said = dt.datetime.fromisoformat(text)
        if said.tzinfo:
            said = clock.to_office(said.astimezone(dt.timezone.utc).replace(tzinfo=None))
    except (ValueError, OverflowError):
        raise ValueError(_("This is not a time (2026-11-24T09:30:00+08:00).")) from None
    return said.strftime("%Y-%m-%d %H:%M:%S")


class Sent(dict):
    """The values of one field, as WTForms wants them."""

    getlist = dict.__getitem__


def take(form, asked: dict, blank=None) -> dict:
    """Put JSON values into a form's fields of these names; returns {name: sentence} of those that do not fit. `blank`: what a new
    line begins with."""
    wrong: dict = {}
    for name, value in asked.items():
        field = form._fields[name]
        try:
            if isinstance(field, FieldList):
                wrong |= _take_lines(field, value, blank)
            else:
                field.process(Sent({field.name: typed(field, value)}), field.object_data)
        except ValueError as no:
            wrong[name] = str(no)
    return wrong


def _take_lines(field, lines, blank) -> dict:
    if not isinstance(lines, list) or len(lines) > 500 or not all(isinstance(line, dict) for line in lines):
        raise ValueError(_("This must be a list of at most 500 lines."))
    there, wrong = {str(entry.form.id.data): entry.data for entry in field.entries}, {}
    while field.entries:
        field.pop_entry()
    for n, line in enumerate(lines):
        form = field.append_entry(there.get(str(line.get("id")), {**(blank or {}), "id": ""})).form
        known = {k: v for k, v in line.items() if k in form._fields and k != "id"}
        wrong |= {f"{field.short_name}.{n}.{k}": said for k, said in take(form, known).items()}
        settle(form, known)
    return wrong


def settle(form, asked) -> None:
    """What was not asked for counts as given with the value it has: the validators look at what was typed."""
    for field in form:
        if field.short_name not in asked and not isinstance(field, FieldList) and field.data not in (None, "", []):
            field.raw_data = [field._value() if hasattr(field, "_value") else str(field.data)]

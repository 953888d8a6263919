"""Forms out of field descriptions: one WTForms field a kind, typed text kept, a sentence at the field."""
import re
import unicodedata
from decimal import Decimal

from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup, escape
from sqlalchemy import select
from wtforms import BooleanField, DateField, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms import Field as WtField
from wtforms.fields.choices import Choice
from wtforms.fields.core import UnboundField
from wtforms.validators import InputRequired, Length, Optional, StopValidation, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget, html_params

from app.core import actor, choices, clock, money
from app.core.describe import target_model
from app.core.words import _, _l
from app.extensions import db

from . import cells, quick
from .page import CONTROL

PATTERNS = {
    "mobile": (re.compile(r"^1[3-9]\d{9}$|^\+(?!86)[\d -]{6,20}$"), _l("This is not a mobile number.")),
    "phone": (re.compile(r"^[+\d][\d ()#*转,-]{4,31}$"), _l("This is not a phone number.")),
    "email": (re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$"), _l("This is not an e-mail address.")),
    "url": (re.compile(r"^(https?://)?[^\s/.]+(\.[^\s/.]+)+(/\S*)?$", re.I), _l("This is not a web address.")),
}


def clean(value):
    """Text without control characters and outer blanks, its lines ending in line feeds; None when nothing is left."""
    return (CONTROL.sub("", value).replace("\r\n", "\n").strip() or None) if isinstance(value, str) else value


def mobile_digits(value):
    """A Chinese mobile number without +86, blanks and dashes; anything else as typed."""
    bare = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", value)) if value else value
    found = re.fullmatch(r"(?:\+?86)?(1[3-9]\d{9})", bare) if bare else None
    return found[1] if found else value


class Required(InputRequired):
    """Not empty, in a sentence that names the field."""

    def __call__(self, form, field):
        if not clean(field.raw_data[0] if field.raw_data else ""):
            field.errors = []
            raise StopValidation(_("%(field)s must not be empty.", field=field.label.text))


class Shaped:
    """The text has the form of a mobile, phone, e-mail or web address."""

    def __init__(self, kind):
        self.pattern, self.message = PATTERNS[kind]

    def __call__(self, form, field):
        if field.data and not self.pattern.fullmatch(field.data):  # `$` would let a line end through
            raise ValidationError(str(self.message))


class MoneyField(StringField):
    """Yuan with two decimals on screen, integer fen in `data`."""

    def _value(self):
        if self.raw_data:
            return self.raw_data[0]
        return f"{money.to_yuan(self.data)}" if self.data is not None else ""

    def process_formdata(self, values):
        text = clean(values[0]) if values else None
        try:
            self.data = money.read(text) if text else None
        except ValueError as bad:
            raise ValueError(_("This is not an amount.")) from bad


class WholeField(StringField):
    """A whole number."""

    def process_formdata(self, values):
        text = clean(values[0]) if values else None
        if text and not re.fullmatch(r"-?\d{1,9}", text):
            raise ValueError(_("This is not a whole number."))
        self.data = int(text) if text else None

    def _value(self):
        return self.raw_data[0] if self.raw_data else "" if self.data is None else str(self.data)


class ScaledField(StringField):
    """A decimal number on screen, a whole number of its smallest parts in `data`."""

    scale, places = 100, 2

    def _value(self):
        if self.raw_data:
            return self.raw_data[0]
        return "" if self.data is None else f"{self.data / self.scale:.{self.places}f}".rstrip("0").rstrip(".")

    def process_formdata(self, values):
        text = (clean(values[0]) or "").replace(",", "").replace("，", "").rstrip("%％") if values else ""
        if text and not re.fullmatch(r"-?\d{1,9}(\.\d+)?", text):
            raise ValueError(_("This is not a number."))
        if text and len(text.partition(".")[2].rstrip("0")) > self.places:
            raise ValueError(_("At most %(n)d decimals.", n=self.places))
        self.data = int(Decimal(text) * self.scale) if text else None


class PercentField(ScaledField):
    """Percent on screen, hundredths of a percent in `data`."""


class QuantityField(ScaledField):
    """A quantity on screen, thousandths in `data`."""

    scale, places = 1000, 3


class DayField(DateField):
    """A day, yyyy-mm-dd."""

    def process_formdata(self, values):
        try:
            super().process_formdata([v for v in values if clean(v)])
        except ValueError as bad:
            raise ValueError(_("This is not a date (2026-11-24).")) from bad


class MomentField(StringField):
    """Office time on screen, naive UTC in `data`."""

    def _value(self):
        if self.raw_data:
            return self.raw_data[0]
        return clock.to_office(self.data).strftime("%Y-%m-%d %H:%M") if self.data else ""

    def process_formdata(self, values):
        text = (clean(values[0]) or "").replace("T", " ") if values else ""
        self.data = None
        for pattern in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
            try:
                typed, was = clock.to_utc(clock.dt.datetime.strptime(text, pattern)) if text else None, self.object_data
                self.data = was if was and was.replace(second=0, microsecond=0) == typed else typed  # as it was shown: it keeps its seconds
                return
            except (ValueError, OverflowError):
                continue
        raise ValueError(_("This is not a time (2026-11-24 09:30)."))


class ChoiceField(SelectField):
    """A value of a choice list; a stopped one stays choosable where it is used."""

    def __init__(self, label=None, validators=None, list_name="", **kw):
        super().__init__(label, validators, coerce=lambda v: v or None, validate_choice=False, **kw)
        self.list_name = list_name

    def iter_choices(self):
        yield Choice(value="", label="", selected=not self.data, render_kw={})
        for code, label in choices.options(db.session, self.list_name, english=cells.english(), keep=(self.data,)):
            yield Choice(value=code, label=label, selected=code == self.data, render_kw={})

    def pre_validate(self, form):
        known = dict(choices.options(db.session, self.list_name, keep=(self.object_data,)))
        if self.data is not None and self.data not in known:
            raise ValidationError(_("Choose one of the list."))


class SeveralField(SelectMultipleField):
    """Check boxes of a choice list; `data` is the codes joined by commas, in the list's order."""

    widget, option_widget = ListWidget(prefix_label=False), CheckboxInput()

    def __init__(self, label=None, validators=None, list_name="", **kw):
        super().__init__(label, validators, validate_choice=False, **kw)
        self.list_name = list_name

    def iter_choices(self):
        kept = (self.data or "").split(",")
        for code, label in choices.options(db.session, self.list_name, english=cells.english(), keep=kept):
            yield Choice(value=code, label=label, selected=code in kept, render_kw={})

    def process_data(self, value):
        self.data = value or None

    def process_formdata(self, values):
        known = [code for code, _label in choices.options(db.session, self.list_name, keep=cells.ANY)]
        if set(values) - set(known):
            raise ValueError(_("Choose one of the list."))
        self.data = ",".join(code for code in known if code in values) or None


def may_choose(model) -> bool:
    """Whether the acting person may look for records of a model and see their names: colleagues and departments are known to
    everybody, anything else needs the right to read it."""
    who, name = actor.current(), model.__tablename__
    return who is None or name in ("ab_user", "department") or who.may(name.replace("_", ""), "read")


class RefWidget:
    """A select that asks the server while typing; without script it still posts what it shows."""

    def __call__(self, field, **kw):
        kw.setdefault("id", field.id)
        kw["class"] = "form-select"
        kw["data-k-choose"], kw["aria-label"] = field.url, field.label.text
        if field.within:
            kw["data-k-within"] = field.within
        if field.beside:
            kw["data-k-beside"] = field.beside
        if quick.may_make(field.entity):
            kw["data-k-new"] = f"/{field.entity}/quick"
        chosen = field.chosen()
        option = Markup('<option value="{}" selected>{}</option>').format(*chosen) if chosen else ""
        return Markup("<select {}><option value=''></option>{}</select>").format(
            Markup(html_params(name=field.name, **kw)), option)


class RefField(WtField):
    """A record of another entity; `data` is its id, which must be visible to the acting person."""

    widget = RefWidget()

    def __init__(self, label=None, validators=None, target=None, within=None, beside=None, **kw):
        super().__init__(label, validators, **kw)
        self.target, self.within, self.beside = target, within, beside
        self.entity = "user" if target.__tablename__ == "ab_user" else target.__tablename__.replace("_", "")
        self.url = f"/{self.entity}/choose"

    def process_formdata(self, values):
        text = values[0].strip() if values else ""
        if text in ("", "__None"):
            self.data = None
        elif text.isascii() and text.isdecimal() and len(text) < 16:
            self.data = int(text)
        else:
            raise ValueError(_("Choose one of the list."))

    def chosen(self):
        """(id, text) of the chosen record, or None."""
        known = self.data and (self.data == self.object_data or may_choose(self.target)) and self.data < 2**31
        row = db.session.get(self.target, self.data) if known else None
        return (row.id, str(row)) if row else None

    def pre_validate(self, form):
        if self.data and self.data != self.object_data and self.chosen() is None:
            raise ValidationError(_("Choose one of the list."))


class RefsWidget:
    """A select of several records that asks the server while typing."""

    def __call__(self, field, **kw):
        kw |= {"id": field.id, "class": "form-select", "data-k-choose": field.url, "aria-label": field.label.text, "multiple": True}
        options = Markup("").join(Markup('<option value="{}" selected>{}</option>').format(i, text) for i, text in field.chosen())
        return Markup("<select {}>{}</select>").format(Markup(html_params(name=field.name, **kw)), options)


class RefsField(WtField):
    """Several records of an entity; `data` is the list of their ids in the order they were chosen."""

    widget = RefsWidget()

    def __init__(self, label=None, validators=None, target=None, **kw):
        super().__init__(label, validators, **kw)
        self.target = target
        self.url = f"/{'user' if target.__tablename__ == 'ab_user' else target.__tablename__.replace('_', '')}/choose"

    def process_data(self, value):
        self.data = list(value or ())

    def process_formdata(self, values):
        found = [text.strip() for value in values for text in value.split(",") if text.strip()]
        if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in found):
            raise ValueError(_("Choose one of the list."))
        self.data = list(dict.fromkeys(int(text) for text in found))

    def chosen(self):
        """(id, text) of the chosen records that the acting person may see."""
        rows = {row.id: row for row in db.session.scalars(select(self.target).where(self.target.id.in_(self.data)))} if self.data else {}
        return [(i, str(rows[i])) for i in self.data or () if i in rows and (i in (self.object_data or ()) or may_choose(self.target))]

    def pre_validate(self, form):
        if len(self.chosen()) != len(self.data or ()):
            raise ValidationError(_("Choose one of the list."))


_MAKERS = {
    "text": StringField,
    "note": TextAreaField,
    "money": MoneyField,
    "whole": WholeField,
    "percent": PercentField,
    "quantity": QuantityField,
    "date": DayField,
    "moment": MomentField,
    "flag": BooleanField,
    "number": StringField,
}


def make_field(one) -> UnboundField:
    """The WTForms field of a described field."""
    checks = [Required()] if one.required and one.kind != "flag" else [Optional()]
    if one.size:
        checks.append(Length(max=one.size, message=_l("At most %(max)d characters.")))
    if one.format in PATTERNS:
        checks.append(Shaped(one.format))
    extra: dict = {"filters": [clean]} if one.kind in ("text", "note", "number") else {}
    if one.kind == "number":
        extra["render_kw"] = {"placeholder": _l("made by the numbering rule")}
    if one.format == "mobile":
        extra["filters"].append(mobile_digits)
    said = {"description": one.info.get("help", "")}
    if one.kind == "choice":
        return ChoiceField(one.label, checks, list_name=cells.list_of(one), **said)
    if one.kind == "several":
        return SeveralField(one.label, checks, list_name=cells.list_of(one), **said)
    if one.kind == "ref":
        return RefField(one.label, checks, target=target_model(one), within=one.info.get("within"), **said)
    return _MAKERS[one.kind](one.label, checks, **extra, **said)


def make_form(name: str, fields) -> type[DynamicForm]:
    """A form class with the described fields, plus the hidden version and the once-only token."""
    body = {one.name: make_field(one) for one in fields}
    body["version"], body["token"] = HiddenField(), HiddenField()
    return type(name, (DynamicForm,), body)


def errors_text(form) -> str:
    """All sentences of a refused form, for actions without a page of their own."""
    return " ".join(str(escape(e)) for f in form for e in f.errors)


def faults(form) -> int:
    """How many fields of a refused form need a look, those of its lines too."""
    def count(one):
        if hasattr(one, "entries"):
            return sum(map(count, one.entries)) + any(isinstance(e, str) for e in one.errors)
        return faults(one.form) if hasattr(one, "form") and one.form is not None and hasattr(one.form, "_fields") and one.form is not form \
            else bool(one.errors)
    return sum(count(one) for one in form)

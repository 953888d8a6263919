"""DocumentView: an entity with lines (quote, contract, opportunity) that are edited inside its form."""
import hashlib

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy.orm.attributes import flag_modified
from wtforms import FieldList, Form, FormField, HiddenField
from wtforms.validators import Optional

from app.core import clock
from app.core.describe import describe
from app.core.words import _, _l
from app.customers.models import Customer
from app.extensions import db
from app.views import cells, forms
from app.views.entity_view import EntityView

from . import rules
from .models import Product

COLUMNS = "product name spec unit quantity price is_taxed tax_rate note"
SHOWN = "name spec unit quantity list_price discount price tax_rate is_taxed amount tax cost note"


class LinesField(FieldList):
    """Lines by number; those in which nothing was typed do not count."""

    def process(self, formdata, data=(), extra_filters=None):
        super().process(formdata, data, extra_filters)
        if formdata:
            self.entries = [e for e in self.entries if any(e.form[n].data for n in ("product", "name", "price"))]


def line_form(model):
    """The form class of one line; what the product knows need not be typed."""
    fields = describe(model)
    body = {n: forms.make_field(fields[n]) for n in COLUMNS.split()}
    for name in ("name", "price", "quantity"):
        body[name].kwargs["validators"] = [v for v in body[name].args[1] if not isinstance(v, forms.Required)] + [Optional()]
        body[name].args = body[name].args[:1]
    body["product"] = forms.RefField(_l("Product"), [Optional()], target=Product, beside="customer")
    return type("LineForm", (Form,), {**body, "id": HiddenField()})


class DocumentView(EntityView):
    """A view of a `Priced` entity with `lines`; `line` is their model."""

    line: type
    lines_needed = False

    def form_class(self, fields, row):
        """The described fields, the lines, and a mark of the lines that the form began with."""
        lines = LinesField(FormField(line_form(self.line)), label=_l("Lines"))
        return type(f"{type(self).__name__}Form", (forms.make_form("DocumentFields", fields),),
                    {"lines": lines, "lines_mark": HiddenField()})

    def _data(self, row, fields):
        values = super()._data(row, fields)
        if row is not None:
            values |= {"lines": [self.typed(line) for line in row.living], "lines_mark": mark(row)}
        return values

    @staticmethod
    def typed(line, fresh=False) -> dict:
        """A line as the form holds it."""
        fields = describe(type(line))
        return {"id": "" if fresh else line.id, **{n: getattr(line, fields[n].key) for n in COLUMNS.split()}}

    def copy_into(self, form, row):
        """A copy takes the lines along, as new ones."""
        super().copy_into(form, row)
        self.take_lines(form, row)

    def take_lines(self, form, row) -> None:
        """Fill a new form with the lines of another document."""
        for line in row.living:
            form.lines.append_entry(self.typed(line, fresh=True))

    def more_clashes(self, form, row):
        """Somebody else changed the lines since this form was opened."""
        if form.lines_mark.data == mark(row):
            return []
        form.lines_mark.data, form.lines_mark.raw_data = mark(row), None
        return [{"name": "lines", "label": _("Lines"), "mine": _("%(n)d lines", n=len(form.lines.entries)),
                 "theirs": "；".join(f"{line.name} × {cells.thousandths(line.quantity)}" for line in row.living)}]

    def before_save(self, row, form):
        """Typed lines become the document's lines; those taken out are marked as deleted."""
        level = (buyer := db.session.get(Customer, row.customer_id) if row.customer_id else None) and buyer.level
        there, changed = {line.id: line for line in row.living}, False
        for place, entry in enumerate(form.lines.entries):
            key = str(entry.form.id.data or "")
            line = there.pop(int(key), None) if key.isdecimal() else None
            if line is None:
                line, changed = self.line(), True
                row.lines.append(line)
            changed = self._fill(line, entry.form, place, level) or changed
        for gone in there.values():
            gone.deleted_at, changed = clock.now(), True
        if changed and row.id:
            row.changed_at = clock.now()
            flag_modified(row, "changed_at")  # the document gets a new version though only its lines changed

    def _fill(self, line, form, place, level) -> bool:
        values = {describe(self.line)[n].key: form[n].data for n in COLUMNS.split()}
        if values["product_id"] and values["product_id"] != line.product_id:
            line.product_id = values["product_id"]
            rules.fresh_line(db.session, line, level)
        product = db.session.get(Product, values["product_id"]) if values["product_id"] else None
        if product:
            for name, given in (("name", product.name), ("spec", product.spec), ("unit", product.unit), ("price", line.list_price)):
                values[name] = values[name] if values[name] not in (None, "") else given
        values["quantity"] = values["quantity"] if values["quantity"] is not None else 1000
        values["position"] = place
        before = {key: getattr(line, key) for key in values}
        for key, value in values.items():
            if before[key] != value:
                setattr(line, key, value)
        return before != values

    def below(self, row):
        """The lines under the sections of the page."""
        fields = describe(self.line)
        shown = [fields[n] for n in SHOWN.split() if not cells.is_masked(fields[n])]
        return Markup(render_template("entity/lines_shown.html", lines=row.living, fields=shown, item=row, view=self))

    def form_more(self, form, row):
        """An empty line for the script to copy."""
        blank = LinesField(FormField(line_form(self.line))).bind(form=form, name="blank")
        blank.process(None)
        entry = blank.append_entry({"quantity": 1000, "is_taxed": True, "tax_rate": 1300})
        for one in (entry, *entry.form):
            one.name = one.id = one.name.replace("blank-0", "blank")
        return {"blank_line": entry}

    def _render_form(self, form, row, fields, conflict=None, problem=None):
        if not form.lines.entries and (self.lines_needed or request.method == "GET"):
            form.lines.append_entry()
        return super()._render_form(form, row, fields, conflict, problem)


def mark(row) -> str:
    """A mark that changes with the lines of a document."""
    return hashlib.sha256(repr([(line.id, line.version) for line in row.living]).encode()).hexdigest()[:16]

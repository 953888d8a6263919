"""DocumentView: an entity with lines (quote, contract, opportunity) that are edited inside its form."""
import hashlib

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified
from wtforms import FieldList, Form, FormField, HiddenField
from wtforms.validators import Optional

from app.core import clock, money
from app.core.describe import describe
from app.core.words import _, _l
from app.customers.models import Customer
from app.extensions import db
from app.views import cells, forms
from app.views.entity_view import EntityView

from . import rules
from .models import Product

COLUMNS = "product name spec unit quantity price is_taxed tax_rate note"


class LinesField(FieldList):
    """Lines by number; those in which nothing was typed do not count."""

    typed_in: tuple = ("product", "name", "price")

    def process(self, formdata, data=(), extra_filters=None):
        super().process(formdata, data, extra_filters)
        if formdata:
            self.entries = [e for e in self.entries if any(
                (e.form[n].raw_data or [""])[0].strip() for n in self.typed_in)]


def line_form(model):
    """The form class of one line; what the product knows need not be typed."""
    fields = describe(model)
    body = {n: forms.make_field(fields[n]) for n in COLUMNS.split()}
    for name in ("name", "price", "quantity"):
        body[name].kwargs["validators"] = [v for v in body[name].args[1] if not isinstance(v, forms.Required)] + [Optional()]
        body[name].args = body[name].args[:1]
    body["product"] = forms.RefField(_l("Product"), [Optional()], target=Product, beside="customer")
    return type("LineForm", (Form,), {**body, "id": HiddenField(), "source": HiddenField(), "list_price": HiddenField()})


class DocumentView(EntityView):
    """A view of a `Priced` entity with `lines`; `line` is their model."""

    line: type
    lines_needed = False
    blank_line = {"quantity": 1000, "is_taxed": True, "tax_rate": 1300}
    overview, in_body = True, ("discount", "reduction", "fees")
    part = property(lambda self: self.line)

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
    def typed(line) -> dict:
        """A line as the form holds it."""
        fields, listed = describe(type(line)), line.list_price
        return {"id": line.id, "list_price": "" if listed is None else str(money.to_yuan(listed)),
                **{n: getattr(line, fields[n].key) for n in COLUMNS.split()}}

    def copy_into(self, form, row):
        """A copy takes the lines along, as new ones of today."""
        super().copy_into(form, row)
        self.take_lines(form, row, carried=False)

    def take_lines(self, form, row, carried=True) -> None:
        """Fill a new form with the lines of another document; `carried`: with the list price and cost of their day."""
        today = {} if carried else self._prices(row)
        for line in row.living:
            typed = {**self.typed(line), "id": "", "source": f"{line.__tablename__}:{line.id}" if carried else ""}
            if line.product_id in today:
                typed["list_price"] = str(money.to_yuan(today[line.product_id]))
            form.lines.append_entry(typed)

    @staticmethod
    def _prices(row) -> dict:
        """Today's prices of a document's products for its customer."""
        products = db.session.scalars(select(Product).where(Product.id.in_([line.product_id for line in row.living]))).all()
        buyer = db.session.get(Customer, row.customer_id)
        return rules.prices_for(db.session, products, buyer.level if buyer else None)

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
            if not rules.carried_line(db.session, line, form.source.data or ""):
                rules.fresh_line(db.session, line, level)
        elif not values["product_id"]:
            line.list_price = line.cost = None
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

    def body(self, row):
        """The lines come first on the page, with what they add up to."""
        fields, lines = describe(self.line), row.living
        ids = {line.product_id for line in lines if line.product_id}
        products = {p.id: p for p in db.session.scalars(select(Product).where(Product.id.in_(ids)))} if ids else {}
        return Markup(render_template("entity/lines_shown.html", lines=lines, fields=fields, products=products, item=row, view=self,
                                      cost=not cells.is_masked(fields["cost"]) and any(line.cost is not None for line in lines)))

    def form_more(self, form, row):
        """An empty line for the script to copy."""
        blank = LinesField(FormField(line_form(self.line))).bind(form=form, name="blank")
        blank.process(None)
        entry = blank.append_entry(self.blank_line)
        for one in (entry, *entry.form):
            one.name = one.id = one.name.replace("blank-0", "blank")
        return {"blank_line": entry, "categories": rules.tree(db.session)}

    def _render_form(self, form, row, fields, conflict=None, problem=None):
        if not form.lines.entries and (self.lines_needed or request.method == "GET"):
            form.lines.append_entry(self.blank_line)
        return super()._render_form(form, row, fields, conflict, problem)


def mark(row) -> str:
    """A mark that changes with the lines of a document."""
    return hashlib.sha256(repr([(line.id, line.version) for line in row.living]).encode()).hexdigest()[:16]

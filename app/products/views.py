"""The screens of products, categories and price lists (manual 4.9.2, 4.9.3)."""
from flask import render_template, request
from markupsafe import Markup

from app.core import money
from app.core.words import _l
from app.customers.models import Customer
from app.extensions import db
from app.views import bar, cells
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import pictures, rules
from .models import PriceList, Product, ProductCategory


class ProductCategoryView(EntityView):
    """The branches of the product tree."""

    model = ProductCategory
    menu = MenuItem("system", _l("Product categories"), icon="category", position=40)
    title, add_label = _l("Product categories"), _l("New category")
    list_columns = "name above code position note"
    conditions = "above"
    default_sort = "position.asc"
    sections = [Section(_l("Category"), "name above code position note")]
    check_save = staticmethod(rules.check_category)
    check_delete = staticmethod(rules.check_delete_category)


class ProductView(EntityView):
    """What we sell."""

    model = Product
    menu = MenuItem("system", _l("Products"), icon="package", position=45)
    title, add_label = _l("Products"), _l("New product")
    list_columns = "name code category spec unit price cost lowest tax_rate state"
    quick_filters = [QuickFilter("on", _l("On sale"), lambda who: Product.state == "on", default=True),
                     QuickFilter("off", _l("Off sale"), lambda who: Product.state == "off")]
    conditions = "category unit | created_at"
    quick_fields = "code name category spec unit price tax_rate"
    head = "state code category"
    facts = "price/unit lowest cost tax_rate"
    bar = "edit on off copy"
    sections = [Section(_l("Product"), "code name category spec unit state"), Section(_l("Prices"), "price lowest cost tax_rate"),
                Section(_l("Description"), "note"), Section(_l("System data"), "created_by created_at changed_at")]
    actions_declared = [
        Action("on", _l("Put on sale"), rules.put_on_sale, icon="circle-check", shown=lambda row: row.state != "on"),
        Action("off", _l("Take off sale"), rules.take_off_sale, icon="ban", shown=lambda row: row.state == "on")]
    check_save = staticmethod(rules.check_product)
    check_delete = staticmethod(rules.check_delete_product)

    def row_pictures(self, rows):
        """The first picture of each, room for one where others have some."""
        found = pictures.first(db.session, [row.id for row in rows])
        blank = Markup('<span class="k-pic"></span>') if found else ""
        return {row.id: Markup('<img class="k-pic" src="/file/{}/small" alt="" loading="lazy">').format(found[row.id].id)
                if row.id in found else blank for row in rows}

    def below(self, row):
        """Its pictures."""
        may = self.may("edit") and bar.editable(self, row)
        return Markup(render_template("products/pictures.html", item=row, pictures=pictures.of(db.session, row.id), may=may))

    def hint(self, row):
        """Code and price beside the name."""
        return f"{row.code} · ¥{money.shown(row.price)}"

    def choosable(self, wanted):
        """Only what is on sale."""
        return wanted.where(Product.state == "on")

    def options(self, rows):
        """What a document's line takes over: name, unit, tax, and the price of the customer's level."""
        customer = request.args.get("customer", "")
        buyer = db.session.get(Customer, int(customer)) if customer.isdecimal() and len(customer) < 16 else None
        prices = rules.prices_for(db.session, rows, buyer.level if buyer else None)
        return [{"code": row.code, "fill": {
            "name": row.name, "spec": row.spec or "", "unit": row.unit or "", "list_price": f"{money.to_yuan(prices[row.id])}",
            "price": f"{money.to_yuan(prices[row.id])}", "tax_rate": cells.hundredths(row.tax_rate or 0)},
            "lowest": row.lowest and f"{money.to_yuan(row.lowest)}"} for row in rows]


class PriceListView(EntityView):
    """Prices by customer level."""

    model = PriceList
    menu = MenuItem("system", _l("Price lists"), icon="tags", position=47)
    title, add_label = _l("Price lists"), _l("New price")
    list_columns = "product level price starts_on ends_on"
    parents = {ProductView: "product"}
    conditions = "product level"
    sections = [Section(_l("Price"), "product level price starts_on ends_on")]
    check_save = staticmethod(rules.check_price)

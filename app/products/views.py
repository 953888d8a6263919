"""The screens of products, categories and price lists (manual 4.9.2, 4.9.3)."""
from flask import request

from app.core.words import _l
from app.customers.models import Customer
from app.extensions import db
from app.views import cells
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import rules
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
    conditions = "category unit created_at"
    head = "code state category"
    facts = "price cost lowest tax_rate unit spec"
    sections = [Section(_l("Product"), "code name category spec unit state"), Section(_l("Prices"), "price lowest cost tax_rate"),
                Section(_l("Description"), "note"), Section(_l("System data"), "created_by created_at changed_at")]
    actions_declared = [
        Action("on", _l("Put on sale"), rules.put_on_sale, icon="circle-check", shown=lambda row: row.state != "on"),
        Action("off", _l("Take off sale"), rules.take_off_sale, icon="ban", shown=lambda row: row.state == "on")]
    check_save = staticmethod(rules.check_product)
    check_delete = staticmethod(rules.check_delete_product)

    def hint(self, row):
        """Code and price beside the name."""
        return f"{row.code} · ¥{row.price / 100:,.2f}"

    def choosable(self, wanted):
        """Only what is on sale."""
        return wanted.where(Product.state == "on")

    def option(self, row):
        """What a document's line takes over: the price of the customer's level."""
        customer = request.args.get("customer", "")
        buyer = db.session.get(Customer, int(customer)) if customer.isdecimal() else None
        price = rules.price_for(db.session, row, buyer.level if buyer else None)
        return {"fill": {"name": row.name, "spec": row.spec or "", "unit": row.unit or "", "list_price": f"{price / 100:.2f}",
                         "price": f"{price / 100:.2f}", "tax_rate": cells.hundredths(row.tax_rate or 0)}}


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

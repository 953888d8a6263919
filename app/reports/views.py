"""What the reports' bars ask of earlier lists."""
from app.contracts.views import ContractView
from app.core.words import _l
from app.customers.views import CustomerView
from app.extensions import db
from app.products.models import Product, ProductCategory
from app.views.declare import Asked

from . import figures, products


def _name(model):
    return lambda value: str(db.session.get(model, int(value)) or "") if value.isdecimal() else "—"


ContractView.asked = {**ContractView.asked, "product": Asked(_l("Product"), products.holds("product"), _name(Product)),
                      "category": Asked(_l("Product category"), products.holds("category"), _name(ProductCategory))}
CustomerView.asked = {**CustomerView.asked, "reached": Asked(_l("Conversion"), figures.reached,
                                                             lambda step: str(dict(figures.STEPS).get(step, step)))}

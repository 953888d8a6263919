"""The rows of a document's lines in a sheet: products with their prices, or the expenses of a claim."""
from app.approvals import rules as approvals
from app.core import clock, money
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _
from app.customers.models import Customer
from app.expenses.rules import check_expense, take_in
from app.products import rules as products
from app.products.models import Product

PLAIN = ("name", "spec", "unit", "quantity", "price", "is_taxed", "tax_rate", "note")


class Mismatch(RuleError):
    """A refusal that belongs to one row of the document."""

    def __init__(self, row, message, field):
        super().__init__(message, field)
        self.row = row


def said(line, part: str) -> list[tuple]:
    """(row, {field name: value}) of the rows that say something of a line."""
    found = [(row, {t.partition(".")[2]: v for t, v in row.values.items() if t.startswith(part + ".")}) for row in line.rows]
    return [(row, values) for row, values in found if values]


def put(session, document, model, rows, code) -> bool:
    """Make the sheet's lines those of a document, in their order; those that it does not name are taken out. Whether any changed."""
    there, changed = list(document.living) if document.id else [], False
    buyer = session.get(Customer, document.customer_id) if document.customer_id else None
    for place, (row, values) in enumerate(rows):
        fresh = place >= len(there)
        one = model() if fresh else there[place]
        if fresh:
            document.lines.append(one)
        changed |= _fill(session, one, {key: code(describe(model)[key], value) for key, value in values.items()}, place,
                         buyer and buyer.level) or fresh
        try:
            products.check_line(one)
        except RuleError as no:
            raise Mismatch(row, str(no), _wrong(one)) from no
    for gone in there[len(rows):]:
        gone.deleted_at, changed = clock.now(), True
    return changed


def _wrong(one) -> str:
    """The field that a refused line is wrong in."""
    if not one.name:
        return "name"
    return "price" if one.price is None or one.price < 0 else "quantity" if one.quantity <= 0 else "tax_rate"


def _fill(session, one, values: dict, place: int, level) -> bool:
    """What the product knows need not stand in the sheet; the list price and cost of a sheet are those of their day."""
    before = {key: getattr(one, key) for key in (*PLAIN, "product_id", "list_price", "cost")}
    product = session.get(Product, values["product"]) if values.get("product") else None
    if product is None:
        one.product_id = one.list_price = one.cost = None
    elif "list_price" in values:
        cost = values.get("cost", one.cost if one.product_id == product.id else product.cost)
        one.product_id, one.list_price, one.cost = product.id, values["list_price"], cost
    elif one.product_id != product.id:
        one.product_id = product.id
        products.fresh_line(session, one, level)
    known = {"name": product.name, "spec": product.spec, "unit": product.unit, "price": one.list_price,
             "tax_rate": product.tax_rate} if product else {}
    for key in PLAIN:
        value = values.get(key, known.get(key))
        setattr(one, key, describe(type(one))[key].first() if value is None else value)
    one.position = place
    return before != {key: getattr(one, key) for key in before}


def compare(document, rows, lines, totals: dict) -> None:
    """What the program reckons is what the sheet says: Mismatch at the row and column that differ. `totals`: of the document by field."""
    for (row, values), one in zip(rows, lines, strict=False):
        if "amount" in values and values["amount"] != one.amount:
            raise Mismatch(row, _("this line makes %(sum)s", sum=money.shown(one.amount)), "amount")
    for name, value in totals.items():
        if value != (reckoned := getattr(document, name) or 0):
            raise RuleError(_("the lines add up to %(sum)s", sum=money.shown(reckoned)), name)


def expenses(session, claim, model, rows, code) -> list:
    """The expenses of a new claim by their own rules, not in the session yet."""
    found = []
    for row, values in rows:
        one = model(owner_id=claim.owner_id, state="open", approval="none")
        for key, field in describe(model).items():
            if field.stored and key not in ("owner", "state", "approval"):
                value = code(field, values[key]) if key in values else field.first() if field.kind in ("date", "whole") else None
                if value is not None:
                    setattr(one, field.key, value)
        try:
            check_expense(session, one)
        except RuleError as no:
            raise Mismatch(row, str(no), no.field) from no
        found.append(one)
    return found


def gather(session, claim, found) -> None:
    """Put the new expenses into their claim."""
    session.add_all(found)
    session.flush()
    for one in found:
        approvals.require(session, one)
    take_in(session, claim, found)
    session.refresh(claim, ["amount"])

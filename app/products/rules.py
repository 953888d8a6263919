"""What the business says of products and prices (manual 4.9.2, 4.9.3)."""
from sqlalchemy import func, or_, select

from app.core import clock, entity
from app.core.rules import RuleError
from app.core.words import _

from .amounts import WHOLE, settle
from .models import Line, PriceList, Product, ProductCategory

DEEPEST = 20


def check_category(session, category) -> None:
    """No circle, at most 20 levels, one name once under its parent."""
    seen, above = {category.id} - {None}, category.above_id
    while above:
        if above in seen or len(seen) >= DEEPEST:
            raise RuleError(_("A category cannot stand below itself."), "above")
        seen.add(above)
        above = session.get(ProductCategory, above).above_id
    twin = select(ProductCategory.id).where(ProductCategory.name == category.name, ProductCategory.id != (category.id or 0),
                                            ProductCategory.above_id.is_not_distinct_from(category.above_id))
    if session.scalar(twin.limit(1)):
        raise RuleError(_("This category is there already."), "name")


def check_delete_category(session, category) -> None:
    """Not with products or categories below it (product.md 4.9.2)."""
    if session.scalar(select(ProductCategory.id).where(ProductCategory.above_id == category.id).limit(1)):
        raise RuleError(_("%(name)s cannot be deleted: there are categories below it.", name=category.name))
    if n := session.scalar(select(func.count(Product.id)).where(Product.category_id == category.id)):
        raise RuleError(_("%(name)s cannot be deleted: it has %(n)d products.", name=category.name, n=n))


def branch(session, category_id: int) -> list[int]:
    """The ids of a category and all below it."""
    pairs = session.execute(select(ProductCategory.id, ProductCategory.above_id)).all()
    found, todo = [category_id], [category_id]
    while todo:
        at = todo.pop()
        below = [i for i, above in pairs if above == at and i not in found]
        found, todo = found + below, todo + below
    return found


def check_product(session, product) -> None:
    """The code is there only once; prices are not negative; the lowest is not above the standard price."""
    if session.scalar(select(Product.id).where(Product.code == product.code, Product.id != (product.id or 0)).limit(1)):
        raise RuleError(_("Another product has this code."), "code")
    for name in ("price", "cost", "lowest", "tax_rate"):
        if (getattr(product, name) or 0) < 0:
            raise RuleError(_("This must not be negative."), name)
    if product.lowest and product.price is not None and product.lowest > product.price:
        raise RuleError(_("The lowest price is above the standard price."), "lowest")


def check_delete_product(session, product) -> None:
    """A used product is taken off sale, not deleted."""
    for model in entity.entities():
        if issubclass(model, Line) and session.scalar(
                select(model.id).where(model.product_id == product.id).limit(1).execution_options(everyone=True)):
            raise RuleError(_("%(name)s is used in documents: take it off sale instead of deleting it.", name=product.name))


def check_price(session, price) -> None:
    """The time is in order and does not overlap another price of the same product and level."""
    if price.starts_on and price.ends_on and price.ends_on < price.starts_on:
        raise RuleError(_("The end is before the start."), "ends_on")
    others = select(PriceList).where(PriceList.product_id == price.product_id, PriceList.level == price.level,
                                     PriceList.id != (price.id or 0))
    for other in session.scalars(others):
        apart = (other.ends_on and price.starts_on and other.ends_on < price.starts_on) or (
            price.ends_on and other.starts_on and price.ends_on < other.starts_on)
        if not apart:
            raise RuleError(_("There is a price for this level at that time already."), "starts_on")


def put_on_sale(session, rows):
    """Let products be chosen in documents."""
    for product in rows:
        product.state = "on"


def take_off_sale(session, rows):
    """Products that can no longer be chosen; old documents keep them."""
    for product in rows:
        product.state = "off"


def price_for(session, product, level: str | None) -> int:
    """Today's price of a product for a customer level, in fen: the price list's, else the standard price."""
    today = clock.today()
    listed = select(PriceList.price).where(
        PriceList.product_id == product.id, PriceList.level == level, or_(PriceList.starts_on.is_(None), PriceList.starts_on <= today),
        or_(PriceList.ends_on.is_(None), PriceList.ends_on >= today)).limit(1)
    found = session.scalar(listed) if level else None
    return product.price if found is None else found


def fresh_line(session, line, level: str | None) -> None:
    """A line whose product was chosen just now takes its list price and cost of the day."""
    product = session.get(Product, line.product_id)
    if product.state != "on":
        raise RuleError(_("%(name)s is off sale.", name=product.name), "lines")
    line.list_price, line.cost = price_for(session, product, level), product.cost


def check_lines(session, document, lines, needed: bool = False) -> None:
    """Lines make sense; the document's sums are made anew. A document without lines keeps its typed amount."""
    if needed and not lines:
        raise RuleError(_("At least one line is needed."), "lines")
    if not 0 <= (WHOLE if document.discount is None else document.discount) <= WHOLE:
        raise RuleError(_("The discount is between 0 and 100."), "discount")
    if min(document.reduction or 0, document.fees or 0) < 0:
        raise RuleError(_("This must not be negative."), "reduction" if (document.reduction or 0) < 0 else "fees")
    for line in lines:
        if line.price < 0 or line.quantity <= 0 or not 0 <= (line.tax_rate or 0) <= WHOLE:
            raise RuleError(_("A line has a negative price, no quantity or a wrong tax rate."), "lines")
    if lines:
        settle(document, lines)
        if document.amount < 0:
            raise RuleError(_("The reduction is larger than the sum."), "reduction")
    else:
        document.lines_amount = document.tax = 0


def below_lowest(session, lines) -> list:
    """The lines sold below the lowest price of their product."""
    ids = {line.product_id for line in lines if line.product_id}
    lowest = dict(session.execute(select(Product.id, Product.lowest).where(Product.id.in_(ids))).all()) if ids else {}
    return [line for line in lines if line.product_id and (lowest.get(line.product_id) or 0) > line.price]

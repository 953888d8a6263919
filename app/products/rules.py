"""What the business says of products and prices (manual 4.9.2, 4.9.3)."""
from sqlalchemy import func, inspect, or_, select

from app.core import clock, entity
from app.core.money import LIMIT, half_up
from app.core.rules import RuleError
from app.core.words import _

from .amounts import WHOLE, gross, settle
from .models import Line, PriceList, Product, ProductCategory

DEEPEST = 20


def check_category(session, category) -> None:
    """No circle, at most 20 levels, one name once under its parent."""
    above, depth = category.above_id, 1
    while above:
        if above == category.id or depth > DEEPEST:
            raise RuleError(_("A category cannot stand below itself."), "above")
        above, depth = session.get(ProductCategory, above).above_id, depth + 1
    if depth + (_height(session, category.id) if category.id else 0) > DEEPEST:
        raise RuleError(_("At most %(n)d levels of categories.", n=DEEPEST), "above")
    twin = select(ProductCategory.id).where(ProductCategory.name == category.name, ProductCategory.id != (category.id or 0),
                                            ProductCategory.above_id.is_not_distinct_from(category.above_id))
    if session.scalar(twin.limit(1)):
        raise RuleError(_("This category is there already."), "name")


def _height(session, category_id: int) -> int:
    """How many levels stand below a category."""
    below = list(session.scalars(select(ProductCategory.id).where(ProductCategory.above_id == category_id)))
    return 1 + max(_height(session, i) for i in below) if below else 0


def check_delete_category(session, category) -> None:
    """Not with products or categories below it (product.md 4.9.2)."""
    if session.scalar(select(ProductCategory.id).where(ProductCategory.above_id == category.id).limit(1)):
        raise RuleError(_("%(name)s cannot be deleted: there are categories below it.", name=category.name))
    if n := session.scalar(select(func.count(Product.id)).where(Product.category_id == category.id)):
        raise RuleError(_("%(name)s cannot be deleted: it has %(n)d products.", name=category.name, n=n))


def tree(session) -> list[tuple[int, str, int]]:
    """(id, name, depth) of all categories, each branch under its top."""
    rows = session.execute(select(ProductCategory.id, ProductCategory.above_id, ProductCategory.name).order_by(
        ProductCategory.position, ProductCategory.id)).all()
    below: dict = {}
    for row in rows:
        below.setdefault(row.above_id, []).append(row)

    def walk(above, depth):
        for row in below.get(above, ()):
            yield row.id, row.name, depth
            yield from walk(row.id, depth + 1)
    return list(walk(None, 0))


def check_product(session, product) -> None:
    """The code is there only once; prices are not negative; the lowest is not above the standard price."""
    if session.scalar(select(Product.id).where(Product.code == product.code, Product.id != (product.id or 0)).limit(1)):
        raise RuleError(_("Another product has this code."), "code")
    for name in ("price", "cost", "lowest", "tax_rate"):
        if (getattr(product, name) or 0) < 0:
            raise RuleError(_("This must not be negative."), name)
    if (product.tax_rate or 0) > WHOLE:
        raise RuleError(_("The tax rate is between 0 and 100."), "tax_rate")
    if product.lowest and product.price is not None and product.lowest > product.price:
        raise RuleError(_("The lowest price is above the standard price."), "lowest")


def check_delete_product(session, product) -> None:
    """A used product is taken off sale, not deleted."""
    for model in entity.entities():
        if issubclass(model, Line) and session.scalar(
                select(model.id).where(model.product_id == product.id).limit(1).execution_options(everyone=True)):
            raise RuleError(_("%(name)s is used in documents: take it off sale instead of deleting it.", name=product.name))


def check_price(session, price) -> None:
    """Not negative, not below the product's lowest price; the time is in order and does not overlap another price of the same
    product and level."""
    if price.price < 0:
        raise RuleError(_("This must not be negative."), "price")
    if price.price < (session.get(Product, price.product_id).lowest or 0):
        raise RuleError(_("This is below the product's lowest price."), "price")
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


def prices_for(session, products, level: str | None) -> dict[int, int]:
    """Today's prices of products for a customer level by product id, in fen: the price list's, else the standard price."""
    today, found = clock.today(), {p.id: p.price for p in products}
    if level and found:
        found |= dict(session.execute(select(PriceList.product_id, PriceList.price).where(
            PriceList.product_id.in_(found), PriceList.level == level, or_(PriceList.starts_on.is_(None), PriceList.starts_on <= today),
            or_(PriceList.ends_on.is_(None), PriceList.ends_on >= today))).all())
    return found


def price_for(session, product, level: str | None) -> int:
    """Today's price of one product for a customer level, in fen."""
    return prices_for(session, [product], level)[product.id]


def fresh_line(session, line, level: str | None) -> None:
    """A line whose product was chosen just now takes its list price and cost of the day."""
    product = session.get(Product, line.product_id)
    if product.state != "on":
        raise RuleError(_("%(name)s is off sale.", name=product.name), "lines")
    line.list_price, line.cost = price_for(session, product, level), product.cost


def carried_line(session, line, source: str) -> bool:
    """A line that goes from one document into the next ("quote_line:7") keeps the list price and cost of its day, also of a product
    that went off sale since. False when there is no such line of this product that the person may see."""
    table, _colon, key = source.partition(":")
    kind = next((m for m in entity.entities() if issubclass(m, Line) and m.__tablename__ == table), None)
    former = session.get(kind, int(key)) if kind and key.isascii() and key.isdecimal() and len(key) < 16 else None
    if former is None or former.product_id != line.product_id:
        return False
    whole = entity.by_name(kind.part_of)
    if session.scalar(select(whole.id).where(whole.id == getattr(former, f"{kind.part_of}_id"))) is None:
        return False
    line.list_price, line.cost = former.list_price, former.cost
    return True


def check_line(line) -> None:
    """A line has a name, a price that is not negative, something of it, and a tax rate of 0 to 100 %."""
    if not line.name or line.price is None:
        raise RuleError(_("Every line needs a name and a price."), "lines")
    if line.price < 0 or line.quantity <= 0 or not 0 <= (line.tax_rate or 0) <= WHOLE:
        raise RuleError(_("A line has a negative price, no quantity or a wrong tax rate."), "lines")


def check_lines(session, document, lines, needed: bool = False) -> None:
    """Lines make sense; the document's sums are made anew. A document without lines keeps its typed amount; with lines, another
    total than theirs that was typed goes into the reduction, or into the fees, so that everything still adds up (product.md 5.2)."""
    if needed and not lines:
        raise RuleError(_("At least one line is needed."), "lines")
    if not 0 <= (WHOLE if document.discount is None else document.discount) <= WHOLE:
        raise RuleError(_("The discount is between 0 and 100."), "discount")
    for name in ("reduction", "fees"):
        if (getattr(document, name) or 0) < 0:
            raise RuleError(_("This must not be negative."), name)
    for line in lines:
        check_line(line)
    if not lines:
        document.lines_amount, document.tax, document.cost = 0, 0, None
        return
    typed = _typed(document)
    settle(document, lines)
    if max(document.lines_amount, document.amount) >= LIMIT or max(line.amount for line in lines) >= LIMIT:
        raise RuleError(_("This amount is too large."), "lines")
    if typed is not None and typed != document.amount and typed >= 0:
        overwrite(document, typed)
    if document.amount < 0:
        raise RuleError(_("The reduction is larger than the sum."), "reduction")


def _typed(document) -> int | None:
    """The total that somebody has just typed into a document, if it may be typed at all."""
    state = inspect(document)
    if state.mapper.columns["amount"].info.get("readonly"):
        return None
    return document.amount if not state.persistent or state.attrs.amount.history.has_changes() else None


def overwrite(document, total: int) -> None:
    """Give a document of lines another total: less becomes a reduction; more undoes the reduction, the rest is a fee."""
    more = total - document.amount
    back = min(document.reduction or 0, more) if more > 0 else more
    document.reduction = (document.reduction or 0) - back
    document.fees = (document.fees or 0) + more - back
    document.amount = total


def below_lowest(session, document) -> list:
    """The lines that are sold below the lowest price of their product, after the document's discount and reduction; a price without
    tax counts with its tax."""
    lines = getattr(document, "living", [])
    ids = {line.product_id for line in lines if line.product_id}
    if not ids:
        return []
    lowest = dict(session.execute(select(Product.id, Product.lowest).where(Product.id.in_(ids))).all())
    whole = document.lines_amount or 1
    paid = (document.amount or 0) - (document.fees or 0)

    def sold(line):
        return half_up(gross(line.price, 1000, line.tax_rate or 0, bool(line.is_taxed)) * paid, whole)
    return [line for line in lines if line.product_id and (lowest.get(line.product_id) or 0) > sold(line)]

"""How a document adds up, to the fen (product.md 5.2). One rounding rule: half up, at these places only.

A line's gross amount: price × quantity, rounded; where the price is without tax, plus its tax, rounded. The document's
discount is taken from the running sum of the lines, so that the discounted lines add up to the discounted sum without a
fen left over; each line's tax is taken out of its own discounted amount. Then the reduction goes off, fees come on top.
"""
from dataclasses import dataclass

from app.core.money import half_up

WHOLE = 10_000  # 100 % in hundredths of a percent


@dataclass(frozen=True)
class Totals:
    """What a document adds up to, in fen: `lines` before, `discounted` after the discount, `tax` in it, the `amount`."""

    lines: int
    discounted: int
    tax: int
    amount: int
    cost: int | None


def gross(price: int, quantity: int, rate: int, taxed: bool) -> int:
    """A line's amount with tax: price in fen, quantity in thousandths, rate in hundredths of a percent."""
    net = half_up(price * quantity, 1000)
    return net if taxed else net + half_up(net * rate, WHOLE)


def tax_in(amount: int, rate: int) -> int:
    """The tax contained in an amount."""
    return half_up(amount * rate, WHOLE + rate)


def price_of(list_price: int, discount: int) -> int:
    """A price at so many hundredths of a percent of the list price."""
    return half_up(list_price * discount, WHOLE)


def discount_of(list_price: int | None, price: int) -> int:
    """What a price is of the list price; 100 % without one."""
    return half_up(price * WHOLE, list_price) if list_price else WHOLE


def add_up(lines, discount=WHOLE, reduction=0, fees=0) -> Totals:
    """Sets `amount`, `tax` and `discount` of every line and returns the totals of the document."""
    running = before = taxes = 0
    cost: int | None = 0
    for line in lines:
        rate = line.tax_rate or 0
        line.amount = gross(line.price, line.quantity, rate, bool(line.is_taxed))
        line.discount = discount_of(line.list_price, line.price)
        share = half_up((running + line.amount) * discount, WHOLE) - before
        running, before = running + line.amount, before + share
        line.tax = tax_in(share, rate)
        taxes += line.tax
        cost = None if cost is None or line.cost is None else cost + half_up(line.cost * line.quantity, 1000)
    return Totals(running, before, taxes, before - reduction + fees, cost)


def settle(document, lines) -> None:
    """Write what the lines add up to into their document (a `Priced`)."""
    totals = add_up(lines, WHOLE if document.discount is None else document.discount, document.reduction or 0, document.fees or 0)
    document.lines_amount, document.tax, document.amount, document.cost = totals.lines, totals.tax, totals.amount, totals.cost

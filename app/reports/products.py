"""What was sold: lines of valid contracts by product and by category."""
from sqlalchemy import func, select

from app.contracts.models import Contract, ContractLine
from app.products.models import Product, ProductCategory

from .figures import REPORTS, Asked

GROUPS = {"product": (ContractLine.product_id, Product), "category": (Product.category_id, ProductCategory)}


def holds(group: str):
    """A condition of the contract list: "has a line of this product (category)"; ValueError for what is no id."""
    key = GROUPS[group][0]

    def rule(value: str):
        wanted = select(ContractLine.id).where(ContractLine.contract_id == Contract.id, ContractLine.deleted_at.is_(None))
        if value == "=":
            return wanted.where(ContractLine.product_id.is_(None)).exists()
        if group == "category":
            wanted = wanted.join(Product, Product.id == ContractLine.product_id)
        return wanted.where(key == int(value)).exists()
    return rule


def sold(group: str, *by):
    """SELECT of product (category), `by`, contracts, quantity (thousandths), amount (fen) of the lines."""
    key = GROUPS[group][0]
    amount = func.coalesce(func.sum(ContractLine.amount), 0)
    return select(key, *by, func.count(Contract.id.distinct()), func.coalesce(func.sum(ContractLine.quantity), 0), amount).select_from(
        ContractLine).join(Contract, Contract.id == ContractLine.contract_id).join(
        Product, Product.id == ContractLine.product_id, isouter=True).where(ContractLine.deleted_at.is_(None)).group_by(
        key, *by).order_by(amount.desc(), key)


def names(session, group: str, ids) -> dict[int, str]:
    """What products (categories) are called."""
    model = GROUPS[group][1]
    return {one.id: str(one) for one in session.scalars(select(model).where(model.id.in_([i for i in ids if i])))}


def spread(session, group: str, asked: Asked, limit: int | None = 12) -> list[dict]:
    """{label, value, n (contracts), quantity (thousandths), amount (fen of the lines), url}, the largest sums first."""
    report = REPORTS["contracts"]
    rows = session.execute(sold(group).where(*asked.clauses(report)).limit(limit)).all()
    named = names(session, group, [row[0] for row in rows])
    return [{"label": named.get(value, "—"), "value": value, "n": n, "quantity": int(quantity), "amount": int(fen),
             "url": asked.link(report, **{group: value or "="})} for value, n, quantity, fen in rows]

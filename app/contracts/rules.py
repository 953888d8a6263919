"""What the business says of contracts and orders (manual 4.6, product.md 4.6)."""
import datetime as dt

from sqlalchemy import and_, func, select

from app.approvals import rules as approvals
from app.core import clock, parameters
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Customer
from app.opportunities.models import Opportunity
from app.products.rules import check_lines
from app.quotes.models import Quote
from app.quotes.rules import check_of_customer

from .models import Contract

parameters.declare("contract.warn_days", _l("Contracts and orders"), _l("Days before the end to remind"), "whole", 30,
                   _l("Contracts that end within so many days are listed as ending soon."), low=1, high=365)
parameters.declare("contract.limit", _l("Contracts and orders"), _l("Largest contract amount"), "money", 10**13,
                   _l("Larger amounts are refused as a typing error."))
CLOSED = ("void", "archived")


def is_valid():
    """The clause "counts as signed": not void, not waiting for approval or rejected."""
    return and_(Contract.state != "void", approvals.counts(Contract))


def check_contract(session, contract) -> None:
    """Unique number, dates in order, an amount above zero that covers what was received; sums made anew."""
    check_of_customer(session, contract)
    if contract.quote_id:
        quote = session.get(Quote, contract.quote_id)
        if quote is None or quote.customer_id != contract.customer_id:
            raise RuleError(_("This quote belongs to another customer."), "quote")
        approvals.require(session, quote)
    if contract.number and session.scalar(
        select(Contract.id)
        .where(Contract.number == contract.number, Contract.id != (contract.id or 0))
        .limit(1)
        .execution_options(everyone=True, with_trash=True)
    ):
        raise RuleError(_("This contract number is there already."), "number")
    if contract.starts_on and contract.ends_on and contract.ends_on < contract.starts_on:
        raise RuleError(_("The contract ends before it starts."), "ends_on")
    check_lines(session, contract, contract.living)
    if not contract.amount or contract.amount <= 0:
        raise RuleError(_("The amount must be above zero."), "amount")
    if contract.amount > parameters.get(session, "contract.limit"):
        raise RuleError(_("The amount is above the limit of the system parameters."), "amount")
    for check in AMOUNT_CHECKS:
        check(session, contract)


AMOUNT_CHECKS: list = []  # later modules: function(session, contract) refuses an amount below what hangs on it


def check_change(session, contract) -> None:
    """Approved, void and archived ones are read-only."""
    approvals.check_change(session, contract)
    if contract.state in CLOSED:
        raise RuleError(_("%(name)s is void or archived and cannot be changed.", name=contract))


def signed(session, contract) -> None:
    """A valid contract makes its customer 已成交, from the day it was signed (product.md 4.6)."""
    if contract.state == "void" or contract.approval in ("pending", "rejected") or (
            contract.approval != "approved" and approvals.matching(session, contract)):
        return
    customer = session.get(Customer, contract.customer_id)
    if not customer.is_won or (customer.won_at and contract.signed_on < customer.won_at):
        customer.is_won, customer.won_at = True, contract.signed_on
        if customer.status in (None, "potential", "interested", "lost"):
            customer.status = "won"
    deal = session.get(Opportunity, contract.opportunity_id) if contract.opportunity_id else None
    if deal is not None and deal.closed_on is None:
        from app.opportunities.rules import codes, move
        move(session, [deal], codes(session, "won")[0])


approvals.APPROVED["contract"] = signed


# ---- named filters --------------------------------------------------------------------------------------------
def ending(session_days: int = 30):
    """A filter: runs out within so many days."""
    def rule(who):
        today = clock.today()
        return and_(Contract.state.in_(("signed", "running")), Contract.ends_on.between(today, today + dt.timedelta(session_days)))
    return rule


def ended(who):
    """The end has passed, and it is neither fulfilled nor closed."""
    return and_(Contract.state.in_(("signed", "running")), Contract.ends_on < clock.today())


def unpaid(who):
    """Valid and not fully received."""
    return and_(is_valid(), Contract.received < Contract.amount)


def signed_this_month(who):
    """Valid and signed in this month."""
    return and_(is_valid(), Contract.signed_on >= clock.today().replace(day=1), Contract.signed_on <= clock.today())


# ---- actions --------------------------------------------------------------------------------------------------
WAY = {"unsigned": "signed", "signed": "running", "running": "done"}


def to_state(state: str):
    """An action: into a later state of the way to be signed → signed → running → fulfilled."""
    def rule(session, rows):
        for contract in rows:
            if contract.state in (*CLOSED, state):
                raise RuleError(_("%(name)s cannot go into this state.", name=contract))
            if contract.approval != "approved":
                approvals.require(session, contract)
            contract.state = state
            signed(session, contract)
    return rule


def void(session, rows, reason):
    """作废: with a reason, for good; not while money was received."""
    for contract in rows:
        if contract.state == "void":
            raise RuleError(_("%(name)s is void already.", name=contract))
        if contract.state == "archived":
            raise RuleError(_("%(name)s is archived.", name=contract))
        if contract.approval == "pending":
            raise RuleError(_("%(name)s is in approval: withdraw it first.", name=contract))
        if contract.received:
            raise RuleError(_("%(name)s has payments: refund them first.", name=contract))
        contract.state, contract.void_reason = "void", reason


def archive(session, rows):
    """归档: no edit, no deletion, no voiding any more; only fulfilled or void contracts."""
    for contract in rows:
        if contract.state not in ("done", "void"):
            raise RuleError(_("Only fulfilled or void contracts can be archived."))
        contract.state = "archived"


def transfer(session, rows, owner):
    """Give contracts to another person; not void ones (product.md 4.6)."""
    for contract in rows:
        if contract.state == "void":
            raise RuleError(_("%(name)s is void and stays where it is.", name=contract))
        contract.owner_id = owner


# ---- figures --------------------------------------------------------------------------------------------------
def customer_figures(session, customer) -> dict[str, int]:
    """{n, amount, received, spent} in fen of a customer's valid contracts that the person sees."""
    row = session.execute(
        select(
            func.count().label("n"),
            *(func.coalesce(func.sum(getattr(Contract, name)), 0).label(name) for name in ("amount", "received", "spent")),
        )
        .select_from(Contract)
        .where(Contract.customer_id == customer.id, is_valid())
    ).one()
    return {name: int(value) for name, value in row._mapping.items()}


def signed_between(session, first, after) -> int:
    """Fen of the valid contracts signed in [first, after), for the forecast."""
    return int(session.scalar(select(func.coalesce(func.sum(Contract.amount), 0)).where(
        is_valid(), Contract.signed_on >= first, Contract.signed_on < after)))

"""What the business says of contracts and orders (manual 4.6, product.md 4.6)."""
import datetime as dt

from sqlalchemy import and_, case, extract, false, func, inspect, or_, select, text

from app.approvals import rules as approvals
from app.core import clock, parameters, rollup
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Customer
from app.opportunities.models import Opportunity
from app.opportunities.rules import REOPENING, check_customer_stays, codes, move
from app.products.rules import check_lines
from app.quotes.models import Quote
from app.quotes.rules import USED, check_holds, check_limit, check_of_customer, check_said
from app.security.rules import give, members

from .models import NOT_IN_FORCE, Contract

parameters.declare("contract.warn_days", _l("Contracts and orders"), _l("Days before the end to remind"), "whole", 30,
                   _l("Contracts that end within so many days are listed as ending soon."), low=1, high=365)
parameters.declare("contract.limit", _l("Contracts and orders"), _l("Largest contract amount"), "money", 10**13,
                   _l("Larger amounts are refused as a typing error."))
CLOSED = ("void", "archived")
AMOUNT_CHECKS: list = []  # later modules: function(session, contract) refuses an amount below what hangs on it
VOID_CHECKS: list = []  # later modules: function(session, contract) refuses to void it
MOVED: list = []  # later modules: function(session, contract, former owner) when it was given to another person


def not_in_force():
    """SELECT of the ids of the few contracts that do not count: void, waiting for approval, rejected or in the trash, whoever asks."""
    return select(Contract.__table__.c.id).where(text(NOT_IN_FORCE))


def is_valid():
    """The clause "counts as signed": not void, not waiting for approval or rejected."""
    return and_(Contract.state != "void", approvals.counts(Contract))


def check_contract(session, contract) -> None:
    """Unique number, dates in order, an amount above zero that covers what was received; sums made anew. One that is signed later,
    or needs its approval first, is still to be signed."""
    check_customer_stays(session, contract)
    check_of_customer(session, contract)
    _check_quote(session, contract)
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
    check_limit(session, contract, "contract.limit", "amount")
    for check in AMOUNT_CHECKS:
        check(session, contract)
    approvals.on_save(session, contract)
    if not contract.id and contract.state in (None, "signed"):
        contract.state = "signed" if contract.signed_on <= clock.today() and approvals.is_settled(contract) else "unsigned"


def _check_quote(session, contract) -> None:
    """The quote is the customer's, has its approval and is in use."""
    state = inspect(contract)
    if not contract.quote_id or (state.persistent and not state.attrs.quote_id.history.has_changes()):
        return
    quote = session.get(Quote, contract.quote_id)
    if quote is None or quote.customer_id != contract.customer_id:
        raise RuleError(_("This quote belongs to another customer."), "quote")
    check_holds(session, quote)


def check_state(session, contract) -> None:
    """Void and archived ones are read-only."""
    if contract.state in CLOSED:
        raise RuleError(_("%(name)s is void or archived and cannot be changed.", name=contract))


approvals.STATES["contract"] = check_state
check_change = approvals.check_change


def _quote_used(session, quote) -> bool:
    wanted = select(Contract.id).where(Contract.quote_id == quote.id, Contract.state != "void").limit(1)
    return session.scalar(wanted.execution_options(everyone=True)) is not None


def _won_by(session, deal) -> None:
    """A deal with a contract is not reopened."""
    wanted = select(Contract).where(Contract.opportunity_id == deal.id, Contract.state != "void").limit(1)
    if contract := session.scalar(wanted.execution_options(everyone=True)):
        raise RuleError(_("%(name)s was made of it: void the contract first.", name=contract.number))


USED.append(_quote_used)
REOPENING.append(_won_by)


def signed(session, contract) -> None:
    """A valid signed contract wins its customer (`won`), closes its opportunity as won, and its quote is accepted (product.md 4.6)."""
    if contract.state == "unsigned" and contract.approval == "approved" and contract.signed_on <= clock.today():
        contract.state = "signed"
    if contract.state in ("void", "unsigned") or not approvals.is_settled(contract):
        return
    whole = {"execution_options": {"everyone": True}}  # whoever approves may see the contract alone
    customer = session.get(Customer, contract.customer_id, **whole)
    if customer is not None and customer.status in (None, "potential", "interested", "lost"):
        customer.status = "won"
    quote = session.get(Quote, contract.quote_id, **whole) if contract.quote_id else None
    if quote is not None and quote.state in ("draft", "sent"):
        quote.state = "accepted"
    deal = session.get(Opportunity, contract.opportunity_id, **whole) if contract.opportunity_id else None
    if deal is not None and deal.closed_on is None:
        move(session, [deal], codes(session, "won")[0])


approvals.APPROVED["contract"] = signed


def won(session, ids) -> dict[int, dict]:
    """成交状态 of customers: won since the first day on which a contract of theirs that still holds was signed; not won when the
    last one was voided or deleted."""
    t = Contract.__table__
    first = dict(session.connection().execute(select(t.c.customer_id, func.min(t.c.signed_on)).where(
        t.c.customer_id.in_(sorted(ids)), t.c.deleted_at.is_(None), t.c.state.not_in(("void", "unsigned")),
        or_(t.c.approval.is_(None), t.c.approval.in_(("none", "approved")))).group_by(t.c.customer_id)).all())
    return {i: {"is_won": i in first, "won_at": first.get(i)} for i in ids}


rollup.derive(Customer, "is_won won_at", won, (Contract, "customer_id"))


# ---- named filters --------------------------------------------------------------------------------------------
def under_way():
    """The clause: signed or running."""
    return Contract.state.in_(("signed", "running"))


def ending(days: int):
    """The clause: runs out within so many days."""
    today = clock.today()
    return and_(under_way(), Contract.ends_on.between(today, today + dt.timedelta(days)))


def ended(who):
    """The end has passed, and it is neither fulfilled nor closed."""
    return and_(under_way(), Contract.ends_on < clock.today())


def outstanding():
    """The SQL sum of what contracts still lack: what `Contract.outstanding` says of one row."""
    return func.sum(case((Contract.state == "void", 0), else_=Contract.amount - Contract.received))


def unpaid(who):
    """Valid and not fully received."""
    return and_(is_valid(), Contract.received < Contract.amount)


def signed_this_month(who):
    """Valid and signed in this month."""
    return and_(is_valid(), Contract.signed_on >= clock.today().replace(day=1), Contract.signed_on <= clock.today())


# ---- actions --------------------------------------------------------------------------------------------------
WAY = {"signed": ("unsigned",), "running": ("signed",), "done": ("signed", "running")}


def to_state(state: str):
    """An action: into a later state of the way to be signed → signed → running → fulfilled."""
    def rule(session, rows):
        for contract in rows:
            if contract.state not in WAY[state]:
                raise RuleError(_("%(name)s cannot go into this state.", name=contract))
            approvals.require(session, contract)
            contract.state = state
            signed(session, contract)
    return rule


def void(session, rows, reason):
    """作废: with a reason, for good; not while money was received or invoices stand. Customers with no other contract are then no
    longer won."""
    check_said(reason)
    for contract in rows:
        if contract.state == "void":
            raise RuleError(_("%(name)s is void already.", name=contract))
        if contract.state == "archived":
            raise RuleError(_("%(name)s is archived.", name=contract))
        if contract.approval == "pending":
            raise RuleError(_("%(name)s is in approval: withdraw it first.", name=contract))
        for check in VOID_CHECKS:
            check(session, contract)
        contract.state, contract.void_reason = "void", reason
        no_longer_won(session, contract)


def no_longer_won(session, contract) -> None:
    """A customer whose last contract goes is no 成交客户 any more, but an interested one."""
    held = select(Contract.id).where(Contract.customer_id == contract.customer_id, Contract.id != contract.id, is_valid())
    customer = session.get(Customer, contract.customer_id, execution_options={"everyone": True})
    if customer.status == "won" and session.scalar(held.limit(1).execution_options(everyone=True)) is None:
        customer.status = "interested"


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
        former = contract.owner_id
        give(session, [contract], owner)
        for more in MOVED:
            more(session, contract, former)


# ---- figures --------------------------------------------------------------------------------------------------
def figures_of(customer) -> dict:
    """{contracts, signed, received}: number and fen of a customer's valid contracts, as scalar subqueries."""
    mine = (Contract.customer_id == customer.id, is_valid())
    return {"contracts": select(func.count(Contract.id)).where(*mine).scalar_subquery(), **{
        name: select(func.coalesce(func.sum(column), 0)).where(*mine).scalar_subquery()
        for name, column in (("signed", Contract.amount), ("received", Contract.received))}}


def _ids(text: str) -> list[int]:
    """The ids of a condition: those joined by commas that are some."""
    return [int(i) for i in text.split(",") if i.isascii() and i.isdecimal() and len(i) < 10]


def signed_by_month(session, also: dict, first, after) -> dict:
    """{(year, month): fen} of the valid contracts signed in [first, after), for the forecast; `also`: owner or department."""
    year, month = extract("year", Contract.signed_on), extract("month", Contract.signed_on)
    narrow = {"owner": lambda ids: Contract.owner_id.in_(ids),
              "department": lambda ids: or_(false(), *(Contract.owner_id.in_(members(i)) for i in ids))}
    rows = session.execute(select(year, month, func.sum(Contract.amount)).where(
        is_valid(), Contract.signed_on >= first, Contract.signed_on < after, *(narrow[k](_ids(v)) for k, v in also.items())).group_by(
        year, month))
    return {(int(y), int(m)): int(fen) for y, m, fen in rows}

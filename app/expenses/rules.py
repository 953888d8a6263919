"""What the business says of expenses and claims (manual 4.8, product.md 4.8)."""
from sqlalchemy import func, select

from app.approvals import rules as approvals
from app.contracts.models import Contract
from app.contracts.rules import is_valid
from app.core import actor, clock
from app.core.rules import RuleError
from app.core.words import _
from app.quotes.rules import check_of_customer

from .models import Claim, Expense


def check_expense(session, expense) -> None:
    """Above zero, not in the future; contact, deal and contract belong to the customer, which a contract brings along."""
    if expense.amount <= 0:
        raise RuleError(_("The amount must be above zero."), "amount")
    if expense.spent_on > clock.today():
        raise RuleError(_("The day is in the future."), "spent_on")
    if (expense.slips or 0) < 0:
        raise RuleError(_("This must not be negative."), "slips")
    contract = session.get(Contract, expense.contract_id) if expense.contract_id else None
    if contract is not None and not expense.customer_id:
        expense.customer_id = contract.customer_id
    if expense.contract_id and (contract is None or contract.customer_id != expense.customer_id):
        raise RuleError(_("This contract belongs to another customer."), "contract")
    check_of_customer(session, expense)


def check_change(session, expense) -> None:
    """Approved, waiting, claimed and paid ones are read-only."""
    approvals.check_change(session, expense)
    if expense.state != "open":
        raise RuleError(_("%(name)s is part of a claim and cannot be changed.", name=expense))


def gather(session, rows, name):
    """Put one's own open expenses into a new claim (报销单)."""
    who = actor.current_id()
    for expense in rows:
        if expense.owner_id != who and who is not None:
            raise RuleError(_("Only one's own expenses can be claimed."))
        if expense.state != "open" or expense.approval in ("pending", "rejected"):
            raise RuleError(_("%(name)s cannot be claimed.", name=expense))
    claim = Claim(name=name, owner_id=rows[0].owner_id, state="draft", approval="none", amount=0)
    session.add(claim)
    session.flush()
    for expense in rows:
        expense.claim_id, expense.state = claim.id, "claimed"
    return claim


def check_claim_change(session, claim) -> None:
    """Approved and paid claims are read-only."""
    approvals.check_change(session, claim)
    if claim.state == "paid":
        raise RuleError(_("%(name)s is paid out.", name=claim))


def dissolve(session, rows):
    """Take a claim apart; its expenses are open again."""
    for claim in rows:
        check_claim_change(session, claim)
        for expense in session.scalars(select(Expense).where(Expense.claim_id == claim.id).execution_options(everyone=True)):
            expense.claim_id, expense.state = None, "open"
        session.flush()
        session.delete(claim)


def pay(session, rows):
    """The money was paid out; approval first where it is on."""
    for claim in rows:
        if claim.approval != "approved":
            approvals.require(session, claim)
        if claim.state == "paid":
            raise RuleError(_("%(name)s is paid out.", name=claim))
        claim.state, claim.paid_on = "paid", clock.today()
        for expense in session.scalars(select(Expense).where(Expense.claim_id == claim.id).execution_options(everyone=True)):
            expense.state = "paid"


def customer_spent(session, customer) -> int:
    """Fen spent on a customer that the person sees."""
    return int(session.scalar(select(func.coalesce(func.sum(Expense.amount), 0)).where(Expense.customer_id == customer.id, counts())))


def counts():
    """The clause "this expense counts": not rejected or withdrawn."""
    return Expense.approval.not_in(("rejected", "withdrawn"))


def share(session) -> float | None:
    """费用率: expenses on valid contracts per contract amount, in percent."""
    amount, spent = session.execute(
        select(func.coalesce(func.sum(Contract.amount), 0), func.coalesce(func.sum(Contract.spent), 0)).where(is_valid())
    ).one()
    return round(100 * int(spent) / int(amount), 1) if amount else None

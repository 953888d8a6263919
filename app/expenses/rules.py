"""What the business says of expenses and claims (manual 4.8, product.md 4.8)."""
from sqlalchemy import func, select

from app.approvals import rules as approvals
from app.contracts.models import Contract
from app.contracts.rules import is_valid
from app.core import actor, clock
from app.core.rules import RuleError
from app.core.words import _
from app.quotes.rules import check_of_customer
from app.security.rules import give

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
    approvals.on_save(session, expense)


def check_state(session, expense) -> None:
    """Claimed and paid ones are read-only."""
    if expense.state != "open":
        raise RuleError(_("%(name)s is part of a claim and cannot be changed.", name=expense))


def check_claim_state(session, claim) -> None:
    """Paid claims are read-only."""
    if claim.state == "paid":
        raise RuleError(_("%(name)s is paid out.", name=claim))


def check_claim(session, claim) -> None:
    """A claim has something to claim before it is handed in or paid."""
    if not claim.amount:
        raise RuleError(_("%(name)s has no expenses.", name=claim))


approvals.STATES["expense"] = check_state
approvals.STATES["claim"] = check_claim_state
approvals.READY["claim"] = check_claim
check_change = approvals.check_change


def transfer(session, rows, owner):
    """Give expenses that can still be changed to the person who spent them."""
    for expense in rows:
        check_change(session, expense)
    give(session, rows, owner)


def gather(session, rows, name):
    """Put one's own open expenses, approved where a rule asks for it, into a new claim (报销单)."""
    if not (name or "").strip():
        raise RuleError(_("Give the claim a name."), "name")
    who = actor.current_id()
    for expense in rows:
        if expense.owner_id != (who or rows[0].owner_id):
            raise RuleError(_("Only one's own expenses can be claimed."))
        if expense.state != "open":
            raise RuleError(_("%(name)s is part of a claim and cannot be changed.", name=expense))
        approvals.require(session, expense)
    claim = Claim(name=name, owner_id=rows[0].owner_id, state="draft", approval="none", amount=0)
    session.add(claim)
    session.flush()
    take_in(session, claim, rows)
    return claim


def take_in(session, claim, rows) -> None:
    """These expenses belong to a claim; where a rule asks for the approval of their sum, it needs it."""
    for expense in rows:
        expense.claim_id, expense.state = claim.id, "claimed"
    session.flush()
    if approvals.matching(session, claim):
        claim.approval = "needed"


def _expenses(session, claim):
    return session.scalars(select(Expense).where(Expense.claim_id == claim.id).execution_options(everyone=True))


def dissolve(session, rows):
    """Take a claim apart; its expenses are open again."""
    for claim in rows:
        check_change(session, claim)
        for expense in _expenses(session, claim):
            expense.claim_id, expense.state = None, "open"
        session.flush()
        session.delete(claim)


def pay(session, rows):
    """The money was paid out; approval first where it is on."""
    for claim in rows:
        check_claim_state(session, claim)
        check_claim(session, claim)
        approvals.require(session, claim)
        claim.state, claim.paid_on = "paid", clock.today()
        for expense in _expenses(session, claim):
            expense.state = "paid"


def figures_of(customer) -> dict:
    """{spent}: fen spent on a customer, as a scalar subquery."""
    spent = select(func.coalesce(func.sum(Expense.amount), 0)).where(Expense.customer_id == customer.id, counts())
    return {"spent": spent.scalar_subquery()}


def counts():
    """The clause "this expense counts": not rejected or withdrawn."""
    return Expense.approval.not_in(("rejected", "withdrawn"))


def share(session) -> float | None:
    """费用率: expenses on valid contracts per contract amount, in percent."""
    amount, spent = session.execute(
        select(func.coalesce(func.sum(Contract.amount), 0), func.coalesce(func.sum(Contract.spent), 0)).where(is_valid())
    ).one()
    return round(100 * int(spent) / int(amount), 1) if amount else None

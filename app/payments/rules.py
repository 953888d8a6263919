"""What the business says of plans, payments and invoices (manual 4.7, product.md 4.7)."""
import datetime as dt
import re

from sqlalchemy import and_, exists, func, select

from app.approvals import rules as approvals
from app.contracts.models import Contract
from app.contracts.rules import AMOUNT_CHECKS, is_valid
from app.core import actor, clock
from app.core.money import half_up, shown
from app.core.rules import RuleError
from app.core.words import _

from .models import Invoice, Payment, PaymentPlan


def _contract(session, row) -> Contract:
    """The row's contract, of the row's customer; fills the customer in."""
    contract = session.get(Contract, row.contract_id)
    if contract is None or (row.customer_id and contract.customer_id != row.customer_id):
        raise RuleError(_("This contract belongs to another customer."), "contract")
    row.customer_id = contract.customer_id
    if contract.state == "void":
        raise RuleError(_("%(name)s is void.", name=contract), "contract")
    return contract


def _sum(session, model, contract_id, but, *more) -> int:
    wanted = select(func.coalesce(func.sum(model.amount), 0)).where(model.contract_id == contract_id, model.id != (but or 0), *more)
    return int(session.scalar(wanted.execution_options(everyone=True)))


# ---- plans ----------------------------------------------------------------------------------------------------
def check_plan(session, plan) -> None:
    """Above zero; all plans together not above the contract; a new one takes the next term."""
    contract = _contract(session, plan)
    if plan.amount <= 0:
        raise RuleError(_("The amount must be above zero."), "amount")
    left = (contract.amount or 0) - _sum(session, PaymentPlan, contract.id, plan.id)
    if plan.amount > left:
        raise RuleError(_("Above the contract: only %(left)s is not planned yet.", left=shown(left)), "amount")
    if not plan.id:
        plan.term = (session.scalar(select(func.max(PaymentPlan.term)).where(PaymentPlan.contract_id == contract.id)
                                    .execution_options(everyone=True)) or 0) + 1
        plan.owner_id = plan.owner_id or contract.owner_id


def check_plan_change(session, plan) -> None:
    """A plan with payments is neither edited nor deleted (product.md 4.7)."""
    if session.scalar(select(Payment.id).where(Payment.plan_id == plan.id).limit(1).execution_options(everyone=True)):
        raise RuleError(_("%(name)s has payments and cannot be changed.", name=plan))


def spread(total: int, shares: list[int]) -> list[int]:
    """An amount in fen by shares in percent or parts; the last one takes what rounding left, so that they add up."""
    found, done = [], 0
    for n, _share in enumerate(shares, 1):
        upto = half_up(total * sum(shares[:n]), sum(shares))
        found.append(upto - done)
        done = upto
    return found


def generate(session, rows, terms, first_on, every="month"):
    """Plans of contracts from terms: '30/60/10' or a number of equal parts; the first on a day, then every week, month or quarter.
    What is planned already stays; only the rest is spread."""
    parts = [int(p) for p in re.findall(r"\d+", terms or "")]
    if len(parts) == 1:
        parts = [1] * parts[0]
    if not parts or len(parts) > 60 or not all(parts):
        raise RuleError(_("Give the terms as 30/60/10 or as a number of parts."), "terms")
    for contract in rows:
        left = (contract.amount or 0) - _sum(session, PaymentPlan, contract.id, 0)
        if left <= 0:
            raise RuleError(_("%(name)s is planned already.", name=contract))
        term = (
            session.scalar(
                select(func.max(PaymentPlan.term)).where(PaymentPlan.contract_id == contract.id).execution_options(everyone=True)
            )
            or 0
        )
        for n, amount in enumerate(spread(left, parts)):
            session.add(
                PaymentPlan(
                    contract_id=contract.id,
                    customer_id=contract.customer_id,
                    owner_id=contract.owner_id,
                    term=term + n + 1,
                    amount=amount,
                    due_on=_later(first_on, n, every),
                    received=0,
                    remind_days=3,
                )
            )
    return _("%(n)d terms planned.", n=len(parts) * len(rows))


def _later(day: dt.date, n: int, every: str) -> dt.date:
    """The day n weeks, months or quarters later; the 31st becomes the month's last day."""
    if every == "week":
        return day + dt.timedelta(7 * n)
    months = day.year * 12 + day.month - 1 + n * (3 if every == "quarter" else 1)
    last = (dt.date((months + 1) // 12, (months + 1) % 12 + 1, 1) - dt.timedelta(1)).day
    return dt.date(months // 12, months % 12 + 1, min(day.day, last))


# ---- payments -------------------------------------------------------------------------------------------------
def left_of(session, contract, but=0) -> int:
    """What may still be received on a contract, in fen: its amount less all that was recorded and not sent back."""
    return (contract.amount or 0) - _sum(session, Payment, contract.id, but, Payment.check != "refused")


def check_payment(session, payment) -> None:
    """Above zero, not above what the contract still lacks (decision 5: the sentence names it), approval first where it is on."""
    contract = _contract(session, payment)
    if contract.approval != "approved":
        approvals.require(session, contract)
    if payment.refund_of_id is None and payment.amount <= 0:
        raise RuleError(_("The amount must be above zero."), "amount")
    left = left_of(session, contract, payment.id)
    if payment.amount > left:
        raise RuleError(_("Above the contract amount: %(left)s yuan are left to receive.", left=shown(left)), "amount")
    if payment.plan_id:
        plan = session.get(PaymentPlan, payment.plan_id)
        if plan is None or plan.contract_id != contract.id:
            raise RuleError(_("This term belongs to another contract."), "plan")


def check_payment_change(session, payment) -> None:
    """A confirmed or approved payment is locked (product.md 4.7)."""
    approvals.check_change(session, payment)
    if payment.check == "confirmed":
        raise RuleError(_("%(name)s is confirmed and locked.", name=payment))


def confirm(session, rows):
    """Finance has seen the money: the payment is locked."""
    for payment in rows:
        if payment.check == "confirmed":
            raise RuleError(_("%(name)s is confirmed already.", name=payment))
        if payment.approval != "approved":
            approvals.require(session, payment)
        payment.check, payment.checked_on = "confirmed", clock.today()


def send_back(session, rows, reason):
    """Finance does not find the money: the payment no longer counts."""
    for payment in rows:
        payment.check, payment.checked_on = "refused", None
        payment.note = f"{payment.note}\n{reason}" if payment.note else reason


def unconfirm(session, rows):
    """取消确认: the payment can be changed again."""
    for payment in rows:
        if payment.check != "confirmed":
            raise RuleError(_("%(name)s is not confirmed.", name=payment))
        payment.check, payment.checked_on = "new", None


def refund(session, rows, amount, paid_on, reason):
    """Give money back: a payment of a negative amount on the same contract and term."""
    for payment in rows:
        given = -_back(session, payment)
        if amount <= 0 or amount > payment.amount - given:
            raise RuleError(_("At most %(left)s can be refunded.", left=shown(payment.amount - given)), "amount")
        back = Payment(
            contract_id=payment.contract_id,
            customer_id=payment.customer_id,
            plan_id=payment.plan_id,
            amount=-amount,
            paid_on=paid_on,
            kind="refund",
            method=payment.method,
            refund_of_id=payment.id,
            owner_id=payment.owner_id,
            note=reason,
            check="new",
            approval="none",
        )
        session.add(back)
    return back


def _back(session, payment) -> int:
    wanted = select(func.coalesce(func.sum(Payment.amount), 0)).where(Payment.refund_of_id == payment.id, Payment.check != "refused")
    return int(session.scalar(wanted.execution_options(everyone=True)))


def receive(session, customer_id: int, shares: dict[int, int], **common) -> list[Payment]:
    """One receipt over several contracts of a customer: contract id -> fen. Each becomes a payment, booked on the oldest open terms."""
    if not any(shares.values()):
        raise RuleError(_("Give an amount for at least one contract."))
    made: list[Payment] = []
    for contract_id, amount in shares.items():
        contract = session.get(Contract, contract_id)
        if not amount or contract is None or contract.customer_id != customer_id:
            continue
        for plan_id, part in _by_terms(session, contract, amount):
            row = Payment(contract_id=contract_id, customer_id=customer_id, plan_id=plan_id, amount=part, owner_id=actor.current_id(),
                          check="new", approval="none", **common)
            check_payment(session, row)
            session.add(row)
            session.flush()
            made.append(row)
    for row in made:
        row.receipt = made[0].number
    return made


def _by_terms(session, contract, amount):
    """(plan id or None, fen): the amount over the contract's open terms, the oldest first; the rest without a term."""
    for plan in session.scalars(
        select(PaymentPlan).where(PaymentPlan.contract_id == contract.id).order_by(PaymentPlan.due_on, PaymentPlan.term)
    ):
        part = min(amount, plan.outstanding)
        if part > 0:
            yield plan.id, part
            amount -= part
    if amount:
        yield None, amount


# ---- invoices -------------------------------------------------------------------------------------------------
def check_invoice(session, invoice) -> None:
    """Above zero; all invoices together not above the contract."""
    contract = _contract(session, invoice)
    left = (contract.amount or 0) - _sum(session, Invoice, contract.id, invoice.id)
    if invoice.amount <= 0 or invoice.amount > left:
        raise RuleError(_("Above zero, and at most %(left)s is not invoiced yet.", left=shown(left)), "amount")


def check_contract_amount(session, contract) -> None:
    """A contract's amount covers what was received, planned and invoiced."""
    if not contract.id:
        return
    for model, said in ((Payment, _("received")), (PaymentPlan, _("planned")), (Invoice, _("invoiced"))):
        more = (Payment.check != "refused",) if model is Payment else ()
        there = _sum(session, model, contract.id, 0, *more)
        if there > contract.amount:
            raise RuleError(_("%(sum)s are %(what)s already: the amount cannot be below.", sum=shown(there), what=said), "amount")


AMOUNT_CHECKS.append(check_contract_amount)


# ---- named filters of the plans (product.md 4.7) --------------------------------------------------------------
def _living_contract():
    return exists().where(Contract.id == PaymentPlan.contract_id, Contract.state != "void", Contract.deleted_at.is_(None))


def open_plans():
    """The clause "something is still outstanding", on contracts that are not void."""
    return and_(PaymentPlan.received < PaymentPlan.amount, _living_contract())


def late(who):
    """全部逾期未回款."""
    return and_(open_plans(), PaymentPlan.due_on < clock.today())


def due(first: dt.date, last: dt.date):
    """Outstanding and due between two days."""
    return and_(open_plans(), PaymentPlan.due_on.between(first, last))


def due_this_month(who):
    """本月到期未回款."""
    from app.views.conditions import period
    return due(*period("this_month"))


def due_this_week(who):
    """本周到期未回款."""
    from app.views.conditions import period
    return due(*period("this_week"))


def part(who):
    """部分回款."""
    return and_(open_plans(), PaymentPlan.received > 0)


def done(who):
    """已回款."""
    return PaymentPlan.received >= PaymentPlan.amount


def has_late(who):
    """Contracts with an overdue term."""
    return and_(is_valid(), exists().where(PaymentPlan.contract_id == Contract.id, PaymentPlan.deleted_at.is_(None),
                                           PaymentPlan.received < PaymentPlan.amount, PaymentPlan.due_on < clock.today()))


def paid_in(key: str):
    """A filter of payments: paid in a named period, not sent back."""
    def rule(who):
        from app.views.conditions import period
        return and_(Payment.check != "refused", Payment.paid_on.between(*period(key)))
    return rule

"""What the business says of plans, payments and invoices (manual 4.7, product.md 4.7)."""
import datetime as dt

from sqlalchemy import and_, case, exists, func, inspect, select

from app.approvals import rules as approvals
from app.contracts.models import Contract
from app.contracts.rules import AMOUNT_CHECKS, CLOSED, MOVED, VOID_CHECKS, is_valid, not_in_force
from app.core import actor, choices, clock
from app.core.money import shown
from app.core.rules import RuleError
from app.core.words import _
from app.quotes.rules import check_said

from .models import Invoice, Payment, PaymentPlan, counted, hoped, standing

MOST_AHEAD = 90  # days between a reminder and its term


def _contract(session, row) -> Contract:
    """The row's contract, of the row's customer, held until the end of the transaction so that parallel payments come one after the
    other; fills the customer in."""
    contract = session.scalar(select(Contract).where(Contract.id == row.contract_id).with_for_update(of=Contract).execution_options(
        populate_existing=True))
    if contract is None or (row.customer_id and contract.customer_id != row.customer_id):
        raise RuleError(_("This contract belongs to another customer."), "contract")
    row.customer_id = contract.customer_id
    if contract.state == "void":
        raise RuleError(_("%(name)s is void.", name=contract), "contract")
    return contract


def _sum(session, model, contract_id, but, *more) -> int:
    wanted = select(func.coalesce(func.sum(model.amount), 0)).where(model.contract_id == contract_id, model.id != (but or 0), *more)
    return int(session.scalar(wanted.execution_options(everyone=True)))


def _moved(row) -> bool:
    """Whether a saved row goes to another contract."""
    state = inspect(row)
    return state.persistent and state.attrs.contract_id.history.has_changes()


# ---- plans ----------------------------------------------------------------------------------------------------
def check_plan(session, plan) -> None:
    """Above zero; all plans together not above the contract; a new one takes the next term."""
    with session.no_autoflush:
        contract = _contract(session, plan)
        if contract.state == "archived":
            raise RuleError(_("%(name)s is archived.", name=contract), "contract")
        if plan.amount <= 0:
            raise RuleError(_("The amount must be above zero."), "amount")
        if not 0 <= (plan.remind_days or 0) <= MOST_AHEAD:
            raise RuleError(_("Between %(low)d and %(high)d.", low=0, high=MOST_AHEAD), "remind_days")
        left = planned_left(session, contract, plan.id)
        if plan.amount > left:
            raise RuleError(_("Above the contract: only %(left)s is not planned yet.", left=shown(left)), "amount")
        if not plan.id or _moved(plan):
            plan.term = last_term(session, contract.id) + 1
            plan.owner_id = plan.owner_id or contract.owner_id


def planned_left(session, contract, but=0) -> int:
    """What of a contract is not planned yet, in fen."""
    return (contract.amount or 0) - _sum(session, PaymentPlan, contract.id, but)


def last_term(session, contract_id) -> int:
    """The number of a contract's last term, 0 without any."""
    wanted = select(func.max(PaymentPlan.term)).where(PaymentPlan.contract_id == contract_id)
    return session.scalar(wanted.execution_options(everyone=True)) or 0


def check_plan_change(session, plan) -> None:
    """A plan with payments is neither edited nor deleted (product.md 4.7)."""
    booked = select(Payment.id).where(Payment.plan_id == plan.id, Payment.check != "refused").limit(1)
    if session.scalar(booked.execution_options(everyone=True)):
        raise RuleError(_("%(name)s has payments and cannot be changed.", name=plan))


# ---- payments -------------------------------------------------------------------------------------------------
def left_of(session, contract, but=0) -> int:
    """What may still be received on a contract, in fen: its amount less all that was recorded and not sent back."""
    return (contract.amount or 0) - _sum(session, Payment, contract.id, but, standing(Payment.__table__))


def check_payment(session, payment) -> None:
    """Above zero, not in the future, not above what the contract still lacks (decision 5: the sentence names it); approval of the
    contract first where it is on. One that was sent back waits for its confirmation again."""
    with session.no_autoflush:
        contract = _contract(session, payment)
        approvals.require(session, contract)
        if payment.paid_on > clock.today():
            raise RuleError(_("The day is in the future."), "paid_on")
        given = -_back(session, payment) if payment.id else 0
        if given and _moved(payment):
            raise RuleError(_("%(name)s was refunded in part: it stays on its contract.", name=payment), "contract")
        if payment.refund_of_id:
            _check_refund(session, payment)
        else:
            _check_received(session, payment, contract, given)
        plan = session.get(PaymentPlan, payment.plan_id) if payment.plan_id else None
        if payment.plan_id and (plan is None or plan.contract_id != contract.id):
            raise RuleError(_("This term belongs to another contract."), "plan")
        payment.check = "new" if payment.check in (None, "refused") else payment.check
        approvals.on_save(session, payment)


def _check_received(session, payment, contract, given) -> None:
    if payment.amount <= 0:
        raise RuleError(_("The amount must be above zero."), "amount")
    if payment.kind == "refund":
        raise RuleError(_("A refund is made by the action on the payment that is refunded."), "kind")
    if payment.amount < given:
        raise RuleError(_("%(given)s of it were refunded: it cannot be less.", given=shown(given)), "amount")
    left = left_of(session, contract, payment.id)
    if payment.amount > left:
        raise RuleError(_("Above the contract amount: %(left)s yuan are left to receive.", left=shown(left)), "amount")


def _check_refund(session, back) -> None:
    """At most what is left of the payment, on the same contract."""
    payment = session.get(Payment, back.refund_of_id, execution_options={"everyone": True})
    left = payment.amount + _back(session, payment, but=back.id)
    if back.amount >= 0 or -back.amount > left:
        raise RuleError(_("At most %(left)s can be refunded.", left=shown(left)), "amount")
    if back.contract_id != payment.contract_id:
        raise RuleError(_("A refund stays on the contract of its payment."), "contract")


def check_payment_state(session, payment) -> None:
    """A confirmed payment is locked (product.md 4.7)."""
    if payment.check == "confirmed":
        raise RuleError(_("%(name)s is confirmed and locked.", name=payment))


def check_payment_delete(session, payment) -> None:
    """Not a payment of a contract that is void or archived."""
    contract = session.get(Contract, payment.contract_id, execution_options={"everyone": True})
    if contract.state in CLOSED:
        raise RuleError(_("%(name)s is void or archived and cannot be changed.", name=contract))


approvals.STATES["payment"] = check_payment_state
approvals.READY["payment"] = check_payment
check_payment_change = approvals.check_change


def confirm(session, rows):
    """Finance has seen the money: the payment is locked."""
    for payment in rows:
        if payment.check != "new":
            raise RuleError(_("%(name)s does not wait for confirmation.", name=payment))
        approvals.require(session, payment)
        payment.check, payment.checked_on = "confirmed", clock.today()


def send_back(session, rows, reason):
    """Finance does not find the money: the payment no longer counts until it is mended."""
    check_said(reason)
    for payment in rows:
        if payment.check != "new":
            raise RuleError(_("%(name)s does not wait for confirmation.", name=payment))
        if payment.approval == "pending":
            raise RuleError(_("%(name)s is in approval: withdraw it first.", name=payment))
        if _back(session, payment):
            raise RuleError(_("%(name)s was refunded in part: it cannot be sent back.", name=payment))
        payment.check, payment.checked_on = "refused", None
        payment.note = f"{payment.note}\n{reason}" if payment.note else reason


def unconfirm(session, rows):
    """取消确认: the payment can be changed again."""
    for payment in rows:
        if payment.check != "confirmed":
            raise RuleError(_("%(name)s is not confirmed.", name=payment))
        payment.check, payment.checked_on = "new", None


def refund(session, rows, amount, paid_on, reason):
    """Give money back: a payment of a negative amount on the same contract and term. Only of money that counts."""
    check_said(reason)
    for payment in rows:
        if payment.amount <= 0 or payment.check == "refused" or not approvals.is_settled(payment):
            raise RuleError(_("%(name)s is no received money that could be given back.", name=payment))
        same = {name: getattr(payment, name) for name in ("contract_id", "customer_id", "plan_id", "method", "owner_id")}
        back = Payment(**same, amount=-amount, paid_on=paid_on, kind="refund", refund_of_id=payment.id, note=reason, check="new",
                       approval="none")
        check_payment(session, back)
        session.add(back)
    return back


def _back(session, payment, but=0) -> int:
    """What was refunded of a payment, in fen, negative."""
    wanted = select(func.coalesce(func.sum(Payment.amount), 0)).where(
        Payment.refund_of_id == payment.id, Payment.id != (but or 0), hoped(Payment.__table__))
    return int(session.scalar(wanted.execution_options(everyone=True)))


def receive(session, customer_id: int, shares: dict[int, int], whole: int | None = None, **common) -> list[Payment]:
    """One receipt over several contracts of a customer: contract id -> fen. Each share becomes a payment; they carry the same mark.
    `whole`: what came in, in fen, which the shares must add up to. A refusal names its contract: field 'share-<id>'."""
    if not any(shares.values()):
        raise RuleError(_("Give an amount for at least one contract."), "whole")
    if whole is not None and whole != (shared := sum(shares.values())):
        raise RuleError(_("The shares add up to %(shared)s, not to %(whole)s.", shared=shown(shared), whole=shown(whole)), "whole")
    if common.get("method") and common["method"] not in dict(choices.options(session, "payment_method")):
        raise RuleError(_("Choose one of the list."), "method")
    made: list[Payment] = []
    for contract_id, amount in sorted(shares.items()):  # in one order, so that two receipts never wait for each other
        if amount:
            row = Payment(contract_id=contract_id, customer_id=customer_id, amount=amount, owner_id=actor.current_id(), check="new",
                          approval="none", **common)
            try:
                check_payment(session, row)
            except RuleError as no:
                raise RuleError(str(no), no.field if no.field == "paid_on" else f"share-{contract_id}") from no
            session.add(row)
            session.flush()
            made.append(row)
    for row in made:
        row.receipt = made[0].number
    return made


# ---- invoices -------------------------------------------------------------------------------------------------
def check_invoice(session, invoice) -> None:
    """Above zero; all invoices together not above the contract; the number is there only once."""
    with session.no_autoflush:
        contract = _contract(session, invoice)
        left = (contract.amount or 0) - _sum(session, Invoice, contract.id, invoice.id)
        if invoice.amount <= 0 or invoice.amount > left:
            raise RuleError(_("Above zero, and at most %(left)s is not invoiced yet.", left=shown(left)), "amount")
        twin = select(Invoice.id).where(Invoice.number == invoice.number, Invoice.id != (invoice.id or 0)).limit(1)
        if session.scalar(twin.execution_options(everyone=True)):
            raise RuleError(_("An invoice of this number is there already."), "number")


def check_contract_amount(session, contract) -> None:
    """A contract's amount covers what was received, planned and invoiced."""
    if not contract.id:
        return
    for model, said in ((Payment, _("received")), (PaymentPlan, _("planned")), (Invoice, _("invoiced"))):
        there = _sum(session, model, contract.id, 0, *([standing(Payment.__table__)] if model is Payment else []))
        if there > contract.amount:
            raise RuleError(_("%(sum)s are %(what)s already: the amount cannot be below.", sum=shown(there), what=said), "amount")


def check_void(session, contract) -> None:
    """No contract is voided while money was received or an invoice stands."""
    if _sum(session, Payment, contract.id, 0, standing(Payment.__table__)):
        raise RuleError(_("%(name)s has payments: refund them first.", name=contract))
    if _sum(session, Invoice, contract.id, 0):
        raise RuleError(_("%(name)s has invoices: take them back first.", name=contract))


def follow(session, contract, former) -> None:
    """The terms of a contract go to its new owner."""
    plans = select(PaymentPlan).where(PaymentPlan.contract_id == contract.id, PaymentPlan.owner_id == former)
    for plan in session.scalars(plans.execution_options(everyone=True)):
        plan.owner_id = contract.owner_id


AMOUNT_CHECKS.append(check_contract_amount)
VOID_CHECKS.append(check_void)
MOVED.append(follow)


# ---- named filters of the plans (product.md 4.7) --------------------------------------------------------------
def _valid_contract():
    return PaymentPlan.contract_id.not_in(not_in_force())


def open_plans():
    """The clause "something is still outstanding", on contracts in force: not void, not waiting for approval."""
    return and_(PaymentPlan.received < PaymentPlan.amount, _valid_contract())


def outstanding():
    """The SQL sum of what terms still lack: what `PaymentPlan.outstanding` says of one row."""
    return func.sum(case((PaymentPlan.received < PaymentPlan.amount, PaymentPlan.amount - PaymentPlan.received), else_=0))


def late(who):
    """全部逾期未回款."""
    return and_(open_plans(), PaymentPlan.due_on < clock.today())


def late_of(*clauses) -> dict:
    """{late, late_since}: fen outstanding and oldest day of the overdue terms that meet the clauses, as scalar subqueries."""
    wanted = {"late": func.coalesce(func.sum(PaymentPlan.amount - PaymentPlan.received), 0), "late_since": func.min(PaymentPlan.due_on)}
    return {name: select(sql).where(late(None), *clauses).scalar_subquery() for name, sql in wanted.items()}


def due(first: dt.date, last: dt.date):
    """Outstanding and due between two days."""
    return and_(open_plans(), PaymentPlan.due_on.between(first, last))


def soon(who):
    """Outstanding and due within three days."""
    return due(clock.today(), clock.today() + dt.timedelta(3))


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
    """A filter of payments: that count, paid in a named period."""
    def rule(who):
        from app.views.conditions import period
        return and_(counted(Payment.__table__), Payment.paid_on.between(*period(key)))
    return rule

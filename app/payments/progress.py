"""What a contract's page shows of its money: the terms as a bar and a table, and what came in (look: contract)."""
from flask import render_template
from markupsafe import Markup
from sqlalchemy import select

from app.contracts.views import ContractView
from app.core import actor, money
from app.core.describe import describe
from app.extensions import db
from app.views import record

from .models import Payment, PaymentPlan


def _paid_by_plan(payments) -> dict:
    """plan id -> its payments that count, the oldest first."""
    found: dict = {}
    for payment in sorted(payments, key=lambda p: (p.paid_on, p.id)):
        if payment.plan_id and payment.check != "refused":
            found.setdefault(payment.plan_id, []).append(payment)
    return found


def share_of(contract):
    """A function: fen -> hundredths of a percent of the contract's amount."""
    return lambda fen: money.half_up(fen * 10_000, contract.amount) if contract.amount else 0


def card(contract) -> Markup:
    """The terms and the payments of a contract that the person sees; nothing without the rights."""
    may = actor.current().may
    plans = db.session.scalars(select(PaymentPlan).where(PaymentPlan.contract_id == contract.id).order_by(
        PaymentPlan.term)).all() if may("paymentplan", "read") else []
    payments = db.session.scalars(select(Payment).where(Payment.contract_id == contract.id).order_by(
        Payment.paid_on.desc(), Payment.id.desc())).all() if may("payment", "read") else []
    planned = sum(plan.amount for plan in plans)
    return Markup(render_template(
        "payments/progress.html", item=contract, plans=plans, payments=payments, paid=_paid_by_plan(payments), may=may,
        planned=planned, received=sum(plan.received or 0 for plan in plans), left=(contract.amount or 0) - planned,
        share=share_of(contract),
        plan_fields=describe(PaymentPlan), fields=describe(Payment)))


record.CARDS.setdefault(ContractView, []).append(card)

"""The screens of contracts and orders (manual 4.6)."""
from flask import request
from markupsafe import Markup
from sqlalchemy import func

from app.approvals.views import RELEASE, SUBMIT, WITHDRAW
from app.core import actor, clock
from app.core.words import _, _l
from app.customers.models import Customer
from app.customers.views import CustomerView
from app.extensions import db
from app.opportunities import funnel
from app.opportunities.models import Opportunity
from app.opportunities.views import OpportunityView
from app.printing.documents import PrintedView
from app.quotes.models import Quote
from app.quotes.views import QuoteView
from app.security.actions import TRANSFER, owner_form, void_action
from app.views import record
from app.views.declare import Action, MenuItem, QuickFilter, Section

from . import rules
from .models import Contract, ContractLine


def _in(*states):
    return lambda row: row.state in states


class ContractView(PrintedView):
    """What was agreed: contracts and orders."""

    model, line = Contract, ContractLine
    menu = MenuItem("contracts", _l("Contract list"), icon="file-certificate", position=10)
    title, add_label, tab_label = _l("Contracts and orders"), _l("New contract"), _l("Contracts and orders")
    parents = {CustomerView: "customer", OpportunityView: "opportunity", QuoteView: "quote"}
    list_columns = "number name customer amount received outstanding progress signed_on ends_on state approval owner"
    sums = {"amount": func.sum(Contract.amount), "received": func.sum(Contract.received)}
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Contract.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Contract.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("month", _l("Signed this month"), rules.signed_this_month),
        QuickFilter("unpaid", _l("Not fully received"), rules.unpaid),
        QuickFilter("ending", _l("Ending in 30 days"), rules.ending(30)),
        QuickFilter("ended", _l("Ended"), rules.ended),
        QuickFilter("orders", _l("Orders"), lambda who: Contract.kind == "order", count=False),
        QuickFilter("void", _l("Void"), lambda who: Contract.state == "void", count=False),
    ]
    conditions = "state approval kind customer owner amount signed_on ends_on"
    head = "state approval kind owner"
    facts = "customer amount received outstanding progress invoiced spent profit margin signed_on"
    sections = [
        Section(_l("Basics"), "number name kind customer opportunity quote amount signed_on starts_on ends_on contact signatory owner"),
        Section(_l("Amounts"), "discount reduction fees"),
        Section(_l("Delivery and payment"), "payment_terms delivered_on delivery receiver receiver_phone note"),
        Section(
            _l("System data"),
            "state approval void_reason received outstanding progress invoiced uninvoiced spent profit created_by created_at changed_at",
        ),
    ]
    paper_title = _l("Sales contract")
    paper_facts = "customer contact signed_on starts_on ends_on signatory payment_terms delivered_on delivery amount"
    paper_terms = "note"
    paper_signs = (_l("Seller (seal)"), _l("Buyer (seal)"))
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("sign", _l("Mark signed"), rules.to_state("signed"), icon="signature", shown=_in("unsigned")),
        Action("run", _l("Start"), rules.to_state("running"), icon="player-play", shown=_in("signed")),
        Action("finish", _l("Fulfilled"), rules.to_state("done"), icon="circle-check", shown=_in("signed", "running")),
        void_action(rules.void, _in("unsigned", "signed", "running", "done")),
        Action("archive", _l("Archive"), rules.archive, icon="archive", shown=_in("done", "void")),
        Action("transfer", _l("Transfer"), rules.transfer, form=owner_form, icon=TRANSFER.icon, verb="transfer"),
    ]
    check_save = staticmethod(rules.check_contract)
    check_change = staticmethod(rules.check_change)
    nexts = (("payment", _l("Record a payment"), "cash"), ("expense", _l("New expense"), "receipt"))

    def preset(self, form):
        """From a quote or an opportunity: customer, contact, terms, prices and lines come along (product.md 4.5 转合同)."""
        super().preset(form)
        for name, model in (("quote", Quote), ("opportunity", Opportunity)):
            key = request.args.get(name, "")
            source = db.session.get(model, int(key)) if key.isdecimal() else None
            if source is not None:
                self._take(form, source)
        buyer = db.session.get(Customer, form.customer.data) if form.customer.data else None
        if buyer:
            form.contact.data = form.contact.data or buyer.primary_contact_id
            form.delivery.data = form.delivery.data or buyer.address

    def _take(self, form, source):
        for name in ("name", "payment_terms", "discount", "reduction", "fees"):
            if getattr(source, name, None) not in (None, ""):
                form[name].data = getattr(source, name)
        form.customer.data, form.contact.data, form.amount.data = source.customer_id, source.contact_id, source.amount
        if isinstance(source, Quote):
            form.opportunity.data = source.opportunity_id
        self.take_lines(form, source)

    def _data(self, row, fields):
        values = super()._data(row, fields)
        return values if row is not None else {**values, "signatory": actor.current_id()}

    def after_save(self, row, fresh):
        """A valid contract wins its customer and closes its opportunity."""
        rules.signed(db.session, row)

    def row_flags(self, row):
        """Red when it ran out."""
        return "late" if row.ends_on and row.ends_on < clock.today() and row.state in ("signed", "running") else ""

    def hint(self, row):
        """Number, amount and what is outstanding beside the name."""
        return f"{row.number} · ¥{(row.amount or 0) / 100:,.2f} · {_('Outstanding')} ¥{row.outstanding / 100:,.2f}"


def _figures(customer):
    sums = rules.customer_figures(db.session, customer)

    def link(fen, quick=""):
        return Markup('<a href="/customer/show/{}?tab=contract" data-figure="{}">¥{}</a>').format(customer.id, quick, f"{fen / 100:,.2f}")
    return [(_("Contract amount"), link(sums["amount"], "contracts")), (_("Received"), link(sums["received"], "received")),
            (_("Outstanding"), link(sums["amount"] - sums["received"], "outstanding")),
            (_("Profit so far"), link(sums["received"] - sums["spent"], "profit"))]


record.FIGURES.setdefault(CustomerView, []).append(_figures)
funnel.FORECASTS.append(rules.signed_between)

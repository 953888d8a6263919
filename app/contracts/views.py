"""The screens of contracts and orders (manual 4.6)."""
from flask import request
from sqlalchemy import func

from app.approvals import rules as approvals
from app.approvals.views import RELEASE, SUBMIT, WITHDRAW, Submitted
from app.core import actor, clock, money, parameters
from app.core.spans import noon_of
from app.core.words import _, _l
from app.customers import timeline
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
from app.security.models import Department
from app.security.rules import members
from app.views import happenings, record
from app.views.declare import Action, Asked, MenuItem, QuickFilter, Section

from . import rules
from .models import Contract, ContractLine


def _in(*states):
    return lambda row: row.state in states


class ContractView(Submitted, PrintedView):
    """What was agreed: contracts and orders."""

    model, line = Contract, ContractLine
    menu = MenuItem("contracts", _l("Contract list"), icon="file-certificate", position=10)
    title, add_label, tab_label = _l("Contracts and orders"), _l("New contract"), _l("Contracts and orders")
    parents = {CustomerView: "customer", OpportunityView: "opportunity", QuoteView: "quote"}
    list_columns = "number name customer amount received outstanding progress signed_on ends_on state approval owner"
    sums = {"amount": func.sum(Contract.amount), "received": func.sum(Contract.received), "outstanding": rules.outstanding()}
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Contract.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Contract.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("month", _l("Signed this month"), rules.signed_this_month),
        QuickFilter("unpaid", _l("Not fully received"), rules.unpaid),
        QuickFilter("ending", _l("Ending soon"), lambda who: rules.ending(parameters.get(db.session, "contract.warn_days"))),
        QuickFilter("ended", _l("Ended"), rules.ended),
        QuickFilter("orders", _l("Orders"), lambda who: Contract.kind == "order", count=False),
        QuickFilter("void", _l("Void"), lambda who: Contract.state == "void", count=False),
        QuickFilter("valid", _l("In force"), lambda who: rules.is_valid(), count=False),
    ]
    conditions = "state kind customer owner amount signed_on | approval ends_on opportunity quote"
    asked = {"department": Asked(_l("Department"), lambda value: Contract.owner_id.in_(members(int(value))),
                                 lambda value: str(db.session.get(Department, int(value)) or "—"))}
    head = "state approval kind customer signed_on ends_on owner"
    facts = "amount/tax received/progress * invoiced/uninvoiced profit/spent margin"
    beside_timeline = "signed_on starts_on ends_on contact signatory payment_terms delivered_on delivery receiver note"
    bar = "submit sign payment edit invoice expense"
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
        Action("sign", _l("Mark signed"), rules.to_state("signed"), icon="signature",
               shown=lambda row: row.state == "unsigned" and approvals.is_settled(row)),
        Action("run", _l("Start"), rules.to_state("running"), icon="player-play", shown=_in("signed")),
        Action("finish", _l("Fulfilled"), rules.to_state("done"), icon="circle-check", shown=_in("signed", "running")),
        void_action(rules.void, _in("unsigned", "signed", "running", "done")),
        Action("archive", _l("Archive"), rules.archive, icon="archive", shown=_in("done", "void")),
        Action("transfer", _l("Transfer"), rules.transfer, form=owner_form, icon=TRANSFER.icon, verb="transfer"),
    ]
    check_save = staticmethod(rules.check_contract)
    check_change = staticmethod(rules.check_change)
    check_delete = staticmethod(rules.no_longer_won)
    nexts = (("payment", _l("Record a payment"), "cash"), ("invoice", _l("New invoice"), "file-invoice"),
             ("expense", _l("New expense"), "receipt"))

    def starts(self, row, entity):
        """Nothing is paid or invoiced on a void contract, nothing paid before its approval."""
        return row.state != "void" and (entity != "payment" or approvals.is_settled(row))

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
        form.customer.data, form.contact.data = source.customer_id, source.contact_id
        form.amount.data = None if source.living else source.amount  # with lines it is what they add up to
        if isinstance(source, Quote):
            form.opportunity.data = source.opportunity_id
        self.take_lines(form, source)

    def options(self, rows):
        """A chosen contract brings its customer along, and what is left to receive or to invoice."""
        return [{"brings": {"customer": {"id": r.customer_id, "text": str(r.customer)}, "payment.amount": str(money.to_yuan(r.outstanding)),
                            "invoice.amount": str(money.to_yuan(max(0, r.uninvoiced))),
                            "opportunity": r.opportunity_id and {"id": r.opportunity_id, "text": str(r.opportunity)}}} for r in rows]

    def _data(self, row, fields):
        values = super()._data(row, fields)
        return values if row is not None else {**values, "signatory": actor.current_id()}

    def after_save(self, row, fresh):
        """A valid contract wins its customer and closes its opportunity."""
        rules.signed(db.session, row)

    def extra_tabs(self, row):
        """What happened to it."""
        return [("timeline", _("Timeline"), None)]

    def tab(self, row, key):
        """The timeline of the contract."""
        return timeline.render_timeline(self, row, row.customer)

    def row_flags(self, row):
        """Red when it ran out."""
        return "late" if row.ends_on and row.ends_on < clock.today() and row.state in ("signed", "running") else ""

    def hint(self, row):
        """Number, amount and what is outstanding beside the name."""
        return f"{row.number} · ¥{(row.amount or 0) / 100:,.2f} · {_('Outstanding')} ¥{row.outstanding / 100:,.2f}"


def _figures(customer, numbers):
    signed, received = int(numbers["signed"]), int(numbers["received"])
    url = f"/contract/list/?quick=valid&customer={customer.id}"
    return [(_("Contract amount"), record.figure(signed, url, "contracts"), _("%(n)d contracts", n=numbers["contracts"])),
            (_("Received"), record.figure(received, url, "received"), f"{money.half_up(received * 100, signed) if signed else 0}%")]


record.FIGURES.setdefault(CustomerView, []).append(("contract", rules.figures_of, _figures))
funnel.FORECASTS.append(rules.signed_by_month)
happenings.SOURCES.append(happenings.Source(
    "contract", "business", "contract", Contract, noon_of(Contract.signed_on), Contract.owner_id,
    {"customer": Contract.customer_id, "opportunity": Contract.opportunity_id, "contract": Contract.id},
    lambda row: (_("Signed a contract"), happenings.document(row)), icon="signature", tone="g", dated=True,
    code=Contract.number, text=Contract.name, amount=Contract.amount, where=(Contract.state != "void",)))

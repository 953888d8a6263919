"""The screens of quotes (manual 4.5)."""
from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import func

from app.approvals import rules as approvals
from app.approvals.views import RELEASE, SUBMIT, WITHDRAW, Submitted
from app.core.words import _, _l
from app.customers.models import Customer
from app.customers.views import CustomerView
from app.extensions import db
from app.opportunities.models import Opportunity
from app.opportunities.views import OpportunityView
from app.printing.documents import PrintedView
from app.security.actions import TRANSFER, reason_form, void_action
from app.views import happenings
from app.views.declare import Action, MenuItem, QuickFilter, Section

from . import rules
from .models import Quote, QuoteLine


def _living(row):
    return row.state not in ("void", "replaced")


def _sent(row):
    return row.state == "sent"


class QuoteView(Submitted, PrintedView):
    """Offers with lines, versions, approval and print."""

    model, line, lines_needed = Quote, QuoteLine, True
    menu = MenuItem("quotes", _l("Quote list"), icon="file-dollar", position=10)
    title, add_label, tab_label = _l("Quotes"), _l("New quote"), _l("Quotes")
    parents = {CustomerView: "customer", OpportunityView: "opportunity"}
    list_columns = "number name customer opportunity amount quoted_on valid_until shown_state approval owner"
    sums = {"amount": func.sum(Quote.amount)}
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Quote.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Quote.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("draft", _l("Drafts"), rules.in_state("draft")), QuickFilter("sent", _l("Sent"), rules.in_state("sent")),
        QuickFilter("expiring", _l("Expiring in 7 days"), rules.expiring), QuickFilter("expired", _l("Expired"), rules.expired),
        QuickFilter("accepted", _l("Accepted"), rules.in_state("accepted"), count=False)]
    conditions = "state approval customer owner amount quoted_on valid_until created_at"
    head = "shown_state approval revision customer opportunity owner"
    facts = "amount/tax lines_amount/discount quoted_on valid_until margin"
    bar = "submit accept edit send contract refuse version"
    sections = [
        Section(_l("Basics"), "number name customer contact opportunity quoted_on valid_until owner"),
        Section(_l("Amounts"), "discount reduction fees"), Section(_l("Terms"), "payment_terms delivery terms note"),
        Section(_l("System data"), "state approval revision former closing_note created_by created_at changed_at")]
    paper_title = _l("Quotation")
    paper_facts = "customer contact quoted_on valid_until owner payment_terms delivery"
    paper_terms = "terms note"
    paper_signs = (_l("Offered by (seal)"), _l("Confirmed by the customer (seal)"))
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("send", _l("Mark as sent"), rules.send, icon="send", shown=lambda row: row.state == "draft" and approvals.is_settled(row)),
        Action("accept", _l("Accepted"), rules.accept, icon="circle-check", shown=_sent),
        Action("refuse", _l("Refused"), rules.refuse, form=reason_form, icon="circle-x", shown=_sent),
        Action("version", _l("New version"), rules.new_version, icon="versions", many=False,
               shown=lambda row: _living(row) and row.approval != "pending"),
        void_action(rules.void, _living),
        TRANSFER,
    ]
    check_save = staticmethod(rules.check_quote)
    check_change = staticmethod(rules.check_change)
    check_delete = staticmethod(rules.check_delete)
    nexts = (("contract", _l("To contract"), "file-certificate"),)

    def starts(self, row, entity):
        """A contract is made of a quote that holds."""
        return rules.holds(db.session, row)

    def options(self, rows):
        """A chosen quote brings its customer, contact and opportunity along."""
        return [{"brings": {"customer": {"id": r.customer_id, "text": str(r.customer)}, "name": r.name, "payment_terms": r.payment_terms,
                            "opportunity": r.opportunity_id and {"id": r.opportunity_id, "text": str(r.opportunity)},
                            "contact": r.contact_id and {"id": r.contact_id, "text": str(r.contact)}}} for r in rows]

    def preset(self, form):
        """From an opportunity: its customer, contact, name and lines; from a customer: its first contact."""
        super().preset(form)
        source = request.args.get("opportunity", "")
        if source.isdecimal() and (deal := db.session.get(Opportunity, int(source))):
            form.name.data, form.customer.data, form.contact.data = form.name.data or deal.name, deal.customer_id, deal.contact_id
            if not form.lines.entries:
                self.take_lines(form, deal)
        buyer = db.session.get(Customer, form.customer.data) if form.customer.data else None
        if buyer and not form.contact.data:
            form.contact.data = buyer.primary_contact_id

    def row_flags(self, row):
        """Red when expired."""
        return "late" if row.shown_state == "expired" else ""

    def hint(self, row):
        """Number and amount beside the name."""
        return f"{row.number} · ¥{(row.amount or 0) / 100:,.2f}"

    def extra_tabs(self, row):
        """The difference to the former version."""
        return [("versions", _("What changed"), None)] if row.former_id else []

    def tab(self, row, key):
        """Both versions side by side, changed lines in colour."""
        former = db.session.get(Quote, row.former_id)
        return Markup(render_template("quotes/versions.html", item=row, former=former, lines=rules.difference(former, row)))


_OF = {"customer": Quote.customer_id, "opportunity": Quote.opportunity_id}
happenings.SOURCES += [
    happenings.Source(
        "quote", "business", "quote", Quote, Quote.created_at, Quote.created_by_id, _OF,
        lambda row: (_("Made a quote"), happenings.document(row)),
        icon="file-dollar", tone="v", code=Quote.number, text=Quote.name, amount=Quote.amount),
    happenings.Source(
        "sent", "business", "quote", Quote, Quote.sent_at, Quote.owner_id, _OF, lambda row: (_("Sent a quote"), happenings.document(row)),
        icon="send", tone="v", code=Quote.number, text=Quote.name, amount=Quote.amount, where=(Quote.sent_at.is_not(None),))]

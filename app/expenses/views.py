"""The screens of expenses and claims (manual 4.8)."""
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import func
from wtforms import StringField
from wtforms.validators import Length

from app.approvals.views import RELEASE, SUBMIT, WITHDRAW
from app.contracts.models import Contract
from app.contracts.views import ContractView
from app.core.words import _, _l
from app.customers.views import CustomerView
from app.extensions import db
from app.opportunities.views import OpportunityView
from app.security.actions import TRANSFER
from app.views import forms, record
from app.views.conditions import period
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import rules
from .models import Claim, Expense


def claim_form():
    """The claim's name."""
    class ClaimForm(DynamicForm):
        name = StringField(_l("Claim"), [forms.Required(), Length(max=120)], filters=[forms.clean])
    return ClaimForm


class ClaimView(EntityView):
    """Claim forms that gather several expenses."""

    model = Claim
    menu = MenuItem("expenses", _l("Expense claims"), icon="receipt-2", position=20)
    title, add_label = _l("Expense claims"), _l("New claim")
    list_columns = "number name amount state approval owner created_at"
    sums = {"amount": func.sum(Claim.amount)}
    quick_filters = [QuickFilter("mine", _l("Mine"), lambda who: Claim.owner_id == who.id, default=True),
                     QuickFilter("unpaid", _l("Not paid out"), lambda who: Claim.state == "draft")]
    conditions = "state approval owner created_at"
    head = "state approval owner"
    facts = "number amount paid_on created_at"
    sections = [
        Section(_l("Claim"), "number name note owner"),
        Section(_l("System data"), "amount state approval paid_on created_by created_at"),
    ]
    importable = False
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("pay", _l("Paid out"), rules.pay, icon="cash", verb="pay", shown=lambda row: row.state == "draft"),
        Action("dissolve", _l("Take the claim apart"), rules.dissolve, icon="arrow-back-up", shown=lambda row: row.state == "draft"),
    ]
    check_change = staticmethod(rules.check_claim_change)


class ExpenseView(EntityView):
    """What was spent, on whom."""

    model = Expense
    menu = MenuItem("expenses", _l("Expense list"), icon="receipt", position=10)
    title, add_label, tab_label = _l("Expenses"), _l("New expense"), _l("Expenses")
    parents = {CustomerView: "customer", OpportunityView: "opportunity", ContractView: "contract", ClaimView: "claim"}
    list_columns = "number spent_on kind amount customer contract opportunity reason owner state approval"
    sums = {"amount": func.sum(Expense.amount)}
    default_sort = "spent_on.desc"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Expense.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Expense.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("month", _l("This month"), lambda who: Expense.spent_on.between(*period("this_month"))),
        QuickFilter("open", _l("Not claimed"), lambda who: Expense.state == "open")]
    conditions = "kind customer contract owner state approval amount spent_on"
    head = "kind state approval owner"
    facts = "customer contract amount spent_on department claim"
    sections = [Section(_l("Expense"), "number kind amount spent_on reason customer contact opportunity contract method slips note owner"),
                Section(_l("System data"), "state approval claim created_by created_at changed_at")]
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("claim", _l("Make a claim"), rules.gather, form=claim_form, icon="receipt-2", shown=lambda row: row.state == "open"),
        TRANSFER,
    ]
    check_save = staticmethod(rules.check_expense)
    check_change = staticmethod(rules.check_change)

    def preset(self, form):
        """A contract brings its customer along."""
        super().preset(form)
        contract = db.session.get(Contract, form.contract.data) if form.contract.data else None
        if contract is not None:
            form.customer.data, form.opportunity.data = contract.customer_id, contract.opportunity_id


def _spent(customer):
    fen = rules.customer_spent(db.session, customer)
    return [
        (
            _("Expenses"),
            Markup('<a href="/customer/show/{}?tab=expense" data-figure="spent">¥{}</a>').format(customer.id, f"{fen / 100:,.2f}"),
        )
    ]


record.FIGURES.setdefault(CustomerView, []).append(_spent)

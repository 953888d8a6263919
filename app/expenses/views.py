"""The screens of expenses and claims (manual 4.8)."""
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import StringField
from wtforms.validators import Length

from app.approvals.views import RELEASE, SUBMIT, WITHDRAW, Submitted
from app.contracts.models import Contract
from app.contracts.views import ContractView
from app.core import choices
from app.core.money import shown
from app.core.spans import noon_of
from app.core.words import _, _l
from app.customers.views import CustomerView
from app.extensions import db
from app.opportunities.views import OpportunityView
from app.printing import papers
from app.printing.documents import PAPERS, Printed
from app.security.actions import TRANSFER, owner_form
from app.views import cells, forms, happenings, record
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


class ClaimView(Submitted, Printed, EntityView):
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
    facts = "amount paid_on created_at"
    bar = "submit pay edit dissolve"
    sections = [
        Section(_l("Claim"), "number name note owner"),
        Section(_l("System data"), "amount state approval paid_on created_by created_at"),
    ]
    part = Expense
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("pay", _l("Paid out"), rules.pay, icon="cash", verb="pay", shown=lambda row: row.state == "draft"),
        Action("dissolve", _l("Take the claim apart"), rules.dissolve, icon="arrow-back-up", shown=lambda row: row.state == "draft"),
    ]
    check_change = staticmethod(rules.check_change)
    paper_title = _l("Expense claim")
    include_route_methods = EntityView.include_route_methods | PAPERS

    def parts(self, row):
        """Its expenses, the oldest first."""
        return db.session.scalars(select(Expense).where(Expense.claim_id == row.id).order_by(Expense.spent_on, Expense.id).options(
            joinedload(Expense.customer))).all()

    def paper(self, row):
        """报销单: its expenses line by line, the sum in words, who signs."""
        spent = self.parts(row)
        return papers.table(db.session, row, str(self.paper_title), "owner created_at state paid_on", spent, {
            "spent_on": 1.4, "kind": 1.3, "reason": 2.6, "customer": 2.6, "slips": 0.9, "amount": 1.6},
            signs=[_("Claimed by"), _("Approved by"), _("Paid by")])


class ExpenseView(Submitted, EntityView):
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
        QuickFilter("open", _l("Not claimed"), lambda who: Expense.state == "open"),
        QuickFilter("counted", _l("Counted"), lambda who: rules.counts(), count=False)]
    conditions = "kind customer contract owner state approval amount spent_on"
    head = "kind state approval customer contract owner"
    facts = "amount/slips spent_on department claim"
    bar = "submit edit claim transfer"
    sections = [Section(_l("Expense"), "number kind amount spent_on reason customer contact opportunity contract method slips note owner"),
                Section(_l("System data"), "state approval claim created_by created_at changed_at")]
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("claim", _l("Make a claim"), rules.gather, form=claim_form, icon="receipt-2", shown=lambda row: row.state == "open"),
        Action("transfer", _l("Transfer"), rules.transfer, form=owner_form, icon=TRANSFER.icon, verb="transfer",
               shown=lambda row: row.state == "open"),
    ]
    check_save = staticmethod(rules.check_expense)
    check_change = staticmethod(rules.check_change)

    def preset(self, form):
        """A contract brings its customer along."""
        super().preset(form)
        contract = db.session.get(Contract, form.contract.data) if form.contract.data else None
        if contract is not None:
            form.customer.data, form.opportunity.data = contract.customer_id, contract.opportunity_id


def _figures(customer, numbers):
    spent = int(numbers["spent"])
    if "received" not in numbers:
        return []
    left = int(numbers["received"]) - spent
    profit = Markup('<span data-figure="profit" data-fen="{}">{}</span>').format(left, shown(left))
    link = record.figure(spent, f"/expense/list/?quick=counted&customer={customer.id}", "spent")
    return [(_("Profit so far"), profit, Markup("{} {}").format(_("Expenses"), link))]


record.FIGURES.setdefault(CustomerView, []).append(("expense", rules.figures_of, _figures))


def _say_expense(row):
    kind = choices.label(db.session, "expense_kind", row.code, english=cells.english())
    return _("Spent"), Markup("{} · {} <b class=\"num\">¥{}</b>").format(kind, row.text, shown(row.amount))


happenings.SOURCES.append(happenings.Source(
    "expense", "business", "expense", Expense, noon_of(Expense.spent_on), Expense.owner_id,
    {"customer": Expense.customer_id, "opportunity": Expense.opportunity_id, "contract": Expense.contract_id}, _say_expense,
    icon="receipt", tone="y", dated=True, code=Expense.kind, text=Expense.reason, amount=Expense.amount))

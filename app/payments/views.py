"""The screens of plans, payments and invoices (manual 4.7)."""
from flask import redirect
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import func
from wtforms import SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length

from app.approvals.views import RELEASE, SUBMIT, WITHDRAW, Submitted
from app.contracts.views import ContractView
from app.core import actor, clock, money
from app.core.spans import noon_of
from app.core.words import _, _l, ngettext
from app.customers.models import Customer
from app.customers.views import CustomerView
from app.extensions import db
from app.security.actions import TRANSFER, reason_form
from app.views import acting, forms, happenings, record
from app.views.declare import Action, MenuItem, QuickFilter, SaveAnd, Section
from app.views.entity_view import EntityView

from . import progress, rules, terms  # noqa: F401  progress: the cards on the contract's page
from .models import Contract, Invoice, Payment, PaymentPlan, counted


def terms_form():
    """Terms, first day, rhythm."""
    class TermsForm(DynamicForm):
        terms = StringField(_l("Terms: 30/60/10, or a number of equal parts"), [forms.Required(), Length(max=200)], default="30/60/10")
        first_on = forms.DayField(_l("First date"), [forms.Required()], default=clock.today)
        every = SelectField(_l("Then every"), default="month", choices=[
            SelectChoice("week", _l("week")), SelectChoice("month", _l("month")), SelectChoice("quarter", _l("quarter"))])
    return TermsForm


def refund_form():
    """Amount, day, reason."""
    class RefundForm(DynamicForm):
        amount = forms.MoneyField(_l("Refunded amount"), [forms.Required()])
        paid_on = forms.DayField(_l("Paid on"), [forms.Required()], default=clock.today)
        reason = TextAreaField(_l("Reason"), [forms.Required(), Length(max=500)], filters=[forms.clean])
    return RefundForm


class _OfContract(EntityView):
    """What is preset from a contract: its customer, what is left."""

    def preset(self, form):
        """The contract's customer comes along."""
        super().preset(form)
        contract = db.session.get(Contract, form.contract.data) if form.contract.data else None
        if contract is not None:
            self.from_contract(form, contract)

    def from_contract(self, form, contract) -> None:
        """Fill in what the contract knows."""
        if "customer" in form:
            form.customer.data = contract.customer_id


class PaymentPlanView(_OfContract):
    """What is expected, and what is late."""

    model = PaymentPlan
    menu = MenuItem("payments", _l("Payment plans"), icon="calendar-dollar", position=10)
    title, add_label, tab_label = _l("Payment plans"), _l("New term"), _l("Payment plans")
    parents = {CustomerView: "customer", ContractView: "contract"}
    list_columns = "term customer contract amount due_on received outstanding state days_late owner"
    sums = {"amount": func.sum(PaymentPlan.amount), "received": func.sum(PaymentPlan.received), "outstanding": rules.outstanding()}
    default_sort = "due_on.asc"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: PaymentPlan.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: PaymentPlan.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("late", _l("All overdue"), rules.late, told=_l("Of contracts in force, not fully received, past its day")),
        QuickFilter("soon", _l("Due in 3 days"), rules.soon, count=False,
                    told=_l("Of contracts in force, not fully received, due in 3 days")),
        QuickFilter("month", _l("Due this month"), rules.due_this_month,
                    told=_l("Of contracts in force, not fully received, due this month")),
        QuickFilter("week", _l("Due this week"), rules.due_this_week, told=_l("Of contracts in force, not fully received, due this week")),
        QuickFilter("part", _l("Partly received"), rules.part, told=_l("Of contracts in force, received in part")),
        QuickFilter("open", _l("Outstanding"), lambda who: rules.open_plans(), told=_l("Of contracts in force, not fully received")),
        QuickFilter("done", _l("Received"), rules.done, count=False),
    ]
    conditions = "customer contract owner amount due_on method"
    head = "state customer contract owner"
    facts = "amount due_on/days_late received outstanding"
    bar = "payment edit transfer"
    sections = [Section(_l("Plan"), "contract amount due_on method remind_days note owner"),
                Section(_l("System data"), "customer term received outstanding state days_late created_by created_at changed_at")]
    actions_declared = [TRANSFER]
    check_save = staticmethod(rules.check_plan)
    check_change = staticmethod(rules.check_plan_change)
    nexts = (("payment", _l("Record a payment"), "cash"),)
    next_as = "plan"
    stands_for = ("TermsPage",)

    def list_links(self):
        """The terms of a contract at once."""
        return [("/paymentplan/terms/", _("Make a payment plan"), "calendar-dollar")] if self.may("add") else []

    def from_contract(self, form, contract):
        """What is not planned yet."""
        super().from_contract(form, contract)
        form.amount.data = form.amount.data or max(0, rules.planned_left(db.session, contract))

    def options(self, rows):
        """A chosen term brings its contract, customer and what it lacks along."""
        return [{"brings": {"customer": {"id": r.customer_id, "text": str(r.customer)}, "amount": str(money.to_yuan(r.outstanding)),
                            "contract": {"id": r.contract_id, "text": str(r.contract)}}} for r in rows]

    def row_flags(self, row):
        """Red when overdue."""
        return "late" if row.days_late else ""

    def hint(self, row):
        """Amount and date beside the term."""
        return f"¥{row.outstanding / 100:,.2f} · {row.due_on}"


class PaymentView(Submitted, _OfContract):
    """What was received."""

    model = Payment
    menu = MenuItem("payments", _l("Payment list"), icon="cash", position=20)
    title, add_label, tab_label = _l("Payments"), _l("Record a payment"), _l("Payments")
    parents = {CustomerView: "customer", ContractView: "contract"}
    list_columns = "number customer contract amount paid_on method plan check approval owner"
    sums = {"amount": func.sum(Payment.amount)}
    default_sort = "paid_on.desc"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Payment.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Payment.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("month", _l("Received this month"), rules.paid_in("this_month")),
        QuickFilter("week", _l("Received this week"), rules.paid_in("this_week")),
        QuickFilter("new", _l("To be confirmed"), lambda who: Payment.check == "new"),
        QuickFilter("counted", _l("Counted"), lambda who: counted(Payment.__table__), count=False),
        QuickFilter("refunds", _l("Refunds"), lambda who: Payment.amount < 0, count=False)]
    conditions = "customer contract owner method kind check amount paid_on"
    head = "check approval kind customer contract owner"
    facts = "amount paid_on plan method payer"
    bar = "submit confirm edit refund back transfer"
    sections = [
        Section(_l("Payment"), "number customer contract plan paid_on amount method kind owner"),
        Section(_l("Bank data"), "payer bank account voucher note"),
        Section(_l("System data"), "check checked_on approval receipt refund_of created_by created_at changed_at")]
    actions_declared = [
        SUBMIT,
        WITHDRAW,
        RELEASE,
        Action("confirm", _l("Confirm"), rules.confirm, icon="circle-check", verb="confirm", shown=lambda row: row.check == "new"),
        Action(
            "unconfirm",
            _l("Take the confirmation back"),
            rules.unconfirm,
            icon="lock-open",
            verb="confirm",
            shown=lambda row: row.check == "confirmed",
        ),
        Action(
            "back",
            _l("Send back"),
            rules.send_back,
            form=reason_form,
            icon="arrow-back-up",
            verb="confirm",
            shown=lambda row: row.check == "new",
        ),
        Action("refund", _l("Refund"), rules.refund, form=refund_form, icon="cash-banknote", many=False, shown=lambda row: row.amount > 0),
        TRANSFER,
    ]
    check_save = staticmethod(rules.check_payment)
    check_change = staticmethod(rules.check_payment_change)
    check_delete = staticmethod(rules.check_payment_delete)

    def preset(self, form):
        """From a term: its contract, customer and what is outstanding."""
        super().preset(form)
        plan = db.session.get(PaymentPlan, form.plan.data) if form.plan.data else None
        if plan is not None:
            form.contract.data, form.customer.data, form.amount.data = plan.contract_id, plan.customer_id, plan.outstanding
            form.method.data = form.method.data or plan.method

    def from_contract(self, form, contract):
        """What is left, and who pays."""
        super().from_contract(form, contract)
        form.amount.data = form.amount.data or max(0, rules.left_of(db.session, contract))
        form.payer.data = form.payer.data or db.session.get(Customer, contract.customer_id).name


class InvoiceView(_OfContract):
    """What was invoiced."""

    model = Invoice
    menu = MenuItem("payments", _l("Invoices"), icon="file-invoice", position=40)
    title, add_label, tab_label = _l("Invoices"), _l("New invoice"), _l("Invoices")
    parents = {CustomerView: "customer", ContractView: "contract"}
    list_columns = "number customer contract kind amount issued_on owner"
    sums = {"amount": func.sum(Invoice.amount)}
    default_sort = "issued_on.desc"
    conditions = "customer contract kind owner amount issued_on"
    head = "kind customer contract owner"
    facts = "amount issued_on title tax_number"
    sections = [Section(_l("Invoice"), "number kind customer contract amount issued_on title tax_number tracking note owner"),
                Section(_l("System data"), "created_by created_at changed_at")]
    check_save = staticmethod(rules.check_invoice)

    def from_contract(self, form, contract):
        """The customer's invoice data and what is not invoiced yet."""
        super().from_contract(form, contract)
        customer = db.session.get(Customer, contract.customer_id)
        form.amount.data = form.amount.data or max(0, contract.amount - (contract.invoiced or 0))
        form.title.data, form.tax_number.data = (
            form.title.data or customer.invoice_title or customer.name,
            form.tax_number.data or customer.tax_number,
        )


def _outstanding(field, rows, left):
    """The figure 未回款 of a customer or a contract, with what of it is overdue; `rows` is the address of what it sums."""
    def asks(row):
        return rules.late_of(getattr(PaymentPlan, f"{field}_id") == row.id)

    def says(row, numbers):
        late, since, small = int(numbers["late"]), numbers["late_since"], ""
        if late:
            small = Markup("{} {} · {}").format(
                _("overdue"), record.figure(late, f"/paymentplan/list/?quick=late&{field}={row.id}", "late", "c-red"),
                ngettext("%(num)d day", "%(num)d days", (clock.today() - since).days))
        return [(_("Outstanding"), record.figure(left(row, numbers), f"{rows}&{field}={row.id}", "outstanding"), small)]
    return "contract", asks, says


def _plan_it(view, contract):
    acting.say_done(_("Saved."))
    return redirect(f"/paymentplan/terms/?contract={contract.id}")


record.FIGURES.setdefault(CustomerView, []).append(_outstanding(
    "customer", "/contract/list/?quick=unpaid", lambda row, numbers: int(numbers["signed"] - numbers["received"])))
record.FIGURES.setdefault(ContractView, []).append(_outstanding(
    "contract", "/paymentplan/list/?quick=open", lambda row, numbers: row.outstanding))
ContractView.actions_declared.append(
    Action(
        "terms", _l("Make a payment plan"), terms.generate, form=terms_form, icon="calendar-dollar", single=False
    )
)
ContractView.save_and += (SaveAnd(
    "terms", _l("Save and plan its payments"), "calendar-dollar", _plan_it, lambda view: actor.current().may("paymentplan", "add")),)
ContractView.quick_filters.append(QuickFilter("late", _l("With overdue terms"), rules.has_late,
                                              told=_l("In force, with a term past its day and not fully received")))
_OF = {"customer": Contract.customer_id, "opportunity": Contract.opportunity_id, "contract": Contract.id}


def _paid(row):
    return _("Gave money back") if row.amount < 0 else _("Received a payment"), happenings.document(row)


happenings.SOURCES += [
    happenings.Source(
        "payment", "business", "payment", Payment, noon_of(Payment.paid_on), Payment.owner_id, _OF, _paid,
        icon="cash", tone="g", dated=True,
        code=Payment.number, text=Contract.name, amount=Payment.amount, join=(Contract, Contract.id == Payment.contract_id),
        where=(Payment.check != "refused",)),
    happenings.Source(
        "invoice", "business", "invoice", Invoice, noon_of(Invoice.issued_on), Invoice.owner_id, _OF,
        lambda row: (_("Issued an invoice"), happenings.document(row)), icon="file-invoice", dated=True,
        code=Invoice.number, text=Contract.name, amount=Invoice.amount, join=(Contract, Contract.id == Invoice.contract_id))]

"""Receivables, the terms of a contract before they are saved, and one receipt over several contracts (manual 4.7)."""
from urllib.parse import urlencode

from flask import abort, redirect, render_template, request
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from sqlalchemy import select
from wtforms import Form, FormField

from app.contracts.models import Contract
from app.contracts.rules import unpaid
from app.core import changes, choices, clock, money
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Customer
from app.products.documents import LinesField
from app.views import acting, cells, forms, saving
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

from . import receivables, rules, terms
from .models import PaymentPlan
from .progress import share_of
from .views import terms_form


class ReceivablePage(Page):
    """/receivable/: outstanding by customer, contract or person with its age; expected cash."""

    entity, route_base, home = "paymentplan", "/receivable", "/receivable/"
    default_view = "index"
    menu = MenuItem("payments", _l("Receivables"), icon="report-money", position=30)

    @expose("/")
    @granted("read")
    def index(self):
        """The page; every figure opens its rows."""
        group = request.args.get("by", "customer")
        if group not in receivables.GROUPS:
            abort(400)
        rows = receivables.by(self.session, group)
        return render_template("payments/receivables.html", group=group, rows=rows, total=receivables.total(self.session),
                               buckets=receivables.BUCKETS, expected=receivables.expected(self.session), today=clock.today(),
                               groups=[("customer", _("By customer")), ("contract", _("By contract")), ("owner", _("By person"))])


def terms_sheet():
    """The form of a contract's terms before they are saved."""
    fields = describe(PaymentPlan)
    term = type("TermForm", (Form,), {n: forms.make_field(fields[n]) for n in TERM.split()})

    class TermsSheet(DynamicForm):
        terms = TermsField(FormField(term))
    return TermsSheet


TERM = "amount due_on method remind_days note"


class TermsField(LinesField):
    """Terms by number; a row without amount and note does not count."""

    typed_in = ("amount", "note")


class TermsPage(Page):
    """/paymentplan/terms/: the terms of a contract, proposed from its payment terms, changed at will, saved together."""

    entity, route_base, home = "paymentplan", "/paymentplan/terms", "/paymentplan/list/"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @granted("add")
    def index(self):
        """`?contract=` and how to spread it; posted rows become its plan."""
        key = request.values.get("contract", "")
        contract = self.fetch(Contract, int(key)) if key.isdecimal() and len(key) < 16 else None
        if contract is None:
            return render_template("payments/terms.html", contract=None)
        ask, problem, rows = self._asked(contract), "", []
        sheet = terms_sheet()(request.form if request.method == "POST" else None)
        if request.method == "POST":
            made = self._save(contract, sheet)
            if not isinstance(made, str):
                acting.say_done(_("%(n)d terms planned.", n=len(made)))
                return redirect(f"/contract/show/{contract.id}")
            problem = made
        else:
            problem, rows = self._proposed(contract, ask)
        for row in rows:
            sheet.terms.append_entry(row)
        blank = terms_sheet()(None).terms.append_entry({"remind_days": 3})
        return render_template("payments/terms.html", contract=contract, ask=ask, sheet=sheet, blank=blank, problem=problem,
                               planned=contract.amount - rules.planned_left(self.session, contract), share=share_of(contract))

    def _asked(self, contract):
        """How to spread it: by the address, else by the contract's own payment terms, the first one today."""
        form = terms_form()(request.args if "terms" in request.args else None, meta={"csrf": False})
        if "terms" not in request.args and terms.are_terms(contract.payment_terms):
            form.terms.data = contract.payment_terms
        return form

    def _proposed(self, contract, ask):
        if "terms" in request.args and not ask.validate():
            return "", []
        try:
            return "", terms.propose(self.session, contract, ask.terms.data, ask.first_on.data, ask.every.data)
        except RuleError as no:
            return saving.put_error(ask, no) or "", []

    def _save(self, contract, sheet):
        """The saved terms, or the sentence why not ('' when it stands at a field)."""
        if not sheet.validate():
            return ""
        try:
            with changes.operation(self.session, "terms", "payment_plan", str(contract)):
                made = terms.plan(self.session, contract, [dict(row) for row in sheet.terms.data])
            self.session.commit()
            return made
        except RuleError as no:
            self.session.rollback()
            return _put_in_row(sheet, no)


def _put_in_row(sheet, no) -> str:
    """Set a refusal at the field of its term; returns the sentence when it belongs to the page."""
    _terms, n, name = (no.field or "").split("-", 2) if (no.field or "").startswith("terms-") else ("", "", "")
    if not n or name not in sheet.terms[int(n)].form._fields:
        return str(no)
    field = sheet.terms[int(n)].form[name]
    field.errors = [*field.errors, str(no)]
    return ""


class ReceiptPage(Page):
    """/receipt/: one receipt of a customer over several contracts."""

    entity, route_base, home = "payment", "/receipt", "/receipt/"
    default_view = "index"
    menu, menu_verb = MenuItem("payments", _l("Receipt over several contracts"), icon="arrows-split", position=50), "add"

    @expose("/", methods=["GET", "POST"])
    @granted("add")
    def index(self):
        """Choose the customer, give each contract its share, save all payments at once."""
        key = request.values.get("customer", "")
        customer = self.fetch(Customer, int(key)) if key.isdecimal() and len(key) < 16 else None
        contracts = self.session.scalars(select(Contract).where(Contract.customer_id == customer.id, unpaid(None)).order_by(
            Contract.signed_on, Contract.id).limit(50)).all() if customer else []
        problem = None
        if request.method == "POST" and customer:
            try:
                with changes.operation(self.session, "receipt", "payment", str(customer)):
                    made = rules.receive(self.session, customer.id, self._shares(contracts), **self._typed(customer))
                self.session.commit()
                acting.say_done(_("%(n)d payments recorded.", n=len(made)))
                return redirect("/payment/list/?" + urlencode({"quick": "all", "customer": customer.id}))
            except RuleError as no:
                self.session.rollback()
                problem = no
        return render_template("payments/receipt.html", customer=customer, contracts=contracts, problem=problem, today=clock.today(),
                               methods=choices.options(self.session, "payment_method", english=cells.english()),
                               method=choices.default(self.session, "payment_method"), typed=request.form,
                               left={c.id: rules.left_of(self.session, c) for c in contracts})

    def _shares(self, contracts) -> dict[int, int]:
        """Contract id -> fen of its share."""
        return {c.id: self._amount(f"share-{c.id}") or 0 for c in contracts}

    def _typed(self, customer) -> dict:
        """What all shares have in common."""
        try:
            paid_on = clock.dt.date.fromisoformat(request.form.get("paid_on", ""))
        except ValueError as bad:
            raise RuleError(_("This is not a date (2026-11-24)."), "paid_on") from bad
        return {"whole": self._amount("whole"), "paid_on": paid_on, "method": request.form.get("method") or None,
                "payer": (forms.clean(request.form.get("payer", "")) or customer.name)[:120]}

    @staticmethod
    def _amount(name) -> int | None:
        """An amount in yuan as fen; None when nothing was typed."""
        try:
            text = forms.clean(request.form.get(name, ""))
            return money.read(text) if text else None
        except ValueError as bad:
            raise RuleError(_("This is not an amount."), name) from bad

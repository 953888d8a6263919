"""Receivables, and one receipt over several contracts (manual 4.7)."""
from urllib.parse import urlencode

from flask import abort, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select

from app.contracts.models import Contract
from app.contracts.rules import unpaid
from app.core import changes, choices, clock
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Customer
from app.extensions import db
from app.views import acting, cells, forms
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

from . import receivables, rules


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
            Contract.signed_on).limit(50)).all() if customer else []
        problem = ""
        if request.method == "POST" and customer:
            made = self._save(customer, contracts)
            if not isinstance(made, str):
                acting.say_done(_("%(n)d payments recorded.", n=len(made)))
                return acting.redirect("/payment/list/?" + urlencode({"quick": "all", "customer": customer.id}))
            problem = made
        return render_template("payments/receipt.html", customer=customer, contracts=contracts, problem=problem, today=clock.today(),
                               methods=choices.options(self.session, "payment_method", english=cells.english()), typed=request.form,
                               left={c.id: rules.left_of(self.session, c) for c in contracts})

    def _save(self, customer, contracts):
        """The payments made, or the sentence why not; nothing is half written."""
        try:
            shares = {c.id: self._amount(request.form.get(f"share-{c.id}", "")) for c in contracts}
            paid_on = clock.dt.date.fromisoformat(request.form.get("paid_on", ""))
            with changes.operation(db.session, "receipt", "payment", str(customer)):
                made = rules.receive(self.session, customer.id, shares, paid_on=paid_on, method=request.form.get("method") or None,
                                     payer=forms.clean(request.form.get("payer", ""))[:120] if request.form.get("payer") else customer.name)
            self.session.commit()
            return made
        except RuleError as no:
            self.session.rollback()
            return str(no)
        except ValueError:
            self.session.rollback()
            return _("Check the amounts and the date.")

    @staticmethod
    def _amount(text):
        return forms.money.to_fen(text.replace(",", "").strip()) if text.strip() else 0

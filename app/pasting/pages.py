"""/paste/: a pasted text becomes a customer, a contact and a follow-up, after somebody has looked at it (粘贴识别)."""

from flask import current_app, flash, redirect, render_template, request
from flask_appbuilder import expose

from app.core import changes, choices, scope
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import rules, twins
from app.customers.models import Customer
from app.customers.views import ContactView, CustomerView, FollowupView
from app.duplicates.pages import known
from app.search.pages import COMMANDS, Command
from app.views import acting, saving
from app.views.guard import granted
from app.views.look import new_token
from app.views.page import CONTROL, Page

from .recognise import LONGEST, read

PARTS = {"customer": (CustomerView, "name phone mobile email website region address tax_number level source"),
         "contact": (ContactView, "name title department mobile phone fax email wechat qq"),
         "followup": (FollowupView, "method content next_follow_at")}
TAKEN = {"customer": {"name": "company"}, "contact": {"name": "person"}}  # form field: field of the card, where the names differ
COMMANDS.append(Command(_l("Paste and recognise"), "/paste/", "customer.add", "粘贴 识别 名片 签名 paste card ztsb zhantie shibie"))
CustomerView.more_list_links.append(("/paste/", _l("Paste and recognise"), "clipboard-text", "add"))


class PastePage(Page):
    """A text, what was recognised in it, and who has this customer already."""

    entity, route_base, home = "customer", "/paste", "/paste/"
    default_view = "index"

    @expose("/", methods=["GET", "POST"])
    @granted("add")
    def index(self):
        """The box for the text; posted, the forms with what was recognised. Nothing is saved yet."""
        text = CONTROL.sub("", request.form.get("text", ""))[:LONGEST]
        if not text.strip():
            return render_template("pasting/index.html", longest=LONGEST)
        card = read(text)
        given = {part: {n: v for n in names.split() if (v := getattr(card, TAKEN.get(part, {}).get(n, n), None))}
                 for part, (_view, names) in PARTS.items()}
        for name in ("mobile", "email"):  # without a name there is no contact: the customer keeps them
            given["customer" if card.person else "contact"].pop(name, None)
        given["followup"] = {"method": choices.default(self.session, "follow_method") or "wechat", "content": text.strip(),
                             "next_follow_at": rules.next_call(self.session)}
        forms = {part: self._form(part, None, given[part]) for part in PARTS}
        for form in forms.values():
            form.token.data = new_token()
        return self._confirm(forms, text)

    @expose("/save", methods=["POST"])
    @granted("add")
    def save(self):
        """Save what was confirmed: a new customer or one that is there, its contact, the first follow-up; all or nothing."""
        forms = {part: self._form(part, request.form) for part in PARTS}
        if made := saving.saved_before(forms["followup"]):
            return redirect(f"/customer/show/{made}")
        try:
            there = self._existing()
            with changes.operation(self.session, "paste", "customer", there.name if there else forms["customer"]["name"].data or ""):
                customer = self._save(forms, there)
            saving.commit()
        except RuleError as no:
            self.session.rollback()
            if str(no):
                flash(str(no), "danger")
            return self._confirm(forms, request.form.get("text", "")[:LONGEST])
        acting.say_done(_("Saved."))
        return redirect(f"/customer/show/{customer.id}")

    # ---- parts -------------------------------------------------------------------------------------------------
    @staticmethod
    def _view(part):
        return next(v for v in current_app.appbuilder.baseviews if type(v) is PARTS[part][0])

    def _fields(self, part) -> list:
        view, names = self._view(part), PARTS[part][1].split()
        return [f for f in view.form_fields() if f.name in names or ("custom" in f.info and f.required)
                or (f.name == "customer" and part != "customer")]

    def _form(self, part, posted, given=None):
        view, fields = self._view(part), self._fields(part)
        data = {**{n: v for n, v in view._data(None, fields).items() if n != "owner"}, **(given or {})}
        return view.form_class(fields, None)(posted, data=data, prefix=part)

    def _save(self, forms, there):
        """The customer; RuleError('') when a form is refused, its sentences at the fields."""
        customer = there or self._put("customer", forms)
        for part, says in (("contact", "name"), ("followup", "content")):
            if (forms[part][says].data or "").strip():
                forms[part]["customer"].data, forms[part]["customer"].raw_data = customer.id, [str(customer.id)]
                self._put(part, forms)
        saving.remember(forms["followup"], customer)
        return customer

    def _existing(self):
        chosen = request.form.get("existing", "")
        if not chosen.isascii() or not chosen.isdecimal() or len(chosen) > 15:
            return None
        row = self.fetch(Customer, int(chosen))
        if not scope.may_edit(self.session, row, self.who):
            raise RuleError(_("This customer is only shared with you for reading."))
        return row

    def _put(self, part, forms):
        view = self._view(part)
        if not self.who.may(view.entity, "add"):
            raise RuleError(_("You may not make: %(what)s", what=view.title))
        token, forms[part].token.data = forms[part].token.data, ""  # remembered once, with the customer
        try:
            row = saving.put(view, forms[part], None, self._fields(part))
        except RuleError as no:
            raise RuleError(saving.put_error(forms[part], no) or "") from no
        finally:
            forms[part].token.data = token
        if row is None:
            raise RuleError("")
        return row

    def _confirm(self, forms, text):
        customer, contact = forms["customer"], forms["contact"]
        phones = [customer["phone"].data, customer["mobile"].data, contact["mobile"].data, contact["phone"].data]
        found = twins.find(self.session, customer["name"].data or "", phones, customer["tax_number"].data or "",
                           [customer["website"].data, customer["email"].data, contact["email"].data])
        shown = {part: [n for n in names.split() if n in forms[part]] for part, (_v, names) in PARTS.items()}
        for part in PARTS:
            shown[part] += [f.name for f in self._fields(part) if "custom" in f.info]
        return render_template("pasting/confirm.html", forms=forms, text=text, shown=shown, chosen=request.form.get("existing", ""),
                               titles={part: view.title for part, (view, _n) in PARTS.items()}, **known(self.session, self.who, found))

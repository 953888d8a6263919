"""The screens of customers, contacts and follow-ups (manual 4.3)."""
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import select
from wtforms import BooleanField, DateField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from app.core.scope import Collaborator
from app.core.words import Told, _, _l
from app.extensions import db
from app.security.actions import owner_form
from app.security.models import Employee
from app.views import cells, forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView
from app.views.guard import granted
from app.views.page import asked
from app.views.wire import takes_files

from . import rules, twins
from .models import Contact, Customer, Followup
from .timeline import composer, may_follow, render_similar, render_timeline


def transfer_form():
    """New owner, contacts along or not, what the former owner keeps."""
    class TransferForm(DynamicForm):
        owner = forms.RefField(_l("New owner"), [forms.Required()], target=Employee)
        contacts = BooleanField(_l("Take the contacts along"), default=True)
        keep = SelectField(_l("The former owner"), default="", choices=[
            SelectChoice("", _l("gives it up")), SelectChoice("read", _l("may still read")), SelectChoice("write", _l("may still edit"))])
    return TransferForm


def share_form():
    """Collaborator, right, last day."""
    class ShareForm(DynamicForm):
        employee = forms.RefField(_l("Collaborator"), [forms.Required()], target=Employee)
        may_write = BooleanField(_l("May edit"))
        until = DateField(_l("Until"), [Optional()])
    return ShareForm


def colleague_form():
    """Whose collaboration ends."""
    class ColleagueForm(DynamicForm):
        employee = forms.RefField(_l("Collaborator"), [forms.Required()], target=Employee)
    return ColleagueForm


def status_form():
    """A value of the status list."""
    class StatusForm(DynamicForm):
        status = forms.ChoiceField(_l("Status"), [forms.Required()], list_name="customer_status")
    return StatusForm



def _idle(step: int) -> QuickFilter:
    """The filter of one step of how long nobody followed up; the office says how many days that is."""
    def days():
        return rules.idle_days(db.session)[step]
    label = Told(lambda: _("Idle %(span)s", span=rules.span(days())))
    return QuickFilter(f"idle{step}", label, lambda who: rules.idle(days()), count=step == 30)


class CustomerView(EntityView):
    """The heart of the product: the list of customers and a customer's page."""

    model = Customer
    menu = MenuItem("customers", _l("Customer list"), icon="building", position=10)
    title, add_label = _l("Customers"), _l("New customer")
    list_columns = ("name level status industry source primary_contact primary_phone next_follow_at pool_at "
                    "last_follow_at last_follow_text owner is_won created_at")
    quick_filters = [
        QuickFilter("mine", _l("Mine"), rules.mine, default=True),
        QuickFilter("shared", _l("Shared with me"), rules.shared, told=_l("Of others, shared with me and not expired")),
        QuickFilter("subordinates", _l("Subordinates'"), rules.of_subordinates),
        QuickFilter("today", _l("To call today"), rules.to_call_today, sort="next_follow_at.asc"),
        QuickFilter("later", _l("To call later today"), rules.later_today, count=False, sort="next_follow_at.asc"),
        QuickFilter("overdue", _l("Overdue"), rules.overdue, sort="next_follow_at.asc"),
        *(_idle(step) for step in rules.IDLE),
        QuickFilter("new", _l("New this month"), rules.new_this_month), QuickFilter("won", _l("Won"), rules.won, count=False),
        QuickFilter("not_won", _l("Not won"), rules.not_won, count=False)]
    conditions = "level status industry source owner region next_follow_at created_at"
    initials = True
    head = "level status is_won industry region primary_contact primary_phone created_at pool is_locked pool_at owner"
    facts = "* last_follow_at next_follow_at"
    quick_fields = "name level industry phone source region"
    asks_twins = "name mobile phone tax_number website"
    beside_timeline = "source industry size ownership kind region address phone website invoice_title tax_number bank bank_account note"
    bar = "follow edit opportunity quote transfer"
    nexts = (("opportunity", _l("New opportunity"), "target-arrow"), ("quote", _l("New quote"), "file-dollar"),
             ("contract", _l("New contract"), "file-certificate"), ("expense", _l("New expense"), "receipt"))
    sections = [
        Section(_l("Basics"), "number name short_name short_code kind level status source industry size ownership owner next_follow_at"),
        Section(_l("Contact data"), "phone mobile fax email website region address postcode"),
        Section(_l("Invoice data"), "invoice_title tax_number bank bank_account invoice_address invoice_phone"),
        Section(_l("Note"), "note"),
        Section(_l("System data"), "is_won won_at is_locked pool_at pool pooled_at former_owner last_follow_at last_follow_text "
                                   "created_by created_at changed_at")]
    actions_declared = [
        Action("transfer", _l("Transfer"), rules.transfer, form=transfer_form, icon="users-group", verb="transfer"),
        Action("share", _l("Share"), rules.share, form=share_form, icon="share", verb="share"),
        Action("unshare", _l("Stop sharing"), rules.unshare, form=colleague_form, icon="share-off", verb="share"),
        Action("status", _l("Change status"), rules.set_status, form=status_form, icon="flag", verb="edit"),
        Action("lock", _l("Lock"), rules.lock, icon="lock", verb="lock", shown=lambda row: not row.is_locked),
        Action("unlock", _l("Unlock"), rules.unlock, icon="lock-open", verb="lock", shown=lambda row: row.is_locked)]
    check_save = staticmethod(rules.check_customer)
    include_route_methods = EntityView.include_route_methods | {"similar", "follow"}

    more_list_links: list = []  # of later modules: (address, label, icon, verb that it needs)

    def list_links(self):
        """Buttons of later modules."""
        return [(url, label, icon) for url, label, icon, verb in self.more_list_links if self.may(verb)]

    def row_flags(self, row):
        """A late promise stands out."""
        return "late" if row.is_overdue else ""

    def hint(self, row):
        """Number and region beside the name."""
        return " · ".join(filter(None, (row.number, row.region)))

    def options(self, rows):
        """A chosen customer brings its first contact, its address and its invoice data along."""
        first = {r.primary_contact_id for r in rows if r.primary_contact_id}
        people = {c.id: c for c in db.session.scalars(select(Contact).where(Contact.id.in_(first)))} if first else {}
        return [{"brings": {
            "contact": (c := people.get(r.primary_contact_id)) and {"id": c.id, "text": str(c)}, "delivery": r.address, "payer": r.name,
            "title": r.invoice_title or r.name, "tax_number": r.tax_number, "receiver": c and c.name,
            "receiver_phone": (c.mobile or c.phone) if c and not cells.is_masked(ContactView.fields["mobile"]) else None}} for r in rows]

    def more_links(self, row):
        """Writing a follow-up is what the page is for."""
        return [("follow", f"/customer/show/{row.id}?tab=timeline#follow", _("Write follow-up"), "message-plus")] if may_follow(row) else []

    def tab_order(self, _children):
        """Follow-ups first: the timeline is what a salesperson opens the page for."""
        return ["timeline", "basics", "contact", "followup"]

    more_tabs: list = []  # of later modules: (key, label, function(view, row) -> HTML)

    def extra_tabs(self, row):
        """Timeline, collaborators and those of later modules."""
        return [("timeline", _("Timeline"), None), ("collaborator", _("Collaborators"), None),
                *((key, str(label), None) for key, label, _body in self.more_tabs)]

    def tab(self, row, key):
        """The customer's own tabs."""
        if key == "timeline":
            return render_timeline(self, row, row)
        if key == "collaborator":
            return self._collaborators(row)
        return next(body(self, row) for other, _label, body in self.more_tabs if other == key)

    def _collaborators(self, row):
        wanted = select(Collaborator).where(Collaborator.entity == row.__tablename__, Collaborator.row_id == row.id)
        lines = [Markup("<tr><td>{}</td><td>{}</td><td>{}</td></tr>").format(
            c.employee, _("May edit") if c.may_write else _("May read"), cells.day(c.until) if c.until else "—")
            for c in db.session.scalars(wanted)]
        head = Markup("<thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead>").format(_("Collaborator"), _("Right"), _("Until"))
        if not lines:
            return Markup('<div class="k-empty">{}</div>').format(_("Nobody else works on this customer. Use Share to add somebody."))
        return Markup('<table class="k-table">{}<tbody>{}</tbody></table>').format(head, Markup("").join(lines))

    @expose("/similar")
    @granted("read")
    def similar(self):
        """Names like the typed one, over the whole company, without private data (查重)."""
        told = asked()
        but = told.get("but", "")[:9]
        return render_similar(twins.find(
            db.session, told.get("name", ""), [told.get("mobile"), told.get("phone")], told.get("tax_number", ""), [told.get("website")],
            int(but) if but.isascii() and but.isdecimal() else 0))

    @expose("/<int:pk>/follow", methods=["POST"])
    @granted("read")
    def follow(self, pk):
        """Write a follow-up from the customer's page."""
        return composer(self, self.fetch(pk))


class ContactView(EntityView):
    """The people at the customers."""

    model = Contact
    menu = MenuItem("customers", _l("Contact list"), icon="address-book", position=20)
    title, add_label, tab_label = _l("Contacts"), _l("New contact"), _l("Contacts")
    parents = {CustomerView: "customer"}
    quick_fields = "name customer title mobile role"
    asks_twins = "mobile phone"
    list_columns = "name customer title mobile phone email is_key is_primary next_follow_at owner created_at"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Contact.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Contact.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("key", _l("Key decision makers"), lambda who: Contact.is_key.is_(True)),
        QuickFilter("birthday", _l("Birthday this month"), rules.contact_birthday, told=_l("Birthday in this month")),
        QuickFilter("today", _l("To call today"), lambda who: rules.due_today(Contact))]
    conditions = "customer role owner created_at"
    initials = True
    head = "title is_key customer owner"
    facts = "mobile phone email wechat created_at"
    sections = [
        Section(_l("Basics"), "name customer gender salutation department title role is_key superior owner next_follow_at"),
        Section(_l("Contact data"), "mobile phone fax email wechat qq address postcode"),
        Section(_l("Person"), "birthday hobbies note"), Section(_l("System data"), "created_by created_at changed_at")]
    actions_declared = [
        Action("transfer", _l("Transfer"), rules.transfer_contacts, form=owner_form, icon="users-group", verb="transfer"),
        Action("primary", _l("Make primary contact"), rules.make_primary, icon="star", many=False)]
    check_save = staticmethod(rules.check_contact)
    check_delete = staticmethod(rules.check_delete_contact)

    def hint(self, row):
        """The phone beside the name (who may see it)."""
        number = row.mobile or row.phone
        return cells.mask(number) if number and cells.is_masked(self.fields["mobile"]) else number or ""

    def after_save(self, row, fresh):
        """The first contact becomes the primary one."""
        rules.first_contact(db.session, row)


class FollowupView(EntityView):
    """What was said and done, and when to call again."""

    model = Followup
    menu = MenuItem("customers", _l("Follow-ups"), icon="message-dots", position=30)
    title, add_label, tab_label = _l("Follow-ups"), _l("New follow-up"), _l("Follow-ups")
    parents = {CustomerView: "customer"}
    list_columns = "happened_at customer method content contact next_follow_at owner"
    default_sort = "happened_at.desc"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Followup.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Followup.owner_id.in_(sorted(who.subordinates)))]
    conditions = "customer method owner happened_at next_follow_at"
    head = "method owner"
    facts = "customer contact happened_at next_follow_at"
    sections = [Section(_l("Follow-up"), "customer contact opportunity method happened_at content next_follow_at next_plan owner"),
                Section(_l("System data"), "created_by created_at changed_at")]
    check_save = staticmethod(rules.check_followup)

    def preset(self, form):
        """The next follow-up that the office proposes."""
        super().preset(form)
        form.next_follow_at.data = form.next_follow_at.data or rules.next_call(db.session)

    def after_save(self, row, fresh):
        """Last and next time go to the customer."""
        rules.followed_up(db.session, row)


takes_files("CustomerView.follow")

"""The screens of opportunities and stages (manual 4.4)."""
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from wtforms import StringField
from wtforms.validators import Length

from app.core import choices, clock
from app.core.describe import describe
from app.core.words import _, _l
from app.customers import timeline
from app.customers.views import ContactView, CustomerView
from app.extensions import db
from app.products.documents import DocumentView
from app.products.models import Product
from app.security.actions import TRANSFER, reason_form
from app.security.models import Department
from app.security.rules import members
from app.views import cells, forms, happenings, record
from app.views.declare import Action, Asked, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import funnel, rules
from .models import Opportunity, OpportunityContact, OpportunityLine, Stage, StageChange


def loss_form():
    """Why it was lost."""
    class LossForm(DynamicForm):
        reason = forms.ChoiceField(_l("Reason of loss"), [forms.Required()], list_name="loss_reason")
        note = StringField(_l("Closing note"), [Length(max=500)], filters=[forms.clean])
    return LossForm


def note_form():
    """Words that may be left out."""
    class NoteForm(DynamicForm):
        note = StringField(_l("Closing note"), [Length(max=500)], filters=[forms.clean])
    return NoteForm


def stage_form():
    """Where to."""
    class StageForm(DynamicForm):
        stage = forms.ChoiceField(_l("Stage"), [forms.Required()], list_name="stage")
        reason = forms.ChoiceField(_l("Reason of loss"), [], list_name="loss_reason")
        note = StringField(_l("Closing note"), [Length(max=500)], filters=[forms.clean])
    return StageForm


def role_form():
    """A contact of the customer and his part."""
    class RoleForm(DynamicForm):
        contact = forms.RefField(_l("Contact"), [forms.Required()], target=describe_contact())
        role = forms.ChoiceField(_l("Role in buying"), [], list_name="contact_role")
    return RoleForm


def describe_contact():
    """The contact entity."""
    return ContactView.model


class StageView(EntityView):
    """The steps to a deal, kept by the administrator (manual 4.9.6)."""

    model = Stage
    menu = MenuItem("system", _l("Sales stages"), icon="stairs-up", position=62)
    title, add_label = _l("Sales stages"), _l("New stage")
    list_columns = "name name_en kind rate warn_days colour position is_stopped"
    default_sort = "position.asc"
    importable = exportable = False
    in_book = True
    sections = [Section(_l("Stage"), "name name_en kind rate warn_days colour position is_stopped")]
    check_save = staticmethod(rules.check_stage)
    check_delete = staticmethod(rules.check_delete_stage)


def _open(row):
    return row.closed_on is None


def _stage_name(code) -> str:
    return choices.label(db.session, "stage", code, english=cells.english())


def _name_of(model):
    return lambda value: str(db.session.get(model, int(value)) or "—")


class OpportunityView(DocumentView):
    """The deals that may come."""

    model, line = Opportunity, OpportunityLine
    menu = MenuItem("opportunities", _l("Opportunity list"), icon="target-arrow", position=10)
    title, add_label, tab_label = _l("Sales opportunities"), _l("New opportunity"), _l("Sales opportunities")
    parents = {CustomerView: "customer"}
    list_columns = "name customer amount stage rate weighted closes_on last_follow_at next_follow_at owner created_at"
    sums = {"amount": func.sum(Opportunity.amount), "weighted": funnel.weighted()}
    quick_filters = [
        QuickFilter("mine", _l("Mine, open"), rules.mine, default=True),
        QuickFilter("open", _l("Open"), lambda who: rules.is_open()),
        QuickFilter("subordinates", _l("Subordinates'"), rules.of_subordinates),
        QuickFilter("this_month", _l("Closing this month"), rules.closing(0, 0)),
        QuickFilter("next_month", _l("Closing next month"), rules.closing(1, 1)),
        QuickFilter("late", _l("Closing date passed"), rules.late),
        QuickFilter("stuck", _l("Stuck in its stage"), lambda who: rules.slow(db.session),
                    told=_l("Open, longer in its stage than the stage's days")),
        QuickFilter("idle30", _l("Idle 30 days"), rules.idle(30)),
        QuickFilter("won", _l("Won deals"), rules.of_kind("won"), count=False, told=_l("Its stage means won")),
        QuickFilter("lost", _l("Lost deals"), rules.of_kind("lost"), count=False, told=_l("Its stage means lost")),
        QuickFilter("void", _l("Void deals"), rules.of_kind("void"), count=False, told=_l("Its stage means void")),
    ]
    conditions = "stage customer owner source amount closes_on | kind created_at closed_on loss_reason"
    asked = {
        "going": Asked(_l("Going"), lambda value: rules.is_open(), lambda value: ""),
        "reached": Asked(_l("Came to"), lambda value: Opportunity.furthest.in_(funnel.onward_from(db.session, value)), _stage_name),
        "lost_at": Asked(_l("Lost at"), rules.lost_at, _stage_name),
        "department": Asked(_l("Department"), lambda value: Opportunity.owner_id.in_(members(int(value))), _name_of(Department)),
        "product": Asked(_l("Product"), lambda value: rules.with_product(int(value)), _name_of(Product))}
    head = "stage kind customer contact source owner"
    facts = "amount weighted/rate closes_on/days_in_stage last_follow_at next_follow_at"
    quick_fields = "name customer amount closes_on"
    beside_timeline = "rate source kind rivals needs closing_note loss_reason note created_by created_at"
    bar = "follow edit quote contract transfer"
    sections = [
        Section(_l("Basics"), "number name customer contact stage rate kind source amount closes_on owner next_follow_at"),
        Section(_l("Amounts"), "discount reduction fees"), Section(_l("Situation"), "needs rivals note"),
        Section(_l("System data"), "loss_reason closing_note closed_on staged_at last_follow_at created_by created_at changed_at")]
    actions_declared = [
        Action("advance", _l("Next stage"), rules.advance, icon="arrow-right", shown=_open),
        Action("won", _l("Mark won"), rules.close("won"), form=note_form, icon="trophy", shown=_open),
        Action("lost", _l("Mark lost"), rules.close("lost"), form=loss_form, icon="mood-sad", shown=_open),
        Action("void", _l("Mark void"), rules.close("void"), form=loss_form, icon="ban", shown=_open),
        Action("move", _l("Change stage"), rules.move, form=stage_form, icon="stairs-up", shown=_open),
        Action("reopen", _l("Reopen"), rules.reopen, form=reason_form, icon="refresh", shown=lambda row: not _open(row)),
        Action("person", _l("Add a contact"), rules.add_person, form=role_form, icon="user-plus", many=False), TRANSFER]
    looks = (("/opportunity/board/", _l("Board"), "layout-kanban"), ("/funnel/", _l("Funnel"), "filter"))
    check_save = staticmethod(rules.check_opportunity)
    check_change = staticmethod(rules.check_change)
    nexts = (("quote", _l("To quote"), "file-dollar"), ("contract", _l("To contract"), "file-certificate"))

    def options(self, rows):
        """A chosen opportunity brings its customer, contact and name along."""
        return [{"brings": {"customer": {"id": r.customer_id, "text": str(r.customer)}, "name": r.name,
                            "contact": r.contact_id and {"id": r.contact_id, "text": str(r.contact)}}} for r in rows]

    def more_links(self, row):
        """Writing a follow-up is what the page is for."""
        here = f"/opportunity/show/{row.id}?tab=timeline#follow"
        return [("follow", here, _("Write follow-up"), "message-plus")] if timeline.may_follow(row.customer) else []

    def _data(self, row, fields):
        values = super()._data(row, fields)
        return values if row is not None else {**values, "stage": rules.codes(db.session, "open")[0]}

    def copy_into(self, form, row):
        """A copy begins at the first stage."""
        super().copy_into(form, row)
        form.stage.data, form.rate.data, form.next_follow_at.data = rules.codes(db.session, "open")[0], None, None

    def row_flags(self, row):
        """Red when the closing date has passed."""
        return "late" if row.closed_on is None and row.closes_on and row.closes_on < clock.today() else ""

    def hint(self, row):
        """Amount and stage beside the name."""
        return f"¥{row.amount / 100:,.0f}" if row.amount else ""

    def extra_tabs(self, row):
        """People and stage history."""
        return [("timeline", _("Timeline"), None), ("people", _("Contacts in this deal"), None), ("stages", _("Stage history"), None)]

    def tab_order(self, _children):
        """What happened comes first."""
        return ["timeline", "basics"]

    def above(self, row):
        """The stage bar."""
        from flask import render_template
        way = [s for s in rules.stages(db.session).values() if not s.is_stopped and (s.kind == "open" or s.code == row.stage)]
        place = next((n for n, s in enumerate(way) if s.code == row.stage), 0)
        return Markup(render_template(
            "opportunities/stages.html", way=way, at=place, now=way[place], item=row, may=self.may("edit") and _open(row)))

    def tab(self, row, key):
        """The opportunity's own tabs."""
        if key == "timeline":
            return timeline.render_timeline(self, row, row.customer)
        if key == "people":
            return self._table("contact role", db.session.scalars(select(OpportunityContact).where(
                OpportunityContact.opportunity_id == row.id).options(joinedload(OpportunityContact.contact))), OpportunityContact)
        return self._table("at from_stage to_stage amount reason created_by", db.session.scalars(select(StageChange).where(
            StageChange.opportunity_id == row.id).order_by(StageChange.id.desc()).options(joinedload(StageChange.created_by))), StageChange)

    @staticmethod
    def _table(names, rows, model):
        fields = [describe(model)[n] for n in names.split()]
        lines = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(
            Markup("<td>{}</td>").format(cells.cell(row, f, False)) for f in fields)) for row in rows)
        head = Markup("").join(Markup("<th>{}</th>").format(f.label) for f in fields)
        return Markup('<table class="k-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(head, lines)


def _say_move(row):
    before, _bar, reason = row.more.partition("|")
    if not before:
        return _("New opportunity"), Markup("{} · {}").format(row.text, _stage_name(row.code))
    reason = choices.label(db.session, "loss_reason", reason, english=cells.english())
    return _("Stage changed"), Markup("{}：{} → <b>{}</b>{}").format(
        row.text, _stage_name(before), _stage_name(row.code), f"（{reason}）" if reason else "")


def _people(row):
    """The contacts of a deal with their part in it; its main contact first."""
    if row.__tablename__ != "opportunity":
        return None
    names = dict(choices.options(db.session, "contact_role", english=cells.english(), keep=cells.ANY))
    found = [(r.contact, names.get(r.role)) for r in db.session.scalars(select(OpportunityContact).where(
        OpportunityContact.opportunity_id == row.id).options(joinedload(OpportunityContact.contact)))]
    main = [(row.contact, None)] if row.contact and row.contact_id not in [c.id for c, _role in found] else []
    return main + found


happenings.SOURCES.append(happenings.Source(
    "stage", "business", "opportunity", StageChange, StageChange.at, StageChange.created_by_id,
    {"customer": Opportunity.customer_id, "opportunity": Opportunity.id}, _say_move, icon="arrows-exchange", id=Opportunity.id,
    code=StageChange.to_stage, text=Opportunity.name, more=func.coalesce(StageChange.from_stage, "") + "|" + func.coalesce(
        StageChange.reason, ""), join=(Opportunity, Opportunity.id == StageChange.opportunity_id)))
timeline.CONTACTS.append(_people)


def _figures(customer, numbers):
    url = f"/opportunity/list/?quick=open&customer={customer.id}"
    return [(_("Open opportunities"), record.figure(int(numbers["deals_amount"]), url, "opportunities"),
             _("%(n)d opportunities", n=numbers["deals"]))]


record.FIGURES.setdefault(CustomerView, []).append(("opportunity", rules.figures_of, _figures))

"""The lists of targets and of credits; the split of a contract."""
from flask_appbuilder.forms import DynamicForm
from sqlalchemy import func

from app.contracts.views import ContractView
from app.core import clock
from app.core.rules import RuleError
from app.core.words import _, _l
from app.security.models import Employee
from app.views import forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView, LogView

from . import credits, rules
from .models import Credit, Target

PEOPLE = 5  # of one split


def split_form():
    """Up to five people with their percent; empty: everything back to the owner."""
    body: dict = {}
    for n in range(1, PEOPLE + 1):
        body[f"person{n}"] = forms.RefField(_l("Person %(n)d", n=n), target=Employee)
        body[f"percent{n}"] = forms.PercentField(_l("Share %"))
    return type("SplitForm", (DynamicForm,), body)


def split(session, rows, **typed):
    """The posted split of contracts."""
    pairs = [(typed[f"person{n}"], typed[f"percent{n}"]) for n in range(1, PEOPLE + 1)]
    if any((person is None) != (percent is None) for person, percent in pairs):
        raise RuleError(_("Give each person a share."))
    credits.split(session, rows, [pair for pair in pairs if pair[0]])


ContractView.actions_declared.append(Action("split", _l("Split the credit"), split, form=split_form, icon="chart-pie", many=False))


class TargetView(EntityView):
    """Every target that was set, one's own and those of the people below; the screen of the module is `pages.TargetPage`."""

    model = Target
    title, add_label = _l("Sales targets"), _l("New target")
    list_columns = "year month kind owner own assigned assigned_by assigned_at note"
    default_sort = "year.desc"
    sums = {"own": func.sum(Target.own), "assigned": func.sum(Target.assigned)}
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Target.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Target.owner_id.in_(sorted(who.subordinates))),
        QuickFilter("year", _l("This year"), lambda who: Target.year == clock.today().year),
        QuickFilter("month", _l("This month"), lambda who: (Target.year == clock.today().year) & (Target.month == clock.today().month))]
    conditions = "year month kind owner"
    head = "kind owner"
    facts = "own assigned goal assigned_by assigned_at"
    sections = [Section(_l("Sales target"), "owner year month kind own assigned note"),
                Section(_l("System data"), "assigned_by assigned_at created_by created_at changed_at")]
    importable, mass_fields = False, "own assigned note"
    check_save = staticmethod(rules.check_target)
    check_change = staticmethod(rules.check_open)
    check_delete = staticmethod(rules.check_delete)

    @classmethod
    def verbs(cls):
        """Handing out to those below, and reopening a closed month, are rights of their own."""
        return sorted([*super().verbs(), "assign", "reopen"])


class CreditView(LogView):
    """业绩明细: which part of what was signed and received counts for whom. Every figure of desktop and targets opens here."""

    model = Credit
    menu = MenuItem("contracts", _l("Credits"), icon="chart-pie", position=40)
    title, tab_label = _l("Credits"), _l("Credits")
    parents = {ContractView: "contract"}
    list_columns = "day kind contract customer amount percent payment owner"
    default_sort = "day.desc"
    sums = {"amount": func.sum(Credit.amount)}
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Credit.owner_id == who.id, default=True),
        QuickFilter("subordinates", _l("Subordinates'"), lambda who: Credit.owner_id.in_(sorted(who.subordinates)), count=False),
        QuickFilter("signed", _l("Signing"), lambda who: Credit.kind == "signed", count=False),
        QuickFilter("received", _l("Receipt"), lambda who: Credit.kind == "received", count=False)]
    conditions = "kind owner customer contract day amount"
    sections = [Section(_l("Credits"), "day kind contract customer amount percent payment owner")]

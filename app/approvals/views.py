"""The screens of approvals: 待我审批, the steps, and the rules of the administrator."""
from flask import redirect, render_template
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from wtforms import TextAreaField
from wtforms.validators import Length, Optional

from app.core import actor
from app.core.describe import describe
from app.core.words import _, _l
from app.extensions import db
from app.security.models import Employee
from app.views import acting, cells, forms, shell
from app.views.declare import Action, MenuItem, QuickFilter, SaveAnd, Section
from app.views.entity_view import EntityView

from . import rules
from .models import Approval, ApprovalRule, ApprovalStep


def words_form():
    """Words that may be left out."""
    class WordsForm(DynamicForm):
        words = TextAreaField(_l("Words"), [Optional(), Length(max=500)], filters=[forms.clean])
    return WordsForm


def refusal_form():
    """Words that are needed."""
    class RefusalForm(DynamicForm):
        words = TextAreaField(_l("Words"), [forms.Required(), Length(max=500)], filters=[forms.clean])
    return RefusalForm


def approver_form():
    """One more approver."""
    class ApproverForm(DynamicForm):
        employee = forms.RefField(_l("Approver"), [forms.Required()], target=Employee)
    return ApproverForm


SUBMIT = Action("submit", _l("Submit for approval"), rules.submit, icon="send", shown=rules.may_submit)
WITHDRAW = Action("withdraw", _l("Withdraw"), rules.withdraw, icon="arrow-back-up", shown=lambda row: row.approval == "pending")
RELEASE = Action("release", _l("Take the approval back"), rules.release, icon="lock-open", verb="read", edits=False,
                 shown=lambda row: row.approval == "approved")  # the rule says who: an approver may have no right to edit


def _hand_in(view, row):
    """保存并提交: what needs its approval is handed in, the rest is told that it needs none."""
    if row.approval in rules.OPEN or rules.matching(db.session, row):
        acting.do_one(view, "submit", row)
    else:
        acting.say_done(_("Saved; it needs no approval."))
    return redirect(f"{view.route_base}/show/{row.id}")


SAVE_AND_SUBMIT = SaveAnd("submit", _l("Save and submit"), "send", _hand_in,
                          lambda view: view.may("edit") and rules.are_asked(db.session, view.entity))


class ApprovalView(EntityView):
    """What was submitted, and what waits for me."""

    model = Approval
    menu = MenuItem("desktop", _l("Approvals"), icon="checks", position=60)
    title, add_label = _l("Approvals"), _l("New approval")
    list_columns = "title kind amount state reason owner created_at"
    quick_filters = [QuickFilter("mine", _l("Waiting for me"), rules.waiting_for_me, default=True,
                                 told=_l("In approval, and it is my turn")),
                     QuickFilter("asked", _l("Submitted by me"), lambda who: Approval.owner_id == who.id),
                     QuickFilter("pending", _l("In approval"), lambda who: Approval.state == "pending")]
    conditions = "kind state owner created_at"
    head = "kind state owner"
    facts = "amount created_at"
    sections = [Section(_l("Approval"), "title kind amount state reason owner created_at")]
    importable, mass_fields = False, ""  # a submission goes its own way
    actions_declared = [
        Action("approve", _l("Approve"), rules.approve, form=words_form, icon="check", verb="read", edits=False, single=False),
        Action("reject", _l("Reject"), rules.reject, form=refusal_form, icon="x", verb="read", edits=False, single=False),
        Action(
            "more",
            _l("Add an approver"),
            rules.add_approver,
            form=approver_form,
            icon="user-plus",
            verb="read",
            edits=False,
            many=False,
            single=False,
        ),
    ]

    @classmethod
    def verbs(cls):
        """Approvals are made by submitting and changed by deciding."""
        return ["export", "read"]

    def above(self, row):
        """The way to the document, the steps, and what may be done."""
        return strip(row, with_link=True)


def strip(approval, with_link=False) -> Markup:
    """A submission with its steps, and for whose turn it is the words and the buttons."""
    fields, mine = describe(ApprovalStep), rules.may_decide(db.session, approval, actor.current())
    return Markup(render_template(
        "approvals/strip.html", approval=approval, link=f"/{approval.entity.replace('_', '')}/show/{approval.row_id}" if with_link else "",
        states=describe(Approval), fields=fields, steps=approval.steps, people=cells.people(), mine=mine,
        turn=rules.turn(db.session, approval), view={"route_base": "/approval", "entity": "approval"}))


class Submitted:
    """What a view of approvable documents shows: its approval under the head, decided on in place; 保存并提交 on its form."""

    save_and: tuple = (SAVE_AND_SUBMIT,)

    def above(self, row):
        """How far its approval has come."""
        asked = rules.latest(db.session, row) if row.approval not in (None, "none", "needed") else None
        return super().above(row) + (strip(asked) if asked else "")


def _waiting(who) -> dict:
    waits = rules.how_many_wait(db.session, who) if who.may("approval", "read") else 0
    return {"desktop": waits, "/approval/list/": waits} if waits else {}


shell.BADGES.append(_waiting)


class ApprovalRuleView(EntityView):
    """When approval is needed; without a rule nothing is."""

    model = ApprovalRule
    menu = MenuItem("system", _l("Approval rules"), icon="checkup-list", position=64)
    title, add_label = _l("Approval rules"), _l("New rule")
    list_columns = "entity least only_below approver person role position is_on"
    default_sort = "position.asc"
    importable = exportable = False
    in_book = True
    sections = [Section(_l("Rule"), "entity least only_below approver person role position is_on")]
    check_save = staticmethod(rules.check_rule)

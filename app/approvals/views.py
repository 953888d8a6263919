"""The screens of approvals: 待我审批, the steps, and the rules of the administrator."""
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from wtforms import TextAreaField
from wtforms.validators import Length, Optional

from app.core.describe import describe
from app.core.words import _, _l
from app.extensions import db
from app.security.models import Employee
from app.views import cells, forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
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
RELEASE = Action("release", _l("Take the approval back"), rules.release, icon="lock-open", shown=lambda row: row.approval == "approved")


def _pending(row):
    return row.state == "pending"


class ApprovalView(EntityView):
    """What was submitted, and what waits for me."""

    model = Approval
    menu = MenuItem("desktop", _l("Approvals"), icon="checks", position=40)
    title, add_label = _l("Approvals"), _l("New approval")
    list_columns = "title kind amount state reason owner created_at"
    quick_filters = [QuickFilter("mine", _l("Waiting for me"), rules.waiting_for_me, default=True),
                     QuickFilter("asked", _l("Submitted by me"), lambda who: Approval.owner_id == who.id),
                     QuickFilter("pending", _l("In approval"), lambda who: Approval.state == "pending")]
    conditions = "kind state owner created_at"
    head = "kind state owner"
    facts = "amount created_at"
    sections = [Section(_l("Approval"), "title kind amount state reason owner created_at")]
    importable = False
    actions_declared = [
        Action("approve", _l("Approve"), rules.approve, form=words_form, icon="check", verb="read", edits=False, shown=_pending),
        Action("reject", _l("Reject"), rules.reject, form=refusal_form, icon="x", verb="read", edits=False, shown=_pending),
        Action(
            "more",
            _l("Add an approver"),
            rules.add_approver,
            form=approver_form,
            icon="user-plus",
            verb="read",
            edits=False,
            many=False,
            shown=_pending,
        ),
    ]

    @classmethod
    def verbs(cls):
        """Approvals are made by submitting and changed by deciding."""
        return ["export", "read"]

    def below(self, row):
        """The way to the document, and the steps."""
        fields = [describe(ApprovalStep)[n] for n in ("approver", "role", "decision", "words", "decided_at")]
        steps = db.session.scalars(select(ApprovalStep).where(ApprovalStep.approval_id == row.id).order_by(ApprovalStep.position).options(
            joinedload(ApprovalStep.approver)))
        lines = Markup("").join(Markup("<tr>{}</tr>").format(Markup("").join(
            Markup("<td>{}</td>").format(cells.cell(s, f, False)) for f in fields)) for s in steps)
        heads = Markup("").join(Markup("<th>{}</th>").format(f.label) for f in fields)
        link = Markup('<p><a class="btn" href="/{}/show/{}">{}</a></p>').format(
            row.entity.replace("_", ""), row.row_id, _("Open the document")
        )
        return link + Markup('<table class="k-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(heads, lines)


class ApprovalRuleView(EntityView):
    """When approval is needed; without a rule nothing is."""

    model = ApprovalRule
    menu = MenuItem("system", _l("Approval rules"), icon="checkup-list", position=64)
    title, add_label = _l("Approval rules"), _l("New rule")
    list_columns = "entity least only_below approver person role position is_on"
    default_sort = "position.asc"
    importable = exportable = False
    sections = [Section(_l("Rule"), "entity least only_below approver person role position is_on")]
    check_save = staticmethod(rules.check_rule)

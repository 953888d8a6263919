"""Requests to work along, for who decides on them; merging as an action of the customer's list."""
from flask_appbuilder.forms import DynamicForm
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from app.core.today import Source, keep
from app.core.words import _, _l
from app.customers.views import CustomerView
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import rules
from .models import ShareRequest


def answer_form():
    """Read, edit or refused."""
    class AnswerForm(DynamicForm):
        answer = SelectField(_l("Answer"), default="read", choices=[
            SelectChoice("read", _l("Agree (to read)")), SelectChoice("write", _l("Agree (to edit)")),
            SelectChoice("refused", _l("Refuse"))])
    return AnswerForm


class ShareRequestView(EntityView):
    """Who asks to work along on one's customers."""

    model = ShareRequest
    menu = MenuItem("customers", _l("Requests to work along"), icon="user-question", position=45)
    title, add_label, tab_label = _l("Requests to work along"), _l("New request"), _l("Requests")
    list_columns = "customer asker reason state created_at decided_at owner"
    quick_filters = [QuickFilter("open", _l("To be answered"), rules.waiting, default=True)]
    conditions = "state customer asker"
    importable = exportable = in_api = False
    head = "state owner"
    facts = "customer asker reason created_at decided_at"
    sections = [Section(_l("Request"), "customer asker reason state decided_at owner"), Section(_l("System data"), "created_by created_at")]
    actions_declared = [Action("decide", _l("Decide"), rules.decide, form=answer_form, icon="gavel", verb="decide",
                               shown=lambda row: row.state == "open")]


CustomerView.actions_declared.append(Action(
    "merge", _l("Merge"), None, icon="arrows-join", single=False, verb="merge", leads="/duplicate/merge"))
keep(Source(15, "share", _l("Requests to work along"), ShareRequest, ("open", "open"), lambda session, who, mine: rules.waiting(who),
            ShareRequest.created_at, ShareRequest.reason, "/sharerequest/show/{}",
            lambda reason: _("Asks to work along: %(reason)s", reason=reason or ""), customer=ShareRequest.customer_id, does="open",
            tone="b"))

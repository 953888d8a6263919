"""Actions that several entities share."""
from flask_appbuilder.forms import DynamicForm
from wtforms import TextAreaField
from wtforms.validators import Length

from app.core.words import _l
from app.views import forms
from app.views.declare import Action

from .models import Employee
from .rules import give


def owner_form():
    """New owner only."""
    class OwnerForm(DynamicForm):
        owner = forms.RefField(_l("New owner"), [forms.Required()], target=Employee)
    return OwnerForm


def reason_form():
    """Why."""
    class ReasonForm(DynamicForm):
        reason = TextAreaField(_l("Reason"), [forms.Required(), Length(max=500)], filters=[forms.clean])
    return ReasonForm


TRANSFER = Action("transfer", _l("Transfer"), give, form=owner_form, icon="users-group", verb="transfer")


def void_action(rule, shown) -> Action:
    """作废, with a reason."""
    return Action("void", _l("Make void"), rule, form=reason_form, icon="ban", danger=True, shown=shown)

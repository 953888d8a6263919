"""The screen of tokens: everybody's own, the administrator's over all."""
from flask import current_app

from app.core import choices
from app.core.words import _l
from app.extensions import db
from app.security.views import EmployeeView
from app.views import acting
from app.views.declare import Action, QuickFilter, Section
from app.views.entity_view import EntityView

from . import rules
from .models import ApiToken


def entity_views() -> list:
    """The screens of all entities that the interface offers, in order."""
    return [v for v in current_app.appbuilder.baseviews if isinstance(v, EntityView) and v.in_api]


class _Entities(list):
    """The choice list of the entities, read when it is asked for."""

    def __iter__(self):
        return iter([(v.entity, v.title) for v in entity_views()])


choices.FIXED["api_entity"] = _Entities()


class ApiTokenView(EntityView):
    """Secrets by which programs act for a person."""

    model = ApiToken
    in_api = False  # no program makes itself another token
    title, add_label, tab_label = _l("Access tokens"), _l("New token"), _l("Access tokens")
    parents = {EmployeeView: "owner"}
    list_columns = "name start rights entities expires_on state used_at used_from owner created_at"
    quick_filters = [QuickFilter("on", _l("In use"), lambda who: ApiToken.revoked_at.is_(None), default=True)]
    head = "state rights owner"
    facts = "start expires_on used_at used_from"
    sections = [Section(_l("Token"), "name rights expires_on"), Section(_l("Only these records"), "entities"),
                Section(_l("System data"), "start state used_at used_from revoked_at created_at")]
    importable = exportable = False
    actions_declared = [Action("revoke", _l("Revoke"), rules.revoke, icon="ban", danger=True, verb="revoke",
                               confirm=_l("Revoke the chosen tokens? Programs that use them are refused at once."),
                               shown=lambda row: row.revoked_at is None)]
    check_save = staticmethod(rules.check_token)
    include_route_methods = EntityView.include_route_methods - {"edit", "delete", "export"}

    @classmethod
    def verbs(cls):
        """A token is made and revoked, never changed; its owner is who made it."""
        return ["add", "oversee", "read", "revoke"]

    def after_save(self, row, fresh):
        """The secret is shown this once."""
        acting.say(_l("The token, shown only now: %(secret)s", secret=rules.give_secret(db.session, row)))

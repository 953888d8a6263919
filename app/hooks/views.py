"""The administrator's screens of web hooks and of everything they sent."""
from wtforms import PasswordField
from wtforms.validators import Length, Optional

from app.core.words import _, _l
from app.extensions import db
from app.views import acting, forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView

from . import robots, rules, sending  # noqa: F401  the schedule
from .models import Delivery, Hook


class HookView(EntityView):
    """Programs that are told of changes."""

    model = Hook
    in_api = False  # no program makes itself another way out
    menu = MenuItem("system", _l("Web hooks"), icon="webhook", position=86)
    title, add_label = _l("Web hooks"), _l("New web hook")
    list_columns = "name format address is_on owner created_at"
    head = "is_on owner"
    bar = "test edit"
    sections = [Section(_l("Basics"), "name format address is_on owner"), Section(_l("Events"), "events"), Section(_l("Note"), "note")]
    importable = exportable = False
    actions_declared = [Action("test", _l("Send a test"), rules.test, icon="send", edits=False),
                        Action("renew", _l("New secret"), rules.renew, icon="key", many=False,
                               shown=lambda row: row.format not in robots.NAMES,
                               confirm=_l("Make a new secret? What is signed with the old one ends at once."))]
    check_save = staticmethod(rules.check_hook)

    def form_class(self, fields, row):
        """A robot's own signing secret beside the described fields; it is never shown again."""
        return type("HookForm", (forms.make_form("HookFields", fields),), {"robot_key": PasswordField(
            _l("Signing secret of the robot"), [Optional(), Length(max=100)], description=_l("Empty: as it was."))})

    def form_sections(self, names):
        """It stands behind the address."""
        found = super().form_sections(names)
        found[0]["fields"].insert(3, "robot_key")
        return found

    def before_save(self, row, form):
        """Only a robot keeps one."""
        rules.word_anew(db.session, row)
        row.robot_key = (form.robot_key.data or row.robot_key) if row.format in robots.NAMES else None

    def after_save(self, row, fresh):
        """The secret is shown this once."""
        if fresh and row.format not in robots.NAMES:
            acting.say(_("The secret of %(name)s, shown only now: %(secret)s", name=row, secret=row.secret))

    def list_links(self):
        """The log over all hooks."""
        return [("/delivery/list/", _("Log"), "history")]


class DeliveryView(EntityView):
    """The outbox and the log: what was told to whom, and what he answered."""

    model = Delivery
    in_api = False
    title, tab_label = _l("Log of the web hooks"), _l("Log")
    parents = {HookView: "hook"}
    list_columns = "created_at hook event row_id state attempts status answer sent_at due_at"
    quick_filters = [QuickFilter("waiting", _l("On its way"), lambda who: Delivery.state == "waiting"),
                     QuickFilter("failed", _l("Given up"), lambda who: Delivery.state == "failed")]
    conditions = "hook state created_at"
    head = "state hook"
    facts = "attempts status sent_at due_at"
    sections = [Section(_l("Event"), "hook event row_id mark created_at"),
                Section(_l("Delivery"), "state attempts status answer sent_at due_at")]
    importable = False
    actions_declared = [Action("again", _l("Send again"), rules.again, icon="refresh", edits=False,
                               shown=lambda row: row.state != "waiting")]
    include_route_methods = EntityView.include_route_methods - {"add", "edit", "delete", "quick"}

    @classmethod
    def verbs(cls):
        """Read, and send again."""
        return ["edit", "export", "read"]

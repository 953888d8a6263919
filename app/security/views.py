"""Screens of the administrator: users, departments, roles, login log (manual 4.9.1)."""
from functools import partial

from flask import abort
from flask_appbuilder.forms import DynamicForm
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import and_, select
from wtforms import PasswordField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput, ListWidget

from app.core import choices, events
from app.core.words import _l
from app.extensions import db
from app.views import acting, forms
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView, LogView

from . import handover, passwords, rules, second
from .models import Department, Employee, SecurityEvent


class RolesField(SelectMultipleField):
    """Check boxes of the roles."""

    widget, option_widget = ListWidget(prefix_label=False), CheckboxInput()

    def __init__(self, label=None, validators=None, **kw):
        super().__init__(label, validators, coerce=int, validate_choice=True, **kw)
        self.choices = [SelectChoice(key, name) for key, name in rules.roles_of(db.session)]


def person_form():
    """Who takes over."""
    class PersonForm(DynamicForm):
        to = forms.RefField(_l("Who takes over"), [forms.Required()], target=Employee)
    return PersonForm


def password_form():
    """A password, or empty for a random one."""
    class ResetForm(DynamicForm):
        password = PasswordField(_l("One-time password (empty: a random one)"))
    return ResetForm


def without_reach(employees):
    """Every signed-in person may choose among active colleagues."""
    return employees.where(Employee.active.is_(True))


class EmployeeView(EntityView):
    """The users: who logs in, where he stands, what he may."""

    model = Employee
    entity = "user"
    menu = MenuItem("system", _l("Users"), icon="users", position=10)
    title, add_label = _l("Users"), _l("New user")
    list_columns = "name username department title superior state last_login_at"
    quick_filters = [
        QuickFilter("active", _l("Active"), lambda who: and_(Employee.active.is_(True), Employee.locked_at.is_(None)), default=True),
        QuickFilter("stopped", _l("Stopped"), lambda who: Employee.active.is_(False)),
        QuickFilter("locked", _l("Locked"), lambda who: Employee.locked_at.is_not(None)),
        QuickFilter("never", _l("Never logged in"), lambda who: Employee.last_login.is_(None))]
    conditions = "department superior"
    default_sort = "name.asc"
    initials = True
    head = "username state"
    facts = "department title superior last_login_at mobile roles_text"
    sections = [Section(_l("Account"), "username name email job_number gender mobile"),
                Section(_l("Place in the company"), "department title superior roles_text last_login_at locked_at")]
    importable = exportable = False
    in_book = True
    actions_declared = [
        Action("unlock", _l("Unlock"), rules.unlock, icon="lock-open", shown=lambda row: row.locked_at is not None),
        Action("reset", _l("Reset password"), rules.reset_password, form=password_form, icon="key", many=False),
        Action("nosecond", _l("Reset second factor"), second.reset, icon="shield-off", shown=lambda row: bool(row.totp_secret),
               confirm=_l("Take the second factor away from the chosen users? They are logged out at once.")),
        Action("stop", _l("Deactivate"), rules.stop, icon="user-off", shown=lambda row: row.active,
               confirm=_l("Deactivate the chosen users? They are logged out at once.")),
        Action("start", _l("Activate"), rules.start, icon="user-check", shown=lambda row: not row.active),
        Action("handover", _l("Hand over"), handover.hand_over, form=person_form, icon="transfer", many=False, single=False)]
    check_delete = staticmethod(rules.check_delete_employee)

    def list_links(self):
        """The page of the hand-over."""
        return [("/handover/", _l("Hand over"), "transfer")] if self.may("edit") else []

    def more_links(self, row):
        """The same for one person."""
        return [("handover", f"/handover/?who={row.id}", _l("Hand over"), "transfer")] if self.may("edit") else []

    @classmethod
    def verbs(cls):
        """Also to look with a user's eyes."""
        return [*super().verbs(), "look"]

    def form_fields(self, row=None):
        """The user name stays what it was."""
        return [f for f in super().form_fields(row) if row is None or f.name != "username"]

    def form_class(self, fields, row):
        """The described fields plus roles and, for a new user, the first password."""
        more = {"roles": RolesField(_l("Roles"), default=[r.id for r in row.roles] if row else [])}
        if row is None:
            more["password"] = PasswordField(_l("First password (empty: a random one)"))
        return type("EmployeeForm", (forms.make_form("EmployeeFields", fields),), more)

    def form_sections(self, names):
        """Roles and password stand with the place in the company."""
        found = super().form_sections(names)
        found[-1]["fields"] += [n for n in ("roles", "password") if n in names or n == "roles"]
        return found

    def before_save(self, row, form):
        """Roles, names of FAB, first password."""
        wanted = list(db.session.scalars(select(Role).where(Role.id.in_(form.roles.data or [])))) if form.roles.data else []
        rules.give_roles(db.session, row, wanted)
        row.first_name, row.last_name = row.name or row.username, ""
        row.email = row.email or f"{row.username}@localhost"
        rules.check_employee(db.session, row)
        if row.id is None:
            word = form.password.data or passwords.one_time()
            rules.set_password(db.session, row, word, check=bool(form.password.data), one_time=True)
            row.active = True
            if not form.password.data:
                acting.say(_l("One-time password of %(name)s: %(word)s", name=row.username, word=word))

    def after_save(self, row, fresh):
        """An administrator must remain; changed rights end sessions; the log tells."""
        rules.keep_an_administrator(db.session)
        rules.log(db.session, "permission", employee=row, detail="; ".join(r.name for r in row.roles))

    def choosable(self, wanted):
        """Active colleagues."""
        return without_reach(wanted)

    def hint(self, row):
        """The department beside the name."""
        return row.department.name if row.department else ""


class DepartmentView(EntityView):
    """The department tree."""

    model = Department
    menu = MenuItem("system", _l("Departments"), icon="sitemap", position=20)
    title, add_label = _l("Departments"), _l("New department")
    list_columns = "name parent head position"
    conditions = "parent"
    default_sort = "position.asc"
    facts = "parent head"
    sections = [Section(_l("Department"), "name parent head position")]
    importable = exportable = False
    in_book = True
    check_save = staticmethod(rules.check_department)
    check_delete = staticmethod(rules.check_delete_department)


def _of(_who, results):
    return SecurityEvent.result.in_(results)


class LoginLogView(LogView):
    """Who logged in when, and what else the security log keeps; read only."""

    model = SecurityEvent
    entity = "loginlog"
    menu = MenuItem("system", _l("Login log"), icon="history", position=50)
    title = _l("Login log")
    list_columns = "at employee username result detail subject rows ip browser"
    quick_filters = [QuickFilter(key, label, partial(_of, results=results)) for key, label, results in (
        ("logins", _l("Logins"), ("ok", "logout")), ("failed", _l("Refused"), ("wrong", "locked", "code", "inactive")),
        ("accounts", _l("Accounts and rights"), ("unlock", "password", "permission", "second", "token")),
        ("data", _l("Data in and out"), ("export", "import", "restore", "purge")))]
    conditions = "employee result at | username ip"
    default_sort = "at.desc"
    sections = [Section(_l("Event"), "at employee username result ip browser device detail subject rows kind")]


class ExportLogView(LoginLogView):
    """Who took which data out: the list or report, how many rows, in which format; read only."""

    model = SecurityEvent
    entity = "exportlog"
    menu = MenuItem("system", _l("Export log"), icon="file-export", position=52)
    title = _l("Export log")
    list_columns = "at employee subject rows kind ip browser"
    quick_filters: list = []
    conditions = "employee subject at rows | kind ip"
    sections = [Section(_l("Event"), "at employee subject rows kind ip browser device detail")]
    in_api = False

    @staticmethod
    def only():
        """Exports alone."""
        return [SecurityEvent.result == "export"]

    def fetch(self, pk):
        """An export, or 404."""
        row = super().fetch(pk)
        return row if row.result == "export" else abort(404)


def _exported_kinds() -> list[tuple]:
    """What may be taken out: every list that can be exported, the reports, everything."""
    found, todo = [], list(EntityView.__subclasses__())
    while todo:
        view = todo.pop(0)
        todo += view.__subclasses__()
        found += [(view.entity, view.title)] if view.model is not None and view.exportable else []
    return [*found, *events.NAMED.items()]


choices.fixed("exported_kind", _exported_kinds)

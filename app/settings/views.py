"""Choice lists: every drop-down's values, kept by the administrator (manual 4.9.6)."""
import datetime as dt

from flask import flash, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import func, select

from app.core import changes, choices, clock, entity, filters, workdays
from app.core.choices import Choice
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.core.workdays import OfficeDay
from app.extensions import db
from app.views import acting
from app.views.declare import Action, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView
from app.views.guard import granted

from . import rules


def is_used(session, row) -> bool:
    """Whether any record carries the value, the trash included."""
    for model in entity.entities():
        for one in describe(model).values():
            if one.choices == row.list_name and one.attribute is not None and session.scalar(select(model.id).where(
                    filters.sql(one, "in", [row.code], None)).limit(1).execution_options(everyone=True, with_trash=True)):
                return True
    return False


def check_delete(session, row) -> None:
    """A used value is stopped, not deleted (product.md 4.9.6)."""
    if is_used(session, row):
        raise RuleError(_("“%(name)s” is in use: stop it instead of deleting it.", name=row.name))


def check_save(session, row) -> None:
    """One name once in a list; one default, which can be chosen; a new value gets its code and comes last unless it says its place."""
    same = select(Choice.id).where(Choice.list_name == row.list_name, Choice.id != (row.id or 0))
    if session.scalar(same.where(Choice.name == row.name).limit(1)):
        raise RuleError(_("This list has the value already."), "name")
    if not row.code:
        row.code = choices.code_for(session, row.list_name, row.name)
    if row.position is None:
        row.position = (session.scalar(select(func.max(Choice.position)).where(Choice.list_name == row.list_name)) or 0) + 1
    if row.is_default:
        make_default(session, [row])


def make_default(session, rows):
    """New records begin with this value of its list, and with no other."""
    for row in rows:
        if row.is_stopped:
            raise RuleError(_("“%(name)s” is stopped: a new record cannot begin with it.", name=row.name), "is_default")
        for other in session.scalars(select(Choice).where(Choice.list_name == row.list_name, Choice.is_default)):
            other.is_default = False
        row.is_default = True


def stop(session, rows):
    """Stopped values can no longer be chosen, nor does a new record begin with one; records keep them."""
    for row in rows:
        row.is_stopped, row.is_default = True, False


def resume(session, rows):
    """Let stopped values be chosen again."""
    for row in rows:
        row.is_stopped = False


class ChoiceView(EntityView):
    """The values of all lists."""

    model = Choice
    menu = MenuItem("system", _l("Choice lists"), icon="list-details", position=60)
    title, add_label = _l("Choice lists"), _l("New value")
    list_columns = "list_name name name_en colour position is_default is_stopped"
    conditions = "list_name is_default is_stopped"
    default_sort, ties = "list_name.asc", ("position",)
    importable = exportable = False
    in_book = True
    sections = [Section(_l("Value"), "list_name name name_en colour position is_default is_stopped")]
    actions_declared = [Action("default", _l("Make it the default"), make_default, icon="star", many=False,
                               shown=lambda row: not (row.is_default or row.is_stopped)),
                        Action("stop", _l("Stop"), stop, icon="ban", shown=lambda row: not row.is_stopped),
                        Action("resume", _l("Resume"), resume, icon="check", shown=lambda row: row.is_stopped)]
    check_save = staticmethod(check_save)
    check_delete = staticmethod(check_delete)

    def preset(self, form):
        """A new value comes last unless it says its place."""
        form.position.data = None
        super().preset(form)

    def form_fields(self, row=None):
        """A value stays in its list."""
        return [f for f in super().form_fields(row) if row is None or f.name != "list_name"]


def _of_year(shift: int):
    def rule(who):
        year = clock.today().year + shift
        return OfficeDay.day.between(dt.date(year, 1, 1), dt.date(year, 12, 31))
    return rule


class OfficeDayView(EntityView):
    """Days that the office works or rests otherwise than the calendar says; they win over the built-in arrangement."""

    model = OfficeDay
    menu = MenuItem("system", _l("Holidays and working days"), icon="calendar-off", position=65)
    title, add_label = _l("Holidays and working days"), _l("New day")
    list_columns = "day kind name"
    default_sort = "day.asc"
    conditions = "kind day"
    quick_filters = [QuickFilter("this", _l("This year"), _of_year(0)), QuickFilter("next", _l("Next year"), _of_year(1))]
    sections = [Section(_l("Day"), "day kind name")]
    importable = False
    looks = (("/officeday/paste", _l("Paste days"), "clipboard-text"),)
    check_save = staticmethod(rules.check_day)
    include_route_methods = EntityView.include_route_methods | {"paste"}

    @expose("/paste", methods=["GET", "POST"])
    @granted("add")
    def paste(self):
        """Many days at once, pasted from the State Council's notice or a spreadsheet; beside it what the program knows by itself."""
        text = request.form.get("text", "")[:20_000]
        if request.method == "POST":
            try:
                with changes.operation(db.session, "edit", "office_day", str(self.title)):
                    n = rules.paste_days(db.session, text)
                db.session.commit()
                acting.say_done(_("%(n)d days are in the table.", n=n))
                return redirect(self.home)
            except RuleError as no:
                db.session.rollback()
                flash(str(no), "danger")
        year = clock.today().year
        known = [(y, bool(workdays.arranged(y)), sorted(workdays.special(db.session, y).items())) for y in (year, year + 1)]
        return render_template("settings/days.html", text=text, known=known, view=self)

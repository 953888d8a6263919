"""The screen of tasks and memos (manual 4.2)."""
import datetime as dt
from urllib.parse import quote

from flask import abort, flash, redirect, render_template, request
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from markupsafe import Markup
from sqlalchemy import func
from wtforms import HiddenField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from app.contracts.views import ContractView
from app.core import actor, choices, clock
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import timeline
from app.customers.models import Customer
from app.customers.views import ContactView, CustomerView
from app.extensions import db
from app.opportunities.views import OpportunityView
from app.quotes.views import QuoteView
from app.security.models import Employee
from app.views import acting, cells, forms, saving
from app.views.bar import editable
from app.views.declare import Action, Grouping, MenuItem, QuickFilter, Section
from app.views.entity_view import EntityView
from app.views.guard import granted
from app.views.look import icon, new_token
from app.views.page import local
from app.views.wire import takes_files

from . import repeating, rules
from .models import Task, told
from .team import team_ids


def later_form():
    """Until when."""
    class LaterForm(DynamicForm):
        to = SelectField(_l("Put off to"), default="tomorrow", choices=[
            SelectChoice("tomorrow", _l("tomorrow")), SelectChoice("monday", _l("next Monday")), SelectChoice("day", _l("the day below"))])
        day = forms.DayField(_l("Day"), [Optional()])
    return LaterForm


def executors_form():
    """Who is to do it."""
    class ExecutorsForm(DynamicForm):
        executors = forms.RefsField(_l("Executors"), [forms.Required()], target=Employee)
    return ExecutorsForm


SCOPES = (SelectChoice("this", _l("only this one")), SelectChoice("later", _l("this and the later ones")), SelectChoice("all", _l("all")))
_BUTTON = Markup('<button class="{}" form="af-task" formaction="/task/row/{}/{}" aria-label="{}" title="{}">{}</button>')
_FOLLOW = Markup('<a class="k-act" href="/task/{}/follow?back={}" aria-label="{}" title="{}">{}</a>')


def _open(row):
    return row.state != "done"


def _whole(row):
    """Not the page of one later occurrence, which has buttons of its own."""
    return "on" not in request.args


class TaskView(EntityView):
    """All tasks and memos."""

    model = Task
    menu = MenuItem("desktop", _l("Tasks and memos"), icon="checklist", position=20)
    title, add_label, tab_label = _l("Tasks and memos"), _l("New"), _l("Tasks")
    parents = {CustomerView: "customer", ContactView: "contact", OpportunityView: "opportunity", ContractView: "contract",
               QuoteView: "quote"}
    list_columns = "title kind customer priority starts ends lateness executors state report"
    default_sort = "starts_at.asc"
    quick_filters = [
        QuickFilter("open", _l("Not done"), rules.open_of, default=True, told=_l("Mine or worked along by me, not done")),
        QuickFilter("done", _l("Finished"), rules.done_of, told=_l("Mine or worked along by me, done, no series")),
        QuickFilter("today", _l("Today"), rules.today, told=_l("Mine or worked along by me, on today")),
        QuickFilter("week", _l("This week"), rules.this_week, told=_l("Mine or worked along by me, on this week")),
        QuickFilter("late", _l("Overdue"), rules.late, told=_l("Tasks of mine or worked along by me, not done, past their end")),
        QuickFilter("own", _l("Mine"), rules.own, told=_l("I am the first executor")),
        QuickFilter("joined", _l("I take part"), rules.joined, told=_l("I am one of the other executors")),
        QuickFilter("given", _l("Given to me"), rules.given_to_me, told=_l("Given to me by others, not done")),
        QuickFilter("handed", _l("Handed out by me"), rules.handed_out, told=_l("Made by me, others do it")),
        QuickFilter("confirm", _l("To be confirmed"), rules.to_confirm, told=_l("Handed out by me, done, the end not confirmed")),
        QuickFilter("subordinates", _l("Subordinates'"), rules.of_subordinates, told=_l("Not done yet by the people below me")),
        QuickFilter("mine", _l("All of mine"), rules.mine, linked=True, told=_l("Mine or worked along by me")),
        QuickFilter("due", _l("Still to do today"), lambda who: rules.mine(who) & rules.due_today(), linked=True,
                    told=_l("Mine or worked along by me, on today, neither done nor overdue")),
        QuickFilter("all_late", _l("Everybody's overdue"), lambda who: rules.is_late(), linked=True),
        QuickFilter("all_due", _l("Everybody's of today"), lambda who: rules.due_today(), linked=True)]
    groupings = (
        Grouping("date", _l("By date"), rules.date_rank, lambda row: _dated(rules.date_group(row))),
        Grouping("priority", _l("By priority"), lambda: Task.priority,
                 lambda row: choices.label(db.session, "task_priority", row.priority)),
        Grouping("customer", _l("By customer"), lambda: func.coalesce(Task.customer_id, 0),
                 lambda row: str(row.customer) if row.customer else _("Without customer"), "customer"),
        Grouping("none", _l("Ungrouped")))
    conditions = "kind state priority owner customer starts_at"
    head = "kind state lateness executors"
    facts = "starts ends priority customer created_by report"
    sections = [
        Section(_l("Task or memo"), "kind title starts_at ends_at is_all_day priority state executors reminders note"),
        Section(_l("Belongs to"), "customer contact opportunity quote contract"),
        Section(_l("Repetition"), "repeat repeat_every repeat_on repeat_until"),
        Section(_l("System data"), "series occurs_on done_at confirmed_at report created_by created_at changed_at")]
    mass_fields = "kind priority reminders customer note"
    quick_fields = "kind title starts_at ends_at is_all_day reminders"
    importable = False
    actions_declared = [
        Action("finish", _l("Mark as done"), rules.finish, icon="check", shown=lambda row: _open(row) and _whole(row)),
        Action("begin", _l("In progress"), rules.begin, icon="progress", shown=lambda row: row.state == "open" and _whole(row)),
        Action("later", _l("Put off"), rules.put_off, form=later_form, icon="calendar-time",
               shown=lambda row: _open(row) and _whole(row)),
        Action("confirm", _l("Confirm the end"), rules.confirm, icon="checks", shown=lambda row: row.report == "waits"),
        Action("reopen", _l("Reopen"), rules.reopen, icon="refresh", shown=lambda row: not _open(row)),
        Action("assign", _l("Hand out"), rules.assign, form=executors_form, icon="user-share"),
        Action("skip", _l("Leave this one out"), rules.skip, icon="player-skip-forward", many=False,
               shown=lambda row: row.repeat and _whole(row)),
        Action("end", _l("End before this one"), rules.end, icon="player-stop", many=False, danger=True,
               shown=lambda row: row.repeat and _whole(row),
               confirm=_l("Let this and all later occurrences go? What was done stays, and this can be taken back."))]
    check_save = staticmethod(rules.check_task)
    check_change = staticmethod(rules.check_change)
    check_delete = staticmethod(rules.deleted)
    include_route_methods = EntityView.include_route_methods | {"row", "follow"}

    @classmethod
    def verbs(cls):
        """Besides the usual ones: seeing colleagues' tasks as far as the data scope reaches."""
        return sorted([*super().verbs(), "oversee"])

    # ---- form --------------------------------------------------------------------------------------------------
    def form_class(self, fields, row):
        """The described fields, the executors and who they were when the form was opened; of a repeating one, what the change is for."""
        more = {"executors": forms.RefsField(_l("Executors"), target=Employee), "executors_mark": HiddenField(),
                "repeat_count": forms.WholeField(_l("or how many times"), [Optional()])}
        if row is not None and row.repeat:
            more |= {"scope": SelectField(_l("Scope of the change"), choices=SCOPES, default="this"), "on": HiddenField()}
        return type("TaskForm", (forms.make_form("TaskFields", fields),), more)

    def form_sections(self, names):
        """How many times stands with the rule; what the change is for comes first."""
        found = super().form_sections(names)
        found[2]["fields"].append("repeat_count")
        if "scope" in names:
            found[0]["fields"].insert(0, "scope")
        return found

    def _data(self, row, fields):
        team = team_ids(row) if row is not None else [actor.current_id()]
        values = {**super()._data(row, fields), "executors": team, "executors_mark": _mark(team)}
        if row is None or not row.repeat:
            return values
        day = _day(request.args.get("on")) or repeating.current(row)
        return {**values, **repeating.times(row, day), "state": "open", "on": day.isoformat()}

    def more_clashes(self, form, row):
        """Somebody else changed the executors since this form was opened."""
        team = team_ids(row)
        if form.executors_mark.data in (_mark(team), None) or form.executors.data == team:
            return []
        form.executors_mark.data, form.executors_mark.raw_data = _mark(team), None
        return [{"name": "executors", "label": _("Executors"), "mine": "、".join(t for _i, t in form.executors.chosen()),
                 "theirs": row.executors}]

    def _save(self, form, row, fields):
        """Of a repeating task, the occurrence or the series that the change is for."""
        if row is None or not row.repeat:
            return super()._save(form, row, fields)
        day, scope = _day(form.on.data) or repeating.current(row), form.scope.data
        try:
            target = repeating.part(db.session, row, day, scope)
        except RuleError as no:
            db.session.rollback()
            return {"problem": str(no)}
        if scope == "this":
            fields = [f for f in fields if f.name not in repeating.RULE]
        return super()._save(form, target, fields)

    def before_save(self, row, form):
        """The executors of the form (only who may end the task changes them); times typed for a later occurrence."""
        ids = form.executors.data or [row.created_by_id or actor.current_id()]
        if row.id and set(ids) != set(team_ids(row)):
            rules.check_executors(row)
        rules.set_executors(row, ids)
        row.repeat_count = form.repeat_count.data
        if row.repeat and "on" in form and form.scope.data == "all" and (day := _day(form.on.data)):
            repeating.bring_back(row, day)

    def after_fill(self, row, form):
        """They share it."""
        rules.share(db.session, row, form.executors.data or [])

    # ---- page --------------------------------------------------------------------------------------------------
    @expose("/show/<int:pk>")
    @granted("read")
    def show(self, pk):
        """A task's page; of a repeating one the occurrence `on` a day."""
        if day := _day(request.args.get("on")):
            row = self.fetch(pk)
            later = row.repeat and day != repeating.current(row)
            try:
                shown = repeating.stand_for(db.session, row, day) if later else row
            except RuleError as no:
                flash(str(no), "info")
                return redirect(f"/task/show/{pk}")
            if shown is not row or not later:
                return redirect(f"/task/show/{shown.id}")
        return super().show(pk)

    def above(self, row):
        """The next occurrences of a repeating task, each with its own buttons."""
        if not row.repeat:
            return ""
        first = repeating.current(row)
        found = repeating.occurrences(db.session, [row], first, first + dt.timedelta(400))[:6]
        shown = [(day, told(repeating.times(row, day)["starts_at"], row.is_all_day)) for _task, day in found]
        return Markup(render_template("tasks/occurrences.html", item=row, days=shown, rhythm=rhythm(row)))

    def more_links(self, row):
        """What was said and done goes to the customer."""
        on = "" if _whole(row) else f"on={repeating.current(row)}&"
        found = [("edit", f"/task/edit/{row.id}?{on}", _("Edit"), "edit")] if on and self.may("edit") and editable(self, row) else []
        here = f"/task/{row.id}/follow?{on}back={quote(cells.here(), safe='')}"
        return found + ([("follow", here, _("Write follow-up"), "message-plus")] if _follows(row) else [])

    @expose("/<int:pk>/follow", methods=["GET", "POST"])
    @granted("read")
    def follow(self, pk):
        """A follow-up of the customer that a task is about, which can finish the task with it; then back to where it was begun."""
        row, back = self.fetch(pk), local(request.values.get("back"), f"/task/show/{pk}")
        customer = db.session.get(Customer, row.customer_id or 0)
        if customer is None or not timeline.may_follow(customer):
            flash(_("Follow-ups are written by those who may change the customer."), "danger")
            return redirect(back)
        ends = self.may("edit") and _open(row) and rules.takes_part(row, actor.current())
        if request.method == "POST":
            form = timeline.box_form()()
            ending, on = [row] if ends and "finish" in request.form else [], _day(request.args.get("on"))
            if saving.saved_before(form) or timeline.write(form, customer, lambda: rules.finish(db.session, ending, on)):
                return redirect(back)
            timeline.within(form, customer)
        else:
            form = timeline.box(customer, contact=row.contact_id, opportunity=rules.deal_of(row))
            form.token.data = new_token()
        return render_template("customers/follow.html", customer=customer, task=row, ends=ends, form=form, action=cells.here(), back=back)

    # ---- list --------------------------------------------------------------------------------------------------
    @expose("/row/<int:pk>/<key>", methods=["POST"])
    @granted("edit")
    def row(self, pk, key):
        """A button inside a row: finish, reopen, put off to tomorrow; of a repeating task, the occurrence `on` a day."""
        more: dict = {"to": "tomorrow"} if key == "later" else {}
        if on := _day(request.form.get("on")):
            more["on"] = on
        return acting.do_one(self, key, self.fetch_for_edit(pk), **more)

    def list_links(self):
        """The same on the calendar."""
        return [("/calendar/?only=task", _("Calendar view"), "calendar")]

    def row_lead(self, row):
        """The circle that marks it as done."""
        done = not _open(row)
        key, word, look = ("reopen", _("Reopen"), "circle-check") if done else (
            "finish", _("Mark as done"), "progress" if row.state == "doing" else "circle")
        sign = Markup('<span class="t3" title="{}">{}</span> ').format(_("Repeats"), icon("repeat")) if row.repeat else ""
        return _BUTTON.format(f"k-circle {row.state}", row.id, key, word, word, icon(look)) + sign

    def row_tail(self, row):
        """A follow-up of its customer; put off to tomorrow."""
        said, word = _("Write follow-up"), _("Put off to tomorrow")
        follow = _FOLLOW.format(row.id, quote(cells.here(), safe=""), said, said, icon("message-plus")) if _follows(row) else ""
        later = _BUTTON.format("k-act", row.id, "later", word, word, icon("player-skip-forward")) if _open(row) else ""
        return Markup('<span class="acts">{}{}</span>').format(follow, later)

    def row_flags(self, row):
        """Late ones stand out, done ones step back."""
        return "late" if row.is_late else "done" if row.state == "done" else ""


def _follows(row) -> bool:
    return bool(row.customer_id) and actor.current().may("followup", "add")


takes_files("TaskView.follow")


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        abort(400)


def rhythm(task) -> str:
    """A rule in words: 每周 · 周一、周三 · 至 2026-12-31."""
    def label(name, codes):
        return choices.labels(db.session, name, codes)
    found = [label("task_repeat", task.repeat)]
    if task.repeat_every > 1:
        found.append(_("every %(n)d", n=task.repeat_every))
    if task.repeat_on:
        found.append(label("weekday", task.repeat_on))
    if task.repeat_until:
        found.append(_("until %(day)s", day=cells.day(task.repeat_until)))
    return " · ".join(found)


def _mark(team) -> str:
    return ",".join(map(str, sorted(team)))


def _dated(group: int) -> str:
    """A group by date in words."""
    day = f" {cells.day(clock.today() + dt.timedelta(group - 1), True)}" if group in (1, 2) else ""
    return (_("Overdue"), _("Today"), _("Tomorrow"), _("This week"), _("Later"), _("Earlier"))[group] + day

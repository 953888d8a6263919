"""The screens of daily and weekly reports."""
from flask import abort, flash, jsonify, redirect, render_template, request
from flask_appbuilder import expose
from markupsafe import Markup
from sqlalchemy import select

from app.core import actor, changes, clock
from app.core.rules import RuleError
from app.core.words import _, _l
from app.extensions import db
from app.views import acting, cells, forms
from app.views.declare import Action, MenuItem, QuickFilter, SaveAnd, Section
from app.views.entity_view import EntityView
from app.views.guard import granted

from . import rules
from .models import Journal, JournalComment


def _send(view, row):
    """On to the superior; what hinders it is told on the report's page."""
    acting.do_one(view, "send", row)
    return redirect(f"/journal/show/{row.id}")


class JournalView(EntityView):
    """日报/周报: proposed from what was done, edited, sent to the superior, who reads and comments."""

    model = Journal
    menu = MenuItem("desktop", _l("Daily and weekly reports"), icon="notebook", position=60)
    title, add_label = _l("Daily and weekly reports"), _l("Write a report")
    list_columns = "day kind owner state sent_to sent_at read_at done"
    default_sort = "day.desc"
    quick_filters = [
        QuickFilter("mine", _l("Mine"), lambda who: Journal.owner_id == who.id, default=True),
        QuickFilter("received", _l("Sent to me"), lambda who: (Journal.sent_to_id == who.id) & (Journal.state != "draft")),
        QuickFilter("unread", _l("Unread"), lambda who: (Journal.sent_to_id == who.id) & (Journal.state == "sent")),
        QuickFilter("subordinates", _l("Subordinates'"),
                    lambda who: Journal.owner_id.in_(sorted(who.subordinates)) & (Journal.state != "draft")),
        QuickFilter("drafts", _l("My drafts"), lambda who: (Journal.owner_id == who.id) & (Journal.state == "draft"))]
    conditions = "kind state owner day"
    head = "kind state owner"
    facts = "day sent_to sent_at read_at"
    sections = [Section(_l("Report"), "kind day done plan")]
    importable, mass_fields = False, ""  # everybody writes his own
    bar = "send read edit"
    save_and = (SaveAnd("send", _l("Save and send"), "send", _send),)
    actions_declared = [
        Action("send", _l("Send to the superior"), rules.send, icon="send", shown=lambda row: row.state == "draft" and _own(row)),
        Action("read", _l("Mark as read"), rules.mark_read, icon="checks", verb="read", edits=False,
               shown=lambda row: row.state == "sent" and not _own(row))]
    check_save = staticmethod(rules.check_journal)
    check_change = staticmethod(rules.check_change)
    check_delete = staticmethod(rules.check_change)
    include_route_methods = EntityView.include_route_methods | {"comment", "team", "propose"}

    @classmethod
    def verbs(cls):
        """Besides the usual ones: reading colleagues' reports as far as the data scope reaches."""
        return sorted([*super().verbs(), "oversee"])

    def list_links(self):
        """The weekly report, and for a superior who has sent his."""
        found = [("/journal/add?kind=week", _("Write a weekly report"), "calendar-week")] if self.may("add") else []
        return found + ([("/journal/team", _("Reports of my team"), "users")] if actor.current().subordinates else [])

    def preset(self, form):
        """What was done, and what comes next, proposed for the asked kind and day; on to the report that is there already."""
        super().preset(form)
        form.kind.data = form.kind.data or "day"
        form.day.data = form.day.data or clock.today()
        if there := rules.written(db.session, actor.current_id(), form.kind.data, form.day.data):
            flash(_("This report is there already: here it is."), "info")
            abort(redirect(f"/journal/{'edit' if there.state != 'read' and self.may('edit') else 'show'}/{there.id}"))
        if not form.done.data:
            form.done.data, plan = rules.propose(db.session, actor.current_id(), form.kind.data, form.day.data)
            form.plan.data = form.plan.data or plan

    def more_links(self, row):
        """Copy as text stands beside the page's text."""
        return []

    def below(self, row):
        """The text to copy, and what was said of it."""
        wanted = select(JournalComment).where(JournalComment.journal_id == row.id).order_by(JournalComment.id)
        return Markup(render_template("journals/below.html", item=row, comments=db.session.scalars(wanted).all(), people=cells.people(),
                                      text=rules.as_text(row, cells.people().get(row.owner_id, ""))))

    @expose("/<int:pk>/comment", methods=["POST"])
    @granted("read")
    def comment(self, pk):
        """Say something of a report that one may read."""
        row = self.fetch(pk)
        try:
            with changes.operation(db.session, "comment", "journal", str(row)):
                rules.comment(db.session, row, (forms.clean(request.form.get("content", "")) or "")[:2000])
            db.session.commit()
            acting.say_done(_("Comment written."))
        except RuleError as no:
            db.session.rollback()
            flash(str(no), "danger")
        return redirect(f"/journal/show/{pk}#comments")

    @expose("/propose")
    @granted("add")
    def propose(self):
        """{done, plan} of another kind or day, while the form is open; {there: True} when that report is there already."""
        kind, day = self._asked()
        if rules.written(db.session, actor.current_id(), kind, day):
            return jsonify(there=True)
        done, plan = rules.propose(db.session, actor.current_id(), kind, day)
        return jsonify(done=done, plan=plan)

    @staticmethod
    def _asked():
        """The kind and the day of the address."""
        kind = request.args.get("kind", "day")
        try:
            day = clock.dt.date.fromisoformat(request.args.get("day") or str(clock.today()))
        except ValueError:
            abort(400)
        return (kind, day) if kind in ("day", "week") else abort(400)

    @expose("/team")
    @granted("read")
    def team(self):
        """Who below me has sent his report of a day or week, and who has not."""
        kind, day = self._asked()
        rows = rules.missing(db.session, actor.current(), kind, day)
        return render_template("journals/team.html", view=self, kind=kind, day=rules.monday(day) if kind == "week" else day, rows=rows,
                               step=clock.dt.timedelta(7 if kind == "week" else 1), today=clock.today())


def _own(row) -> bool:
    return row.owner_id == actor.current_id()

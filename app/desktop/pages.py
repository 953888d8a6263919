"""The work desktop (manual 4.2 业务看板)."""
import datetime as dt

from flask import abort, flash, jsonify, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select

from app.approvals.models import Approval
from app.approvals.rules import waiting_for_me
from app.core import changes, choices, clock, preferences, scope, workdays
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import rules, timeline
from app.customers.models import Customer
from app.targets import figures
from app.tasks import rules as task_rules
from app.tasks.models import Task
from app.views import acting, cells, saving
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import WHOSE, chosen_circles
from app.views.page import Page, back_to

from . import board, sheet, today

WEEKDAYS = [_l("Monday"), _l("Tuesday"), _l("Wednesday"), _l("Thursday"), _l("Friday"), _l("Saturday"), _l("Sunday")]
CARDS = {"keys": _l("Key figures"), "trend": _l("Signings and receipts"), "funnel": _l("Sales funnel"), "today": _l("To do today"),
         "payments": _l("Payments of late"), "calendar": _l("Calendar"), "orders": _l("Orders of late"), "ranking": _l("Ranking"),
         "forgotten": _l("Forgotten customers"), "brief": _l("Sales brief"), "approvals": _l("Waiting for my approval")}
PERIODS = {"month": _l("This month"), "quarter": _l("This quarter"), "year": _l("This year")}


class DesktopPage(Page):
    """The first page after login: 业务看板."""

    route_base = ""
    home = "/"
    menu_verb = ""
    menu = MenuItem("desktop", _l("Business board"), icon="layout-dashboard", position=10)
    default_view = "index"

    @expose("/")
    @granted("")
    def index(self):
        """The cards that the person has chosen, over the circle and the period that the address asks for."""
        whose, period = request.args.get("whose", "mine"), request.args.get("period", "month")
        try:
            around = board.circle(self.who, whose)
        except KeyError:
            abort(400)
        if period not in PERIODS:
            abort(400)
        cards = [card for card in self._cards() if self._allowed(card)]
        made = board.Board(self.session, around, period) if {"keys", "trend", "funnel", "brief"} & set(cards) else None
        return render_template(
            "desktop/index.html", cards=cards, around=around, period=period, periods=PERIODS, board=made, who=self.who, today=clock.today(),
            circles=[(key, WHOSE[key]) for key in self.who.circles()], hello=_hello(self.who),
            left=board.remaining(self.session, clock.today()),
            chosen=chosen_circles(self.who), lists=self._lists(cards, around, period),
            methods=choices.options(self.session, "follow_method", english=cells.english()),
            method=choices.default(self.session, "follow_method"), weekday=WEEKDAYS[clock.today().weekday()],
            now=clock.to_office(clock.now()).strftime("%Y-%m-%d %H:%M"), next_call=rules.next_call(self.session))

    def _cards(self) -> list[str]:
        kept = preferences.read(self.session, "desk").get("cards")
        return [c for c in kept if c in CARDS] if kept is not None else list(CARDS)

    def _allowed(self, card: str) -> bool:
        needs = {"payments": "paymentplan", "orders": "contract", "forgotten": "customer", "approvals": "approval", "funnel": "opportunity",
                 "trend": "credit", "keys": "credit", "ranking": "credit"}
        return card not in needs or self.who.may(needs[card], "read")

    def _lists(self, cards, around, period) -> dict:
        """The rows of the cards that are shown."""
        also = board.idle_clauses(self.session, self.who, around.people) if "forgotten" in cards else []
        day = today.Today(self.session, self.who, around.people)
        made = {"totals": day.totals(also), "sources": day.sources, "cap": day.cap, "span": rules.span,
                "idle": rules.idle_days(self.session)}
        wide = around if around.key != "mine" else board.circle(self.who, self.who.circles()[-1])
        asked = {"today": day.rows,
                 "payments": lambda: board.near_payments(self.session, around),
                 "orders": lambda: {kind: board.recent(self.session, around, kind) for kind in ("signed", "received")},
                 "ranking": lambda: board.ranking(self.session, self.who, wide, figures.around(clock.today(), period)),
                 "forgotten": lambda: board.forgotten(self.session, around),
                 "approvals": lambda: list(self.session.scalars(select(Approval).where(
                     waiting_for_me(self.who)).order_by(Approval.id).limit(5)))}
        return {**made, **{card: make() for card, make in asked.items() if card in cards}}

    # ---- the work in the row -----------------------------------------------------------------------------------
    @expose("/desk/follow/<int:customer_id>", methods=["POST"])
    @granted("")
    def follow(self, customer_id):
        """Write a follow-up with the next date from a row."""
        customer = self.fetch(Customer, customer_id)
        if not timeline.may_follow(customer):
            abort(403)
        form = timeline.box_form()()
        if not saving.saved_before(form):
            timeline.write(form, customer)
        return back_to("/")

    @expose("/desk/later/<kind>/<int:row_id>/<to>", methods=["POST"])
    @granted("")
    def later(self, kind, row_id, to):
        """Put a task or a call off: to tomorrow, or to the next working day."""
        model, rule = {"task": (Task, _later_task), "customer": (Customer, rules.put_off)}.get(kind) or abort(404)
        row, today_ = self.fetch(model, row_id), clock.today()
        days = {"tomorrow": today_ + dt.timedelta(1), "workday": workdays.shift(self.session, today_, 1)}
        if to not in days:
            abort(404)
        if not self.who.may(kind, "edit") or not scope.may_edit(self.session, row, self.who):
            abort(403)
        try:
            with changes.operation(self.session, "later", kind, str(row)):
                rule(self.session, [row], days[to])
            self.session.commit()
            acting.say_done(_("Put off to %(day)s.", day=cells.day(days[to], True)))
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
        return back_to("/")

    @expose("/desk/cards", methods=["POST"])
    @granted("")
    def cards(self):
        """Keep which cards stand on this person's desk, and in which order; `reset` goes back to all."""
        chosen = [c for c in dict.fromkeys(request.form.getlist("cards")) if c in CARDS]
        preferences.keep(self.session, "desk", cards=None if "reset" in request.form else chosen)
        self.session.commit()
        return back_to("/")

    @expose("/desk/choose")
    @granted("")
    def choose_cards(self):
        """The dialog 自定义."""
        shown = self._cards()
        return render_template("desktop/cards.html", cards=[(c, CARDS[c], True) for c in shown] + [
            (c, label, False) for c, label in CARDS.items() if c not in shown])

    @expose("/desk/days/<month>")
    @granted("")
    def days(self, month):
        """{day: [marks]} of a month's sheet for the small calendar: tasks, calls, payment plans."""
        try:
            first = dt.date.fromisoformat(f"{month}-01")
            people = self.who.circle(request.args.get("whose", "mine"))
        except (ValueError, KeyError):
            abort(400)
        return jsonify(sheet.marks(self.session, self.who, people, first))


def _later_task(session, rows, day):
    task_rules.put_off(session, rows, "day", day)


def _hello(who) -> str:
    """上午好，雨桐."""
    hour = clock.to_office(clock.now()).hour
    word = _("Good morning") if hour < 12 else _("Good afternoon") if hour < 18 else _("Good evening")
    return _("%(hello)s, %(name)s", hello=word, name=who.given)

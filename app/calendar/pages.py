"""/calendar/: month, week, day and list; what is dragged is moved by the rules and can be taken back (manual 4.2 日历)."""
import datetime as dt

from flask import abort, jsonify, render_template, request
from flask_appbuilder import expose

from app.core import changes, clock, scope, workdays
from app.core.rules import RuleError
from app.core.words import _, _l
from app.views import cells
from app.views.declare import MenuItem
from app.views.exporting import view_of
from app.views.guard import granted
from app.views.listing import WHOSE
from app.views.page import Page

from . import layers, rules

LONGEST = 400  # days that one question may span
VIEWS = {"dayGridMonth": _l("By month"), "timeGridWeek": _l("By week"), "timeGridDay": _l("By day"), "listMonth": _l("List")}


class CalendarPage(Page):
    """The calendar of one's own or of one's colleagues, as far as the data scope reaches."""

    entity, route_base, home = "task", "/calendar", "/calendar/"
    menu = MenuItem("desktop", _l("Calendar"), icon="calendar", position=30)

    @expose("/")
    @granted("read")
    def index(self):
        """The page; its rows come from `events`."""
        asked, whose = _day(request.args.get("date")) or clock.today(), request.args.get("whose", "mine")
        self._people(whose)
        view = request.args.get("view") if request.args.get("view") in VIEWS else "dayGridMonth"
        shown = [(key, label) for key, (label, entity) in layers.LAYERS.items() if self.who.may(entity, "read")]
        only = [key for key, (_label, entity) in layers.LAYERS.items() if entity == request.args.get("only")]
        return render_template(
            "calendar/index.html", only=only, day=asked, whose=whose, view=view, views=VIEWS, layers=shown, members=self._members(),
            now=clock.to_office(clock.now()).isoformat(), today=clock.today(), may=self.who.may("task", "add"))

    def _members(self) -> list[tuple[str, object]]:
        """The circles and the single colleagues whose calendar the person may open."""
        names, reach = cells.people(), self.who.reach
        others = sorted((name, key) for key, name in names.items() if key != self.who.id and (reach is None or key in reach))
        return [(key, WHOSE[key]) for key in self.who.circles()] + [(str(key), name) for name, key in others[:300]]

    def _people(self, whose):
        try:
            return self.who.circle(whose)
        except KeyError:
            abort(400)

    @expose("/events")
    @granted("read")
    def events(self):
        """What happens from `start` to before `end` (the office's days) to `whose`: {events, days, more}."""
        first, after = _day(request.args.get("start", "")[:10]), _day(request.args.get("end", "")[:10])
        if not first or not after or not 0 < (after - first).days <= LONGEST or not 1990 < first.year < 2100:
            abort(400)
        last = after - dt.timedelta(1)
        people = self._people(request.args.get("whose", "mine"))
        found, more = layers.events(self.session, self.who, people, first, last)
        names = {} if people is not None and len(people) == 1 else cells.people()
        return jsonify(events=[_drawn(e, names) for e in found], days=_sheet(self.session, first, last),
                       more=_("There is more than can be drawn; narrow the members.") if more else "")

    @expose("/move", methods=["POST"])
    @granted("")
    def move(self):
        """A dragged or (`longer`) resized one: {key, start, end}; answers {said, batch} or {error}."""
        entity, row_id, on = _parts(request.form.get("key", ""))
        if not self.who.may(entity, "edit"):
            abort(403)
        row = self.fetch(view_of(entity).model, row_id)
        if not scope.may_edit(self.session, row, self.who):
            abort(403)
        try:
            start, end = rules.read(request.form.get("start", ""), request.form.get("end", ""))
            with changes.operation(self.session, "move", entity, str(row)):
                rules.MOVES[entity](self.session, row, start, end, on)
            self.session.commit()
        except RuleError as no:
            self.session.rollback()
            return jsonify(error=str(no)), 409
        return jsonify(said=_told(start, end, "longer" in request.form), batch=self.session.info.pop("last_batch", None))


def _told(start, end, longer: bool) -> str:
    if isinstance(start, dt.datetime):
        first, last = f"{start:%m-%d %H:%M}", f"{end:%H:%M}" if start.date() == end.date() else f"{end:%m-%d %H:%M}"
    else:
        first, last = cells.day(start, True), cells.day(end - dt.timedelta(1), True)
    return _("Now %(first)s – %(last)s.", first=first, last=last) if longer else _("Moved to %(when)s.", when=first)


def _day(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        abort(400)


def _parts(key: str) -> tuple[str, int, dt.date | None]:
    """'task-12@2026-11-24' as entity, id and the occurrence's day."""
    entity, _sep, rest = key.partition("-")
    number, _sep, on = rest.partition("@")
    if entity not in rules.MOVES or not number.isascii() or not number.isdecimal() or len(number) > 9:
        abort(400)
    return entity, int(number), _day(on)


def _drawn(one: layers.Event, names: dict) -> dict:
    """An event as FullCalendar reads it; among several people's the name."""
    classes = [f"ev-{one.layer}", *(["ev-late"] if one.late else []), *(["ev-done"] if one.done else [])]
    return {"id": one.key, "title": one.title, "start": one.start.isoformat(), "end": one.end.isoformat(), "allDay": one.all_day,
            "classNames": classes, "startEditable": one.moves > 0, "durationEditable": one.moves > 1,
            "extendedProps": {"layer": one.layer, "page": one.url, "customer": one.customer, "owner": names.get(one.owner_id, "")}}


def _sheet(session, first, last) -> dict:
    """{day: {lunar, name, works}}: the day in the Chinese calendar, its occasion, and whether the office works otherwise than usual."""
    special, found = {}, {}
    for year in range(first.year, last.year + 1):
        special |= workdays.special(session, year)
    english = cells.english()
    for n in range((last - first).days + 1):
        day = first + dt.timedelta(n)
        told = {} if english else {"lunar": workdays.lunar_label(day)}
        if day in special:
            works, name = special[day]
            told |= {"name": name, "works": works}
        if told:
            found[day.isoformat()] = told
    return found

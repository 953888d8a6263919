"""/target/: one's own targets beside the superior's, month by month or over the years; the superior's matrix (manual 4.2)."""
import json
import re

from flask import abort, flash, redirect, render_template, request, send_file
from flask_appbuilder import expose

from app.core import actor, changes, choices, clock
from app.core.rules import RuleError
from app.core.words import _, _l
from app.extensions import db
from app.security.models import Employee
from app.views import acting, saving
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import WHOSE
from app.views.page import Page

from . import figures, matrix, rules
from .models import KINDS

CELL = re.compile(r"^(own|cell)-(signed|received|customers|\d{1,9})-(\d{1,2})$")


def month_name(n: int) -> str:
    """11 月."""
    return _("Month %(n)d", n=n)


class TargetPage(Page):
    """The screen of the look: figures, comparison by the query, the table with one's own cells to fill in."""

    entity, route_base, home = "target", "/target", "/target/"
    default_view = "index"
    menu = MenuItem("desktop", _l("Sales targets"), icon="target", position=40)
    stands_for = ("MatrixPage", "TargetView")  # whose tab this is as well

    def _asked(self) -> dict:
        """year, month (None: not set), kind, whose; 400 for what is none."""
        args, today = request.args, clock.today()
        plain = not any(name in args for name in ("year", "month"))
        found = {}
        for name, low, high in (("year", 2000, 2100), ("month", 1, 12)):
            text = args.get(name, "")
            if text and not (text.isascii() and text.isdecimal() and low <= int(text[:9]) <= high):
                abort(400)
            found[name] = int(text) if text else today.year if plain and name == "year" else None
        kind = args.get("kind") or "signed"
        return {**found, "kind": kind if kind in KINDS else abort(400), "whose": args.get("person") or args.get("whose") or "mine"}

    def _people(self, whose: str):
        try:
            return self.who.circle(whose)
        except KeyError:
            abort(400)

    @expose("/")
    @granted("read")
    def index(self):
        """The page of what the query asks for."""
        asked = self._asked()
        people = self._people(asked["whose"])
        known = figures.years(self.session, people)
        periods = figures.columns(asked["year"], asked["month"], known, month_name)
        table = figures.table(self.session, people, periods)
        return self._render(asked, people, known, periods, table)

    def _render(self, asked, people, known, periods, table, typed=None, faults=None):
        today, said = clock.today(), rules.locks(self.session)
        year = asked["year"] or today.year
        plain = asked["year"] and not asked["month"]
        mine = plain and people == {self.who.id} and self.who.may("target", "edit")
        over = asked["month"] or today.month
        years = figures.columns(None, over, known, month_name)
        side = figures.table(self.session, people, years, (asked["kind"],))[asked["kind"]]
        person = self.session.get(Employee, int(asked["whose"])) if asked["whose"].isdecimal() else None
        return render_template(
            "targets/index.html", asked=asked, periods=periods, table=table, year=year,
            known=sorted({*known, today.year + 1}, reverse=True),
            kinds=choices.options(self.session, "target_kind"), circles=[(key, WHOSE[key]) for key in self.who.circles()], person=person,
            cards=self._cards(people), editable=[not rules.is_closed(self.session, p.months[0], said) if mine else False for p in periods],
            total=figures.table(self.session, people, [figures.Period("", figures.months_of(year))]) if plain else None,
            main=json.dumps(chart(periods, table[asked["kind"]], asked["kind"]), ensure_ascii=False),
            side=json.dumps(chart(years, side, asked["kind"]), ensure_ascii=False) if plain else "",
            over=month_name(over), today=today, typed=typed or {}, faults=faults or {}, closed=runs(closed_until(self.session, year, said)),
            assigns=self.who.may("target", "assign"), mine=mine, several=people is None or len(people) > 1)

    def _cards(self, people) -> list[dict]:
        """This month's, quarter's and year's figures, each with the list that it equals."""
        today = clock.today()
        spans = {key: figures.around(today, key) for key in ("month", "quarter", "year")}
        found = figures.table(self.session, people, list(spans.values()), ("signed", "received"))
        names = {"month": month_name(today.month), "quarter": _("Quarter %(n)d", n=(today.month + 2) // 3), "year": _("Whole year")}
        words = {"signed": _("signed"), "received": _("received")}
        wanted = (("month", "signed"), ("month", "received"), ("quarter", "signed"), ("year", "signed"), ("year", "received"))
        return [{"key": f"{span}-{kind}", "label": f"{names[span]} {words[kind]}", "figure": found[kind][list(spans).index(span)],
                 "colour": "g" if kind == "received" else ""} for span, kind in wanted]

    @expose("/save", methods=["GET", "POST"])
    @granted("edit")
    def save(self):
        """One's own cells of a year: all or nothing, faults at the cell."""
        if request.method == "GET":  # the address of a page with faults, opened again
            return redirect(self.home)
        year = request.form.get("year", "")
        if not (year.isascii() and year.isdecimal() and len(year) == 4):
            abort(400)
        typed: dict = {}
        for name, text in request.form.items():
            if (found := CELL.match(name)) and found[1] == "own" and found[2] in KINDS and 1 <= int(found[3]) <= 12:
                typed.setdefault(found[2], {})[self.who.id, int(found[3])] = text
        with changes.operation(self.session, "targets", "target", _("Own targets of %(year)s", year=year)):
            saved = {kind: rules.save_cells(self.session, int(year), kind, cells, "own") for kind, cells in typed.items()}
        faults = {(kind, month): said for kind, (_n, found) in saved.items() for (_p, month), said in found.items()}
        if faults:
            self.session.rollback()
            asked = {"year": int(year), "month": None, "kind": request.form.get("kind", "signed"), "whose": "mine"}
            people = frozenset({self.who.id})
            periods = figures.columns(int(year), None, [], month_name)
            return self._render(asked, people, figures.years(self.session, people), periods, figures.table(self.session, people, periods),
                                {(k, m): text for k, cells in typed.items() for (_p, m), text in cells.items()}, faults)
        _commit_or_tell(_("Targets saved."))
        return redirect(f"/target/?year={year}")

    @expose("/lock", methods=["POST"])
    @granted("assign")
    def lock(self):
        """Close a month, or open it again."""
        slot, opens = request.form.get("slot", ""), request.form.get("open") == "1"
        if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", slot):
            abort(400)
        try:
            with changes.operation(self.session, "lock", "target", slot):
                rules.set_lock(self.session, slot, opens)
            self.session.commit()
            acting.say_done(_("%(month)s is open again.", month=slot) if opens else _("%(month)s is closed.", month=slot))
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
        return redirect(f"/target/people/?year={slot[:4]}")


def _commit_or_tell(done: str) -> None:
    """Commit; when somebody else set the same target meanwhile, say so."""
    try:
        saving.commit()
        acting.say_done(done)
    except RuleError as taken:
        db.session.rollback()
        flash(str(taken), "danger")


def closed_until(session, year: int, said) -> list[int]:
    """The closed months of a year."""
    return [m for m in range(1, 13) if rules.is_closed(session, f"{year}-{m:02d}", said)]


def runs(months: list[int]) -> str:
    """1–10, 12."""
    found: list[list[int]] = []
    for month in months:
        if found and found[-1][1] == month - 1:
            found[-1][1] = month
        else:
            found.append([month, month])
    return ", ".join(f"{a}–{b}" if b > a else str(a) for a, b in found)


def chart(periods, found, kind) -> dict:
    """Goal behind, result before it; in ten thousand yuan, or customers."""
    unit = 100 if kind == "customers" else 1_000_000
    return {"labels": [p.label for p in periods], "series": [
        {"name": _("Target"), "type": "bar", "soft": True, "data": [{"value": round((f.goal or 0) / unit, 2)} for f in found]},
        {"name": _("Reached"), "type": "bar", "over": True, "labelled": True, "data": [
            {"value": round(f.actual / unit, 2), "done": f.goal is not None and f.actual >= f.goal} for f in found]}]}


class MatrixPage(Page):
    """/target/people/: the superior's matrix, people × months, with sums by department and company."""

    entity, route_base, home = "target", "/target/people", "/target/people/"
    default_view = "index"

    def _asked(self) -> tuple[int, str]:
        year, kind = request.values.get("year", "") or str(clock.today().year), request.values.get("kind") or "signed"
        if not (year.isascii() and year.isdecimal() and 2000 <= int(year[:9]) <= 2100) or kind not in KINDS:
            abort(400)
        return int(year), kind

    @expose("/")
    @granted("assign")
    def index(self):
        """The matrix as it is kept."""
        year, kind = self._asked()
        return self._render(year, kind)

    def _render(self, year, kind, typed=None, faults=None):
        made = matrix.make(self.session, self.who, year, kind, typed)
        said = rules.locks(self.session)
        return render_template(
            "targets/matrix.html", year=year, kind=kind, kinds=choices.options(self.session, "target_kind"), made=made, faults=faults or {},
            years=range(clock.today().year + 1, clock.today().year - 5, -1), month_name=month_name,
            closed=closed_until(self.session, year, said),
            results=matrix.results(self.session, made, year, kind), today=clock.today(), reopens=self.who.may("target", "reopen"))

    @expose("/save", methods=["GET", "POST"])
    @granted("assign")
    def save(self):
        """Save all cells or none; `do`: even or seasons spreads the typed year sums and shows them before they are saved."""
        if request.method == "GET":
            return redirect(self.home)
        year, kind = self._asked()
        typed = {(int(found[2]), int(found[3])): text for name, text in request.form.items()
                 if (found := CELL.match(name)) and found[1] == "cell" and found[2].isdecimal() and 1 <= int(found[3]) <= 12}
        if (how := request.form.get("do", "save")) in ("even", "seasons"):
            typed, faults = matrix.spread(self.session, self.who, year, kind, typed, request.form, how)
            return self._render(year, kind, typed, faults)
        with changes.operation(self.session, "targets", "target", _("Targets of %(year)s handed out", year=year)):
            n, faults = rules.save_cells(self.session, year, kind, typed)
        if faults:
            self.session.rollback()
            return self._render(year, kind, typed, faults)
        _commit_or_tell(_("%(n)d targets handed out.", n=n))
        return redirect(f"/target/people/?year={year}&kind={kind}")

    @expose("/export", methods=["POST"])
    @granted("export")
    def export(self):
        """The matrix as a spreadsheet, in the shape that can be pasted back."""
        year, kind = self._asked()
        made = matrix.make(self.session, actor.current(), year, kind, None)
        place = matrix.to_sheet(made, year, kind, [month_name(m) for m in range(1, 13)])
        return send_file(place, as_attachment=True, download_name=f"{_('Sales targets')}-{year}.xlsx")

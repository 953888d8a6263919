"""The superior's matrix: people × months with quarters, years, departments and the company as sums (never stored)."""
import io
from dataclasses import dataclass

from sqlalchemy import select

from app.core import clock, money
from app.core.rules import RuleError
from app.core.words import _

from . import figures, rules
from .models import Target


@dataclass
class Line:
    """A person's row: `cells` month -> text as typed or kept; `values` month -> hundredths or None."""

    person: int
    name: str
    department: str
    cells: dict
    values: dict

    def total(self, first: int = 1, last: int = 12) -> int:
        """The sum of some months, in hundredths."""
        return sum(self.values.get(m) or 0 for m in range(first, last + 1))


@dataclass
class Made:
    """Departments in order with their lines."""

    groups: list

    @property
    def lines(self) -> list[Line]:
        """Everybody."""
        return [line for _name, lines in self.groups for line in lines]


def shown(value: int | None) -> str:
    """Hundredths as a cell shows them: 120000 or 120000.50; '' for none."""
    if value is None:
        return ""
    yuan = money.to_yuan(value)
    return f"{yuan:f}".rstrip("0").rstrip(".") if value % 100 else str(value // 100)


def _value(text: str, kind: str):
    try:
        return rules.read_cell(text, kind)
    except ValueError:
        return None


def make(session, who, year: int, kind: str, typed: dict | None) -> Made:
    """The lines of the people below somebody: kept targets, overlaid by what was typed."""
    people = rules.people(session, who)
    kept = {(t.owner_id, t.month): t.assigned for t in session.scalars(select(Target).where(Target.year == year, Target.kind == kind))}
    groups: dict = {}
    for person, name, department in people:
        values = {m: kept.get((person, m)) for m in range(1, 13)}
        cells = {m: shown(v) for m, v in values.items()}
        for m in range(1, 13):
            if typed is not None and (person, m) in typed:
                cells[m], values[m] = typed[person, m], _value(typed[person, m], kind)
        groups.setdefault(department or "—", []).append(Line(person, name, department or "—", cells, values))
    return Made(list(groups.items()))


def spread(session, who, year: int, kind: str, typed: dict, form, how: str) -> tuple[dict, dict]:
    """Spread the typed year sums (`year-<person>`) over the months that are open: (typed cells, faults).

    Where some of them are no longer the sum of their months, only these are meant; else all."""
    faults, totals, said = {}, {}, rules.locks(session)
    closed = [m for m in range(1, 13) if rules.is_closed(session, f"{year}-{m:02d}", said)]
    people = rules.people(session, who)
    for person, _name, _department in people:
        try:
            totals[person] = rules.read_cell(form.get(f"year-{person}", ""), kind)
        except ValueError as no:
            faults[person, 0] = str(no)
    new = {p for p, total in totals.items() if total is not None
           and total != sum(_value(typed.get((p, m), ""), kind) or 0 for m in range(1, 13))}
    for person, _name, department in people:
        total = totals.get(person)
        if total is None or (new and person not in new):
            continue
        try:
            kept = {m: _value(typed.get((person, m), ""), kind) or 0 for m in closed}
            colleagues = {p for p, _n, d in people if d == department}
            shares = [1] * 12 if how == "even" else rules.seasons(session, person, colleagues, year, kind)
            parts = rules.spread_year(total, shares, kept)
        except (ValueError, RuleError) as no:
            faults[person, 0] = str(no)
            continue
        typed |= {(person, m): shown(value) for m, value in parts.items() if m not in closed}
    return typed, faults


def results(session, made: Made, year: int, kind: str) -> list[dict]:
    """Goal, result, rate and pace of each person, department and the company: {name, level, year, quarters, month}. A roll-up is the
    sum of its people: nobody and no deal counts twice."""
    people = [line.person for line in made.lines]
    if not people:
        return []
    slots = figures.months_of(year)
    periods = [figures.Period("year", slots), *(figures.Period(f"q{q}", figures.months_of(year, 3 * q - 2, 3 * q)) for q in range(1, 5))]
    this = clock.today().month if year == clock.today().year else 12
    periods.append(figures.Period("month", figures.months_of(year, this, this)))
    wanted, done = (read(session, people, slots[0], slots[-1], "both") for read in (figures.goals, figures.reached))

    def line(name, level, members, **more):
        sums = figures.of_group(wanted, members), figures.of_group(done, members)
        return {"name": name, "level": level, "figures": [figures.add_up(session, *sums, kind, p) for p in periods], **more}
    found = [line(_("Whole company") if len(made.groups) > 1 else _("My team"), 0, set(people))]
    for name, lines in made.groups:
        found.append(line(name, 1, {one.person for one in lines}))
        found += [line(one.name, 2, {one.person}, person=one.person) for one in lines]
    return found


def to_sheet(made: Made, year: int, kind: str, months: list[str]) -> io.BytesIO:
    """An xlsx: person, department, whole year, twelve months."""
    from app.views.spreadsheet import write_xlsx
    place = io.BytesIO()
    rows = ([line.name, line.department, money.to_yuan(line.total()), *(
        None if line.values[m] is None else money.to_yuan(line.values[m]) for m in range(1, 13))] for line in made.lines)
    write_xlsx(place, [_("Person"), _("Department"), _("Whole year"), *months], rows)
    place.seek(0)
    return place

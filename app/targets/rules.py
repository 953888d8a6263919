"""What the business says of targets (manual 4.2 销售指标设定)."""
import datetime as dt

from sqlalchemy import inspect, select

from app.core import actor, clock, parameters
from app.core.money import LIMIT, read
from app.core.rules import RuleError
from app.core.words import _, _l
from app.payments.terms import spread
from app.security.models import Department, Employee

from .figures import months_of, reached
from .models import KINDS, MonthLock, Target

parameters.declare("target.grace_days", _l("Targets"), _l("Days after the month's end until its targets are closed"), "whole", 5,
                   _l("Targets of a closed month cannot be changed; whoever holds the right may reopen it."), low=0, high=60)
UNIT = 100  # a whole yuan or customer


# ---- closed months --------------------------------------------------------------------------------------------
def locks(session) -> dict[str, bool]:
    """slot -> open, of the months that somebody closed or reopened by hand."""
    return {f"{y}-{m:02d}": is_open for y, m, is_open in session.execute(select(MonthLock.year, MonthLock.month, MonthLock.is_open))}


def is_closed(session, slot: str, said: dict | None = None) -> bool:
    """Whether the targets of a month are frozen: by hand, or because it ended some days ago."""
    said = locks(session) if said is None else said
    if slot in said:
        return not said[slot]
    year, month = int(slot[:4]), int(slot[5:])
    after = dt.date(year + month // 12, month % 12 + 1, 1)
    return clock.today() >= after + dt.timedelta(parameters.get(session, "target.grace_days"))


def set_lock(session, slot: str, is_open: bool) -> None:
    """Close a month, or (an administrator) open it again. Raises RuleError."""
    who = actor.current()
    if who and not who.may("target", "reopen" if is_open else "assign"):
        raise RuleError(_("You may not do this."))
    year, month = int(slot[:4]), int(slot[5:])
    row = session.scalar(select(MonthLock).where(MonthLock.year == year, MonthLock.month == month)) or MonthLock(year=year, month=month)
    row.is_open = is_open
    session.add(row)


# ---- who may set what -----------------------------------------------------------------------------------------
def may_assign(who, person_id: int) -> bool:
    """Whether somebody may hand out targets to a person: to those below him; who sees the whole company to everybody."""
    return who is None or (who.may("target", "assign") and (person_id in who.subordinates or who.reach is None))


def may_set_own(who, person_id: int) -> bool:
    """One's own target is one's own affair."""
    return who is None or (person_id == who.id and who.may("target", "edit"))


def _check_value(value, kind) -> None:
    if value is not None and not 0 <= value < LIMIT:
        raise RuleError(_("A target is zero or above."))
    if value is not None and kind == "customers" and value % UNIT:
        raise RuleError(_("Customers are counted in whole numbers."))


def check_target(session, target) -> None:
    """One row a person, kind and month; the month is open; own by oneself, assigned by a superior (product.md 4.2)."""
    if not 2000 <= (target.year or 0) <= 2100:
        raise RuleError(_("The year lies between 2000 and 2100."), "year")
    if not 1 <= (target.month or 0) <= 12:
        raise RuleError(_("The month lies between 1 and 12."), "month")
    with session.no_autoflush:
        same = [getattr(Target, name) == getattr(target, name) for name in ("owner_id", "year", "month", "kind")]
        twin = select(Target.id).where(*same, Target.id != (target.id or 0)).limit(1).execution_options(everyone=True)
        if session.scalar(twin):
            raise RuleError(_("This person has a target of this kind for this month already."), "month")
    check_open(session, target)
    who, attrs = actor.current(), inspect(target).attrs
    for name, may in (("own", may_set_own), ("assigned", may_assign)):
        _check_value(getattr(target, name), target.kind)
        if attrs[name].history.has_changes() and not (getattr(target, name) is None and not target.id) and not may(who, target.owner_id):
            raise RuleError(_("Only the person sets his own target.") if name == "own" else _("Only a superior hands out targets."), name)
    if attrs.assigned.history.has_changes() and target.assigned is not None:
        target.assigned_by_id, target.assigned_at = actor.current_id(), clock.now()


def check_open(session, target) -> None:
    """A closed month's target is as it is."""
    before = {name: (inspect(target).attrs[name].history.deleted or (getattr(target, name),))[0] for name in ("year", "month")}
    for slot in {target.slot, f"{before['year']}-{before['month']:02d}"}:
        if is_closed(session, slot):
            raise RuleError(_("%(month)s is closed: its targets stay as they are.", month=slot), "month")


def check_delete(session, target) -> None:
    """Who may set what stands there may take it away."""
    check_open(session, target)
    who = actor.current()
    if (target.assigned is not None and not may_assign(who, target.owner_id)) or (
            target.assigned is None and not may_set_own(who, target.owner_id) and not may_assign(who, target.owner_id)):
        raise RuleError(_("Only a superior hands out targets."))


# ---- the matrix -----------------------------------------------------------------------------------------------
def people(session, who) -> list[tuple]:
    """(id, name, department) of the active people to whom somebody may hand out targets, by department."""
    wanted = select(Employee.id, Employee.name, Department.name).join(
        Department, Department.id == Employee.department_id, isouter=True).where(Employee.active).order_by(
        Department.position, Department.id, Employee.id)
    return [tuple(row) for row in session.execute(wanted.execution_options(everyone=True)) if may_assign(who, row[0])]


def read_cell(text: str, kind: str) -> int | None:
    """A typed cell in hundredths: '1,200' or '9.3万' yuan, '20' customers; None when empty. Raises ValueError with the sentence."""
    if not text.strip():
        return None
    try:
        value = read(text)
        _check_value(value, kind)
    except RuleError as no:
        raise ValueError(str(no)) from no
    except ValueError:
        raise ValueError(_("This is not a number.")) from None
    return value


def save_cells(session, year: int, kind: str, typed: dict, name: str = "assigned") -> tuple[int, dict]:
    """Save {(person, month): text} of one kind and year, all or nothing: (changed cells, {(person, month): sentence}). With faults
    nothing is changed."""
    who, said, faults, values = actor.current(), locks(session), {}, {}
    rows = {(t.owner_id, t.month): t for t in session.scalars(select(Target).where(
        Target.year == year, Target.kind == kind, Target.owner_id.in_({person for person, _m in typed})).execution_options(everyone=True))}
    may = may_assign if name == "assigned" else may_set_own
    for (person, month), text in typed.items():
        try:
            value = read_cell(text, kind)
        except ValueError as no:
            faults[person, month] = str(no)
            continue
        row = rows.get((person, month))
        if value == (getattr(row, name) if row else None):
            continue
        if is_closed(session, f"{year}-{month:02d}", said):
            faults[person, month] = _("%(month)s is closed: its targets stay as they are.", month=f"{year}-{month:02d}")
        elif not may(who, person):
            faults[person, month] = _("You may not do this.")
        values[person, month] = value
    if faults:
        return 0, faults
    for (person, month), value in values.items():
        row = rows.get((person, month)) or Target(owner_id=person, year=year, month=month, kind=kind)
        setattr(row, name, value)
        if name == "assigned":
            row.assigned_by_id, row.assigned_at = (actor.current_id(), clock.now()) if value is not None else (None, None)
        session.add(row)
    return len(values), {}


def spread_year(total: int, shares: list[int], kept: dict[int, int] | None = None) -> dict[int, int]:
    """A year's target over its months (1 to 12) by shares, in whole units; the sum stays exact. `kept`: months that stay as they
    are (closed ones), taken off the total first."""
    kept = kept or {}
    months = [m for m in range(1, 13) if m not in kept]
    rest = total - sum(kept.values())
    parts = [shares[m - 1] for m in months]
    if not months or rest < 0:
        raise RuleError(_("The months that are closed exceed this target."))
    parts = parts if any(parts) else [1] * len(parts)
    whole = spread(rest // UNIT, parts)
    found = {m: part * UNIT for m, part in zip(months, whole, strict=True)}
    found[months[-1]] += rest % UNIT
    return {**kept, **found}


def seasons(session, person: int, colleagues, year: int, kind: str) -> list[int]:
    """Last year's results of each month as shares: the person's own, his department's when he had none, else even ones."""
    slots = months_of(year - 1)
    for group in ({person}, set(colleagues) or {person}):
        done = reached(session, group, slots[0], slots[-1])
        shares = [max(0, done.get((kind, slot), 0)) for slot in slots]
        if any(shares):
            return shares
    return [1] * 12


def copy_year(session, person: int, year: int, growth: int = 0) -> dict:
    """{(kind, month): hundredths}: last year's own targets, raised by `growth` percent, in whole units."""
    rows = session.scalars(select(Target).where(Target.owner_id == person, Target.year == year - 1))
    return {(t.kind, t.month): t.own * (100 + growth) // (100 * UNIT) * UNIT for t in rows if t.own is not None and t.kind in KINDS}

"""The figures of board and funnel. Sums come from SQL and equal the rows of the list that each bar opens.

Everything that is counted by stage, person or reason comes out of one statement (`cube`), so that a page over many
thousand opportunities reads them once.
"""
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from app.core import clock
from app.core.spans import days_between
from app.security.models import Employee
from app.views import conditions

from .models import Opportunity, StageChange
from .rules import is_open, slow, stages

FORECASTS: list = []  # later modules: function(session, clauses by field, first, after) -> {(year, month): fen} of what was signed


def weighted():
    """The SQL of amount × rate, each row rounded half up: what `Opportunity.weighted` says of one row."""
    return func.coalesce(func.sum((func.coalesce(Opportunity.amount, 0) * func.coalesce(Opportunity.rate, 0) + 5000) // 10_000), 0)


def _figures():
    return func.count(), func.coalesce(func.sum(Opportunity.amount), 0), weighted()


def by_stage(session, ids) -> dict:
    """stage code -> (number, fen, weighted fen) of the opportunities whose ids the statement selects."""
    wanted = ids.with_only_columns(Opportunity.stage, *_figures()).group_by(Opportunity.stage)
    return {code: (n, int(amount), int(sure)) for code, n, amount, sure in session.execute(wanted)}


@dataclass
class Sums:
    """A number of opportunities, their amount and weighted amount in fen."""

    n: int = 0
    amount: int = 0
    weighted: int = 0

    def add(self, cell) -> None:
        self.n, self.amount, self.weighted = self.n + cell.n, self.amount + cell.amount, self.weighted + cell.weighted


@dataclass
class Cell(Sums):
    """The sums of one owner, stage, furthest stage and reason of loss."""

    owner: int = 0
    stage: str = ""
    furthest: str | None = None
    reason: str | None = None


@dataclass
class Funnel:
    """All cells of what was asked, and the stages in order."""

    cells: list[Cell]
    way: list = field(default_factory=list)

    def sums(self, keep: Callable) -> Sums:
        """The sums of the cells for which `keep(cell)` holds."""
        found = Sums()
        for cell in self.cells:
            if keep(cell):
                found.add(cell)
        return found

    def kinds(self, *kinds) -> set[str]:
        """The codes of the stages of these kinds."""
        return {s.code for s in self.way if s.kind in kinds}


def read(session, clauses) -> Funnel:
    """One statement over the opportunities that meet the clauses."""
    keys = (Opportunity.owner_id, Opportunity.stage, Opportunity.furthest, Opportunity.loss_reason)
    rows = session.execute(select(*keys, *_figures()).where(*clauses).group_by(*keys))
    cells = [Cell(n, int(amount), int(sure), owner, stage, far, why) for owner, stage, far, why, n, amount, sure in rows]
    return Funnel(cells, list(stages(session).values()))


def onward_from(session, code: str) -> list[str]:
    """The codes of a stage and of the open and won stages after it: whose furthest is one of them has come so far."""
    way = [s.code for s in stages(session).values() if s.kind in ("open", "won")]
    return way[way.index(code):]  # ValueError for a stage that is none


def steps(session, clauses, funnel: Funnel) -> list[dict]:
    """The open stages in order: `now` in it, `came` so far, `lost` from here, share that goes on, average days."""
    wanted = select(StageChange.from_stage, func.avg(StageChange.seconds)).join(
        Opportunity, Opportunity.id == StageChange.opportunity_id).where(*clauses, StageChange.from_stage.is_not(None)).group_by(
        StageChange.from_stage)
    waited, ended, found = dict(session.execute(wanted).all()), funnel.kinds("lost", "void"), []
    way = [s for s in funnel.way if s.kind in ("open", "won")]
    for n, stage in enumerate(way):
        codes, next_codes = {s.code for s in way[n:]}, {s.code for s in way[n + 1:]}
        came, onward = funnel.sums(lambda c, codes=codes: c.furthest in codes), funnel.sums(lambda c, codes=next_codes: c.furthest in codes)
        if stage.kind == "open":
            found.append({
                "stage": stage, "now": funnel.sums(lambda c, code=stage.code: c.stage == code), "came": came,
                "lost": funnel.sums(lambda c, code=stage.code: c.furthest == code and c.stage in ended),
                "onward": round(100 * onward.n / came.n) if came.n else None,
                "days": round(float(waited[stage.code]) / 86400, 1) if waited.get(stage.code) is not None else None})
    return found


def people(session, funnel: Funnel) -> list[dict]:
    """Person × open stage, the largest weighted sums first."""
    going, found = funnel.kinds("open"), {}
    for cell in funnel.cells:
        if cell.stage in going:
            row = found.setdefault(cell.owner, {"id": cell.owner, "cells": {}, "total": Sums()})
            row["cells"].setdefault(cell.stage, Sums()).add(cell)
            row["total"].add(cell)
    names = dict(session.execute(select(Employee.id, Employee.name).where(Employee.id.in_([o for o in found if o]))).all())
    rows = sorted(found.values(), key=lambda r: (-r["total"].weighted, r["id"] or 0))
    return [{**row, "name": names.get(row["id"], "—")} for row in rows[:30]]


def losses(funnel: Funnel) -> list[tuple[str, Sums]]:
    """(reason, sums) of the lost ones, the most frequent first."""
    lost, found = funnel.kinds("lost"), {}
    for cell in funnel.cells:
        if cell.stage in lost and cell.reason:
            found.setdefault(cell.reason, Sums()).add(cell)
    return sorted(found.items(), key=lambda pair: (-pair[1].n, pair[0]))


def months(session, clauses, also, ahead: int = 6) -> list[dict]:
    """By month of expected closing from this one: the open ones' sums, and what was signed in it (`also`: {field: clause value})."""
    first, after = conditions.month(clock.today(), 0), conditions.month(clock.today(), ahead)
    rows = session.execute(select(Opportunity.closes_on, *_figures()).select_from(Opportunity).where(
        *clauses, is_open(), Opportunity.closes_on >= first, Opportunity.closes_on < after).group_by(Opportunity.closes_on))
    known: dict = {}
    for day, n, amount, sure in rows:  # by day, as the index has them: at most 31 a month
        known.setdefault((day.year, day.month), Sums()).add(Sums(n, int(amount), int(sure)))
    signed = [more(session, also, first, after) for more in FORECASTS]
    days = [conditions.month(clock.today(), n) for n in range(ahead + 1)]
    return [{"first": day, "last": then - conditions.dt.timedelta(1), "sums": known.get((day.year, day.month), Sums()),
             "signed": sum(one.get((day.year, day.month), 0) for one in signed)} for day, then in zip(days, days[1:], strict=False)]


def cycle(session, clauses, funnel: Funnel) -> float | None:
    """Average days from the creation to the closing of the won ones."""
    found = session.scalar(select(func.avg(days_between(Opportunity.created_at, Opportunity.closed_on))).where(
        *clauses, Opportunity.stage.in_(funnel.kinds("won"))))
    return None if found is None else max(0.0, round(float(found), 1))


def stuck(session, clauses, limit: int = 10) -> list:
    """The open ones that stand longest beyond their stage's warning, with customer and owner."""
    first = select(Opportunity.id).where(*clauses, is_open(), slow(session)).order_by(Opportunity.staged_at).limit(limit)
    return list(session.scalars(select(Opportunity).where(Opportunity.id.in_(first)).order_by(Opportunity.staged_at).options(
        joinedload(Opportunity.customer), joinedload(Opportunity.owner))))

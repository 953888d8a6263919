"""The figures of board and funnel. Sums come from SQL and equal the rows of the list that each bar opens."""
from sqlalchemy import func, select

from app.core import clock
from app.security.models import Employee
from app.views import conditions

from .models import Opportunity, StageChange
from .rules import stages

FORECASTS: list = []  # later modules: function(session, first day, day after) -> fen signed in that month


def weighted():
    """The SQL of amount × rate, each row rounded half up: what `Opportunity.weighted` says of one row."""
    return func.coalesce(func.sum((func.coalesce(Opportunity.amount, 0) * func.coalesce(Opportunity.rate, 0) + 5000).op("/")(10_000)), 0)


def _figures():
    return func.count(), func.coalesce(func.sum(Opportunity.amount), 0), weighted()


def by_stage(session, ids) -> dict:
    """stage code -> (number, fen, weighted fen) of the opportunities whose ids the statement selects."""
    wanted = select(Opportunity.stage, *_figures()).where(Opportunity.id.in_(ids)).group_by(Opportunity.stage)
    return {code: (n, int(amount), int(sure)) for code, n, amount, sure in session.execute(wanted)}


def chosen(period: str, by: str, owner: str, source: str) -> list:
    """The clauses of the page's filter; ValueError for a period that is none."""
    found = []
    if period:
        found.append(conditions.within(getattr(Opportunity, by), "date" if by == "closes_on" else "moment", period))
    if owner:
        found.append(Opportunity.owner_id == int(owner))
    if source:
        found.append(Opportunity.source == source)
    return found


def steps(session, clauses) -> list[dict]:
    """The open stages in order: present number, amount, weighted; how many ever came so far; conversion to the next; days."""
    present = by_stage(session, select(Opportunity.id).where(*clauses, Opportunity.closed_on.is_(None)))
    far = dict(session.execute(select(Opportunity.furthest, func.count()).where(*clauses).group_by(Opportunity.furthest)).all())
    waited = dict(session.execute(select(StageChange.from_stage, func.avg(StageChange.seconds)).join(
        Opportunity, Opportunity.id == StageChange.opportunity_id).where(*clauses, StageChange.from_stage.is_not(None)).group_by(
        StageChange.from_stage)).all())
    way = [s for s in stages(session).values() if s.kind in ("open", "won")]
    came = {s.code: sum(far.get(later.code, 0) for later in way[n:]) for n, s in enumerate(way)}
    found = []
    for n, stage in enumerate(way):
        if stage.kind != "open":
            continue
        onward = came[way[n + 1].code] if n + 1 < len(way) else 0
        number, amount, sure = present.get(stage.code, (0, 0, 0))
        found.append({"stage": stage, "n": number, "amount": amount, "weighted": sure, "came": came[stage.code],
                      "onward": round(100 * onward / came[stage.code]) if came[stage.code] else None,
                      "days": round(float(waited[stage.code]) / 86400, 1) if waited.get(stage.code) is not None else None})
    return found


def closed(session, clauses) -> list[dict]:
    """The closing stages: number and amount."""
    found = by_stage(session, select(Opportunity.id).where(*clauses, Opportunity.closed_on.is_not(None)))
    return [{"stage": s, "n": found.get(s.code, (0, 0, 0))[0], "amount": found.get(s.code, (0, 0, 0))[1]}
            for s in stages(session).values() if s.kind != "open"]


def people(session, clauses) -> list[dict]:
    """Person × open stage: number and amount, the largest sums first."""
    wanted = select(Opportunity.owner_id, Opportunity.stage, func.count(), func.coalesce(func.sum(Opportunity.amount), 0)).where(
        *clauses, Opportunity.closed_on.is_(None)).group_by(Opportunity.owner_id, Opportunity.stage)
    found: dict = {}
    for owner, stage, n, amount in session.execute(wanted):
        found.setdefault(owner, {})[stage] = (n, int(amount))
    names = dict(session.execute(select(Employee.id, Employee.name).where(Employee.id.in_([o for o in found if o]))).all())
    rows = [{"id": owner, "name": names.get(owner, "—"), "cells": cells, "n": sum(c[0] for c in cells.values()),
             "amount": sum(c[1] for c in cells.values())} for owner, cells in found.items()]
    return sorted(rows, key=lambda r: -r["amount"])[:30]


def months(session, clauses, ahead: int = 6) -> list[dict]:
    """By month of expected closing from this one: number, amount, weighted of the open ones; what was signed in it."""
    found = []
    for n in range(ahead):
        first, after = conditions.month(clock.today(), n), conditions.month(clock.today(), n + 1)
        number, amount, sure = session.execute(select(*_figures()).select_from(Opportunity).where(
            *clauses, Opportunity.closed_on.is_(None), Opportunity.closes_on >= first, Opportunity.closes_on < after)).one()
        found.append({"first": first, "last": after - conditions.dt.timedelta(1), "n": number, "amount": int(amount), "weighted": int(sure),
                      "signed": sum(more(session, first, after) for more in FORECASTS)})
    return found

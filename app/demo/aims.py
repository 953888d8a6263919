"""The demo company's targets over two years, its own and the superiors', and a few deals that two people share."""
import datetime as dt

from sqlalchemy import select

from app.contracts.models import Contract
from app.core import clock
from app.targets.credits import split
from app.targets.figures import reached
from app.targets.models import Target

SEASONS = (70, 60, 95, 100, 105, 115, 100, 90, 105, 110, 115, 135)  # how a year of a Chinese machine builder runs


def fill(session, dice, people) -> int:
    """Targets of last year and this one for everybody who sells; returns how many."""
    sellers = [p for p in people if p.superior_id or p.roles[0].name == "销售总监"]
    deals = session.scalars(select(Contract).order_by(Contract.id)).all()
    for deal in deals[::9]:
        other = dice.choice([p for p in sellers if p.id != deal.owner_id])
        split(session, [deal], [(deal.owner_id, 7000), (other.id, 3000)])
    session.commit()
    year, made = clock.today().year, []
    for person in sellers:
        done = reached(session, {person.id}, f"{year - 1}-01", f"{year}-12")
        for kind, least in (("signed", 60_000_00), ("received", 40_000_00), ("customers", 300)):
            month = max(least, sum(v for (k, _s), v in done.items() if k == kind) // 23)
            for at in (year - 1, year):
                made += [_target(dice, person, at, m, kind, month) for m in range(1, 13)]
    session.add_all(made)
    session.flush()
    return len(made)


def _target(dice, person, year, month, kind, mean) -> Target:
    """The superior's round figure, and one's own a little beside it."""
    step = 100 if kind == "customers" else 5_000_00
    aim = max(step, mean * SEASONS[month - 1] // 100 // step * step)
    own = aim + dice.choice((-step, 0, 0, step)) if dice.random() < 0.8 else None
    return Target(owner_id=person.id, year=year, month=month, kind=kind, own=max(step, own) if own is not None else None,
                  assigned=aim if person.superior_id else None, assigned_by_id=person.superior_id,
                  assigned_at=dt.datetime(year, 1, 5, 2) if person.superior_id else None)

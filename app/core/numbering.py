"""Document numbers: unique, without holes. One UPDATE of the counter row holds the series until commit."""
import datetime as dt
import re

from flask_appbuilder import Model
from sqlalchemy import String, event, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from . import clock


class Counter(Model):
    """The last number given in a series (a pattern on a day)."""

    __tablename__ = "counter"
    series: Mapped[str] = mapped_column(String(80), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)


def series_of(pattern: str, day: dt.date) -> str:
    """The part of a number before its sequence: 'KH202611-'."""
    return pattern.split("{seq")[0].format(day=day)


def take(session, pattern: str, how_many: int = 1) -> list[str]:
    """Take the next numbers of a series inside the session's transaction."""
    day, line, t = clock.today(), session.connection(), Counter.__table__
    series = series_of(pattern, day)
    bump = update(t).where(t.c.series == series).values(last=t.c.last + how_many)
    if line.execute(bump).rowcount == 0:
        try:
            with line.begin_nested():
                line.execute(insert(t).values(series=series, last=0))
        except IntegrityError:  # another transaction opened the series first
            pass
        line.execute(bump)
    last = line.scalar(select(t.c.last).where(t.c.series == series))
    return [pattern.format(day=day, seq=n) for n in range(last - how_many + 1, last + 1)]


def numbered_columns(model):
    """The columns of a model that are document numbers."""
    return [c for c in model.__table__.columns if c.info.get("pattern")]


def give_back(session, model) -> None:
    """After an undo: set this day's counters of a model to the highest number still there."""
    for column in numbered_columns(model):
        series = series_of(column.info["pattern"], clock.today())
        top = session.connection().scalar(select(func.max(column)).where(column.startswith(series, autoescape=True)))
        found = re.match(r"\d+", top[len(series):]) if top else None
        last = int(found[0]) if found else 0
        session.connection().execute(update(Counter.__table__).where(
            Counter.__table__.c.series == series).values(last=last))


@event.listens_for(Session, "before_flush")
def _give_numbers(session, _context, _instances):
    """Every new row without a number gets one; one UPDATE for all rows of a series."""
    waiting: dict = {}
    for row in session.new:
        for column in numbered_columns(type(row)) if hasattr(row, "__table__") else ():
            if not getattr(row, column.key):
                waiting.setdefault((column.info["pattern"], column.key), []).append(row)
    for (pattern, key), rows in waiting.items():
        for row, number in zip(rows, take(session, pattern, len(rows)), strict=False):
            setattr(row, key, number)

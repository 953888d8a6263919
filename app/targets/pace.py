"""How far a period is, in working days of the office."""
import datetime as dt

from app.core import memo, workdays


def working_days(session, first: dt.date, last: dt.date) -> int:
    """Working days from the first to the last day, both counted; remembered until the office's days change."""
    return memo.recall(session, "days", ("count", first, last), lambda: workdays.count(session, first, last))


def left(session, first: dt.date, last: dt.date, today: dt.date) -> int:
    """Working days of a period that are still to come, today among them."""
    return working_days(session, max(first, today), last)


def gone(session, first: dt.date, last: dt.date, today: dt.date) -> float:
    """The share of a period's working days before today: 0 to 1; 1 for a period that is over."""
    whole = working_days(session, first, last)
    return 1.0 if today > last else 0.0 if not whole else 1 - left(session, first, last, today) / whole

"""What every outbox does alike: rows that wait (`state`, `due_at`) are taken by one worker at a time and outlive its end."""
import datetime as dt

from sqlalchemy import select

from . import clock

AT_ONCE = 50  # rows of one run


def claim(session, model, minutes: int, most: int = AT_ONCE) -> list[int]:
    """Ids of what is due, the oldest first; nobody else takes them for so many minutes, in which all must be done. Commits."""
    due = select(model).where(model.state == "waiting", model.due_at <= clock.now()).order_by(model.due_at, model.id).limit(most)
    rows = list(session.scalars(due.with_for_update(skip_locked=True)))
    for row in rows:
        row.due_at = clock.now() + dt.timedelta(minutes=minutes)
    ids = [row.id for row in rows]
    session.commit()
    return ids

"""The demo company's last daily reports, and the months that its reports keep."""
import datetime as dt

from app.core import clock, workdays
from app.journals import rules
from app.journals.models import Journal
from app.reports import snapshots


def fill(session, dice, people) -> int:
    """Reports of the last three working days of most who have a superior; returns how many."""
    made, today = [], clock.today()
    for person in people:
        for back in (1, 2, 3) if person.superior_id else ():
            day = workdays.shift(session, today, -back)
            if dice.random() < 0.2:
                continue
            done, plan = rules.propose(session, person.id, "day", day)
            sent = clock.day_start(day) + dt.timedelta(hours=18)
            made.append(Journal(owner_id=person.id, created_by_id=person.id, kind="day", day=day, done=done or "整理客户资料，准备下周拜访。", plan=plan or None,
                                state="sent" if back == 1 else "read", sent_to_id=person.superior_id, sent_at=sent,
                                read_at=sent + dt.timedelta(hours=2) if back > 1 else None))
    session.add_all(made)
    last = today.replace(day=1) - dt.timedelta(1)
    snapshots.take(session, f"{last:%Y-%m}")
    return len(made)

"""However many workers look and send, and whatever ends one of them: each reminder is there once and goes out once."""
import datetime as dt
import json
from collections import Counter

import pytest
from sqlalchemy import select

from app.core import clock, memo, outbox, parameters, schedule
from app.notices import finding, sending
from app.notices.models import Notice
from tests.hooks.test_hooks import receiver  # noqa: F401
from tests.notices.test_notices import wish
from tests.story import at_once

MANY, WORKERS = 24, 4


@pytest.fixture
def due(session, make, people, receiver):  # noqa: F811
    """Many reminders of 李's that are due, to be told by his robot; their titles."""
    parameters.put(session, "hooks.inside", "127.0.0.1")
    wish(session, people, robot="wecom", address=f"{receiver.url}?key=k")
    receiver.answers, receiver.words = [200] * 999, b"{}"
    starts = clock.now() + dt.timedelta(minutes=5)
    for n in range(MANY):
        make.task(owner="li", title=f"提醒{n:02d}", created_by_id=people["li"], starts_at=starts, ends_at=starts + dt.timedelta(hours=1), reminders="15")
    return {f"提醒{n:02d}" for n in range(MANY)}


def told(receiver) -> Counter:  # noqa: F811
    """title -> how often the robot heard it."""
    return Counter(json.loads(body)["text"]["content"][-4:] for _head, body in receiver.got)


def work(app, what):
    """A function that a worker's thread runs: it commits as the schedule does."""
    def run():
        from app.extensions import db
        memo.forget_revisions()
        what(db.session)
        db.session.commit()
    return run


def test_workers_that_look_at_once_write_each_reminder_once(app, session, due):
    at_once(app, [work(app, finding.find)] * WORKERS)
    session.expire_all()
    assert sorted(n.title[-4:] for n in session.scalars(select(Notice))) == sorted(due)


def test_workers_that_send_at_once_send_each_reminder_once(app, session, due, receiver):  # noqa: F811
    finding.find(session)
    session.commit()
    at_once(app, [work(app, sending.send)] * WORKERS)
    assert told(receiver) == Counter(due)
    session.expire_all()
    assert {n.state for n in session.scalars(select(Notice))} == {"sent"}


def test_workers_that_do_everything_at_once(app, session, due, receiver):  # noqa: F811
    """Each finds and sends, twice; the second time nothing is left."""
    at_once(app, [work(app, what) for _worker in range(WORKERS) for what in (finding.find, sending.send)])
    with clock.frozen(clock.now() + dt.timedelta(minutes=1)):
        finding.find(session)
        session.commit()
        sending.send(session)
    assert told(receiver) == Counter(due)


def test_what_a_worker_held_when_it_was_ended_is_sent_by_the_next_one(app, session, due, receiver, monkeypatch):  # noqa: F811
    """It ends in the middle, between two messages: what it had sent is not sent again, what it held is told after its time."""
    class Killed(BaseException):
        pass
    finding.find(session)
    session.commit()
    robot = sending.robot

    def dies(*words):
        if len(receiver.got) == 7:
            raise Killed
        return robot(*words)
    monkeypatch.setattr(sending, "robot", dies)
    with pytest.raises(Killed):
        sending.send(session)
    session.rollback()
    monkeypatch.setattr(sending, "robot", robot)
    assert sum(told(receiver).values()) == 7
    sending.send(session)
    assert len(told(receiver)) == MANY - 3, "five were held, two of them sent"
    with clock.frozen(clock.now() + dt.timedelta(minutes=sending.LEASE)):
        sending.send(session)
    assert told(receiver) == Counter(due)


def test_nothing_that_fell_due_while_no_worker_ran_is_lost(session, due, receiver):  # noqa: F811
    """Hours after, the first look tells all of it, more than one run sends at once too."""
    with clock.frozen(clock.now() + dt.timedelta(hours=20)):
        finding.find(session)
        session.commit()
        sending.send(session)
    assert told(receiver) == Counter(due) and outbox.claim(session, Notice, 1) == []


def test_more_calls_than_one_statement_writes_are_all_told(session, make, monkeypatch):
    from app.notices import rules
    monkeypatch.setattr(rules, "CHUNK", 3)
    for n in range(10):
        make.customer(owner="li", name=f"客户{n}", next_follow_at=clock.now() - dt.timedelta(minutes=n + 1))
    finding.find(session)
    assert len(session.scalars(select(Notice)).all()) == 10


def test_the_running_app_looks_and_sends():
    """The schedule that a worker follows knows every entry of the notices, without a test's import."""
    import subprocess
    import sys
    asked = "import app.modules as m; m.load_models(); m.views(); from app.core.schedule import ENTRIES; print(*sorted(ENTRIES))"
    known = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.split()
    assert {"notices.birthdays", "notices.find", "notices.forget", "notices.send", "hooks.send", "mail.send", "mail.fetch"} <= set(known)
    assert set(known) >= {name for name in schedule.ENTRIES if "." in name}

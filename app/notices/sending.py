"""Notices on their way out: e-mail by SMTP, and the robots of groups."""
import datetime as dt
import time
from functools import partial

from flask import current_app

from app.core import clock, mail, outbox, schedule
from app.core.database import reading
from app.hooks import rules as hooks
from app.hooks.sending import tell
from app.security.models import Employee

from . import rules
from .models import Notice

WAITS = [dt.timedelta(minutes=m) for m in (1, 5, 30, 120)]
LEASE, FEW, LONGEST = 5, 5, 50  # minutes that claimed notices are held, how many at once, seconds of one run


def robot(wish, text: str, inside) -> str:
    """Tell a person's robot; what went wrong, "" when it took the text."""
    status, answer = tell(wish["robot"], wish["address"], wish["secret"], text, inside)
    return "" if status == 200 else f"{status} {answer}"


@schedule.every("notices.send", 1)
def send(session) -> None:
    """Send what waits, as each person wishes: few at once, so that a slow network ends before another worker may take them."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until and (keys := outbox.claim(session, Notice, LEASE, FEW)):
        for key in keys:
            _send(session, key)


def _send(session, key: int) -> None:
    """One notice, with no transaction open while the network is waited for; a channel that has it does not get it again."""
    with reading():
        row = session.get(Notice, key)
        wish, person = rules.wishes(session, row.employee_id), session.get(Employee, row.employee_id)
        ways = _ways(wish, person, row, hooks.allowed(session))
        session.rollback()
    later, told, problems = rules.quiet_until(wish, clock.now()), [], []
    for channel, way in ways.items() if not later else ():
        problem = way()
        (problems if problem else told).append(channel)
    row = session.get(Notice, key)
    row.told = " ".join([*row.told.split(), *told])
    _settle(row, problems, later if ways else None)
    session.commit()


def _ways(wish, person, row, inside) -> dict:
    """{channel: function that sends and returns what went wrong} of the channels that the notice has to take yet."""
    text, to, mark = row.title, person.email, f"<notice-{row.id}@crm.local>"
    url, sender = current_app.config["CRM_SMTP_URL"], current_app.config["CRM_MAIL_FROM"]
    made = partial(mail.compose, sender, to, text, text, mark)
    known = {"robot": lambda: robot(wish, text, inside), "mail": lambda: mail.attempt(url, made)}
    there = {"robot": wish["robot"] and wish["address"], "mail": url and to}
    return {channel: way for channel, way in known.items()
            if person.active and there[channel] and row.kind not in wish["off"][channel] and channel not in row.told.split()}


def _settle(row, problems, later) -> None:
    if later:
        row.due_at = later
    elif not problems:
        row.state = "sent"
    elif row.attempts >= len(WAITS):
        row.state = "failed"
    else:
        row.due_at, row.attempts = clock.now() + WAITS[row.attempts], row.attempts + 1

"""Notices on their way out: e-mail by SMTP, and the robots of 企业微信, 钉钉 and 飞书 in their documented forms."""
import datetime as dt
import json
import time
from functools import partial
from urllib.parse import quote

from flask import current_app

from app.core import clock, mail, outbox, schedule
from app.core.database import reading
from app.hooks import rules as hooks
from app.hooks.sending import carry, proof
from app.security.models import Employee

from . import rules
from .models import Notice

WAITS = [dt.timedelta(minutes=m) for m in (1, 5, 30, 120)]
LEASE, FEW, LONGEST = 5, 5, 50  # minutes that claimed notices are held, how many at once, seconds of one run


def robot_form(kind: str, address: str, secret: str, text: str, now: float) -> tuple[str, dict]:
    """(address, JSON) of a robot's message at `now` (seconds since 1970); signed when there is a secret.
    钉钉 signs milliseconds in the address, 飞书 seconds in the body with the text as key, 企业微信 has the key in its address."""
    if kind == "feishu":
        second = str(int(now))
        signed = {"timestamp": second, "sign": proof(f"{second}\n{secret}".encode(), "")} if secret else {}
        return address, {**signed, "msg_type": "text", "content": {"text": text}}
    if kind == "dingtalk" and secret:
        milli = str(int(now * 1000))
        mark = proof(secret.encode(), f"{milli}\n{secret}")
        address += f"&timestamp={milli}&sign={quote(mark, safe='')}"
    return address, {"msgtype": "text", "text": {"content": text}}


def _robot(wish, text, inside) -> str:
    address, form = robot_form(wish["robot"], wish["address"], wish["secret"], text, time.time())
    status, answer = carry(address, json.dumps(form, ensure_ascii=False), {"Content-Type": "application/json"}, inside)
    try:
        told = json.loads(answer)
        fine = status == 200 and not told.get("errcode", told.get("code", 0))
    except (ValueError, AttributeError):
        fine = False
    return "" if fine else f"{status} {answer}"


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
    known = {"robot": lambda: _robot(wish, text, inside), "mail": lambda: mail.attempt(url, made)}
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

"""How long a session lasts, and how it ends before its time (promise 6). The cookie holds no secret but its signature."""
import datetime as dt
import hashlib
import secrets
import time

from sqlalchemy import delete, select

from app.core import clock, memo, parameters
from app.core.words import _l

from .models import EndedSession

SAFETY = _l("Safety")
parameters.declare("security.password_length", SAFETY, _l("Shortest password"), "whole", 10, _l("Characters; at least 8."), low=8, high=64,
                   unit=_l("characters"))
parameters.declare("security.idle_minutes", SAFETY, _l("Log out after minutes without work"), "whole", 120,
                   _l("Whoever does nothing for so long logs in again."), low=5, high=720, unit=_l("minutes"))
parameters.declare("security.session_hours", SAFETY, _l("Log out after hours in any case"), "whole", 12,
                   _l("A session ends after so many hours, however busy it was."), low=1, high=24, unit=_l("hours"))
parameters.declare("security.wrong_tries", SAFETY, _l("Wrong passwords until the account is locked"), "whole", 3,
                   _l("An administrator unlocks it; the lock does not end by itself."), low=1, high=10, unit=_l("times"))


def start(cookie, who) -> None:
    """A fresh session of a person; nothing of an earlier one stays in the cookie."""
    cookie.clear()
    cookie.permanent = True
    cookie["_user_id"], cookie["_fresh"], cookie["sid"] = who.get_id(), True, secrets.token_urlsafe(12)
    cookie["since"] = cookie["seen"] = int(time.time())


def is_over(session, cookie) -> bool:
    """Whether a session is too old, was left alone too long, or was logged out."""
    now, limit = int(time.time()), parameters.get
    if now - cookie.get("seen", 0) > limit(session, "security.idle_minutes") * 60:
        return True
    if now - cookie.get("since", 0) > limit(session, "security.session_hours") * 3600:
        return True
    return "sid" not in cookie or is_ended(session, cookie["sid"])


def is_ended(session, secret: str) -> bool:
    """Whether what a cookie carries was ended before its time."""
    return _mark(secret) in memo.recall(session, "sessions", "ended", lambda: frozenset(session.scalars(select(EndedSession.mark))))


def seen(cookie) -> None:
    """The person is at work; written once a minute at most."""
    if (now := int(time.time())) - cookie.get("seen", 0) > 60:
        cookie["seen"] = now


def end(session, cookie) -> None:
    """Log this session out for good, copies of its cookie too."""
    session.execute(delete(EndedSession).where(EndedSession.until < clock.now()))
    if "sid" in cookie:
        end_mark(session, cookie["sid"])


def end_mark(session, secret: str) -> None:
    """End what a cookie carries: a copy of it is worth nothing any more."""
    if session.get(EndedSession, _mark(secret)) is None:
        session.add(EndedSession(mark=_mark(secret), until=clock.now() + dt.timedelta(hours=24)))


def _mark(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()

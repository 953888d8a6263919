"""The administrator looks with a user's eyes (以某用户身份查看): reading only, for a while, told on every page and in the security log.

The session stays the administrator's; its cookie says with whose eyes he looks. What acts in the request is the user's Actor with
`looker` set, so that scope, masks and menus are exactly the user's."""
import dataclasses
import secrets
import time
from contextlib import nullcontext

from flask import has_request_context, request
from flask import session as cookie
from flask_limiter.util import get_remote_address
from sqlalchemy import event
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden

from app.core import actor, parameters
from app.core.database import writing
from app.core.rules import RuleError
from app.core.words import _, _l
from app.extensions import db
from app.security import request as wiring
from app.security import rules, sessions
from app.security.models import Employee
from app.security.people import actor_for
from app.views import shell

parameters.declare("security.look_minutes", sessions.SAFETY, _l("Looking as a user ends after minutes"), "whole", 30,
                   _l("An administrator who looks with a user's eyes comes back to himself by then."), low=5, high=240, unit=_l("minutes"))
KEPT = ("_user_id", "_fresh", "_id", "sid", "since", "seen", "csrf_token", "locale")  # of the cookie; lists and places looked at are not
CLOSED = {"AuthDBView", "SecondPage", "ProviderPage", "ApiTokenView", "FeedPage", "HookView", "DeliveryView", "LookPage"}  # blueprints
CLOSED_ENTITIES = {"apitoken", "hook", "delivery"}  # of the interface


class Looking(Forbidden):
    """Who looks with another's eyes changes nothing and meets no secret."""

    @property
    def sentence(self) -> str:
        """What the person is told."""
        return _("You look as somebody else: nothing can be changed, and secrets stay closed. Go back to yourself first.")


def check(who, target) -> None:
    """RuleError unless the one may look with the eyes of the other: nobody sees more by it than by himself."""
    if not who.may("user", "look"):
        raise RuleError(_("Your role does not allow this."))
    if target is None or not target.active or target.id == who.id:
        raise RuleError(_("Choose another user who can log in."))
    if not target.verbs <= who.verbs or who.reach is not None or not who.masked <= target.masked:
        raise RuleError(_("This user may do or see what you may not: only who holds the same rights may look as him."))


def begin(session, who, target, reason: str) -> None:
    """Look with a user's eyes from the next request on; RuleError when it is not allowed. Does not commit."""
    check(who, target)
    minutes = parameters.get(session, "security.look_minutes")
    _tell(session, who, "begin", target, _("%(n)d minutes at most", n=minutes) + (f"; {reason}" if reason else ""))
    _forget()
    cookie["look"] = {"id": target.id, "since": int(time.time()), "mark": secrets.token_urlsafe(9)}


def _forget() -> None:
    """What the one has looked at does not stand on the pages of the other."""
    for key in set(cookie) - set(KEPT):
        cookie.pop(key)


def _tell(session, who, what, target, more="") -> None:
    told = {"begin": _("Looks as %(name)s", name=target.username), "end": _("Looked as %(name)s until now", name=target.username)}[what]
    rules.log(session, "look", employee=session.get(Employee, who.id), ip=get_remote_address() or "",
              device=request.user_agent.string or "", detail=f"{told}; {more}" if more else told)


def _left(kept) -> int:
    """Seconds that are left."""
    past = int(time.time()) - kept["since"]
    return parameters.get(db.session, "security.look_minutes") * 60 - past if past >= 0 else 0


def eyes(who):
    """With whose eyes the person of this session looks; None: with his own. Asked with None when the session is over."""
    kept = cookie.get("look")
    if not kept or sessions.is_ended(db.session, kept["mark"]):
        return None
    target = actor_for(db.session, kept["id"])
    try:
        if who is None or who.must_change or who.must_enrol or _left(kept) <= 0:
            raise RuleError("over")
        check(who, target)
    except RuleError:
        end(apart=True)
        return None
    return dataclasses.replace(target, must_change=False, must_enrol=False, looker=who.id)


def end(apart=False) -> None:
    """Back to oneself, told in the log once; `apart`: in a transaction of its own, since the request may only read."""
    kept = cookie.pop("look", None)
    number = str(cookie.get("_user_id") or "").partition(":")[0]
    if not kept or not number.isdecimal():
        return
    _forget()
    mine, target = actor_for(db.session, int(number)), actor_for(db.session, kept["id"])
    if mine is None or target is None or sessions.is_ended(db.session, kept["mark"]):
        return
    mark = writing.set(True)
    try:
        with actor.acting_as(mine), Session(db.engine) if apart else nullcontext(db.session) as own:
            _tell(own, mine, "end", target)
            sessions.end_mark(own, kept["mark"])
            own.commit()
    finally:
        writing.reset(mark)
    if not apart:
        actor.set_actor(mine)


def refuse():
    """Before every request of who looks with another's eyes: reading goes on, everything else is refused."""
    who = actor.current()
    if not who or not who.looker or request.endpoint == "LookPage.end":
        return
    if request.endpoint == "AuthDBView.logout" and request.method == "POST":
        end()  # who logs out is the administrator
    elif request.method not in wiring.READS or request.blueprint in CLOSED or (request.view_args or {}).get("entity") in CLOSED_ENTITIES:
        raise Looking


@event.listens_for(Session, "before_flush")
def _keep_still(session, _context, _instances):
    """The last word: whatever a page would write on the way is refused as well."""
    who = actor.current()
    if who and who.looker and (session.new or session.dirty or session.deleted):
        raise Looking


def told() -> dict | None:
    """For the banner: whose eyes, and the minutes that are left."""
    who = actor.current()
    if not who or not who.looker or not has_request_context() or "look" not in cookie:
        return None
    return {"name": who.name, "left": max(1, _left(cookie["look"]) // 60)}


wiring.LENSES[:] = [eyes]
shell.LOOKING[:] = [told]

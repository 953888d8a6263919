"""What happens around every request: who acts, whether it may write, how old the session is."""
import time

from flask import current_app, redirect, request
from flask import session as cookie
from flask_babel import get_locale
from flask_login import logout_user
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import actor, memo, words
from app.core.database import writing
from app.extensions import db

from .people import actor_for

READS = {"GET", "HEAD", "OPTIONS"}


def _signed_in():
    """The person of the session cookie, or NOBODY; an old, idle or ended session is emptied."""
    mark = str(cookie.get("_user_id") or "")
    number, _sep, stamp = mark.partition(":")
    if not number.isdecimal():
        return actor.NOBODY
    who, now = actor_for(db.session, int(number)), int(time.time())
    config = current_app.config
    stale = now - cookie.get("seen", now) > config["CRM_IDLE_LIMIT"] or now - cookie.get("since", now) > config["CRM_SESSION_LIMIT"]
    if who is None or not who.active or who.stamp != stamp or stale:
        cookie.clear()
        return actor.NOBODY
    if now - cookie.get("seen", 0) > 60:
        cookie["seen"] = now
    return who



def begin():
    """Set the actor and the kind of transaction for this request."""
    writing.set(request.method not in READS)
    memo.forget_revisions()
    if request.endpoint in ("static", "appbuilder.static", "HealthPage.healthz"):
        actor.set_actor(actor.NOBODY)
        return None
    words.language.set(str(get_locale() or ""))
    actor.set_actor(actor.NOBODY)
    actor.set_actor(_signed_in())
    return _force_change()


def _force_change():
    """Whoever holds a one-time password changes it first."""
    who = actor.current()
    if who.id and who.must_change and request.endpoint not in ("AuthDBView.change", "AuthDBView.logout", "LocaleView.index"):
        return redirect("/login/password")
    return None


def end(_error=None):
    """Nobody acts after the request."""
    actor.set_actor(None)
    words.language.set("")
    writing.set(True)


def init_request(app) -> None:
    """Wire it; first of all hooks."""
    if app.config["CRM_BEHIND_PROXY"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
    app.before_request(begin)
    app.teardown_request(end)


def leave() -> None:
    """End this browser's session."""
    logout_user()
    cookie.clear()

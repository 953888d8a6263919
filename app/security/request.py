"""What happens around every request: who acts, whether it may write, how old the session is."""
from flask import current_app, redirect, request
from flask import session as cookie
from flask_babel import get_locale
from flask_login import logout_user
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import actor, memo, words
from app.core.database import patience, writing
from app.extensions import db

from . import sessions
from .people import actor_for

ALWAYS = ("AuthDBView.logout", "LocaleView.index")
LENSES: list = []  # of later modules: with whose eyes the person of the session looks (None: his own); asked with None when it is over
READS = {"GET", "HEAD", "OPTIONS"}
READS_FIRST = ("JobPage.cancel",)  # says by itself when it writes: the job that it stops may have SQLite's write lock
BEARERS: list = []  # of later modules: who acts in a request that brings something else than a session; None: not theirs


def _signed_in():
    """The person of the session cookie, or NOBODY; an old, idle or ended session is emptied."""
    mark = str(cookie.get("_user_id") or "")
    number, _sep, stamp = mark.partition(":")
    if not number.isdecimal():
        return actor.NOBODY
    who = actor_for(db.session, int(number))
    if who is None or not who.active or who.stamp != stamp or sessions.is_over(db.session, cookie):
        for lens in LENSES:
            lens(None)
        cookie.clear()
        return actor.NOBODY
    sessions.seen(cookie)
    return next((seen for lens in LENSES if (seen := lens(who)) is not None), who)


def begin():
    """Set the actor and the kind of transaction for this request."""
    writing.set(request.method not in READS and request.endpoint not in READS_FIRST)
    patience.set(current_app.config["CRM_PATIENCE"])
    memo.forget_revisions()
    if request.endpoint in ("static", "appbuilder.static", "HealthPage.healthz"):
        actor.set_actor(actor.NOBODY)
        return None
    words.language.set(str(get_locale() or ""))
    actor.set_actor(actor.NOBODY)
    actor.set_actor(next((who for bearer in BEARERS if (who := bearer()) is not None), None) or _signed_in())
    return _force_change()


def _force_change():
    """Whoever holds a one-time password changes it first; whoever needs a second factor sets it up."""
    who = actor.current()
    if who.id and who.must_change and request.endpoint not in ("AuthDBView.change", *ALWAYS):
        return redirect("/login/password")
    if who.id and not who.must_change and who.must_enrol and request.endpoint not in ("SecondPage.new", *ALWAYS):
        return redirect("/login/second/new")
    return None


def end(_error=None):
    """Nobody acts after the request."""
    actor.set_actor(None)
    words.language.set("")
    writing.set(True)
    patience.set(0)


def init_request(app) -> None:
    """Wire it; first of all hooks."""
    if app.config["CRM_BEHIND_PROXY"]:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)
    app.before_request(begin)
    app.teardown_request(end)


def leave() -> None:
    """End this browser's session."""
    sessions.end(db.session, cookie)
    db.session.commit()
    logout_user()
    cookie.clear()

"""`Authorization: Bearer <token>`: who acts when a program asks."""
from contextlib import suppress

from flask import abort, current_app, g, has_request_context, request
from flask_limiter.util import get_remote_address
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app.core import actor, clock
from app.core.database import writing
from app.extensions import db
from app.security import people
from app.security import request as wiring

from . import rules

AGAIN = 60  # seconds between two notes of the last use


def bearer() -> actor.Actor | None:
    """The person of the request's token; NOBODY for a token that does not hold, None for a request without one."""
    kind, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    if not request.path.startswith("/api/") or kind.lower() != "bearer":
        return None
    token = rules.find(db.session, secret.strip())
    who = people.actor_for(db.session, token.owner_id) if token else None
    if who is None or not who.active or who.must_change or who.must_enrol:
        return actor.NOBODY
    g.token = token.id, token.rights
    g.token_stale = token.used_at is None or (clock.now() - token.used_at).total_seconds() > AGAIN
    return rules.narrowed(db.session, token, who)


def check_method() -> None:
    """A token for reading only changes nothing, whatever its owner may."""
    if g.get("token", (0, "all"))[1] == "read" and request.method not in ("GET", "HEAD", "OPTIONS"):
        abort(403)


def note_use(answer):
    """After the answer: when and from where the token was used, on a connection of its own; no cookie is set."""
    if g.get("token"):
        answer.headers.pop("Set-Cookie", None)
        if g.get("token_stale"):
            db.session.rollback()
            mark = writing.set(True)
            try:
                with suppress(IntegrityError, OperationalError), Session(db.engine) as own, own.begin():
                    rules.used(own, g.token[0], get_remote_address() or "")
            finally:
                writing.reset(mark)
    return answer


def key() -> str:
    """Whom the rate limit counts: the token, else the person's address."""
    return f"token {g.token[0]}" if g.get("token") else f"person {actor.current_id()} {get_remote_address()}"


def _language():
    """The language of an answer: `_l_` or Accept-Language for the interface, else what FAB keeps in the session."""
    known = current_app.config["LANGUAGES"]
    if not has_request_context() or not request.path.startswith("/api/"):
        return current_app.appbuilder.bm.get_locale()
    asked = request.args.get("_l_") or request.accept_languages.best_match(list(known))
    return asked if asked in known else current_app.config["BABEL_DEFAULT_LOCALE"]


def init(app) -> None:
    """Wire tokens and languages into the app."""
    wiring.BEARERS[:] = [bearer]
    app.after_request(note_use)
    app.json.ensure_ascii = app.json.sort_keys = False
    app.extensions["babel"].locale_selector = _language

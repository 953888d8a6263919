"""Error pages: a sentence, an id to tell the administrator, never a trace. What was typed is not lost: a form that met a busy
database, a full disk or an outage comes back with a button that sends it again (promise 24)."""
import errno
import logging
import secrets

from flask import current_app, g, jsonify, render_template, request
from flask_login import AnonymousUserMixin
from sqlalchemy.exc import DataError, DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import BadRequest, HTTPException, InternalServerError, ServiceUnavailable

from app.core.database import writing
from app.core.words import _
from app.extensions import db

log = logging.getLogger(__name__)


class DiskFull(HTTPException):
    """No room for what should be written."""

    code, description = 507, "disk full"


class TooSlow(HTTPException):
    """A statement took longer than one person's request may take (promise 33)."""

    code, description = 504, "too slow"


def sentences() -> dict:
    """Status -> what it tells the person."""
    return {
        400: _("This address or form does not make sense here."), 401: _("Please log in first."),
        403: _("Your role does not allow this."), 404: _("There is no such page or record, or it is not yours to see."),
        405: _("This page cannot be asked in this way."), 413: _("The file or form is too large."),
        429: _("Too many tries from this address; please wait a minute."),
        500: _("Something went wrong on our side; nothing was half-saved."),
        503: _("The database is busy or away; please try again in a moment."),
        504: _("This took too long and was stopped, so that others can go on; please narrow the search."),
        507: _("The server's disk is full: nothing was saved. Please tell the administrator, then send it again.")}


def page(error: HTTPException):
    """An HTTP error in the person's language, as a page or as JSON."""
    code = error.code or 500
    if code < 400:
        return error
    text = getattr(error, "sentence", "") or sentences().get(code) or _("This did not work.")
    if code == 400 and "CSRF" in str(error.description):
        text = _("The page was open too long; please load it again.")
    number = g.get("request_id") or secrets.token_hex(4)
    if code >= 500:
        log.error("error %s on %s", number, request.endpoint)
    if request.path.startswith("/api/"):
        return jsonify(message=text, id=number), code
    if request.accept_mimetypes.best == "application/json":
        return jsonify(error=text, id=number), code
    again = _typed() if code in (503, 504, 507) else []
    return render_template("errors/error.html", code=code, text=text, number=number, again=again), code


def _typed() -> list[tuple[str, str]]:
    """What a refused form held, to be sent again: not passwords, nor files."""
    if request.method != "POST" or request.blueprint == "AuthDBView":
        return []
    return [(name, value) for name, value in request.form.items(multi=True) if "password" not in name]


def _kind(error: Exception) -> HTTPException:
    """Which page an exception of the database or the disk becomes."""
    said = str(getattr(error, "orig", error))
    if "disk is full" in said or "No space left" in said or getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull()
    if said.startswith("interrupted") or "statement timeout" in said:
        return TooSlow()
    if isinstance(error, (OverflowError, DataError)) or type(error) is StatementError:  # a value that no column takes
        return BadRequest()
    away = isinstance(error, (StaleDataError, PoolTimeout)) or (isinstance(error, DBAPIError) and (
        error.connection_invalidated or type(error).__name__ in ("OperationalError", "InterfaceError")))
    return ServiceUnavailable() if away else InternalServerError()


def crash(error: Exception):
    """Any other exception: rolled back, logged with its trace, shown without."""
    kind = _kind(error)
    try:
        db.session.rollback()
    except Exception:  # the database is away: the session is given up with the request
        log.warning("no rollback on %s", request.endpoint)
    if current_app.config.get("PROPAGATE_EXCEPTIONS") and isinstance(kind, InternalServerError):
        raise error
    log.exception("unhandled on %s", request.endpoint)
    writing.set(False)  # the error page only reads: it must not wait for a lock that was not to be had
    g._login_user = AnonymousUserMixin()  # nor ask the database once more who reads it
    return page(kind)

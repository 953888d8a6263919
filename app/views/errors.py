"""Error pages: a sentence, an id to tell the administrator, never a trace."""
import logging
import secrets

from flask import current_app, jsonify, render_template, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException, InternalServerError, ServiceUnavailable

from app.core.words import _
from app.extensions import db

log = logging.getLogger(__name__)


def _sentences() -> dict:
    return {
        400: _("This address or form does not make sense here."), 401: _("Please log in first."),
        403: _("Your role does not allow this."), 404: _("There is no such page or record, or it is not yours to see."),
        405: _("This page cannot be asked in this way."), 413: _("The file or form is too large."),
        429: _("Too many tries from this address; please wait a minute."),
        500: _("Something went wrong on our side; nothing was half-saved."),
        503: _("The database is busy or away; please try again in a moment.")}


def page(error: HTTPException):
    """An HTTP error in the person's language, as a page or as JSON."""
    code = error.code or 500
    if code < 400:
        return error
    text = _sentences().get(code) or _("This did not work.")
    if code == 400 and "CSRF" in str(error.description):
        text = _("The page was open too long; please load it again.")
    number = secrets.token_hex(4)
    if code >= 500:
        log.error("error %s on %s", number, request.endpoint)
    if request.accept_mimetypes.best == "application/json" or request.path.startswith("/api/"):
        return jsonify(error=text, id=number), code
    return render_template("errors/error.html", code=code, text=text, number=number), code


def crash(error: Exception):
    """Any other exception: rolled back, logged with its trace, shown without."""
    db.session.rollback()
    if current_app.config.get("PROPAGATE_EXCEPTIONS"):
        raise error
    log.exception("unhandled on %s", request.endpoint)
    gone = isinstance(error, (OperationalError, StaleDataError))
    return page(ServiceUnavailable() if gone else InternalServerError())

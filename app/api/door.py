"""What stands before every address of the interface: the rate limit, the token's rights, the CSRF token of a browser, the answers that
were given already, and refusals told as JSON: a sentence and its fields."""
import hashlib
from functools import wraps

from flask import abort, current_app, g, jsonify, request
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException

from app.core import actor
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import csrf, db, limiter
from app.views import errors, saving

from . import asking, tokens
from .asking import Malformed
from .models import Answer
from .writing import Refused


def _rate() -> str:
    return current_app.config.get("CRM_API_RATE", "600 per minute")


def served(method):
    """An address of the interface: `method` answers (status, dict); it does not commit."""
    @wraps(method)
    @limiter.shared_limit(_rate, "api", key_func=tokens.key)
    def answer(self, **kw):
        tokens.check_method()
        if not g.get("token") and current_app.config["WTF_CSRF_ENABLED"]:
            csrf.protect()  # who comes with a browser's session says that he means it
        try:
            status, told = _once(lambda: method(self, **kw)) if request.method == "POST" else method(self, **kw)
            saving.commit()
        except Exception as error:
            try:
                status, told = refusal(error)
            finally:
                db.session.rollback()
        return jsonify(told), status
    csrf.exempt(answer)
    answer._needs = ""
    return answer


def refusal(error: Exception):
    """(status, JSON) of what a request is refused with; anything else is raised again."""
    if isinstance(error, Malformed):
        return 400, {"message": str(error)}
    if isinstance(error, saving.Clash):
        return 409, {"message": _("Somebody else changed this record meanwhile."), "conflict": error.fields}
    if isinstance(error, RuleError):
        return 422, {"message": str(error), "errors": {error.field: str(error)} if error.field else {}}
    if isinstance(error, Refused):
        return 422, {"message": " ".join(error.errors.values()), "errors": error.errors}
    raise error


def sentence(error: HTTPException) -> str:
    """What an error page would say."""
    return errors.sentences().get(error.code or 500) or _("This did not work.")


def body() -> dict:
    """The JSON object that was sent."""
    try:
        told = request.get_json() if request.get_data() or request.form else {}
    except RecursionError:
        abort(400)
    return told if isinstance(told, dict) and asking.is_text(request.get_data(as_text=True), told) else abort(400)


# ---- not twice ------------------------------------------------------------------------------------------------
def _once(work):
    """Answer a request with an `Idempotency-Key` only once: the same again for the same request, 409 for another one."""
    key = request.headers.get("Idempotency-Key", "")[:80]
    if not key:
        return work()
    token = str(g.get("token", (0,))[0])  # what one token was told, another one of fewer rights is not
    mark = hashlib.sha256(b"\0".join((token.encode(), request.full_path.encode(), request.get_data()))).hexdigest()
    given = _reserve(key, mark)
    if isinstance(given, tuple):
        return given
    status, told = work()
    given.status, given.body = status, told
    return status, told


def _reserve(key, mark):
    """The stored answer as (status, JSON), or a new row to store it in; a second request meanwhile waits here for the first."""
    wanted = select(Answer).where(Answer.employee_id == actor.current_id(), Answer.key == key)
    made = Answer(employee_id=actor.current_id(), key=key, asked=mark)
    if db.session.scalars(wanted).first() is None:
        try:
            with db.session.begin_nested():
                db.session.add(made)
            return made
        except IntegrityError:
            pass
    there = db.session.scalars(wanted.execution_options(populate_existing=True)).one()
    if there.asked != mark:
        return 409, {"message": _("This Idempotency-Key was used for another request.")}
    return there.status, there.body

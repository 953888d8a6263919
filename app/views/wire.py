"""What comes over the wire, made harmless before any view sees it: no NUL, no number beyond the database's, no body without end;
and a form that was sent twice is done once (promises 14, 17, 22)."""
from flask import Request, current_app, flash, redirect, request
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import IntegerConverter
from werkzeug.utils import cached_property

from app.core.preferences import FormToken
from app.core.words import _
from app.extensions import db

from .page import local

SMALL = 1024 * 1024  # bytes of a body without files
UPLOADS: set[str] = set()  # endpoints that take files, up to MAX_CONTENT_LENGTH


def takes_files(endpoint: str) -> None:
    """Name an endpoint that takes files."""
    UPLOADS.add(endpoint)


def _without_nul(values):
    """No text of the database holds a NUL; PostgreSQL refuses the whole statement."""
    if not any("\0" in v or "\0" in k for k, v in values.items(multi=True)):
        return values
    return ImmutableMultiDict([(k.replace("\0", ""), v.replace("\0", "")) for k, v in values.items(multi=True)])


class CleanRequest(Request):
    """Flask's request without NUL characters in its arguments and forms."""

    @cached_property
    def args(self):
        """The arguments of the address."""
        return _without_nul(super().args)

    def _load_form_data(self):
        super()._load_form_data()
        self.__dict__["form"] = _without_nul(self.__dict__["form"])


class Key(IntegerConverter):
    """`<int:…>` in addresses: what a key column can hold; anything else is no page."""

    def __init__(self, url_map, *args, **kw):
        super().__init__(url_map, *args, **{"max": 2**31 - 1, **kw})


def begin():
    """Before every request: how much it may send."""
    if request.endpoint not in UPLOADS:
        request.max_content_length = min(SMALL, current_app.config["MAX_CONTENT_LENGTH"])


def once():
    """Before every POST that carries the mark `once`: the first one is done, in one transaction with its mark; a double click, a
    resend or the back button only leads on."""
    mark = request.form.get("once", "")[:40] if request.method == "POST" else ""
    if not mark:
        return None
    try:
        with db.session.begin_nested():
            db.session.connection().execute(insert(FormToken.__table__).values(token=mark, row_id=0))
    except IntegrityError:
        db.session.rollback()
        flash(_("This was done already; nothing was done twice."), "info")
        return redirect(local(request.form.get("back"), "") or local(request.path if "GET" in _methods() else "", "/"))
    return None


def _methods():
    return request.url_rule.methods if request.url_rule else ()


def init_wire(app) -> None:
    """Wire it, before any route is made."""
    app.request_class = CleanRequest
    app.url_map.converters["int"] = Key
    app.before_request(begin)

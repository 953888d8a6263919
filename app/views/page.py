"""The base of hand-written pages."""
import re

from flask import abort, redirect, request
from flask_appbuilder import BaseView

from app.core import actor
from app.extensions import db

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
LOCAL = re.compile(r"/(?![/\s])[^\\\x00-\x1f\x7f]*")


class Page(BaseView):
    """A page of its own: `entity` names whose rights it asks (`@granted`), `menu` where it stands."""

    entity = ""
    menu = None
    menu_verb = "read"
    base_permissions: list = []

    @property
    def session(self):
        """The request's database session."""
        return db.session

    @property
    def who(self) -> actor.Actor:
        """The signed-in person."""
        return actor.current() or actor.NOBODY

    def fetch(self, model, row_id: int):
        """A visible row, or 404."""
        return db.session.get(model, row_id) or abort(404)


def asked(size: int = 255) -> dict[str, str]:
    """What the address asks, without control characters, outer blanks and empty values."""
    return {k: told[:size].strip() for k, v in request.args.items() if (told := CONTROL.sub("", v).strip())}


def local(url: str | None, otherwise: str) -> str:
    """A redirect target that stays on this site. A browser takes a backslash for a slash and drops tabs: none may be in it."""
    return url if url and LOCAL.fullmatch(url) else otherwise


def back_to(otherwise: str):
    """Redirect to the posted or asked `back`, when it stays on the site."""
    return redirect(local(request.values.get("back"), otherwise))

"""The base of hand-written pages."""
from flask import abort, redirect, request
from flask_appbuilder import BaseView

from app.core import actor
from app.extensions import db


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


def local(url: str | None, otherwise: str) -> str:
    """A redirect target that stays on this site."""
    if url and url.startswith("/") and not url.startswith(("//", "/\\")) and "\n" not in url and "\\" not in url:
        return url
    return otherwise


def back_to(otherwise: str):
    """Redirect to the posted or asked `back`, when it stays on the site."""
    return redirect(local(request.values.get("back"), otherwise))

"""The door: every route needs a signed-in person, and a granted verb unless it says otherwise by name."""
from functools import wraps

from flask import abort, redirect, request, url_for

from app.core import actor

OPEN_ENDPOINTS = {"static", "appbuilder.static", "healthz", "readyz"}  # the census reads this list


def open_to_all(endpoint: str) -> None:
    """Name an endpoint that needs no login."""
    OPEN_ENDPOINTS.add(endpoint)


def refuse_visitors():
    """Before every request: a visitor sees the login page and nothing else."""
    if request.endpoint in OPEN_ENDPOINTS or request.endpoint is None:
        return None
    who = actor.current()
    if who and who.id:
        return None
    wants_data = request.accept_mimetypes.best == "application/json" or request.path.startswith("/api/")
    if request.method == "GET" and not wants_data:
        return redirect(url_for("AuthDBView.login", next=request.full_path.rstrip("?")))
    return abort(401)


def granted(verb: str):
    """A view method that needs `<entity>.<verb>`; the entity is the view's. '' = any signed-in person."""
    def wrap(method):
        @wraps(method)
        def guarded(self, *args, **kwargs):
            who = actor.current()
            if not who or not who.id:
                abort(401)
            if verb and not who.may(self.entity, verb):
                abort(403)
            return method(self, *args, **kwargs)
        guarded._needs = verb
        return guarded
    return wrap

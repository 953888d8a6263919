"""Read-only mode: everybody looks, nobody changes; while data are moved or a backup is put back."""
from contextlib import contextmanager

from flask import current_app, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import ServiceUnavailable

from app.core import memo, parameters
from app.core.words import _, _l
from app.extensions import db
from app.security.request import READS
from app.views import shell

parameters.declare("system.read_only", _l("Running the system"), _l("Read-only mode"), "flag", False,
                   _l("Everybody can look, nobody can change anything; background work waits."))
STILL = {"AuthDBView.login", "AuthDBView.logout", "SystemPage.read_only", "LookPage.end"}  # endpoints that go on


class Maintenance(ServiceUnavailable):
    """Nothing is written now."""

    @property
    def sentence(self) -> str:
        """What the person is told."""
        return _("The system is read-only for maintenance: you can look, but nothing can be changed now.")


def is_on() -> bool:
    """Whether nothing may be written: by the setting or by the administrator's switch."""
    return current_app.config["CRM_READ_ONLY"] or parameters.get(db.session, "system.read_only")


def _told() -> bool:
    """The same for the frame of a page, which also stands around the page that says that the database is away."""
    try:
        return is_on()
    except SQLAlchemyError:
        return False


@contextmanager
def held():
    """Read-only for a block that may replace the whole database; afterwards it is as it was."""
    was = parameters.get(db.session, "system.read_only")
    parameters.put(db.session, "system.read_only", True)
    db.session.commit()
    try:
        yield
    finally:
        db.session.rollback()
        memo.forget_revisions()
        if parameters.get(db.session, "system.read_only") != was:
            parameters.put(db.session, "system.read_only", was)
        db.session.commit()


shell.READ_ONLY[:] = [_told]


def refuse_writes():
    """Before every request that would write."""
    if request.method not in READS and request.endpoint not in STILL and is_on():
        raise Maintenance

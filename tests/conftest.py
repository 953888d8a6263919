"""One app per run on a database of its own; every test begins with the same five people and an empty house."""
import contextlib
import contextvars
import os
import tempfile
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

HOME = Path(tempfile.mkdtemp(prefix="crm-test-"))
os.environ.setdefault("CRM_SECRET_KEY", "a-key-for-tests-only-0123456789-abcdef")


class CleanClient(FlaskClient):
    """Each request in a context of its own, so that `g` and the actor of the test never leak into it."""

    def open(self, *args, **kwargs):
        from app.extensions import db
        db.session.commit()  # the test's own reading must not hold SQLite's write lock
        return contextvars.Context().run(super().open, *args, **kwargs)


def _url() -> str:
    return os.environ.get("CRM_TEST_DATABASE_URL") or f"sqlite:///{HOME / 'test.db'}"


@pytest.fixture(scope="session")
def application():
    """The Flask app with its tables, roles, lists and people."""
    from flask_appbuilder import Model

    from app import create_app
    from app.extensions import db
    from tests import cast
    app = create_app(TESTING=True, SQLALCHEMY_DATABASE_URI=_url(), WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False,
                     CRM_UPLOAD_DIR=str(HOME / "files"), CRM_HASH="cheap", PROPAGATE_EXCEPTIONS=False)
    app.test_client_class = CleanClient
    with app.app_context():
        Model.metadata.drop_all(db.engine)
        Model.metadata.create_all(db.engine)
        cast.found(db.session)
        db.session.remove()
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(application):
    """The app with its context; whatever a test wrote is wiped."""
    from app.core import memo
    from app.extensions import db
    from tests import cast
    with application.app_context():
        memo.forget_revisions()
        yield application
        db.session.rollback()
        cast.wipe(db)
        db.session.remove()


@pytest.fixture
def session(app):
    """The database session, as the system (sees all)."""
    from app.extensions import db
    return db.session


@pytest.fixture
def people(app):
    """Employee ids by user name: li, wang, zhao, chen, qian, admin."""
    from tests import cast
    return cast.ids()


@pytest.fixture
def as_(app):
    """`with as_("li"):` runs a block as that person."""
    from app.core import actor
    from app.extensions import db
    from app.security.people import actor_for
    from tests import cast

    def someone(name):
        return actor.acting_as(actor_for(db.session, cast.ids()[name]))
    return someone


@pytest.fixture
def login(app):
    """`login("li")` is a browser in which that person is signed in (by the real session cookie)."""
    from tests import cast

    def enter(name):
        client = app.test_client()
        if name:
            answer = client.post("/login/", data={"username": name, "password": cast.PASSWORD})
            assert answer.status_code == 302, answer.text
        return client
    return enter


@pytest.fixture
def make(app, session):
    """`make.customer(owner="li")`: the smallest valid row, committed."""
    from tests.factory import Factory
    return Factory(session)


@pytest.fixture
def statements(app):
    """`with statements() as seen:` collects the SQL text of every statement."""
    from app.extensions import db

    @contextlib.contextmanager
    def collect():
        seen: list[str] = []

        def note(_conn, _cursor, text, *_rest):
            seen.append(text)
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    return collect

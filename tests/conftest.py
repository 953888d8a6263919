"""One app per run on a database of its own; every test begins with the same five people and an empty house."""
import contextlib
import contextvars
import os
import secrets
import tempfile
import uuid
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, event, text

HOME = Path(tempfile.mkdtemp(prefix="crm-test-"))
ROOT = Path(__file__).resolve().parent.parent
KEY = os.environ.setdefault("CRM_SECRET_KEY", secrets.token_hex(24))  # no key stands in the repository


ADMIN = os.environ.get("CRM_TEST_POSTGRES") or "postgresql://postgres:postgres@127.0.0.1/postgres"


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
    from app.core import database
    from app.extensions import db
    from tests import cast
    database.synchronous = "OFF"
    app = create_app(TESTING=True, SQLALCHEMY_DATABASE_URI=_url(), WTF_CSRF_ENABLED=False, CRM_LOGIN_RATE="100000 per minute",
                     CRM_UPLOAD_DIR=str(HOME / "files"), CRM_BACKUP_DIR=str(HOME / "backups"),
                     CRM_HASH="cheap", PROPAGATE_EXCEPTIONS=False)
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
    from app.extensions import db, limiter
    from tests import cast
    with application.app_context():
        memo.forget_revisions()
        limiter.reset()
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
def as_role(app, session):
    """`with as_role("zhao", "finance"):` gives a person another role for a while."""
    from flask_appbuilder.security.sqla.models import Role
    from sqlalchemy import select

    from app.core import memo
    from app.security.models import Employee, RolePolicy

    @contextlib.contextmanager
    def role(name, *keys):
        person = session.scalar(select(Employee).where(Employee.username == name))
        kept = list(person.roles)
        person.roles = [session.get(Role, session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == key))) for key in keys]
        memo.touch(session, "security")
        session.commit()
        try:
            yield
        finally:
            session.rollback()
            person.roles = kept
            memo.touch(session, "security")
            session.commit()
    return role


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

        def note(_conn, _cursor, said, *_rest):
            seen.append(said)
        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(db.engine, "before_cursor_execute", note)
    return collect


class Program:
    """A program with a person's token; answers are (status, JSON)."""

    def __init__(self, client, secret):
        self.client, self.head = client, {"Authorization": f"Bearer {secret}"}

    def __call__(self, method, path, json=None, **head):
        more = {key.replace("_", "-"): value for key, value in head.items()}
        answer = self.client.open(f"/api/v1/{path}", method=method, json=json, headers={**self.head, **more})
        return answer.status_code, answer.get_json(silent=True)

    def get(self, path, **head):
        """A GET that succeeds."""
        status, told = self("GET", path, **head)
        assert status == 200, (path, told)
        return told


@pytest.fixture
def program(app, session):
    """`program("li")`: a program with a token of that person."""
    from app.api import rules
    from app.api.models import ApiToken
    from tests import cast

    def make(name, **over):
        token = ApiToken(**{"name": "程序", "rights": "all", "owner_id": cast.ids()[name], **over})
        session.add(token)
        session.flush()
        secret = rules.give_secret(session, token)
        session.commit()
        made = Program(app.test_client(), secret)
        made.token = token
        return made
    return make


@pytest.fixture
def postgres():
    """An empty PostgreSQL database; its engine."""
    url = ADMIN.replace("postgresql://", "postgresql+psycopg://")
    name = f"crm_test_{uuid.uuid4().hex[:8]}"
    admin = create_engine(url, isolation_level="AUTOCOMMIT")
    try:
        with admin.connect() as line:
            line.execute(text(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"))
    except Exception:
        pytest.skip("no PostgreSQL on this machine")
    engine = create_engine(url.rpartition("/")[0] + "/" + name)
    yield engine
    engine.dispose()
    with admin.connect() as line:
        line.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()

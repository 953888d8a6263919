"""A whole office to be ill-treated: two web workers and the queue's worker, as `python run.py` starts them, on a database of
their own; and the browsers of its people, which speak HTTP alone."""
import atexit
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
POSTGRES = os.environ.get("CRM_TEST_POSTGRES", "postgresql://postgres:postgres@127.0.0.1/postgres")
FOUND = """
from app import cli, create_app
from app.extensions import db
app = create_app()
with app.app_context():
    cli.initialise()
    from tests import cast
    from app.security.models import Employee
    db.session.execute(Employee.__table__.update().where(Employee.username == 'admin').values(username='first'))
    db.session.commit()
    cast.found(db.session)
"""
FOUNDED: dict[str, bytes] = {}  # the files of the first office's database before it opened


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


def postgres(name: str) -> str:
    """The address of an empty PostgreSQL database, made anew, gone when this process ends; two runs side by side have each their own."""
    name, server = f"{name}_{os.getpid()}", POSTGRES.rpartition("/")[0]
    admin = ["psql", "-q", "-v", "ON_ERROR_STOP=1", f"{server}/postgres"]
    subprocess.run([*admin, "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"], check=True, capture_output=True)
    subprocess.run([*admin, "-c", f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"], check=True, capture_output=True)
    atexit.register(subprocess.run, [*admin, "-c", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"], capture_output=True)
    return f"{server}/{name}"


class Office:
    """`with Office(folder) as office:` two workers on SQLite, or on the database at `url`."""

    def __init__(self, folder: Path, url: str = "", workers: int = 2, **more):
        self.port = free_port()
        self.url, self.folder, self.process = f"http://127.0.0.1:{self.port}", folder, None
        self.database = url or f"sqlite:///{folder / 'crm.db'}"
        self.env = {**os.environ, "CRM_DATABASE_URL": self.database, "CRM_PORT": str(self.port), "CRM_WORKERS": str(workers), "CRM_REDIS_URL": "",
                    "CRM_UPLOAD_DIR": str(folder / "files"), "CRM_SECRET_KEY": secrets.token_hex(24), "PYTHONWARNINGS": "ignore",
                    "CRM_ADMIN_PASSWORD": "plum-Blossom-7301", "PYTHONPATH": str(ROOT), **more}
        self.log = folder / "office.log"
        if url:
            self.python(FOUND)
        elif not (folder / "crm.db").exists():
            self._found()

    def _found(self) -> None:
        """An office like the first one of this run, which was founded; the others begin with a copy of its database."""
        if not FOUNDED:
            self.python(FOUND)
            FOUNDED.update({file.name: file.read_bytes() for file in self.folder.glob("crm.db*")})
        for name, content in FOUNDED.items():
            (self.folder / name).write_bytes(content)

    def python(self, code: str) -> str:
        """Run a piece of Python beside the office; what it printed."""
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def command(self, *words) -> str:
        """`flask --app run crm …`."""
        done = subprocess.run([sys.executable, "-m", "flask", "--app", "run", "crm", *words], cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def open(self) -> "Office":
        """Start everything and wait until it answers."""
        with self.log.open("a") as log:
            self.process = subprocess.Popen([sys.executable, "run.py"], cwd=ROOT, env=self.env, stdout=log, stderr=log, start_new_session=True)
        self.wait()
        return self

    __enter__ = open

    def wait(self, seconds: float = 150) -> None:
        """Until it is ready."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                if requests.get(self.url + "/readyz", timeout=2).status_code == 200:
                    return
            except requests.RequestException:
                pass
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        """kill -9, all at once: web workers, queue worker, and what keeps them."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_error):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()


class Browser(requests.Session):
    """A person at his browser; every form is posted with the page's token."""

    def __init__(self, office: Office, name: str = "", password: str = "plum-Blossom-7301"):
        super().__init__()
        self.office, self.token = office, ""
        self.headers["Accept-Language"] = "zh-CN"
        if name:
            answer = self.send_form("/login/", username=name, password=password)
            assert answer.status_code == 302, answer.text[:2000]
            self.page("/undo/")

    def request(self, method, url, **kw):
        """Addresses are the office's; redirects are not followed; nothing takes for ever."""
        kw.setdefault("timeout", 60)
        kw.setdefault("allow_redirects", False)
        return super().request(method, url if url.startswith("http") else self.office.url + url, **kw)

    def page(self, url: str) -> str:
        """A page's HTML; its token is kept."""
        text = self.get(url).text
        found = re.search(r'name="csrf-token" content="([^"]+)"', text)
        self.token = found[1] if found else self.token
        return text

    def send_form(self, url: str, files=None, **data):
        """Post a form."""
        if not self.token:
            self.page(url if url.startswith("/login") else "/undo/")
        return self.post(url, data={"csrf_token": self.token, **data}, files=files)

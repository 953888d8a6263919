"""A real server with its worker, on a database of its own, and real Chromium. `CRM_BROWSER_OFFICE=deployed` runs every story against
what deploy/compose.yaml starts, by its own commands: two web workers, the queue's worker, PostgreSQL and Redis."""
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy
from playwright.sync_api import expect, sync_playwright

from app.demo.company import PASSWORD as EVERYBODYS
from tests.faults.office import FOUND, Office, free_port
from tools.check import chromium_program
from tools.deployed import Deployed

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "plum-Blossom-7301"
expect.set_options(timeout=40_000)  # a busy machine takes its time
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]


DEPLOYED = os.environ.get("CRM_BROWSER_OFFICE") == "deployed"


class Asked:
    """Questions to a running office's database, of whatever make; `?` stands for a value."""

    database_url = ""

    def ask(self, sql: str, *values) -> list[tuple]:
        """The rows."""
        with self._line() as line:
            return [tuple(row) for row in line.execute(*self._said(sql, values))]

    def change(self, sql: str, *values) -> None:
        """Change rows behind the program's back."""
        with self._line() as line, line.begin():
            line.execute(*self._said(sql, values))

    def _line(self):
        address = sqlalchemy.make_url(self.database_url)
        if address.get_backend_name() == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        return sqlalchemy.create_engine(address, poolclass=sqlalchemy.NullPool).connect()

    @staticmethod
    def _said(sql, values):
        for n in range(len(values)):
            sql = sql.replace("?", f":v{n}", 1)
        return sqlalchemy.text(sql), {f"v{n}": value for n, value in enumerate(values)}


class Server(Asked):
    """`python run.py` as an office runs it; with `company` over a file that holds one."""

    def __init__(self, folder: Path, password="", company: Path | None = None):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database_url = f"sqlite:///{folder / 'crm.db'}"
        if company:
            shutil.copy(company, folder / "crm.db")
        self.env = {**os.environ, "CRM_DATABASE_URL": self.database_url, "CRM_PORT": str(self.port), "CRM_UPLOAD_DIR": str(folder / "files"),
                    "CRM_SECRET_KEY": secrets.token_hex(24), "PYTHONWARNINGS": "ignore", "CRM_ADMIN_PASSWORD": password}
        self.log = (folder / "server.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen([sys.executable, "run.py"], cwd=ROOT, env=self.env, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self):
        until = time.monotonic() + 120  # a busy machine takes its time
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.url + "/healthz", timeout=5):
                    return
            except OSError:
                time.sleep(0.1)
        told = self.output()
        self.stop()
        raise RuntimeError(told)

    def output(self) -> str:
        """What the server printed."""
        return Path(self.log.name).read_text(encoding="utf-8")

    def command(self, *words) -> str:
        """`flask --app run crm …` beside the running server."""
        done = subprocess.run([sys.executable, "-m", "flask", "--app", "run", "crm", *words], cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def first_password(self) -> str:
        """The administrator's one-time password from the terminal."""
        return re.search(r"one-time password: (\S+)", self.output())[1]

    def stop(self):
        """End it."""
        self.process.terminate()
        self.process.wait(10)
        self.log.close()


class DeployedServer(Server):
    """The same, started by the deploy files' own commands; TLS ends at the proxy, which is not here."""

    def __init__(self, _folder: Path, password="", company=None, found: str = ""):  # noqa: ARG002  a company is filled in by its command
        self.folder = Path(tempfile.mkdtemp(prefix="crm-browser-"))  # short, and PostgreSQL's user may enter it
        self.crm = Deployed(self.folder, CRM_ADMIN_PASSWORD=password)
        self.url = self.crm.url
        try:
            self.crm.found()
            self.env = {**self.crm.environment("migrate"), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
            self.database_url = self.env["CRM_DATABASE_URL"]
            self.said = self._python(found) if found else ""
            self.crm.open()
        except BaseException:
            self.stop()
            raise

    def _python(self, code: str) -> str:
        done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=ROOT, env=self.env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def output(self) -> str:
        return (self.folder / "migrate.log").read_text(encoding="utf-8")

    def stop(self):
        self.crm.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def serve(folder: Path, password="") -> Server:
    """An empty office."""
    return (DeployedServer if DEPLOYED else Server)(folder, password)


@pytest.fixture(scope="session")
def made_up(tmp_path_factory):
    """`made_up("chain")`: an office over the made-up company, of its own; the company is made once."""
    served = []

    def one(name):
        folder = tmp_path_factory.mktemp(name)
        if DEPLOYED:
            served.append(DeployedServer(folder, PASSWORD))
            served[-1].command("demo")
        else:
            served.append(Server(folder, PASSWORD, _company(tmp_path_factory)))
        return served[-1]
    yield one
    for office in served:
        office.stop()


def _company(factory) -> Path:
    """A database file with the made-up company."""
    path = factory.getbasetemp() / "company.db"
    if not path.exists():
        env = {**os.environ, "CRM_DATABASE_URL": f"sqlite:///{path}.new", "CRM_UPLOAD_DIR": str(path.parent / "company"), "CRM_ADMIN_PASSWORD": PASSWORD,
               "CRM_SECRET_KEY": secrets.token_hex(24), "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([sys.executable, "-m", "flask", "--app", "run", "crm", "demo"], cwd=ROOT, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        with sqlite3.connect(f"{path}.new") as line:
            line.execute(f"VACUUM INTO '{path}'")
    return path


@pytest.fixture(scope="module")
def harmed(tmp_path_factory):
    """An office with harm in every text, and the ids of its rows."""
    code = "from tests.browser.harm import main; main()"
    if DEPLOYED:
        office = DeployedServer(tmp_path_factory.mktemp("harmed"), PASSWORD, found=f"{FOUND}\n{code}")
        yield office, json.loads(office.said.splitlines()[-1])
        office.stop()
        return
    office = Office(tmp_path_factory.mktemp("harmed"), workers=1)
    made = json.loads(office.python(code).splitlines()[-1])
    with office:
        yield office, made


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    made = serve(tmp_path_factory.mktemp("browser"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def demo(made_up):
    """A server on the made-up company of `crm demo`; its people: demo01 (director), demo05 and on (salespeople)."""
    return made_up("demo")


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium_program(), args=FLAGS)
        yield browser
        browser.close()


class Person:
    """One browser window of one person; remembers what the console complained of."""

    def __init__(self, browser, server, **more):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", base_url=server.url, accept_downloads=True, **more)
        self.page, self.complaints = self.context.new_page(), []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.set_default_timeout(40_000)

    def login(self, name, password=PASSWORD, new=None):
        """Log in; with `new` through the change-password check box."""
        self.page.goto("/login/")
        self.page.fill("#username", name)
        self.page.fill("#password", password)
        if new:
            self.page.check("#change")
            self.page.fill("#new_password", new)
            self.page.fill("#confirm", new)
        self.page.click("form button[type=submit]")
        self.page.wait_for_load_state()
        return self.page


def drag_deal(page, deal, stage):
    """Drag a deal's card by the mouse into another column of the board."""
    card, column = page.locator(f".k-opp[data-id='{deal}']"), page.locator(f"[data-stage={stage}] [data-k-cards]")
    card.scroll_into_view_if_needed()
    at, to = card.bounding_box(), column.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] - 12)
    page.mouse.down()
    page.mouse.move(at["x"] + at["width"] / 2 + 10, at["y"] + at["height"] - 10, steps=4)
    page.mouse.move(to["x"] + to["width"] / 2, to["y"] + 30, steps=20)
    page.wait_for_timeout(300)  # the card follows at its own pace
    page.mouse.up()
    expect(page.locator(".k-toast")).to_contain_text("已移动")


def agree(page):
    """Say yes to the question."""
    page.locator("#k-confirm [data-k-ok]").click()


def _people(chromium, server, first_password):
    made = []

    def one(name=None, password=first_password, **more):
        who = Person(chromium, server, **more)
        made.append(who)
        if name:
            who.login(name, PASSWORD if name == "admin" else password)
        return who
    yield one
    for who in made:
        assert [c for c in who.complaints if "favicon" not in c and "404" not in c] == []
        who.context.close()


@pytest.fixture
def person(chromium, server):
    yield from _people(chromium, server, PASSWORD)


@pytest.fixture
def colleague(chromium, demo):
    """`colleague("demo05")`: somebody of the made-up company, signed in."""
    yield from _people(chromium, demo, EVERYBODYS)

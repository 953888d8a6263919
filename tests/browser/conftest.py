"""A real server with its worker, on a database of its own, and real Chromium."""
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "plum-Blossom-7301"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]
REGISTER = ROOT.parent / "shared" / "data" / "listed_companies.csv"


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


class Server:
    """`python run.py` as an office runs it."""

    def __init__(self, folder: Path, password=""):
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.database = folder / "crm.db"
        self.env = {**os.environ, "CRM_DATABASE_URL": f"sqlite:///{self.database}", "CRM_PORT": str(self.port), "CRM_UPLOAD_DIR": str(folder / "files"),
                    "CRM_SECRET_KEY": "browser-tests-only-0123456789-abcdefgh", "PYTHONWARNINGS": "ignore", "CRM_ADMIN_PASSWORD": password}
        self.log = (folder / "server.log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen([sys.executable, "run.py"], cwd=ROOT, env=self.env, stdout=self.log, stderr=subprocess.STDOUT)
        self._wait()

    def _wait(self):
        for _n in range(200):
            try:
                with urllib.request.urlopen(self.url + "/healthz", timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(self.output())

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


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("browser"))
    yield made
    made.stop()


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield browser
        browser.close()


class Person:
    """One browser window of one person; remembers what the console complained of."""

    def __init__(self, browser, server, **more):
        self.context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", base_url=server.url, accept_downloads=True, **more)
        self.page, self.complaints = self.context.new_page(), []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.set_default_timeout(15_000)

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


@pytest.fixture
def person(chromium, server):
    made = []

    def one(name=None, password=PASSWORD, **more):
        who = Person(chromium, server, **more)
        made.append(who)
        if name:
            who.login(name, password)
        return who
    yield one
    for who in made:
        assert [c for c in who.complaints if "favicon" not in c and "404" not in c] == []
        who.context.close()

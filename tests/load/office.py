"""`make load` (promise 31): 50 people with time to think work in an office of 100,000 customers, on SQLite and on PostgreSQL, for
`CRM_LOAD_MINUTES` (30) each; prints requests, errors, p50, p95 and the memory of the workers at the start and at the end.

Locust asks this file as well: `locust -f tests/load/office.py --host URL`.
"""
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from locust import HttpUser, between, task

from tests.faults.office import Office, free_port, postgres
from tests.load.data import PASSWORD

ROWS, PEOPLE = int(os.environ.get("CRM_LOAD_ROWS", "100000")), 50
GOAL = 500  # ms, p95


class Person(HttpUser):
    """A salesperson: list, search, a customer's page, a new customer, an edit, a follow-up; some seconds of thought between."""

    wait_time = between(5, 15)
    names = iter(range(1, 10**6))

    def on_start(self):
        """Log in."""
        self.number = next(self.names)
        self.client.headers["Accept-Language"] = "zh-CN"
        name = f"s{(self.number - 1) % PEOPLE}"
        page = self.client.get("/login/", name="login").text
        token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
        answer = self.client.post("/login/", {"csrf_token": token, "username": name, "password": PASSWORD}, name="login", allow_redirects=False)
        assert answer.status_code == 302, answer.text[:300]
        self.ids: list[str] = []

    def look(self, url, name):
        """A page; its token is kept."""
        answer = self.client.get(url, name=name)
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.text):
            self.token = found[1]
        return answer.text

    @task(8)
    def lists(self):
        """A page of the list and its counts."""
        text = self.look(random.choice(("/customer/list/", "/customer/list/?quick=today", "/customer/list/?quick=mine&page_CustomerView=3")), "list")
        self.ids = re.findall(r'<tr data-id="(\d+)"', text) or self.ids
        self.client.get("/customer/counts", name="counts")

    @task(6)
    def page(self):
        """A customer's page."""
        if self.ids:
            self.look(f"/customer/show/{random.choice(self.ids)}", "page")

    @task(3)
    def find(self):
        """The search box."""
        self.client.get("/search", params={"q": random.choice(("恒远", "科技", "hykj", "5678", "上海"))}, headers={"Accept": "application/json"}, name="search")

    @task(2)
    def desk(self):
        """The work desktop."""
        self.look("/", "desktop")

    @task(2)
    def edit(self):
        """Change a customer's level."""
        if self.ids:
            url = f"/customer/edit/{random.choice(self.ids)}"
            text = self.look(url, "form")
            fields = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', text))
            form = {k: v for k, v in fields.items() if k in ("name", "version", "token")}
            owner = re.search(r'<select[^>]*name="owner"[^>]*>.*?value="(\d+)" selected', text, re.S)
            if owner and "name" in form:
                self.client.post(url, {**form, "csrf_token": self.token, "owner": owner[1], "note": f"n{time.time()}"}, name="save", allow_redirects=False)

    @task(2)
    def follow(self):
        """Write a follow-up."""
        if self.ids:
            self.client.post(f"/customer/{random.choice(self.ids)}/follow", {"csrf_token": getattr(self, "token", ""), "method": "call", "content": "电话沟通",
                             "token": f"{self.number}-{time.time()}"}, name="follow-up", allow_redirects=False)


def _memory(office) -> float:
    """MiB of all processes of the office (own pages)."""
    told = subprocess.run(["ps", "-o", "pid=", "--sid", str(office.process.pid)], capture_output=True, text=True).stdout.split()
    sizes = [re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{p}/status").read_text()) for p in told if Path(f"/proc/{p}/status").exists()]
    return sum(int(s[1]) for s in sizes if s) / 1024


def run(kind: str, minutes: float) -> list[str]:
    """One database: the figures as a line."""
    folder = Path(tempfile.mkdtemp(prefix="crm-load-"))
    url = postgres("crm_load") if kind == "postgresql" else f"sqlite:///{folder / 'crm.db'}"
    env = {**os.environ, "CRM_SECRET_KEY": "", "PYTHONWARNINGS": "ignore"}
    subprocess.run([sys.executable, "-m", "tests.load.data", str(ROWS), url], check=True, env=env, stdout=subprocess.DEVNULL)
    (folder / "crm.db").touch()
    office = Office(folder, url if kind == "postgresql" else "", CRM_LOGIN_RATE="1000 per minute")
    with office:
        first = _memory(office)
        subprocess.run([sys.executable, "-m", "locust", "-f", __file__, "--headless", "-u", str(PEOPLE), "-r", "2", "-t", f"{int(minutes * 60)}s", "--host", office.url,
                        "--csv", str(folder / "load"), "--web-port", str(free_port())], check=False, stdout=subprocess.DEVNULL, stderr=(folder / "locust.log").open("w"))
        last = _memory(office)
    rows = list(csv.DictReader((folder / "load_stats.csv").open()))
    for row in rows:
        print(f"{kind}_{row['Name'] or 'all'} requests {row['Request Count']} errors {row['Failure Count']} p50 {row['50%']} p95 {row['95%']}", flush=True)
    print(f"{kind}_memory_mib start {first:.0f} end {last:.0f}", flush=True)
    total = rows[-1]
    return [f"{kind}: {total['Failure Count']} errors"] * (total["Failure Count"] != "0") + [f"{kind}: p95 {total['95%']} ms"] * (int(float(total["95%"])) > GOAL)


def main() -> None:
    """Both databases, or those named."""
    minutes = float(os.environ.get("CRM_LOAD_MINUTES", "30"))
    missed = [one for kind in (sys.argv[1:] or ["sqlite", "postgresql"]) for one in run(kind, minutes)]
    print("\n".join(missed) or "load ok")
    sys.exit(bool(missed))


if __name__ == "__main__":
    main()

"""What of the plan for 10,000 users and 100 M rows (docs/scale.md) can be tried on one machine: `python -m tests.load.scale [ROWS]`.

1. PostgreSQL: the change log as one table and cut into 36 months, ROWS rows each (3,000,000): what is read, what an old month costs.
2. Our pages: processor ms of each kind, measured by requests without a network (CRM_DATABASE_URL: an office with data).
3. A queue: requests of 10,000 people arriving at random, each taking one of the measured times, on so many workers. Processor time is
   what a busy neighbour does not lengthen; waiting for a database elsewhere is added as WAIT.
Prints `name value` lines.
"""
import heapq
import json
import os
import random
import statistics
import subprocess
import sys
import time

from tests.faults.office import postgres

MONTHS = 36
PEOPLE, AWAKE, EVERY = 10_000, 0.6, 40  # people; share at work in the busiest hour; seconds from page to page
WAIT = 2.0  # ms that a request waits for statements of a database in the same room: 10 statements, 0.2 ms each
PAGES = {"list": ("/customer/list/?quick=all", 30), "counts": ("/customer/counts?quick=all", 30), "show": ("/customer/show/{id}", 20),
         "form": ("/customer/edit/{id}", 5), "search": ("/search?q=科技", 5), "desk": ("/", 10)}  # address, share of the requests in %
COLUMNS = "(id bigint, at timestamp, entity text, row_id int, batch_id int, field text, old text, new text)"
FILL = """INSERT INTO {table} SELECT n, timestamp '2024-01-01' + (n::float / {rows}) * interval '1095 days', 'customer', (n::bigint * 7919) % 1000000,
 n / 3, 'level', 'B', 'A' FROM generate_series(1, {rows}) n"""


def say(name: str, value) -> None:
    """One figure."""
    print(name, f"{value:.2f}" if isinstance(value, float) else value, flush=True)


# ---- 1. the change log in parts ----------------------------------------------------------------------------------
class Line:
    """A database that is asked by psql."""

    def __init__(self, address: str):
        self.address = address

    def run(self, sql: str) -> str:
        """What it answers."""
        return subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", sql, self.address], check=True, capture_output=True, text=True).stdout

    def timed(self, sql: str) -> float:
        """Seconds it takes."""
        began = time.monotonic()
        self.run(sql)
        return time.monotonic() - began

    def plan(self, sql: str) -> dict:
        """Median ms of five runs, pages read, tables touched."""
        runs = [json.loads(self.run(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}"))[0] for _n in range(5)]
        told, touched = runs[0]["Plan"], set()

        def walk(node):
            touched.update([node["Relation Name"]] if "Relation Name" in node else [])
            for below in node.get("Plans", ()):
                walk(below)
        walk(told)
        return {"ms": statistics.median(r["Execution Time"] for r in runs), "plan_ms": statistics.median(r["Planning Time"] for r in runs),
                "pages": told["Shared Hit Blocks"] + told["Shared Read Blocks"], "tables": len(touched)}


def in_parts(rows: int) -> None:
    """The same rows in one table and in months."""
    line = Line(postgres("crm_scale"))
    line.run(f"CREATE TABLE whole {COLUMNS}; CREATE TABLE parts {COLUMNS} PARTITION BY RANGE (at)")
    firsts = [f"{2024 + n // 12}-{n % 12 + 1:02d}-01" for n in range(MONTHS + 1)]
    for n, (low, high) in enumerate(zip(firsts, firsts[1:], strict=False)):
        line.run(f"CREATE TABLE parts_{n} PARTITION OF parts FOR VALUES FROM ('{low}') TO ('{high}')")
    for table in ("whole", "parts"):
        say(f"fill_{table}_s", line.timed(FILL.format(table=table, rows=rows)))
        say(f"index_{table}_s", line.timed(f"CREATE INDEX {table}_row ON {table} (entity, row_id, at); CREATE INDEX {table}_at ON {table} (at)"))
        line.run(f"ANALYZE {table}")
    asked = {"record": "SELECT * FROM {t} WHERE entity = 'customer' AND row_id = 4711 ORDER BY at DESC LIMIT 50",
             "record_of_a_quarter": "SELECT * FROM {t} WHERE entity = 'customer' AND row_id = 4711 AND at >= '2026-10-01' ORDER BY at DESC LIMIT 50",
             "newest": "SELECT * FROM {t} WHERE at >= '2026-12-01' ORDER BY at DESC LIMIT 50",
             "count_of_a_month": "SELECT count(*) FROM {t} WHERE at >= '2026-05-01' AND at < '2026-06-01'"}
    for name, sql in asked.items():
        for table in ("whole", "parts"):
            for figure, value in line.plan(sql.format(t=table)).items():
                say(f"{name}_{table}_{figure}", value)
    say("old_month_deleted_s", line.timed("DELETE FROM whole WHERE at < '2024-02-01'"))
    say("old_month_vacuumed_s", line.timed("VACUUM whole"))
    say("old_month_detached_s", line.timed("ALTER TABLE parts DETACH PARTITION parts_0; DROP TABLE parts_0"))


# ---- 2. what a page costs ----------------------------------------------------------------------------------------
def pages() -> dict[str, list[float]]:
    """{kind: processor ms of forty requests}, ours alone: what the database's own processors do is not in it on PostgreSQL."""
    from sqlalchemy import select

    from app import create_app
    from app.customers.models import Customer
    from app.extensions import db
    from app.security.models import Employee
    app, found = create_app(), {}
    app.config["WTF_CSRF_ENABLED"] = False
    name, word = os.environ.get("CRM_SCALE_LOGIN", "demo05:kuaike-Demo-2026").split(":")
    with app.app_context():
        key = db.session.scalar(select(Customer.id).join(Employee, Customer.owner_id == Employee.id).where(Employee.username == name).limit(1))
    browser = app.test_client()
    assert browser.post("/login/", data={"username": name, "password": word}).status_code == 302
    for kind, (address, _share) in PAGES.items():
        taken = []
        for _n in range(45):
            began = time.process_time()
            answer = browser.get(address.format(id=key))
            taken.append((time.process_time() - began) * 1000)
            assert answer.status_code == 200, (address, answer.status_code)
        found[kind] = taken[5:]
        say(f"cpu_{kind}_ms", statistics.median(found[kind]))
    return found


# ---- 3. ten thousand people --------------------------------------------------------------------------------------
def queue(taken: dict, workers: int, per_s: float, seconds: float = 600, dice=None) -> dict:
    """First come, first served: {p50, p95, p99 of the answer in ms, busy share}."""
    dice = dice or random.Random(7)
    kinds, shares = list(PAGES), [share for _address, share in PAGES.values()]
    free, now, answers, worked = [0.0] * workers, 0.0, [], 0.0
    while now < seconds:
        now += dice.expovariate(per_s)
        cost = (dice.choice(taken[dice.choices(kinds, shares)[0]]) + WAIT) / 1000
        begun = max(now, heapq.heappop(free))
        heapq.heappush(free, begun + cost)
        answers.append((begun + cost - now) * 1000)
        worked += cost
    answers.sort()
    return {**{f"p{n}_ms": answers[int(len(answers) * n / 100)] for n in (50, 95, 99)}, "busy_percent": 100 * worked / seconds / workers}


def people(taken: dict) -> None:
    """How many workers the busiest hour needs, and what a rush of half as many again does."""
    per_s = PEOPLE * AWAKE / EVERY * sum(share for _a, share in PAGES.values()) / (100 - PAGES["counts"][1])  # a list asks for its counts
    mean = sum(statistics.mean(taken[kind]) * share for kind, (_a, share) in PAGES.items()) / 100 + WAIT
    say("requests_per_s", per_s)
    say("mean_ms", mean)
    least = int(per_s * mean / 1000) + 1
    say("workers_at_least", least)
    for workers in (least, int(least * 1.25) + 1, int(least * 1.6) + 1, least * 2, int(least * 2.5)):
        for when, rate in (("hour", per_s), ("rush", 1.5 * per_s)):
            for figure, value in queue(taken, workers, rate, 300).items():
                say(f"{when}_{workers}_workers_{figure}", value)
    say("connections_in_use", per_s * mean / 1000)  # Little's law: one connection a request under way


def main() -> None:
    """All three."""
    in_parts(int(sys.argv[1]) if len(sys.argv) > 1 else 3_000_000)
    people(pages())


if __name__ == "__main__":
    main()

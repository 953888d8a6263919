"""`make torture`: what an office may suffer, each as often as asked: prints `name tries lost half-done` lines; exit status 1 when anything
was lost or left half done. The tests of this folder run the same functions in a short form."""
import concurrent.futures
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

from .office import Browser, Office, postgres

ADMIN = "admin"
COUNTS = """
from sqlalchemy import create_engine, text
import config, json
line = create_engine(config.SQLALCHEMY_DATABASE_URI).connect()
q = lambda sql: line.execute(text(sql)).fetchall()
print(json.dumps({
 'names': [n for n, in q("select name from customer where deleted_at is null")],
 'levels': {n: l for n, l in q("select name, level from customer where deleted_at is null")},
 'numbers': [n for n, in q("select number from customer")],
 'unlogged': [n for n, in q("select name from customer c where not exists (select 1 from change h where h.entity = 'customer' and h.row_id = c.id and h.verb = 'add')")],
 'ghosts': q("select count(*) from change h where h.entity = 'customer' and h.verb = 'add' and not exists (select 1 from customer c where c.id = h.row_id)")[0][0],
 'batches': q("select count(*) from batch b where b.count <> (select count(*) from change h where h.batch_id = b.id)")[0][0],
 'runs': [list(r) for r in q("select state, rows, done_rows, created, (select count(*) from change h where h.batch_id = r.batch_id and h.verb = 'add' and h.entity = 'customer') from import_run r")],
 'whole': q("pragma integrity_check")[0][0] if config.SQLALCHEMY_DATABASE_URI.startswith('sqlite') else 'ok'}, ensure_ascii=False))
"""


def look(office) -> dict:
    """What the database holds now, read beside the office."""
    import json
    return json.loads(office.python(COUNTS).splitlines()[-1])


def _save(browser, name) -> bool:
    """Save a customer; True when the server acknowledged it."""
    try:
        return browser.send_form("/customer/add", name=name, owner=browser.me, token=name).status_code == 302
    except requests.RequestException:
        return False


def _me(browser) -> str:
    return re.search(r'<option value="(\d+)" selected', browser.page("/customer/add"))[1]


def _sheet(mark: str, rows: int) -> bytes:
    return ("客户名称,客户级别\n" + "".join(f"{mark}公司{n},A\n" for n in range(rows))).encode()


def _import(browser, mark, rows=3000) -> None:
    """Start an import; its job goes on in the worker."""
    try:
        browser.page("/import/")
        answer = browser.send_form("/import/upload", files={"file": (f"{mark}.csv", _sheet(mark, rows))}, entity="customer")
        browser.send_form(answer.headers["Location"] + "/save", run="1")
    except (requests.RequestException, KeyError):
        pass


def _mass(browser, level) -> str | None:
    """Change the level of a page of customers by the status action; acknowledged or not."""
    try:
        ids = re.findall(r'<tr data-id="(\d+)"', browser.page("/customer/list/?quick=all&psize_CustomerView=100"))
        answer = browser.post("/customer/action_post", data=[("csrf_token", browser.token), ("action", "status"), ("status", level), *(("rowid", i) for i in ids)])
        return level if answer.status_code == 302 else None
    except requests.RequestException:
        return None


def killed(folder: Path, times: int, url: str = "") -> tuple[int, int, int]:
    """kill -9 of everything at random moments during saves, mass changes and imports; (tries, lost, half-done)."""
    office, acknowledged, dice = Office(folder, url), [], random.Random(7)
    half = 0
    for n in range(times):
        office.open()
        browsers = [Browser(office, ADMIN) for _n in range(2)]
        for one in browsers:
            one.me = _me(one)
        if n % 4 == 0:
            _import(browsers[0], f"批{n}")
        stop = time.monotonic() + dice.uniform(0.3, 2.5)
        with concurrent.futures.ThreadPoolExecutor(4) as crowd:
            def work(k, n=n, browsers=browsers, stop=stop):
                at = 0
                while time.monotonic() < stop + 1:
                    name = f"客户{n}-{k}-{at}"
                    if k < 2:
                        if _save(browsers[k % 2], name):
                            acknowledged.append(name)
                    elif _mass(browsers[k % 2], ("lead", "won")[at % 2]) is None and time.monotonic() > stop:
                        return
                    at += 1
                    if time.monotonic() > stop and office.process.poll() is not None:
                        return
            crowd.map(work, range(3))
            time.sleep(max(0.0, stop - time.monotonic()))
            office.kill()
        if n % 10 == 9 or n == times - 1:
            half += _halves(look(office))
    with office:
        _settle(office)
        found = look(office)
    lost = len(set(acknowledged) - set(found["names"]))
    broken = [run for run in found["runs"] if run[0] != "new" and (run[0] != "done" or run[1] != run[4])]
    if half or broken:
        print(f"rows half done: {half}; imports half done (state, rows, done, created, logged): {broken}", file=sys.stderr)
    return times, lost, half + _halves(found) + len(broken)


def _halves(found) -> int:
    """Rows without their log, logs without their row, operations whose count is wrong, numbers twice, a broken file."""
    twice = len(found["numbers"]) - len(set(found["numbers"]))
    return len(found["unlogged"]) + found["ghosts"] + found["batches"] + twice + (found["whole"] != "ok")


def _settle(office, patience: float = 120) -> None:
    """Until the worker has finished what was running, or has done nothing for so many seconds."""
    before, since = None, time.monotonic()
    while (running := [run for run in look(office)["runs"] if run[0] == "running"]) and time.monotonic() < since + patience:
        if running != before:
            before, since = running, time.monotonic()
        time.sleep(2)


def written_in_parallel(office, writers: int, each: int) -> tuple[int, int, int]:
    """So many people save at once (promise 32): (tries, refused or lost, half-done)."""
    browsers = [Browser(office, ADMIN) for _n in range(writers)]
    mine = _me(browsers[0])

    def work(k):
        browsers[k].me = mine
        return sum(_save(browsers[k], f"并行{k}-{n}") for n in range(each))
    for one in browsers:
        one.page("/customer/add")
    with concurrent.futures.ThreadPoolExecutor(writers) as crowd:
        done = sum(crowd.map(work, range(writers)))
    found = look(office)
    refused = "database is locked" in office.log.read_text()
    kept = sum(name.startswith("并行") for name in found["names"])
    numbers = sorted(int(n[-4:]) for n in found["numbers"])
    holes = numbers != list(range(1, len(numbers) + 1))
    return writers * each, writers * each - min(done, kept) + refused, _halves(found) + holes


def edited_in_parallel(office, editors: int) -> tuple[int, int, int]:
    """So many people change different fields of one record, all from the same first look (promise 21)."""
    fields = ["short_name", "phone", "fax", "email", "website", "region", "address", "postcode", "invoice_title", "tax_number", "bank", "bank_account",
              "invoice_address", "invoice_phone", "note", "mobile"]
    values = {"phone": "0512-6600%04d", "fax": "0512-6700%04d", "email": "a%04d@hengyuan.example", "website": "https://www.hy%04d.example", "invoice_phone": "0512-6800%04d",
              "mobile": "1381234%04d", "postcode": "21%04d", "tax_number": "91320594MA1%04d", "bank_account": "6222%04d"}
    first = Browser(office, ADMIN)
    first.me = _me(first)
    lost = 0
    for turn in range(-(-editors // len(fields))):
        assert _save(first, f"同改{turn}")
        key = max(map(int, re.findall(r'<tr data-id="(\d+)"', first.page("/customer/list/?quick=all"))))
        page = first.page(f"/customer/edit/{key}")
        version = re.search(r'name="version"[^>]*value="(\d+)"', page)[1]
        form = {"name": f"同改{turn}", "owner": first.me, "version": version}
        wanted = {f: (values.get(f, "值%04d") % turn) for f in fields}

        def edit(name, form=form, wanted=wanted, key=key):
            one = Browser(office)
            one.cookies, one.token = first.cookies.copy(), first.token
            return one.send_form(f"/customer/edit/{key}", **{**form, name: wanted[name]}).status_code
        with concurrent.futures.ThreadPoolExecutor(len(fields)) as crowd:
            codes = list(crowd.map(edit, fields))
        shown = first.page(f"/customer/edit/{key}")
        lost += sum(wanted[f] not in shown for f in fields) + sum(code != 302 for code in codes)
    return editors, lost, _halves(look(office))


def sent_twice(office, times: int) -> tuple[int, int, int]:
    """The same form from two connections at the same moment (promise 22): (tries, none made, two made)."""
    one, two = Browser(office, ADMIN), Browser(office, ADMIN)
    one.me = two.me = _me(one)
    two.page("/customer/add")
    names = [f"两次{n}" for n in range(times)]
    with concurrent.futures.ThreadPoolExecutor(2) as crowd:
        for name in names:
            list(crowd.map(lambda b, name=name: _save(b, name), (one, two)))
    found = look(office)["names"]
    return times, sum(found.count(n) == 0 for n in names), sum(found.count(n) > 1 for n in names)


def disk_full(folder: Path) -> tuple[int, int, int]:
    """A disk of 24 MiB that fills up (a tmpfs; root alone can mount one): a sentence, what was typed comes back, nothing acknowledged is
    lost, and it goes on when there is room again, without a restart."""
    place = folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", place], check=True)
    tries = lost = half = 0
    try:
        with Office(place, CRM_UPLOAD_DIR=str(place / "files")) as office:
            browser = Browser(office, ADMIN)
            browser.me = _me(browser)
            ballast, acknowledged = place / "ballast", []
            with ballast.open("wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                except OSError:
                    pass
            said = ""
            for n in range(400):
                tries += 1
                answer = browser.send_form("/customer/add", name=f"满{n}", owner=browser.me, token=f"满{n}", note="很长的备注" * 400)
                if answer.status_code == 302:
                    acknowledged.append(f"满{n}")
                else:
                    said = answer.text
                    break
            half += not (answer.status_code == 507 and "磁盘已满" in said and 'value="满' in said)
            ballast.unlink()
            for _n in range(50):
                if _save(browser, "又有空间"):
                    acknowledged.append("又有空间")
                    break
                time.sleep(0.2)
            found = look(office)
            lost += len({*acknowledged, "又有空间"} - set(found["names"]))
            half += _halves(found)
    finally:
        subprocess.run(["umount", "-l", place], check=False)
    return tries, lost, half


def locked(folder: Path, seconds: float) -> tuple[int, int, int]:
    """Another program holds SQLite's write lock longer than we wait: a sentence, the form comes back, it can be sent again."""
    import sqlite3
    with Office(folder) as office:
        browser = Browser(office, ADMIN)
        browser.me = _me(browser)
        held = sqlite3.connect(folder / "crm.db", isolation_level=None)
        held.execute("BEGIN IMMEDIATE")
        try:
            reads = browser.get("/customer/list/?quick=all").status_code == 200
            answer = browser.send_form("/customer/add", name="等锁", owner=browser.me, token="等锁")
        finally:
            held.execute("ROLLBACK")
            held.close()
        kept = answer.status_code == 503 and "数据库忙" in answer.text and 'name="name" value="等锁"' in answer.text
        again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
        sent = browser.post("/customer/add", data=again).status_code == 302
        return 1, int(not sent or look(office)["names"].count("等锁") != 1), int(not kept or not reads)


def postgres_away(folder: Path, url: str) -> tuple[int, int, int]:
    """PostgreSQL ends every connection and takes no new one for a while: 503 with the form kept, then on without a restart."""
    name, server = url.rpartition("/")[2], url.rpartition("/")[0] + "/postgres"

    def say(*sql):
        subprocess.run(["psql", "-q", server, *(word for one in sql for word in ("-c", one))], check=True, capture_output=True)
    with Office(folder, url) as office:
        browser = Browser(office, ADMIN)
        browser.me = _me(browser)
        acknowledged, half = [], 0
        for n in range(3):
            say(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false", f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            answer = browser.send_form("/customer/add", name=f"断{n}", owner=browser.me, token=f"断{n}")
            half += not (answer.status_code == 503 and f'value="断{n}"' in answer.text and "Traceback" not in answer.text)
            half += browser.get("/healthz").status_code != 200 or browser.get("/readyz").status_code != 503
            say(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true")
            if _save(browser, f"断{n}"):
                acknowledged.append(f"断{n}")
        found = look(office)
        return 3, 3 - len(set(acknowledged) & set(found["names"])), half + _halves(found)


def redis_gone(folder: Path) -> tuple[int, int, int]:
    """Redis dies under the office and comes back: no request fails, background work is done all the same."""
    from .office import free_port
    port = free_port()

    def start():
        server = subprocess.Popen(["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.7)
        return server
    redis, failed = start(), 0
    try:
        with Office(folder, CRM_REDIS_URL=f"redis://127.0.0.1:{port}/0") as office:
            browser = Browser(office, ADMIN)
            browser.me = _me(browser)
            redis.kill()
            redis.wait()
            failed += sum(not _save(browser, f"无队列{n}") for n in range(10))
            failed += Browser(office).send_form("/login/", username="li", password="plum-Blossom-7301").status_code != 302
            _import(browser, "无队列", rows=50)
            _settle(office, 60)
            redis = start()
            failed += sum(not _save(browser, f"有队列{n}") for n in range(3))
            _import(browser, "有队列", rows=50)
            _settle(office, 60)
            found = look(office)
        left = sum(run[0] != "done" or run[4] != 50 for run in found["runs"])
        return 14, failed + left + (len(found["runs"]) != 2), _halves(found)
    finally:
        redis.kill()
        redis.wait()


def _in_office(run, folder: Path, url: str = "") -> tuple[int, int, int]:
    with Office(folder, url) as office:
        return run(office)


def main() -> None:
    """Everything, on both databases; `CRM_KILLS` kills (200)."""
    kills, bad = int(os.environ.get("CRM_KILLS", "200")), 0
    todo = [("killed_sqlite", lambda p: killed(p, kills)), ("killed_postgresql", lambda p: killed(p, kills, postgres("crm_torture"))),
            ("disk_full", disk_full), ("database_locked", lambda p: locked(p, 25)),
            ("postgresql_away", lambda p: postgres_away(p, postgres("crm_torture"))), ("redis_gone", redis_gone)]
    for name, run in (("parallel_writers", lambda o: written_in_parallel(o, 20, 20)), ("parallel_edits", lambda o: edited_in_parallel(o, 64)),
                      ("sent_twice", lambda o: sent_twice(o, 50))):
        todo += [(f"{name}_sqlite", lambda p, run=run: _in_office(run, p)),
                 (f"{name}_postgresql", lambda p, run=run: _in_office(run, p, postgres("crm_torture")))]
    asked = sys.argv[1:]
    print("name tries lost half_done", flush=True)
    for name, run in todo:
        if not asked or name in asked:
            tries, lost, half = run(Path(tempfile.mkdtemp(prefix="crm-torture-")))
            print(name, tries, lost, half, flush=True)
            bad += lost + half
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()

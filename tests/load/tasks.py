"""Figures of what is not one page: import, export, start, memory, bytes. Each prints `name value` lines through `say`."""
import csv
import gzip
import os
import re
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from . import data
from .servers import ROOT, Server, mixed, resident

HEADINGS = ["客户名称", "客户级别", "客户状态", "所属行业", "公司电话", "客户手机", "地区", "联系人", "联系人手机", "备注"]


def command(env: dict, *words) -> tuple[float, float, str]:
    """Run `flask crm …`; (seconds, MiB at most, what it said)."""
    place = Path(env["BENCH_DIR"]) / "command.txt"
    with open(place, "w+") as told:
        started = time.perf_counter()
        process = subprocess.Popen([sys.executable, "-m", "flask", "--app", "run", "crm", *words], cwd=ROOT,
                                   env={**os.environ, **env}, stdout=told, stderr=subprocess.STDOUT)
        _pid, status, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        told.seek(0)
        said = told.read().strip()
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: {said[-500:]}")
    return took, used.ru_maxrss / 1024, said


def make_sheet(path: str, count: int) -> None:
    """An xlsx of `count` new customers with a contact in every fourth line, 10 columns."""
    import xlsxwriter
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, HEADINGS)
    for r in data.rows(count):
        person = ("联系人甲", r["mobile"]) if r["id"] % 4 == 0 else ("", "")  # no figure of a contact without his name
        sheet.write_row(r["id"], 0, [f"{r['number'][-7:]}{r['name']}公司", "ABC"[r["id"] % 3], "潜在客户", "IT", r["phone"], r["mobile"],
                                     r["region"], *person, "来自表格"])
    book.close()


def import_figures(say, env: dict, server: Server, count: int, name: str) -> None:
    """Rows a second and memory of the command; how much slower another person's list is meanwhile."""
    sheet = os.path.join(env["BENCH_DIR"], "import.xlsx")
    make_sheet(sheet, count)
    alone = statistics.median(server.milliseconds("/customer/list/") for _ in range(15))
    meanwhile: list[float] = []
    stop = threading.Event()

    def watch():
        while not stop.wait(0.2):
            meanwhile.append(server.milliseconds("/customer/list/"))
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        took, most, said = command(env, "import", sheet, "--owner", "s1")
    finally:
        stop.set()
        watcher.join()
    made = int(re.search(r"created (\d+)", said)[1])
    if made != count:
        raise SystemExit(f"import: {said}")
    say(f"import_{name}_rows", count)
    say(f"import_{name}_rows_per_s", count / took)
    say(f"import_{name}_mib", most)
    say(f"import_{name}_others_times_slower", statistics.median(meanwhile) / alone)


def export_figures(say, env: dict, name: str) -> None:
    """Seconds and memory of exporting every customer to xlsx."""
    out = os.path.join(env["BENCH_DIR"], "export.xlsx")
    took, most, said = command(env, "export", "customer", out)
    say(f"export_{name}_rows", int(re.search(r"\d+", said)[0]))
    say(f"export_{name}_s", took)
    say(f"export_{name}_mib", most)


def memory_figures(say, server: Server, paths: list[str], requests: int) -> None:
    """Memory of one worker along the way."""
    for name, many in (("warm", requests // 5), ("end", requests - requests // 5)):
        mixed(server, paths, many)
        own, mapped = resident(server.workers()[0])
        say(f"worker_mib_{name}", own + mapped)
        say(f"worker_mib_{name}_of_it_files", mapped)  # the database's pages, mapped: shared by all workers
    say("worker_requests", requests)


def start_figures(say, env: dict, port: int) -> None:
    """Seconds from `python run.py` on a database that is there to the login page."""
    started = time.perf_counter()
    with open(os.path.join(env["BENCH_DIR"], "start.log"), "w") as log:
        process = subprocess.Popen([sys.executable, "run.py"], cwd=ROOT, stdout=log, stderr=log,
                                   env={**os.environ, **env, "CRM_PORT": str(port)}, start_new_session=True)
    try:
        while time.perf_counter() - started < 60:
            try:
                with socket.create_connection(("127.0.0.1", port), 0.2):
                    pass
                urllib.request.urlopen(f"http://127.0.0.1:{port}/login/", timeout=20).close()
                say("start_s", time.perf_counter() - started)
                return
            except (OSError, urllib.error.URLError):
                time.sleep(0.02)
        raise SystemExit("run.py does not start")
    finally:
        os.killpg(process.pid, 15)
        process.wait(20)


def byte_figures(say, server: Server) -> None:
    """Bytes of the list page with everything it loads, as transferred to a browser that takes gzip, and of a later page."""
    answer, page = server.get("/customer/list/", **{"Accept-Encoding": "gzip"})
    packed = answer.headers.get("Content-Encoding") == "gzip"
    html = (gzip.decompress(page) if packed else page).decode()
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', html))
    total = sum(len(_asset(server, path)) for path in found)
    fonts = {one for path in found if ".css" in path for one in _fonts(server, path)}
    total += sum(len(_asset(server, path)) for path in fonts)
    say("first_page_kib", (len(page) + total) / 1024)
    say("later_page_kib", len(page) / 1024)
    say("first_page_files", len(found) + len(fonts) + 1)


def _asset(server, path):
    return server.get(path, **{"Accept-Encoding": "gzip"})[1]


def _fonts(server, path):
    text = server.get(path)[1].decode(errors="replace")
    base = path.split("?")[0].rsplit("/", 1)[0]
    for one in re.findall(r"url\([\"']?([^)\"']+\.woff2[^)\"']*)", text):
        yield one if one.startswith("/") else os.path.normpath(f"{base}/{one}")


def write_csv(path: str, lines: list) -> None:
    """Keep the figures for comparison."""
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows(lines)

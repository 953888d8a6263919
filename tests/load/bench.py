"""`make bench`: the figures of the goals, one `name value` a line, the last line `bench ok`.

Environment: CRM_BENCH_ROWS (largest size, 100000; 1000000 is the full run at three sizes), CRM_BENCH_NAMES (short company names,
one a line), CRM_BENCH_PG (a PostgreSQL address with a database name; one database per size is made beside it and dropped),
CRM_BENCH_DIR (keeps the databases, there too), CRM_BENCH_PORT (8140), CRM_BENCH_ON (sqlite postgresql), CRM_BENCH_PARTS (rates
pages sales statements import export memory start bytes), CRM_BENCH_PYTHON (what the servers run on: developers' packages take memory
that an office's workers do not have). ms are milliseconds of one request at a time over HTTP, _per_s are requests a second of 4 connections on 2 sync workers.
"""
import contextlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from . import data, tasks
from .servers import ROOT, Server, latencies, rates

SMALL = 10_000
LARGE = int(os.environ.get("CRM_BENCH_ROWS", "100000"))
PORT = int(os.environ.get("CRM_BENCH_PORT", "8140"))
PARTS = os.environ.get("CRM_BENCH_PARTS", "statements rates pages sales bytes start login memory export import").split()
FULL = LARGE > 100_000
SIZES = sorted({SMALL, LARGE, *([100_000] if FULL else [])})
SHEET = 100_000 if FULL else 20_000  # rows of the sheet that is imported
ON = os.environ.get("CRM_BENCH_ON", "sqlite postgresql").split()
SECONDS = 3.0
lines: list[tuple] = []


def say(name: str, value) -> None:
    """Print and keep one figure."""
    text = f"{value:.2f}" if isinstance(value, float) else str(value)
    lines.append((name, text))
    print(name, text, flush=True)


def sized(n: int) -> str:
    """10k, 100k, 1m."""
    return f"{n // 1_000_000}m" if n >= 1_000_000 else f"{n // 1000}k"


# ---- databases ---------------------------------------------------------------------------------------------------
def environment(folder: str, url: str) -> dict:
    """What a process of ours needs."""
    return {"BENCH_DIR": folder, "CRM_DATABASE_URL": url, "CRM_ADMIN_PASSWORD": data.PASSWORD, "CRM_UPLOAD_DIR": f"{folder}/uploads",
            "CRM_SECRET_KEY": secrets.token_hex(24), "PYTHONDONTWRITEBYTECODE": "1"}


def ours(folder: str, count: int) -> dict:
    """The environment of a filled SQLite database of ours, made unless it is there."""
    path = Path(folder) / f"b{count}.db"
    env = environment(folder, f"sqlite:///{path}")
    if not path.exists():
        _fill(env, count)
    return env


def _fill(env, count):
    for words in (["tests.load.data", str(count), env["CRM_DATABASE_URL"]], ["tests.load.sales"]):
        subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True, env={**os.environ, **env}, stdout=subprocess.DEVNULL)


def postgres(folder: str, address: str, count: int) -> dict:
    """The same on PostgreSQL, in a database of its own, made unless it was kept."""
    import psycopg
    base, _slash, name = address.rpartition("/")
    made = f"{name}_{count}"
    env = environment(folder, f"{base}/{made}")
    with psycopg.connect(address, autocommit=True) as line:
        if "CRM_BENCH_DIR" in os.environ and line.execute("SELECT 1 FROM pg_database WHERE datname = %s", (made,)).fetchone():
            return env
        line.execute(f'DROP DATABASE IF EXISTS "{made}"')
        line.execute(f'CREATE DATABASE "{made}"')
    _fill(env, count)
    return env


@contextlib.contextmanager
def copied(folder: str, env: dict):
    """A copy of a database that may be changed; taken away again."""
    kind, _colon, place = env["CRM_DATABASE_URL"].partition("://")
    if kind == "sqlite":
        path = Path(folder) / "copy.db"
        shutil.copy(place[1:], path)
        yield environment(folder, f"sqlite:///{path}")
        for one in Path(folder).glob("copy.db*"):
            one.unlink()
        return
    import psycopg
    base, _slash, name = env["CRM_DATABASE_URL"].rpartition("/")
    with psycopg.connect(f"{base.replace('+psycopg', '')}/postgres", autocommit=True) as line:
        line.execute('DROP DATABASE IF EXISTS "crm_bench_copy"')
        line.execute(f'CREATE DATABASE "crm_bench_copy" TEMPLATE "{name}"')
        yield environment(folder, f"{base}/crm_bench_copy")
        line.execute('DROP DATABASE "crm_bench_copy" WITH (FORCE)')


def drop_postgres(address: str, counts) -> None:
    """Take the databases away again."""
    import psycopg
    name = address.rpartition("/")[2]
    with psycopg.connect(address, autocommit=True) as line:
        for count in counts:
            line.execute(f'DROP DATABASE IF EXISTS "{name}_{count}" WITH (FORCE)')


def reference(folder: str, count: int) -> dict:
    """The environment of the reference programs."""
    path = Path(folder) / f"reference{count}.db"
    env = {"BENCH_DIR": folder, "REFERENCE_DB": str(path)}
    if not path.exists():
        data.make_reference(str(path), count)
        for program in ("django_admin", "fab"):
            subprocess.run([sys.executable, "-m", f"tests.load.reference.{program}"], cwd=ROOT, check=True, env={**os.environ, **env},
                           stderr=subprocess.DEVNULL)
    return env


# ---- parts -------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def serving(*starts):
    """Start servers one after the other; stop what runs in any case."""
    running: list[Server] = []
    try:
        for start in starts:
            running.append(start())
        for one in running:
            one.sign_in()
        yield running
    finally:
        for one in running:
            one.stop()


def our_server(name: str, env: dict, at: int, workers: int = 2, user: str = "s0"):
    """How to start our program."""
    return lambda: Server(name, "app:create_app()", PORT + at, env, workers, login=("/login/", user, data.PASSWORD))


def their_server(name: str, program: str, env: dict, at: int, login: str = ""):
    """How to start a reference program."""
    return lambda: Server(name, f"tests.load.reference.{program}", PORT + at, env, first=login or "/company/list/",
                          login=(login, "admin", "admin") if login else None)


def statements(env: dict) -> None:
    """SQL statements of each page."""
    told = subprocess.run([sys.executable, "-m", "tests.load.statements"], cwd=ROOT, check=True, env={**os.environ, **env},
                          capture_output=True, text=True).stdout
    for name, value in re.findall(r"^(sql_\w+) (\d+)$", told, re.M):
        say(name, int(value))


def login(folder: str) -> None:
    """A wrong password for names that exist and that do not; on a copy, where tries may be counted."""
    place = Path(folder) / "login.db"
    shutil.copy(Path(folder) / f"b{SMALL}.db", place)
    env = environment(folder, f"sqlite:///{place}")
    told = subprocess.run([sys.executable, "-m", "tests.load.logins"], cwd=ROOT, check=True, env={**os.environ, **env},
                          capture_output=True, text=True).stdout
    for name, value in re.findall(r"^(login_\w+) ([\d.]+)$", told, re.M):
        say(name, float(value))


def compare(folder: str, env: dict) -> None:
    """Requests a second of the customer list beside FAB, Django's admin and the limit, the same rows, interleaved."""
    theirs = reference(folder, LARGE)
    with serving(our_server("crm", env, 1), their_server("fab", "fab:create_app()", theirs, 2, "/login/"),
                 their_server("django", "django_admin:application", theirs, 3, "/admin/login/"),
                 their_server("limit", "limit:app", theirs, 4)) as (crm, fab, django, limit):
        found = rates({
            "crm_list": (crm, "/customer/list/"), "crm_list_all": (crm, "/customer/list/?quick=all"),
            "fab": (fab, "/company0/list/"), "django": (django, "/admin/reference/company/"),
            "django_filters": (django, "/admin/reference/filtered/"), "limit": (limit, "/company/list/")}, SECONDS)
    for name, value in found.items():
        say(f"{name}_{sized(LARGE)}_per_s", value)
    say("list_vs_fab", found["crm_list"] / found["fab"])
    say("list_vs_django", found["crm_list"] / found["django"])
    say("list_vs_django_filters", found["crm_list"] / found["django_filters"])
    say("limit_vs_list", found["limit"] / found["crm_list"])


def row_of(server: Server) -> str:
    """The id of a customer that the salesperson sees, with contact and follow-up when there is one."""
    if not hasattr(server, "row"):
        found = re.findall(r'data-id="(\d+)"', server.get("/customer/list/?quick=all")[1].decode())
        server.row = next((i for i in found if int(i) % 4 == 0), found[0])
    return server.row


def pages() -> dict:
    """page -> function of the server that gives its address."""
    def flat(path):
        return lambda server: path
    view, sort = "CustomerView", "/customer/list/?quick=all&_oc_CustomerView={}&_od_CustomerView={}"
    return {
        "list": flat("/customer/list/"), "list_all": flat("/customer/list/?quick=all"),
        "list_by_name": flat(sort.format("name", "asc")), "list_by_created": flat(sort.format("created_at", "asc")),
        "list_by_next": flat(sort.format("next_follow_at", "desc")), "list_by_level": flat(sort.format("level", "asc")),
        "list_page_5": flat(f"/customer/list/?quick=all&page_{view}=4"),
        "list_search": flat("/customer/list/?q=科技"), "list_overdue": flat("/customer/list/?quick=overdue"),
        "counts": flat("/customer/counts"), "desktop": flat("/"),
        "show": lambda server: f"/customer/show/{row_of(server)}", "edit": lambda server: f"/customer/edit/{row_of(server)}",
        "search_box_two_characters": flat("/search?q=科技"), "search_box_initials": flat("/search?q=hxkj"),
        "search_box_phone": flat("/search?q=4711"),
        "twins_while_typing": flat("/customer/similar?name=恒远精密机械&mobile=13812345678&tax_number=91320500MA1XXXXX1X&website=hengyuan.com"),
        "twins_of_a_common_name": flat("/customer/similar?name=华兴科技")}


DEEP = {"list_page_350": lambda server: "/customer/list/?quick=all&page_CustomerView=349"}  # who sees all has so many pages
SALES = {name: lambda server, path=path: path for name, path in {  # the chain at 0.3 N opportunities, 0.2 N contracts, 0.6 N plans and payments
    "opportunities": "/opportunity/list/?quick=all", "board": "/opportunity/board/", "funnel": "/funnel/", "contracts": "/contract/list/?quick=all",
    "contracts_by_amount": "/contract/list/?quick=all&_oc_ContractView=amount&_od_ContractView=desc", "payments": "/payment/list/?quick=all",
    "plans": "/paymentplan/list/?quick=all", "receivables": "/receivable/"}.items()}


def growth(envs: dict, label: str, user: str = "s0") -> None:
    """Milliseconds of each page at every size, and the ratio of the largest to the smallest."""
    asked = {**(pages() if "pages" in PARTS else {}), **(SALES if "sales" in PARTS else {})}
    who, asked = ("", asked) if user == "s0" else (f"{user}_", {**asked, **(DEEP if "pages" in PARTS else {})})
    with serving(*(our_server(f"{label}{n}{user}", env, 5 + at, user=user) for at, (n, env) in enumerate(envs.items()))) as servers:
        found = latencies(servers, asked)
    for page in asked:
        for n, server in zip(envs, servers, strict=True):
            say(f"{label}_{who}{page}_{sized(n)}_ms", found[server.name, page])
        say(f"{label}_{who}{page}_ratio", found[servers[-1].name, page] / found[servers[0].name, page])


def one_worker(env: dict) -> None:
    """Bytes and memory, on a server with one worker."""
    with serving(our_server("single", env, 7, workers=1)) as (server,):
        if "bytes" in PARTS:
            tasks.byte_figures(say, server)
        if "memory" in PARTS:
            tasks.memory_figures(say, server, [path(server) for path in pages().values()], 10_000 if FULL else 4_000)


def main() -> None:
    """All parts in turn."""
    folder = os.environ.get("CRM_BENCH_DIR") or tempfile.mkdtemp(prefix="crm-bench-")
    Path(folder).mkdir(parents=True, exist_ok=True)
    if "sqlite" in ON:
        envs = {n: ours(folder, n) for n in SIZES}
        alone(folder, envs)
        on_both(folder, envs, "sqlite")
    if "postgresql" in ON and (address := os.environ.get("CRM_BENCH_PG")):
        on_both(folder, {n: postgres(folder, address, n) for n in SIZES}, "postgresql")
        if "CRM_BENCH_DIR" not in os.environ:
            drop_postgres(address, SIZES)
    tasks.write_csv(f"{folder}/figures.csv", lines)
    print("bench ok")


def alone(folder: str, envs: dict) -> None:
    """What is measured on SQLite alone."""
    if "statements" in PARTS:
        statements(envs[LARGE])
    if "rates" in PARTS:
        compare(folder, envs[LARGE])
    if "bytes" in PARTS or "memory" in PARTS:
        one_worker(envs[LARGE])
    if "start" in PARTS:
        tasks.start_figures(say, envs[SMALL], PORT + 8)
    if "login" in PARTS:
        login(folder)


def on_both(folder: str, envs: dict, label: str) -> None:
    """Pages at every size as salesperson and as who sees all; export and import at every size."""
    if {"pages", "sales"} & set(PARTS):
        growth(envs, label)
        growth(envs, label, user="boss")
    for n, env in envs.items():
        if {"import", "export"} & set(PARTS):
            with copied(folder, env) as copy:
                if "export" in PARTS:
                    tasks.export_figures(say, copy, f"{label}_{sized(n)}")
                if "import" in PARTS:
                    with serving(our_server("meanwhile", copy, 9)) as (server,):
                        tasks.import_figures(say, copy, server, SHEET, f"{label}_at_{sized(n)}")


if __name__ == "__main__":
    main()

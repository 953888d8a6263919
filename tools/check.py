"""What CI runs, step by step with times: lint, types, tests on SQLite, tests on PostgreSQL, browser, first start."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
PACKAGES = {"psql": "postgresql", "redis-server": "redis-server", "slapd": "slapd", "dovecot": "dovecot-imapd"}

OFFICES = ("tests/faults", "tests/deploy")  # they start whole offices, and wait more than they work


def chromium_program() -> str | None:
    """The browser's program: without windows, where there is one, costs a quarter less."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def _answers(port: int) -> bool:
    with socket.socket() as line:
        line.settimeout(1)
        return line.connect_ex(("127.0.0.1", port)) == 0


def _missing() -> list[str]:
    found = [package for program, package in PACKAGES.items() if not shutil.which(program)]
    found += [] if chromium_program() else ["chromium-headless-shell"]
    fonts = subprocess.run(["fc-list", ":lang=zh"], capture_output=True, text=True).stdout if shutil.which("fc-list") else ""
    return found + ([] if fonts.strip() else ["fonts-noto-cjk"])


def provide() -> None:
    """System packages: installed in CI, asked for elsewhere; services started when nothing listens."""
    wanted = _missing()
    if wanted and not CI:
        sys.exit("Please install first: apt-get install " + " ".join(wanted))
    if wanted:
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *wanted], check=True, env=quiet,
                       stdout=subprocess.DEVNULL)
    if not _answers(6379):
        subprocess.run(["redis-server", "--daemonize", "yes", "--bind", "127.0.0.1", "--save", ""], check=True)
    if not _answers(5432):
        version = sorted(os.listdir("/etc/postgresql"))[-1]
        subprocess.run(["pg_ctlcluster", "--skip-systemctl-redirect", version, "main", "start"], check=True)
    os.environ.setdefault("CRM_TEST_POSTGRES", _postgres())


def _postgres() -> str:
    """An empty test database on the local server, one for each checkout."""
    name, admin = f"crm_test_{zlib.crc32(str(ROOT).encode()):08x}", ["psql", "-q", "-h", "127.0.0.1", "-U", "postgres"]
    if subprocess.run([*admin, "-c", "select 1"], capture_output=True).returncode:
        admin = ["runuser", "-u", "postgres", "--", "psql", "-q"]
        subprocess.run([*admin, "-c", "ALTER USER postgres PASSWORD 'postgres'"], check=True)
    subprocess.run([*admin, "-c", f"DROP DATABASE IF EXISTS {name}", "-c", f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0",
                    "-c", f"ALTER DATABASE {name} SET synchronous_commit = off"], check=True, stderr=subprocess.DEVNULL)
    return f"postgresql://postgres:postgres@127.0.0.1/{name}"


def _there() -> str:
    """The test database as the program is told of it."""
    return os.environ["CRM_TEST_POSTGRES"].replace("postgresql://", "postgresql+psycopg://")


def step(name: str, *command, out=None, **env) -> int:
    """Run one step; a red one ends everything, unless its output goes elsewhere: then its status is returned."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    code = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, env={**os.environ, **env}, stdout=out, stderr=out).returncode
    print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    if code and out is None:
        sys.exit(code)
    return code


def beside(*steps) -> None:
    """Steps (name, environment, words of the command), three at a time; their output one after the other, also of a run that is stopped."""
    with ThreadPoolExecutor(3) as pool, contextlib.ExitStack() as files:
        told = {name: files.enter_context(tempfile.TemporaryFile("w+")) for name, _env, _words in steps}
        signal.signal(signal.SIGTERM, lambda *_: (_tell(told), os._exit(143)))
        codes = list(pool.map(lambda one: step(one[0], *one[2], out=told[one[0]], **one[1]), steps))
        _tell(told)
    if any(codes):
        sys.exit(1)


def _tell(told) -> None:
    for name, file in told.items():
        file.seek(0)
        print(f"== {name}, what it said\n{file.read()}", flush=True)


def lint() -> None:
    """Style, types, catalogues, security smells."""
    step("ruff", "ruff", "check", ".")
    step("mypy", "mypy", "app")
    step("bandit", "bandit", "-q", "-r", "app", "-c", "pyproject.toml")
    step("audits", "tools.audit")


def torture() -> None:
    """The long forms: faults, kills, odd input, every role in Chromium, every browser test against the deploy files' office, and on
    PostgreSQL what otherwise runs once."""
    provide()
    step("the rest on PostgreSQL", "pytest", "-q", "tests", "--ignore=tests/browser", "-m", "once", CRM_TEST_DATABASE_URL=_there())
    step("faults", "tests.faults.torture")
    step("odd input", "pytest", "-q", "-s", "tests/fuzz", CRM_FUZZ="400")
    step("scripts", "pytest", "-q", "-s", "tests/browser/test_no_script_runs.py", CRM_ALL_ROLES="1")
    step("browser on the deployed office", "pytest", "-q", "tests/browser", CRM_BROWSER_OFFICE="deployed")


def main() -> None:
    """Everything, or the lint alone, or the torture."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # some fifty processes start here: the program is compiled once
    if "torture" in sys.argv:
        torture()
        return
    lint()
    if "lint" in sys.argv:
        return
    provide()
    tests = sorted(f"tests/{one.name}" for one in (ROOT / "tests").iterdir() if one.is_dir() or one.name.startswith("test_"))
    tests = [one for one in tests if one not in ("tests/browser", *OFFICES)]
    beside(("browser", {}, ("pytest", "-q", "tests/browser")),
           ("tests on PostgreSQL", {"CRM_TEST_DATABASE_URL": _there()}, ("pytest", "-q", *tests, "-m", "not sqlite and not once")),
           ("tests on SQLite, J to Z", {}, ("pytest", "-q", *(one for one in tests if one >= "tests/j"))),
           ("tests on SQLite, A to I", {}, ("pytest", "-q", *(one for one in tests if one < "tests/j"))),
           ("whole offices", {}, ("pytest", "-q", *OFFICES)))


if __name__ == "__main__":
    main()

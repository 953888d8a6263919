"""What CI runs, step by step with times: lint, types, tests on SQLite, tests on PostgreSQL, browser, first start."""
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI") == "true"
PACKAGES = {"chromium": "chromium", "psql": "postgresql", "redis-server": "redis-server"}


def _answers(port: int) -> bool:
    with socket.socket() as line:
        line.settimeout(1)
        return line.connect_ex(("127.0.0.1", port)) == 0


def _missing() -> list[str]:
    found = [package for program, package in PACKAGES.items() if not shutil.which(program)]
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
    """An empty test database on the local server."""
    name, admin = "crm_test", ["psql", "-q", "-h", "127.0.0.1", "-U", "postgres"]
    if subprocess.run([*admin, "-c", "select 1"], capture_output=True).returncode:
        admin = ["runuser", "-u", "postgres", "--", "psql", "-q"]
        subprocess.run([*admin, "-c", "ALTER USER postgres PASSWORD 'postgres'"], check=True)
    subprocess.run([*admin, "-c", f"DROP DATABASE IF EXISTS {name}", "-c", f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0"],
                   check=True, stderr=subprocess.DEVNULL)
    return f"postgresql://postgres:postgres@127.0.0.1/{name}"


def step(name: str, *command, **env) -> None:
    """Run one step; a red one ends everything."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    code = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}).returncode
    print(f"== {name}: {'ok' if code == 0 else 'FAILED'} in {time.monotonic() - began:.1f} s", flush=True)
    if code:
        sys.exit(code)


def lint() -> None:
    """Style, types, catalogues, security smells."""
    step("ruff", sys.executable, "-m", "ruff", "check", ".")
    step("mypy", sys.executable, "-m", "mypy", "app")
    step("bandit", sys.executable, "-m", "bandit", "-q", "-r", "app", "-c", "pyproject.toml")


def main() -> None:
    """Everything, or the lint alone."""
    lint()
    if "lint" in sys.argv:
        return
    provide()
    step("tests on SQLite", sys.executable, "-m", "pytest", "-q", "tests", "--ignore=tests/browser")
    step("tests on PostgreSQL", sys.executable, "-m", "pytest", "-q", "tests", "--ignore=tests/browser", "-m", "not sqlite",
         CRM_TEST_DATABASE_URL=os.environ["CRM_TEST_POSTGRES"].replace("postgresql://", "postgresql+psycopg://"))
    step("browser", sys.executable, "-m", "pytest", "-q", "tests/browser")


if __name__ == "__main__":
    main()

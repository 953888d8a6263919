"""Starts what deploy/compose.yaml starts, with exactly its commands and environment, where no container engine is at hand: PostgreSQL,
Redis, the migration, web and worker, each on a free port of this machine. `--rolling SECONDS` restarts the web workers under load
and counts the failed requests."""
import os
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import requests
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE = ROOT / "deploy" / "compose.yaml"
LOOKED_AT = ("/customer/list/?quick=all", "/", "/api/v1/customer/", "/healthz")
BIN = Path(sys.executable).parent


def services() -> dict:
    """The services of the compose file."""
    return yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]


def settings_of_the_file() -> dict:
    """deploy/crm.env.example with every secret filled in."""
    lines = (ROOT / "deploy" / "crm.env.example").read_text(encoding="utf-8").splitlines()
    told = dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return {key: value or secrets.token_urlsafe(36) for key, value in told.items()}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


class Deployed:
    """`with Deployed(folder) as crm:` everything runs; `crm.url` is its address."""

    def __init__(self, folder: Path, **over):
        self.folder, self.running, self.services = folder, {}, services()
        self.ports = {"postgres:5432": free_port(), "redis:6379": free_port(), "web": free_port()}
        self.file = {**settings_of_the_file(), **over}
        self.url = f"http://127.0.0.1:{self.ports['web']}"

    def _local(self, text: str) -> str:
        """The compose file's hosts and ${VARIABLES} as they are here."""
        text = re.sub(r"\$\{(\w+)[^}]*\}", lambda m: self.file[m[1]], text)
        text = text.replace("@postgres/", f"@127.0.0.1:{self.ports['postgres:5432']}/")
        return text.replace("redis://redis:6379", f"redis://127.0.0.1:{self.ports['redis:6379']}")

    def environment(self, name: str) -> dict:
        """What a service is given; of this machine's settings nothing."""
        own = {key: self._local(value) for key, value in self.services[name].get("environment", {}).items()}
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("CRM_", "PROMETHEUS_"))}
        image = {"CRM_HOST": "127.0.0.1", "CRM_PORT": str(self.ports["web"]), "CRM_UPLOAD_DIR": str(self.folder / "files")}
        return {**clean, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "PYTHONUNBUFFERED": "1", **image, **self.file, **own}

    def command(self, name: str) -> list[str]:
        """A service's command; the two servers of others on their port and folder here."""
        words = list(self.services[name]["command"])
        if name == "redis":
            return [*words, "--port", str(self.ports["redis:6379"]), "--dir", str(self.folder), "--save", ""]
        if name == "postgres":
            return self._as_postgres(words[0], *words[1:], "-D", self.folder / "pg", "-p", self.ports["postgres:5432"], "-k", self.folder)
        return [sys.executable, *words[1:]] if words[0] == "python" else [sys.executable, "-m", *words]  # of this very environment

    def _as_postgres(self, program: str, *words) -> list[str]:
        found = max(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), default=Path(program))
        mine = [str(found), *map(str, words)]
        return ["runuser", "-u", "postgres", "--", *mine] if os.geteuid() == 0 else mine

    def _initdb(self) -> None:
        """What the image does at its first start: the cluster, the person, the database."""
        word = self.folder / "password"
        word.write_text(self.file["CRM_DB_PASSWORD"])
        self.folder.chmod(0o755)
        (self.folder / "pg").mkdir()
        if os.geteuid() == 0:
            for path in (self.folder, self.folder / "pg", word):
                shutil.chown(path, "postgres")
        asked = shlex.split(self.services["postgres"]["environment"]["POSTGRES_INITDB_ARGS"])
        subprocess.run(self._as_postgres("initdb", "-D", self.folder / "pg", "-U", "crm", "--pwfile", word, "-A", "scram-sha-256", *asked),
                       check=True, capture_output=True)

    def start(self, name: str) -> None:
        """Start one service; its words go to a file of its name."""
        with (self.folder / f"{name}.log").open("a") as log:
            self.running[name] = subprocess.Popen(self.command(name), cwd=ROOT if name not in ("postgres", "redis") else self.folder,
                                                  env=self.environment(name), stdout=log, stderr=log, start_new_session=True)

    def _answers(self, name: str) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", self.ports[name])) == 0:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"{name} does not answer: {(self.folder / (name.split(':')[0] + '.log')).read_text()[-2000:]}")

    def found(self) -> None:
        """The servers of others, and the tables; what the migration says goes to migrate.log."""
        self._initdb()
        self.start("postgres")
        self.start("redis")
        self._answers("postgres:5432")
        self._answers("redis:6379")
        subprocess.run(["createdb", "-h", "127.0.0.1", "-p", str(self.ports["postgres:5432"]), "-U", "crm", "crm"], check=True,
                       env={**self.environment("postgres"), "PGPASSWORD": self.file["CRM_DB_PASSWORD"]})
        done = subprocess.run(self.command("migrate"), cwd=ROOT, env=self.environment("migrate"), check=True, capture_output=True,
                              text=True)
        (self.folder / "migrate.log").write_text(done.stdout + done.stderr, encoding="utf-8")

    def open(self) -> None:
        """The program's own: web and worker."""
        self.start("web")
        self.start("worker")
        self.wait()

    def __enter__(self):
        try:
            self.found()
            self.open()
            return self
        except BaseException:
            self.stop()
            raise

    def wait(self, seconds: float = 180) -> None:
        """Until /readyz says so."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with suppress(requests.RequestException):
                if requests.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            time.sleep(0.2)
        raise RuntimeError((self.folder / "web.log").read_text()[-3000:])

    def workers(self) -> set[str]:
        """Process ids of the web workers."""
        master = self.running["web"].pid
        return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())

    def reload(self) -> None:
        """What `systemctl reload crm-web` and `docker compose kill -s HUP web` do: new workers, the old ones finish."""
        self.running["web"].send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End what was started, the servers last."""
        for name in reversed(list(self.running)):
            process = self.running.pop(name)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM if name != "postgres" else signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def __exit__(self, *_error):
        self.stop()


def login(crm: Deployed, name="admin") -> requests.Session:
    """A browser of a person."""
    browser = requests.Session()
    browser.headers["X-Forwarded-Proto"] = "https"
    page = browser.get(f"{crm.url}/login/")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)[1]
    _insecure(browser)
    done = browser.post(f"{crm.url}/login/", data={"username": name, "password": crm.file["CRM_ADMIN_PASSWORD"], "csrf_token": token},
                        headers={"Referer": crm.url.replace("http:", "https:") + "/"}, allow_redirects=False)
    assert done.status_code == 302, done.text[:500]
    _insecure(browser)
    return browser


def _insecure(browser) -> None:
    """Cookies for https are sent on: TLS ends at the proxy, which is not here."""
    for cookie in browser.cookies:
        cookie.secure = False


def roll(crm: Deployed, seconds: float, threads: int = 8) -> dict:
    """Requests of `threads` programs, half of them on connections that stay open, while the web workers are replaced again and again:
    {requests, failed, restarts, p95_ms, why}."""
    browser = login(crm)
    cookies, told, failed, stop = dict(browser.cookies), [], [], threading.Event()

    def work(keep: bool):
        line, n = requests.Session(), 0
        line.headers.update({"X-Forwarded-Proto": "https", **({} if keep else {"Connection": "close"})})
        while not stop.is_set():
            n += 1
            began = time.monotonic()
            try:
                answer = line.get(f"{crm.url}{LOOKED_AT[n % len(LOOKED_AT)]}", cookies=cookies, timeout=60, allow_redirects=False)
                if answer.status_code != 200:
                    failed.append(answer.status_code)
            except requests.RequestException as broken:
                failed.append(repr(broken))
            told.append(time.monotonic() - began)
    hands = [threading.Thread(target=work, args=(n % 2 == 0,)) for n in range(threads)]
    for hand in hands:
        hand.start()
    restarts, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        before = crm.workers()
        crm.reload()
        while crm.workers() & before or len(crm.workers()) != len(before):
            time.sleep(0.2)
        restarts += 1
    stop.set()
    for hand in hands:
        hand.join()
    told.sort()
    slow = round(told[int(len(told) * 0.95)] * 1000)
    return {"requests": len(told), "failed": len(failed), "restarts": restarts, "p95_ms": slow, "why": failed[:5]}


def main() -> None:
    """Start, look, roll, end."""
    seconds = float(sys.argv[sys.argv.index("--rolling") + 1]) if "--rolling" in sys.argv else 0
    folder = Path(tempfile.mkdtemp(prefix="crm-deployed-"))
    try:
        with Deployed(folder) as crm:
            print(requests.get(f"{crm.url}/readyz", timeout=5).text.strip())
            if seconds:
                found = roll(crm, seconds)
                print("\n".join(f"rolling_{name} {value}" for name, value in found.items()))
                if found["failed"]:
                    sys.exit("requests failed")
        print("deployed ok")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()

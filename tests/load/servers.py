"""Starts programs the same way (gunicorn, sync workers), signs in, and times requests over HTTP."""
import http.client
import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONNECTIONS = 4


class Server:
    """A program under gunicorn on 127.0.0.1. `first` is the address that answers when it is up."""

    def __init__(self, name: str, program: str, port: int, env: dict, workers: int = 2, first: str = "/healthz",
                 login: tuple | None = None):
        self.name, self.port, self.cookie, self.who, self.first = name, port, "", login, first
        self.place = Path(env["BENCH_DIR"]) / f"{name}.log"
        log = os.open(self.place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self.process = subprocess.Popen(
            [os.environ.get("CRM_BENCH_PYTHON") or sys.executable, "-m", "gunicorn", "-w", str(workers), "-k", "sync", "--no-control-socket", "-b", f"127.0.0.1:{port}", program],
            cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=log)
        os.close(log)

    def wait(self) -> None:
        """Until the program answers, 40 s at most."""
        for _ in range(400):
            if self.process.poll() is not None:
                break
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}{self.first}", timeout=20).close()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"{self.name} does not start, see {self.place}")

    def url(self, path: str) -> str:
        """The whole address."""
        return f"http://127.0.0.1:{self.port}{path}"

    def sign_in(self) -> None:
        """When it is up: fill in the login form with its hidden fields; keep the cookies."""
        self.wait()
        if self.who is None:
            return
        page, user, password = self.who
        jar = CookieJar()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
        html = browser.open(self.url(page)).read().decode()
        tags = re.findall(r"<input[^>]*type=[\"']?hidden[^>]*>", html)
        hidden = {found[1]: value[1] for tag in tags if (found := re.search(r'name="([^"]+)"', tag))
                  and (value := re.search(r'value="([^"]*)"', tag))}
        typed = urllib.parse.urlencode({**hidden, "username": user, "password": password}).encode()
        browser.open(urllib.request.Request(self.url(page), typed, {"Referer": self.url(page)})).close()
        self.cookie = "; ".join(f"{one.name}={one.value}" for one in jar)

    def get(self, path: str, **head) -> tuple[http.client.HTTPResponse, bytes]:
        """One page, signed in; a status other than 200 ends the benchmark."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request("GET", urllib.parse.quote(path, safe="/?&=%~+"), headers={"Cookie": self.cookie, **head})
        answer = line.getresponse()
        body = answer.read()
        line.close()
        if answer.status != 200:
            raise SystemExit(f"{self.name} {path}: status {answer.status}")
        return answer, body

    def milliseconds(self, path: str, **head) -> float:
        """How long one page takes."""
        started = time.perf_counter()
        self.get(path, **head)
        return (time.perf_counter() - started) * 1000

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        return [int(p) for p in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]

    def stop(self) -> None:
        """End it and its workers."""
        self.process.terminate()
        self.process.wait(20)


def rate(server: Server, path: str, seconds: float) -> float:
    """Requests a second with 4 connections: wrk when it is there, else threads of our own."""
    server.get(path)
    return _wrk(server, path, seconds) if shutil.which("wrk") else _threads(server, [path], seconds=seconds)[0]


def _wrk(server, path, seconds):
    told = subprocess.run(["wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s", "-H", f"Cookie: {server.cookie}",
                           "--timeout", "20s", server.url(path)], capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in told:
        raise SystemExit(f"{server.name} {path}: {told}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", told)[1])


def _threads(server, paths, seconds=None, requests=None):
    """(requests a second, how many) of 4 threads that go through `paths` in turn, for a time or a number."""
    done, started = [0] * CONNECTIONS, time.perf_counter()

    def ask(n):
        while (requests is None or done[n] < requests // CONNECTIONS) and (
                seconds is None or time.perf_counter() - started < seconds):
            server.get(paths[done[n] % len(paths)])
            done[n] += 1
    crowd = [threading.Thread(target=ask, args=(n,)) for n in range(CONNECTIONS)]
    for one in crowd:
        one.start()
    for one in crowd:
        one.join()
    return sum(done) / (time.perf_counter() - started), sum(done)


def mixed(server: Server, paths: list[str], requests: int) -> None:
    """Ask for `requests` pages in all."""
    if _threads(server, paths, requests=requests)[1] < requests - CONNECTIONS:
        raise SystemExit(f"{server.name}: a request failed")


def rates(asked: dict, seconds: float, rounds: int = 3) -> dict:
    """name -> median requests/s of (server, path), the rounds interleaved."""
    seen: dict = {name: [] for name in asked}
    for _ in range(rounds):
        for name, (server, path) in asked.items():
            seen[name].append(rate(server, path, seconds))
    return {name: statistics.median(values) for name, values in seen.items()}


def latencies(servers: list[Server], paths: dict, rounds: int = 15) -> dict:
    """(server name, page) -> median ms of one request at a time, servers and pages interleaved.
    `paths`: page -> function of the server that gives the address."""
    seen: dict = {}
    for at in range(rounds + 2):
        for page, path in paths.items():
            for server in servers:
                took = server.milliseconds(path(server), Accept="application/json" if page.startswith("search_box") else "text/html")
                if at >= 2:  # the first two warm up both workers
                    seen.setdefault((server.name, page), []).append(took)
    return {key: statistics.median(values) for key, values in seen.items()}


def resident(pid: int) -> tuple[float, float]:
    """Memory of a process in MiB: its own, and mapped files."""
    told = Path(f"/proc/{pid}/status").read_text()
    own, files = (int(re.search(rf"{name}:\s+(\d+)", told)[1]) / 1024 for name in ("RssAnon", "RssFile"))
    return own, files

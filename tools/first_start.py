"""Plays the first start on a clean copy without Node: `make run` to the login page, then a second start, with times."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def _path_without_node(folder: Path) -> str:
    """A PATH of links to what is on the machine, node and npm left out."""
    folder.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for file in Path(place).glob("*") if Path(place).is_dir() else ():
            if file.name not in ("node", "npm", "npx", "nodejs") and not (folder / file.name).exists():
                (folder / file.name).symlink_to(file)
    return str(folder)


def start(place: Path, env: dict) -> tuple[float, subprocess.Popen]:
    """Seconds from `make run` to the login page."""
    began = time.monotonic()
    server = subprocess.Popen(["make", "run"], cwd=place, env=env, start_new_session=True)
    while time.monotonic() - began < 600:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{env['CRM_PORT']}/login/", timeout=2) as page:
                if b"csrf_token" in page.read():
                    return time.monotonic() - began, server
        except OSError:
            if server.poll() is not None:
                sys.exit("make run ended by itself")
            time.sleep(0.1)
    sys.exit("no login page within ten minutes")


def stop(server) -> None:
    """End the server and what it started."""
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(20)


def main() -> None:
    """First start, second start."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "clone"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(place)], check=True)
        env = {k: v for k, v in os.environ.items() if not k.startswith("CRM_")}
        env |= {"CRM_PORT": "8077", "PATH": _path_without_node(Path(name) / "bin")}
        if shutil.which("node", path=env["PATH"]):
            sys.exit("node is still there")
        first, server = start(place, env)
        stop(server)
        second, server = start(place, env)
        stop(server)
        print(f"first_start_seconds {first:.1f}\nsecond_start_seconds {second:.1f}", flush=True)
        if second > 5:
            sys.exit("the second start took more than 5 s")


if __name__ == "__main__":
    main()

"""gunicorn's settings, for `python run.py` with several workers, the systemd unit and the container alike.

TERM: finish what was begun, then end. HUP: new workers with the code that lies on the disk now; each old one ends when a new one is
ready (gunicorn by itself ends them before the new ones have started), and finishes what it has begun.
"""
import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # where the workers share their figures
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = os.environ["CRM_OWN_FIGURES"] = tempfile.mkdtemp(prefix="crm-metrics-")

bind = f"{os.environ.get('CRM_HOST') or '127.0.0.1'}:{os.environ.get('CRM_PORT') or 8080}"
workers = int(os.environ.get("CRM_WORKERS") or 2)
worker_class, threads = "gthread", 8
timeout = graceful_timeout = 90  # seconds; a request's statements may take 30 (CRM_PATIENCE)
keepalive = 75  # longer than a proxy keeps an idle connection: the proxy closes first, and never into a request
max_requests, max_requests_jitter = 20_000, 2_000  # a worker is made anew before anything can pile up
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  heartbeats must not wait for a disk
accesslog = None  # the program tells its requests by itself (CRM_LOG_FORMAT)


def on_starting(server):
    """HUP is ours: it does not let the old workers go before the new ones are there."""
    server.handle_hup = lambda: threading.Thread(target=_roll, args=(server,), daemon=True).start()


def _roll(server):
    """As many more workers, and then, for each that has become ready, one less: the oldest goes first."""
    wanted, old = server.num_workers, set(server.WORKERS)
    for _n in range(wanted):
        os.kill(server.pid, signal.SIGTTIN)
        time.sleep(0.2)
    until, gone = time.monotonic() + timeout, 0
    while gone < wanted and time.monotonic() < until:
        for _n in range(len({int(p.suffix[1:]) for p in _place().glob("ready.*")} & (set(server.WORKERS) - old)) - gone):
            os.kill(server.pid, signal.SIGTTOU)
            gone += 1
        time.sleep(0.2)


def _place():
    return Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])


def post_worker_init(worker):
    """A worker has loaded the program."""
    (_place() / f"ready.{worker.pid}").touch()


def child_exit(_server, worker):
    """A worker that ended no longer counts among the living."""
    (_place() / f"ready.{worker.pid}").unlink(missing_ok=True)
    from prometheus_client import multiprocess  # not before the folder is named: it looks for it when it is imported
    multiprocess.mark_process_dead(worker.pid)


def on_exit(_server):
    """The figures of this run end with it."""
    shutil.rmtree(os.environ.get("CRM_OWN_FIGURES", ""), ignore_errors=True)

"""Serves the program: `python run.py` (what `make run` ends in); `flask --app run crm …` administers it."""
import os
import subprocess
import sys
import threading
import time

from app import create_app

HOST, PORT = os.environ.get("CRM_HOST", "127.0.0.1"), int(os.environ.get("CRM_PORT", "8080"))
WORKERS = int(os.environ.get("CRM_WORKERS", "1"))


def _keep_worker(stop: threading.Event) -> None:
    """Run the queue's worker beside the server; start it again when it dies."""
    while not stop.is_set():
        worker = subprocess.Popen([sys.executable, "-m", "flask", "--app", "run", "crm", "worker"])
        while worker.poll() is None and not stop.wait(0.5):
            pass
        if worker.poll() is None:
            worker.terminate()
        else:
            time.sleep(1)


def main() -> None:
    """Make the database ready, start the worker, serve."""
    from app import cli, queue
    app = create_app()
    with app.app_context():
        cli.get_ready()
    queue.make(app)
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_worker, args=(stop,), daemon=True)
    keeper.start()
    print(f"快客 CRM: http://{HOST}:{PORT}/", flush=True)
    try:
        _serve(app)
    finally:
        stop.set()
        keeper.join(5)


def _serve(app) -> None:
    if WORKERS > 1 and sys.platform != "win32":
        subprocess.run([sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "run:create_app()"], check=False)
        return
    import waitress
    waitress.serve(app, host=HOST, port=PORT, threads=16, ident=None,
                   clear_untrusted_proxy_headers=not app.config["CRM_BEHIND_PROXY"])  # ProxyFix reads them when it is told to


if __name__ == "__main__":
    main()

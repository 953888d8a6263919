"""The program's log: one line an event, as text or as JSON (CRM_LOG_FORMAT), each with the id of its request. Ids, never names or
phones: addresses are told by their rule, statements without their values."""
import datetime as dt
import json
import logging
import re
import secrets
import sys
import time
from collections import deque
from contextvars import ContextVar

from flask import g, has_request_context, request
from sqlalchemy import Engine, event

from app.core import actor

access, slow = logging.getLogger("access"), logging.getLogger("slow")
GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
spent: ContextVar[list | None] = ContextVar("spent", default=None)  # [statements, seconds] of the present request
SLOWEST: deque = deque(maxlen=20)  # (moment, milliseconds, rule, statement) of this process, for the administrator's page
_threshold = [0.5]


def request_id() -> str:
    """The id of the present request, '' outside of one."""
    return g.get("request_id", "") if has_request_context() else ""


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record):
        moment = dt.datetime.fromtimestamp(record.created, dt.timezone.utc).isoformat(timespec="milliseconds")
        told = {"at": moment, "level": record.levelname, "logger": record.name, "message": record.getMessage(), "process": record.process}
        if mark := request_id():
            told |= {"request": mark, "person": actor.current_id()}
            told |= {"looker": who.looker} if (who := actor.current()) and who.looker else {}
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told | getattr(record, "more", {}), ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """A line for people, with the request's id."""

    def format(self, record):
        mark = request_id()
        return super().format(record) + (f" [{mark}]" if mark else "")


def use(fmt: str, level: str) -> None:
    """Send everything to the error stream in this format."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if fmt == "json" else TextFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    access.setLevel(level if fmt == "json" else "WARNING")
    for quiet in ("alembic", "flask_appbuilder", "flask_limiter", "huey", "waitress.queue", "fontTools"):
        logging.getLogger(quiet).setLevel("WARNING")


def begin():
    """Before everything else of a request: its id and its clock."""
    given = request.headers.get("X-Request-ID", "")
    g.request_id, g.began = given if GIVEN.fullmatch(given) else secrets.token_hex(8), time.perf_counter()
    spent.set([0, 0.0])


def tell(answer):
    """After a request: one line, and the id for who asked."""
    if "request_id" not in g:
        return answer
    answer.headers["X-Request-ID"] = g.request_id
    count, seconds = spent.get() or (0, 0.0)
    if access.isEnabledFor(logging.INFO):
        access.info("%s %s %s", request.method, rule(), answer.status_code, extra={"more": {
            "method": request.method, "rule": rule(), "args": ids(), "status": answer.status_code,
            "ms": round((time.perf_counter() - g.began) * 1000, 1), "sql": count, "sql_ms": round(seconds * 1000, 1),
            "token": g.get("token", (None,))[0], "bytes": answer.content_length}})
    return answer


def ids() -> dict:
    """The numbers in the request's address; its other parts may be secrets (a calendar's link)."""
    return {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}


def rule() -> str:
    """The address of the request without its values."""
    return str(request.url_rule) if request.url_rule else "-"


@event.listens_for(Engine, "before_cursor_execute")
def _start(connection, _cursor, _statement, _values, _context, _many):
    connection.info["asked_at"] = time.perf_counter()


@event.listens_for(Engine, "after_cursor_execute")
def _stop(connection, _cursor, statement, _values, _context, _many):
    seconds = time.perf_counter() - connection.info.get("asked_at", time.perf_counter())
    kept = spent.get()
    if kept is not None:
        kept[0], kept[1] = kept[0] + 1, kept[1] + seconds
    if _threshold[0] and seconds > _threshold[0]:
        where, ms, said = rule() if has_request_context() else "-", round(seconds * 1000), " ".join(statement.split())[:1000]
        SLOWEST.append((dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0), ms, where, said))
        slow.warning("statement took %s ms on %s: %s", ms, where, said, extra={"more": {"ms": ms, "rule": where}})


def init_logs(app) -> None:
    """Wire the log; first of all hooks."""
    _threshold[0] = app.config["CRM_SLOW_QUERY"] / 1000
    if not app.testing:
        use(app.config["CRM_LOG_FORMAT"], app.config["CRM_LOG_LEVEL"])
    app.before_request(begin)
    app.after_request(tell)

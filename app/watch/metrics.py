"""/metrics for Prometheus: requests and statements of all worker processes (PROMETHEUS_MULTIPROC_DIR), and the state of the queue."""
import hmac
import os
import time

from flask import Response, abort, current_app, g, request
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from . import logs, state

STEPS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
REQUESTS = Histogram("crm_request_seconds", "Time of a request", ("view", "method", "status"), buckets=STEPS)
STATEMENTS = Counter("crm_sql_statements", "SQL statements", ("view",))
SQL_SECONDS = Counter("crm_sql_seconds", "Time in the database", ("view",))
LOCAL = ("127.0.0.1", "::1")


def observe(answer):
    """After a request: count it under its view."""
    if "began" in g:
        view, (count, seconds) = request.blueprint or "none", logs.spent.get() or (0, 0.0)
        REQUESTS.labels(view, request.method, f"{answer.status_code // 100}xx").observe(time.perf_counter() - g.began)
        STATEMENTS.labels(view).inc(count)
        SQL_SECONDS.labels(view).inc(seconds)
    return answer


def check_door() -> None:
    """With the token of CRM_METRICS_TOKEN, or, where none is set, from this machine alone and not through a proxy; else 404."""
    token = current_app.config["CRM_METRICS_TOKEN"]
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), token.encode()):
            abort(404)
    elif request.remote_addr not in LOCAL or "X-Forwarded-For" in request.headers:
        abort(404)


def exposition(session) -> Response:
    """All figures in Prometheus' text format."""
    registry = CollectorRegistry()
    for name, (told, value) in state.gauges(session).items():
        Gauge(f"crm_{name}", told, registry=registry).set(value)
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        shared = CollectorRegistry()
        MultiProcessCollector(shared)
    else:
        shared = REGISTRY
    return Response(generate_latest(shared) + generate_latest(registry), mimetype="text/plain; version=0.0.4")

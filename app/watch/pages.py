"""For those who watch: alive, ready, metrics; and the administrator's page of the system's state."""
from flask import current_app, jsonify, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import text

from app import queue
from app.core import changes, clock, parameters
from app.core.words import _, _l
from app.extensions import db
from app.security import rules
from app.views import acting
from app.views.declare import MenuItem
from app.views.guard import granted, open_to_all
from app.views.page import Page

from . import logs, metrics, readonly, state


class HealthPage(Page):
    """For the machines that watch."""

    route_base = ""
    default_view = "healthz"

    @expose("/healthz")
    def healthz(self):
        """Alive; asks nothing."""
        return jsonify(status="ok")

    @expose("/readyz")
    def readyz(self):
        """The database and the queue answer; 503 otherwise, with what is away."""
        parts = {"database": _answers(lambda: db.session.execute(text("SELECT 1"))), "queue": _answers(lambda: queue.ping(current_app))}
        told = {name: "ok" if there else "away" for name, there in parts.items()}
        return (jsonify(status="ok", **told), 200) if all(parts.values()) else (jsonify(status="away", **told), 503)

    @expose("/metrics")
    def metrics(self):
        """Prometheus' text format."""
        metrics.check_door()
        return metrics.exposition(db.session)


def _answers(ask) -> bool:
    try:
        ask()
        return True
    except Exception:
        db.session.rollback()
        return False


for _name in ("healthz", "readyz", "metrics"):
    open_to_all(f"HealthPage.{_name}")


class SystemPage(Page):
    """/system/: versions, health of the parts, queue, storage, slow statements, the read-only switch."""

    entity, route_base, home = "system", "/system", "/system/"
    default_view = "index"
    menu = MenuItem("system", _l("System state"), icon="activity", position=90)

    @expose("/")
    @granted("read")
    def index(self):
        """Everything on one page."""
        seen, room = state.worker_seen(self.session), state.storage(self.session, current_app.config["CRM_UPLOAD_DIR"])
        backups = [(clock.to_office(at) if at else None, words) for at, words in (ask(self.session) for ask in state.BACKUPS)]
        return render_template(
            "watch/system.html", versions=state.versions(self.session), jobs=state.jobs(self.session), room=room, backups=backups,
            parts=self._parts(room), seen=clock.to_office(seen) if seen else None, read_only=readonly.is_on(),
            slowest=[(clock.to_office(at), *rest) for at, *rest in reversed(logs.SLOWEST)], may=self.who.may)

    def _parts(self, room) -> list[tuple[str, bool, str]]:
        """(name, whether it is well, more words) of each part."""
        redis = bool(current_app.config["CRM_REDIS_URL"])
        return [(_("Database"), True, {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[self.session.get_bind().dialect.name]),
                (_("Queue"), _answers(lambda: queue.ping(current_app)), "Redis" if redis else "SQLite"),
                (_("Worker"), state.worker_lives(self.session), ""),
                (_("Disk"), room["free"] > room["disk"] // 20, "")]

    @expose("/readonly", methods=["POST"])
    @granted("edit")
    def read_only(self):
        """Switch the read-only mode."""
        on = request.form.get("on") == "1"
        with changes.operation(self.session, "edit", "parameter", _("Read-only mode")):
            parameters.put(self.session, "system.read_only", on)
        rules.log(self.session, "permission", username=self.who.username, detail=f"read-only {'on' if on else 'off'}")
        self.session.commit()
        acting.say(_("Nothing can be changed now.") if on else _("Everybody works again."))
        return redirect("/system/")

"""The work desktop (manual 4.2): what to do today with the customers; grows with every part."""
from flask import flash, jsonify, render_template
from flask_appbuilder import expose
from sqlalchemy import func, select, text

from app.core import undo
from app.core.changes import Batch
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import rules
from app.customers.models import Customer
from app.extensions import db
from app.views.declare import MenuItem
from app.views.guard import granted, open_to_all
from app.views.page import Page, back_to

KINDS = {"add": _l("Added"), "edit": _l("Changed"), "delete": _l("Deleted"), "import": _l("Import"), "transfer": _l("Transfer"),
         "share": _l("Share"), "unshare": _l("Stop sharing"),
         "status": _l("Change status"), "lock": _l("Lock"), "unlock": _l("Unlock"), "undo": _l("Undo"),
         "stop": _l("Stop"), "resume": _l("Resume"), "primary": _l("Make primary contact"), "handover": _l("Hand over")}


class DesktopPage(Page):
    """The first page after login."""

    route_base = ""
    home = "/"
    menu_verb = ""
    menu = MenuItem("desktop", _l("Business board"), icon="layout-dashboard")
    default_view = "index"

    @expose("/")
    @granted("")
    def index(self):
        """Key figures and today's calls of the acting person."""
        if not self.who.may("customer", "read"):
            return render_template("desktop/index.html", figures=[], today=[], latest=[])
        counted = [(key, label, clause(self.who)) for key, label, clause in rules.BOARD]
        numbers = db.session.execute(select(*(
            select(func.count()).select_from(select(Customer.owner_id).where(clause).limit(10_001).subquery()).scalar_subquery().label(key)
            for key, _label, clause in counted))).one()._mapping
        mine = rules.mine(self.who)
        today = db.session.scalars(select(Customer).where(mine, rules.to_call(self.who)).order_by(Customer.next_follow_at).limit(12)).all()
        latest = db.session.scalars(rules.latest(self.who).limit(8).options(*rules.followup_loads())).all()
        figures = [{"key": k, "label": str(label), "n": numbers[k], "url": f"/customer/list/?quick={k}"} for k, label, _c in rules.BOARD]
        return render_template("desktop/index.html", figures=figures, today=today, latest=latest)


class UndoPage(Page):
    """The person's own operations of the last days, each with its way back (撤销)."""

    route_base = "/undo"
    home = "/undo/"

    @expose("/")
    @granted("")
    def index(self):
        """The last 100 operations."""
        wanted = select(Batch).where(Batch.actor_id == self.who.id).order_by(Batch.id.desc()).limit(100)
        return render_template("desktop/undo.html", batches=db.session.scalars(wanted).all(), kinds=KINDS)

    @expose("/<int:batch_id>", methods=["POST"])
    @granted("")
    def take_back(self, batch_id):
        """Take one operation back; rows that changed since are named."""
        try:
            conflicts = undo.take_back(db.session, batch_id)
            db.session.commit()
        except RuleError as no:
            db.session.rollback()
            flash(str(no), "danger")
            return back_to("/undo/")
        flash(_("Taken back.") if not conflicts else _(
            "Taken back, except for %(n)d records that were changed since.", n=len(conflicts)), "success")
        return back_to("/undo/")


class HealthPage(Page):
    """For the machines that watch: alive, and ready."""

    route_base = ""
    default_view = "healthz"

    @expose("/healthz")
    def healthz(self):
        """Alive; asks nothing."""
        return jsonify(status="ok")

    @expose("/readyz")
    def readyz(self):
        """The database answers."""
        db.session.execute(text("SELECT 1"))
        return jsonify(status="ok")


open_to_all("HealthPage.healthz")
open_to_all("HealthPage.readyz")

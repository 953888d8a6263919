"""The board (kanban) of the opportunities and the funnel (manual 4.4 销售漏斗)."""
import json

from flask import abort, jsonify, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core import actor, changes, choices, scope
from app.core.rules import RuleError
from app.core.words import _l
from app.views import cells, conditions
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import Listing
from app.views.page import Page

from . import funnel, rules
from .models import Opportunity
from .views import OpportunityView

CARDS = 20


class BoardPage(Page):
    """Columns by stage with number, sum and weighted sum of the filtered set; cards are dragged."""

    entity, route_base, home = "opportunity", "/opportunity/board", "/opportunity/board/"
    default_view = "index"
    menu = MenuItem("opportunities", _l("Opportunity board"), icon="layout-kanban", position=20)

    @expose("/")
    @granted("read")
    def index(self):
        """The board of what the panel asks for."""
        view = next(v for v in self.appbuilder.baseviews if isinstance(v, OpportunityView))
        listing = Listing(view, prefs={})
        sums = funnel.by_stage(self.session, listing.statement())
        columns = [self._column(stage, sums.get(stage.code, (0, 0, 0)), listing) for stage in rules.stages(self.session).values()
                   if not stage.is_stopped]
        totals = [sum(c["sums"][n] for c in columns) for n in range(3)]
        return render_template(
            "opportunities/board.html", view=view, listing=listing, quick=[{**c, "url": c["url"].replace("/list/", "/board/")}
                                                                            for c in listing.quick_context()],
            conditions=listing.condition_context(), columns=columns, totals=totals, today=conditions.clock.today(),
            may=self.who.may("opportunity", "edit"),
            reasons=choices.options(self.session, "loss_reason", english=cells.english()))

    def _column(self, stage, sums, listing):
        wanted = select(Opportunity).where(Opportunity.id.in_(listing.statement()), Opportunity.stage == stage.code)
        order = Opportunity.closed_on.desc() if stage.kind != "open" else Opportunity.staged_at
        rows = self.session.scalars(wanted.order_by(order, Opportunity.id).limit(CARDS).options(
            joinedload(Opportunity.customer), joinedload(Opportunity.owner))).all() if sums[0] else []
        return {"stage": stage, "sums": sums, "rows": rows, "more": max(0, sums[0] - len(rows))}

    @expose("/move", methods=["POST"])
    @granted("edit")
    def move(self):
        """A dropped card: {id, stage, reason, note}; answers {ok, batch} or {error}."""
        row = self.fetch(Opportunity, int(request.form["id"]) if request.form.get("id", "").isdecimal() else abort(400))
        if not scope.may_edit(self.session, row, actor.current()):
            abort(403)
        try:
            with changes.operation(self.session, "move", "opportunity", str(row)):
                rules.move(self.session, [row], request.form.get("stage", ""), request.form.get("reason") or None,
                           request.form.get("note") or None)
            self.session.commit()
        except RuleError as no:
            self.session.rollback()
            return jsonify(error=str(no)), 409
        return jsonify(ok=True, batch=self.session.info.pop("last_batch", None))


class FunnelPage(Page):
    """/funnel/: how many and how much in each stage, conversion, days, people, months ahead."""

    entity, route_base, home = "opportunity", "/funnel", "/funnel/"
    default_view = "index"
    menu = MenuItem("opportunities", _l("Sales funnel"), icon="filter", position=30)

    @expose("/")
    @granted("read")
    def index(self):
        """The funnel of a period (by expected closing or creation), a person, a source."""
        asked = {name: request.args.get(name, "") for name in ("period", "by", "owner", "source")}
        by = asked["by"] if asked["by"] in ("created_at", "closes_on") else "closes_on"
        try:
            chosen = funnel.chosen(asked["period"], by, asked["owner"], asked["source"])
        except ValueError:
            abort(400)
        view = next(v for v in self.appbuilder.baseviews if isinstance(v, OpportunityView))
        more = "".join(f"&{k}={v}" for k, v in ((by, asked["period"]), ("owner", asked["owner"]), ("source", asked["source"])) if v)
        steps = funnel.steps(self.session, chosen)
        drawn = [{"label": s["stage"].name, "value": s["amount"], "text": f"{s['amount'] / 1000000:,.1f}",
                  "url": f"/opportunity/list/?quick=open&stage={s['stage'].code}{more}"} for s in steps]
        return render_template(
            "opportunities/funnel.html",
            asked={**asked, "by": by},
            more=more,
            steps=steps,
            steps_json=json.dumps(drawn, ensure_ascii=False),
            people=funnel.people(self.session, chosen),
            months=funnel.months(self.session, chosen),
            closed=funnel.closed(self.session, chosen),
            periods=[(k, str(label)) for k, label in conditions.PERIODS.items() if k.startswith(("this", "next", "last"))],
            owner=conditions.control(view.fields["owner"], asked["owner"], "opportunity"),
            sources=conditions.control(view.fields["source"], asked["source"], "opportunity"),
        )

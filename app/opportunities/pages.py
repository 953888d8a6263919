"""The board (kanban) of the opportunities and the funnel (manual 4.4 销售漏斗)."""
import json
from urllib.parse import urlencode

from flask import abort, jsonify, render_template, request
from flask_appbuilder import expose
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.datastructures import ImmutableMultiDict

from app.core import actor, changes, choices, clock, scope
from app.core.rules import RuleError
from app.core.words import _l
from app.products.models import Product
from app.security.models import Department
from app.views import cells, conditions
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import Listing
from app.views.page import Page

from . import funnel, rules
from .models import Opportunity
from .views import OpportunityView

OWN = {"measure", "by"}  # arguments of the funnel alone
CARDS, FEW = 40, 4  # cards of a column; of a closing stage
SHOWN = {"customer", "owner", "source", "amount", "closes_on"}  # conditions of the board; others only when they are set


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
                   if not stage.is_stopped or stage.code in sums]
        last = [c for c in columns if c["stage"].kind == "open"][-1]
        totals = [sum(c["sums"][n] for c in columns) for n in range(3)]
        return render_template(
            "opportunities/board.html", view=view, listing=listing, quick=listing.quick_context(),
            conditions=listing.condition_html(SHOWN),
            columns=[{**c, "last": c is last} for c in columns], totals=totals, today=clock.today(),
            may=self.who.may("opportunity", "edit"),
            reasons=choices.options(self.session, "loss_reason", english=cells.english()))

    def _column(self, stage, sums, listing):
        order = Opportunity.closed_on.desc() if stage.kind != "open" else Opportunity.staged_at.desc(), Opportunity.id
        first = listing.statement().where(Opportunity.stage == stage.code).order_by(*order).limit(
            CARDS if stage.kind == "open" else FEW).subquery("first")
        rows = self.session.scalars(select(Opportunity).join(first, first.c.id == Opportunity.id).order_by(*order).options(
            joinedload(Opportunity.customer), joinedload(Opportunity.owner))).all() if sums[0] else []
        kept = {k: v for k, v in listing.args.items() if v and k != "stage" and not k.startswith("page_")}
        quick = {"quick": listing.quick.key if listing.quick else "all"}
        return {"stage": stage, "sums": sums, "rows": rows, "more": max(0, sums[0] - len(rows)),
                "url": "/opportunity/list/?" + urlencode({**kept, **quick, "stage": stage.code})}

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
    """/funnel/: how many and how much in each stage, conversion, days, people, months ahead; asked like the list."""

    entity, route_base, home = "opportunity", "/funnel", "/funnel/"
    default_view = "index"
    menu = MenuItem("opportunities", _l("Sales funnel"), icon="filter", position=30)

    @expose("/")
    @granted("read")
    def index(self):
        """The funnel of what the panel asks for; every figure opens exactly its rows."""
        view = next(v for v in self.appbuilder.baseviews if isinstance(v, OpportunityView))
        args = ImmutableMultiDict([(k, v) for k, v in request.args.items() if v and k not in OWN] or [("quick", "all")])
        listing = Listing(view, prefs={}, args=args)
        clauses, measure = listing.clauses(), "came" if request.args.get("measure", "came") == "came" else "now"
        found = funnel.read(self.session, clauses)
        steps = funnel.steps(self.session, clauses, found)
        kept = {k: v for k, v in args.items() if not k.startswith(("page_", "_o", "psize_"))}
        owners = {k: clause for k, clause in (("owner", args.get("owner")), ("department", args.get("department"))) if clause}

        def url(**more):
            return "/opportunity/list/?" + urlencode({"quick": "all", **kept, **more})
        return render_template(
            "opportunities/funnel.html", view=view, listing=listing, url=url, measure=measure, steps=steps, today=clock.today(), args=args,
            own=lambda **more: "/funnel/?" + urlencode({k: v for k, v in {**kept, "measure": measure, **more}.items() if v}),
            months=funnel.months(self.session, clauses, owners), stuck=funnel.stuck(self.session, clauses), periods=self._periods(args),
            departments=self.session.scalars(select(Department).order_by(Department.position, Department.id)).all(),
            controls={n: conditions.control(view.fields[n], args.get(n, "")) for n in ("closes_on", "created_at", "owner", "source")},
            **self._summed(clauses, found, steps, url),
            product=self.session.get(Product, int(args["product"])) if args.get("product", "").isdecimal() else None)

    def _summed(self, clauses, found, steps, url):
        """What is summed beside the stages."""
        wanted = select(func.count(), func.coalesce(func.sum(Opportunity.amount), 0)).select_from(Opportunity)
        n, amount = self.session.execute(wanted.where(*clauses, rules.slow(self.session))).one()
        people = funnel.people(self.session, found)
        said = dict(choices.options(self.session, "loss_reason", english=cells.english(), keep=cells.ANY))
        return {"slow": funnel.Sums(n, int(amount)), "going": found.sums(lambda c: c.stage in found.kinds("open")), "people": people,
                "ends": [(s, found.sums(lambda c, code=s.code: c.stage == code)) for s in found.way if s.kind != "open"],
                "losses": [(code, said.get(code, code), sums) for code, sums in funnel.losses(found)],
                "cycle": funnel.cycle(self.session, clauses, found), "drawn": self._drawn(steps, people, url)}

    @staticmethod
    def _periods(args):
        """The chips of the time: (label, argument, value, is chosen) by the basis in use."""
        by = "created_at" if args.get("created_at") else "closes_on"
        keys = ("this_month", "this_quarter", "this_year", "last_quarter", "next_quarter")
        return {"by": by, "chips": [(str(conditions.PERIODS[k]), k, args.get(by) == k) for k in keys]}

    @staticmethod
    def _drawn(steps, people, url):
        """What the charts draw, as JSON: the funnel by number and amount, people by stage."""
        def name(stage):
            return stage.name_en if cells.english() and stage.name_en else stage.name
        drawn = {
            "funnel": [{"label": name(s["stage"]), "n": s["now"].n, "amount": s["now"].amount, "url": url(stage=s["stage"].code)}
                       for s in steps],
            "people": {"labels": [p["name"] for p in people[:8]], "series": [
                {"name": name(s["stage"]), "data": [
                    {"value": p["cells"][s["stage"].code].weighted if s["stage"].code in p["cells"] else 0,
                     "url": url(stage=s["stage"].code, owner=p["id"])} for p in people[:8]]} for s in steps]}}
        return {key: json.dumps(value, ensure_ascii=False) for key, value in drawn.items()}

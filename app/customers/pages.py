"""/report/customers: bars that open exactly their rows."""
from flask import abort, render_template, request
from flask_appbuilder import expose

from app.core.words import _, _l
from app.views import conditions
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

from . import reports
from .models import Customer, Followup
from .views import CustomerView, FollowupView


class ReportPage(Page):
    """Who the customers are, how they grow, how they are followed up; over what the person may see."""

    route_base, home, entity = "/report", "/report/customers", "customer"
    default_view = "customers"
    menu = MenuItem("customers", _l("Customer reports"), icon="chart-bar", position=50)

    @expose("/customers")
    @granted("read")
    def customers(self):
        """All bars of one period."""
        period = request.args.get("period", "")
        if period and period not in conditions.PERIODS:
            abort(400)
        bars = [self._bars(CustomerView, Customer, name, "created_at", period) for name in reports.SPREADS]
        bars += [self._bars(FollowupView, Followup, name, "happened_at", period) for name in ("method", "owner")]
        growth = {"title": _("New customers by month"), "rows": reports.growth(self.session), "view": CustomerView,
                  "name": "created_at", "more": ""}
        periods = [(key, str(label)) for key, label in conditions.PERIODS.items() if key.startswith(("this", "last"))]
        return render_template("customers/reports.html", charts=[growth, *bars], totals=reports.totals(self.session, period),
                               period=period, periods=[("", _("All")), *periods])

    def _bars(self, view, model, name, moment, period):
        rows = reports.spread(self.session, model, name, getattr(model, moment), period)
        more = f"&{moment}={period}" if period else ""
        title = _("%(what)s by %(field)s", what=view.title, field=view.fields[name].label)
        return {"title": title, "rows": rows, "view": view, "name": name, "more": more}

"""/report/<key>: counts and sums as bars and as a table, each of which opens exactly its rows; exports; the months that are kept."""
import json
import tempfile
from pathlib import Path

from flask import abort, redirect, render_template, request, send_file
from flask_appbuilder import expose

from app.core import events, money
from app.core.describe import describe
from app.core.words import _, _l
from app.views import conditions
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.listing import WHOSE, chosen_circles
from app.views.page import Page
from app.views.spreadsheet import WRITERS

from . import figures, products, snapshots

events.NAMED.update({f"report.{r.key}": r.label for r in figures.REPORTS.values()})
MORE = {"conversion": (_l("Conversion"), "customer"), "products": (_l("Products"), "contract"), "ranking": (_l("Ranking"), "contract")}
events.NAMED.update({f"report.{key}": label for key, (label, _entity) in MORE.items()})


class ReportPage(Page):
    """Who the customers are, how they are followed up, what was sold, received, spent; as far as the person sees."""

    route_base, home = "/report", "/report/customers"
    entity, menu_verb = "customer", "read"
    default_view = "report"
    menu = MenuItem("desktop", _l("Reports"), icon="chart-bar", position=45)

    def _asked(self) -> figures.Asked:
        """The period (this month unless said) and the circle of the address; 400 for what is none."""
        args = request.values
        period, whose = args.get("period", "this_month"), args.get("whose", "")
        if args.get("first") or args.get("last"):
            period = f"{args.get('first', '')}~{args.get('last', '')}"
        period = "" if period == "all" else period
        try:
            if period:
                conditions.period(period)
            return figures.Asked(period, whose, self.who.circle(whose) if whose else None)
        except (ValueError, KeyError):
            abort(400)

    def _kinds(self) -> list[tuple]:
        """The reports that the person may see: (key, label)."""
        known = [(r.key, str(r.label), r.entity) for r in figures.REPORTS.values()] + [(k, str(v[0]), v[1]) for k, v in MORE.items()]
        return [(key, label) for key, label, entity in known if self.who.may(entity, "read")]

    def _refuse(self, key, verb="read"):
        entity = figures.REPORTS[key].entity if key in figures.REPORTS else MORE[key][1] if key in MORE else abort(404)
        if not self.who.may(entity, verb):
            abort(403)

    @expose("/<key>")
    @granted("")
    def report(self, key="customers"):
        """One report."""
        if key == "snapshot":
            return self.snapshot()
        self._refuse(key)
        asked = self._asked()
        report = figures.REPORTS.get(key)
        by = request.args.get("by") or (report.names[0] if report else "product")
        if by not in (report.names if report else products.GROUPS):
            abort(400)
        months = figures.months(self.session, report, asked) if report else []
        return render_template(
            "reports/index.html", key=key, kinds=self._kinds(), asked=asked, period=asked.period or "all", periods=self._periods(),
            circles=[(k, WHOSE[k]) for k in self.who.circles()], chosen=chosen_circles(self.who), report=report, by=by,
            groups=self._groups(report), cards=self._cards(key, report, asked), table=self._table(key, by, asked), months=months,
            totals=self._totals(key, report, asked),
            months_json=json.dumps([{"label": m["label"][2:], "value": m["amount"] / 1_000_000 if report.amount is not None else m["n"],
                                     "url": m["url"]} for m in months]) if report else "",
            ranking=figures.ranking(self.session, asked) if key == "ranking" else [], ranked=figures.RANKED)

    @staticmethod
    def _periods() -> list[tuple]:
        return [("all", _("All")), *((k, str(v)) for k, v in conditions.PERIODS.items() if k.startswith(("this", "last")))]

    @staticmethod
    def _groups(report) -> list[tuple]:
        if report is None:
            return [("product", _("Product")), ("category", _("Product category"))]
        return [(name, str(describe(report.model)[name].label)) for name in report.names]

    def _totals(self, key, report, asked) -> list[tuple]:
        """(figure, label, text, address) above the bars."""
        if key == "expenses":
            found = figures.spent_share(self.session, asked)
            share = "—" if found["share"] is None else f"{found['share']}%"
            return [("expenses", _("Expenses"), money.shown(found["expenses"]), asked.link(report)),
                    ("share", _("Share of expenses"), share, ""),
                    ("profit", _("Received less expenses"), money.shown(found["profit"]), "")]
        if report is None:
            return []
        n, amount = figures.total(self.session, report, asked)
        shown = [(key, str(report.label), f"{n:,}", asked.link(report))]
        return shown + ([("amount", _("Amount"), money.shown(amount), asked.link(report))] if report.amount is not None else [])

    def _cards(self, key, report, asked) -> list[dict]:
        """The bars: one card a field."""
        if key == "conversion":
            rows = figures.conversion(self.session, asked)
            return [{"title": _("Customers of the period, how far they came"), "rows": rows, "money": False}]
        if key == "products":
            return [{"title": str(label), "rows": products.spread(self.session, name, asked), "money": True, "by": name}
                    for name, label in self._groups(None)]
        if report is None:
            return []
        return [{"title": figures.caption(report, name), "rows": figures.spread(self.session, report, name, asked), "by": name,
                 "money": report.amount is not None} for name in report.names]

    def _table(self, key, by, asked) -> list[dict]:
        """The rows of the table and of the export."""
        if key == "products":
            return products.spread(self.session, by, asked, None)
        if key == "conversion":
            return figures.conversion(self.session, asked)
        if key == "ranking":
            return []
        return figures.spread(self.session, figures.REPORTS[key], by, asked, 500)

    @expose("/<key>/export", methods=["POST"])
    @granted("")
    def export(self, key):
        """The table as a spreadsheet."""
        self._refuse(key, "export")
        asked = self._asked()
        groups = figures.REPORTS[key].names if key in figures.REPORTS else list(products.GROUPS)
        by = request.args.get("by") or groups[0]
        if by not in groups:
            abort(400)
        when = "~".join(map(str, conditions.period(asked.period))) if asked.period else _("All")
        return self._sent(key, when, *self._sheet(key, by, asked))

    def _sent(self, key, when, head, rows):
        """A spreadsheet in the asked format; 400 for none."""
        fmt = request.form.get("fmt", "xlsx")
        if fmt not in WRITERS:
            abort(400)
        place = Path(tempfile.mkdtemp(prefix="crm-report-")) / f"report.{fmt}"
        events.exported.send(entity=f"report.{key}", rows=len(rows), kind=fmt)
        self.session.commit()
        WRITERS[fmt](place, head, rows)
        answer = send_file(place, as_attachment=True, download_name=f"{dict(self._kinds())[key]}-{when}.{fmt}")
        answer.call_on_close(lambda: (place.unlink(missing_ok=True), place.parent.rmdir()))
        return answer

    def _sheet(self, key, by, asked) -> tuple[list, list]:
        if key == "ranking":
            return self._ranked(figures.ranking(self.session, asked))
        rows = self._table(key, by, asked)
        label = dict(self._groups(figures.REPORTS.get(key))).get(by, _("Step"))
        if key == "products":
            return [label, _("Contracts and orders"), _("Quantity"), _("Amount")], [
                [r["label"], r["n"], r["quantity"] / 1000, money.to_yuan(r["amount"])] for r in rows]
        return [label, _("Number"), _("Amount")], [[r["label"], r["n"], money.to_yuan(r["amount"])] for r in rows]

    def _ranked(self, people) -> tuple[list, list]:
        head = [_("Person"), *(str(r.label) for r in figures.RANKED)]
        return head, [[p["label"], *(self._cell(p, r) for r in figures.RANKED)] for p in people]

    @staticmethod
    def _cell(person, report):
        row = person["cells"].get(report.key)
        return None if row is None else money.to_yuan(row["amount"]) if report.amount is not None else row["n"]

    def snapshot(self):
        """A month as it was when it ended, of a circle."""
        kept = snapshots.months(self.session)
        month, key, found = self._kept(kept)
        return render_template(
            "reports/snapshot.html", months=kept, month=month, key=key, kinds=self._kinds(), cards=self._kept_cards(key, found),
            whose=request.args.get("whose", ""), circles=[(k, WHOSE[k]) for k in self.who.circles()], chosen=chosen_circles(self.who),
            ranked=figures.RANKED, ranking=figures.lined_up(found) if key == "ranking" else [])

    def _kept(self, kept, verb="read") -> tuple[str, str, dict]:
        """(month, report, its rows by field) of the address; 404, 403, 400 for what is none."""
        month, key = request.args.get("month") or (kept[0] if kept else ""), request.args.get("report", "customers")
        if month and month not in kept:
            abort(404)
        self._refuse(key, verb)
        people = self._asked().people if request.args.get("whose") else self.who.reach
        return month, key, snapshots.read(self.session, month, key, people) if month else {}

    def _kept_cards(self, key, found) -> list[dict]:
        """The bars of a kept month."""
        if key == "ranking":
            return []
        if key == "conversion":
            rows = figures.steps({row["value"]: row["n"] for row in found.get("step", ())})
            return [{"title": _("Customers of the period, how far they came"), "rows": rows, "money": False}]
        report = figures.REPORTS.get(key)
        return [{"title": figures.caption(report, name) if report else str(label), "rows": found.get(name, []),
                 "money": report is None or report.amount is not None} for name, label in self._groups(report)]

    @expose("/snapshot/export", methods=["POST"])
    @granted("")
    def export_kept(self):
        """A report of a kept month as a spreadsheet: all its bars, or the ranking."""
        month, key, found = self._kept(snapshots.months(self.session), "export")
        if not month:
            abort(404)
        if key == "ranking":
            head, rows = self._ranked(figures.lined_up(found))
        else:
            head = [_("Reports"), _("Item"), _("Number"), _("Amount")]
            cards = self._kept_cards(key, found)
            rows = [[card["title"], r["label"], r["n"], money.to_yuan(r["amount"])] for card in cards for r in card["rows"]]
        return self._sent(key, month, head, rows)

    @expose("/")
    @granted("")
    def index(self):
        """The first report that the person may see."""
        kinds = self._kinds()
        return redirect(f"/report/{kinds[0][0]}") if kinds else abort(403)

"""/duplicate/: the check (查重), what the whole run found, and the merge with a choice for each field."""
from flask import abort, flash, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import func, select

from app.core import changes, jobs, parameters, scope
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import twins
from app.customers.models import Customer
from app.pool.models import Pool
from app.views import acting, forms
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page, asked, back_to

from . import merging, rules
from .models import DuplicatePair, ShareRequest

SIZE = 100


class DuplicatePage(Page):
    """The check over the whole company: of foreign customers only what everybody may know."""

    entity, route_base, home = "customer", "/duplicate", "/duplicate/"
    default_view = "index"
    menu = MenuItem("customers", _l("Duplicate check"), icon="copy-check", position=40)

    @expose("/")
    @granted("read")
    def index(self):
        """Name, phone, tax number, web address: who has this customer?"""
        told = {"name": "", "phone": "", "tax": "", "web": "", **asked()}
        found = twins.find(self.session, told["name"], [told["phone"]], told["tax"], [told["web"]], limit=20, parts=True)
        told = {n: told[n] for n in ("name", "phone", "tax", "web")}
        return render_template("duplicates/index.html", asked=told, may=self.who.may, **known(self.session, self.who, found))

    @expose("/ask/<int:pk>", methods=["POST"])
    @granted("read")
    def ask(self, pk):
        """申请协作."""
        try:
            rules.ask(self.session, pk, (forms.clean(request.form.get("reason", "")) or "")[:200])
            self.session.commit()
            flash(_("The owner is asked; you find the customer under “Shared with me” when he agrees."), "success")
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
        return back_to("/duplicate/")

    # ---- the whole database ------------------------------------------------------------------------------------
    @expose("/run", methods=["POST"])
    @granted("merge")
    def run(self):
        """Look through the whole database in the background."""
        return redirect(f"/job/{jobs.enqueue(self.session, 'duplicates', {}, label=_('Duplicates of the whole database')).id}")

    @expose("/pairs")
    @granted("merge")
    def pairs(self):
        """What the last run found."""
        page = request.args.get("page", "0")
        if not (page.isascii() and page.isdecimal() and len(page) < 6):
            abort(400)
        found = rules.pairs_seen(self.session, SIZE + 1, int(page) * SIZE)
        return render_template("duplicates/pairs.html", found=found[:SIZE], more=len(found) > SIZE, page=int(page), reasons=twins.REASONS,
                               last=rules.last_run(self.session), unseen=rules.pairs_unseen(self.session))

    @expose("/dismiss/<int:pk>", methods=["POST"])
    @granted("merge")
    def dismiss(self, pk):
        """不是重复: not shown again."""
        self.fetch(DuplicatePair, pk).is_dismissed = True
        self.session.commit()
        return back_to("/duplicate/pairs")

    # ---- merging -----------------------------------------------------------------------------------------------
    @expose("/merge", methods=["GET", "POST"])
    @granted("merge")
    def merge(self):
        """A choice for each field in which they differ; posted, they are one."""
        rows = self._rows(request.values.get("ids", ""))
        first = max(rows, key=lambda r: (r.is_won or False, r.last_follow_at or r.created_at)).id
        kept = request.values.get("keep", "")
        keep = next((r for r in rows if str(r.id) == kept), None) or next(r for r in rows if r.id == first)
        if request.method == "POST":
            try:
                return self._merge(keep, [r for r in rows if r is not keep])
            except RuleError as no:
                self.session.rollback()
                flash(str(no), "danger")
                rows = self._rows(request.values["ids"])
                keep = next(r for r in rows if str(r.id) == kept)
        fields = [(f, merging.suggested(f, keep, rows)) for f in merging.fields_of(rows)]
        return render_template("duplicates/merge.html", rows=rows, keep=keep, fields=fields, counts=_counts(self.session, rows))

    def _rows(self, text: str) -> list:
        ids = text.split(",")
        if not 2 <= len(set(ids)) <= merging.MOST or not all(i.isascii() and i.isdecimal() and len(i) < 16 for i in ids):
            flash(_("Choose two to %(n)d customers.", n=merging.MOST), "danger")
            abort(redirect("/customer/list/"))
        wanted = select(Customer).where(Customer.id.in_([int(i) for i in ids])).order_by(Customer.id)
        rows = self.session.scalars(wanted.with_for_update(of=Customer) if request.method == "POST" else wanted).all()
        if len(rows) != len(set(ids)):
            abort(404)
        return rows if all(scope.may_edit(self.session, r, self.who) for r in rows) else abort(403)

    def _merge(self, keep, others):
        chosen = {n[2:]: int(v) for n, v in request.form.items() if n.startswith("f-") and v.isascii() and v.isdecimal() and len(v) < 16}
        with changes.operation(self.session, "merge", "customer", str(keep)):
            moved = merging.merge(self.session, keep, others, chosen)
        self.session.commit()
        acting.say_done(_("%(n)d customers are one; %(moved)d records moved along.", n=len(others) + 1, moved=moved))
        return redirect(f"/customer/show/{keep.id}")


def _counts(session, rows) -> dict:
    """{customer id: [(what, how many)]} of what hangs on each."""
    titles = acting.titles()
    found: dict = {r.id: [] for r in rows}
    for model, column in merging.pointers():
        if model not in titles or column.name != "customer_id":
            continue
        for customer, n in session.execute(select(column, func.count()).where(column.in_(list(found)), model.deleted_at.is_(
                None)).group_by(column).execution_options(everyone=True)):
            found[customer].append((titles[model], n))
    return found


def known(session, who, found) -> dict:
    """What a page of twins shows: which ones the person sees, which lie in a pool, whom he has asked, how names are shown."""
    ids = [t.customer.id for t in found]
    seen = set(session.scalars(select(Customer.id).where(Customer.id.in_(ids)))) if ids else set()
    asked = set(session.scalars(select(ShareRequest.customer_id).where(
        ShareRequest.asker_id == who.id, ShareRequest.state == "open").execution_options(everyone=True))) if ids else set()
    pools = dict(session.execute(select(Pool.id, Pool.name)).all()) if ids else {}
    mask = parameters.get(session, "duplicates.mask_names")
    return {"found": found, "seen": seen, "pending": asked, "pools": pools, "reasons": twins.REASONS,
            "names": {t.customer.id: rules.shown_name(t.customer, t.customer.id in seen, mask) for t in found}}


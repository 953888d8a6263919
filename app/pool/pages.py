"""/pool/: the customers that nobody has, to be claimed or assigned (公海). Of them everybody sees what the pool shows, and no more."""
from urllib.parse import urlencode

from flask import abort, flash, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import func, select

from app.core import changes, choices
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Customer
from app.security.actions import owner_form
from app.views import acting, cells
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page, asked, local

from . import rules

SHOWN = "name level industry region source last_follow_at pooled_at former_owner"  # nothing by which one could call
SORTS = ("name", "level", "last_follow_at", "pooled_at")
SIZE = 50


class PoolPage(Page):
    """The pool's list, with what each person may do there."""

    entity, route_base, home = "pool", "/pool", "/pool/"
    default_view = "index"
    menu = MenuItem("customers", _l("Customer pool"), icon="pool", position=15)

    @expose("/")
    @granted("read")
    def index(self):
        """The customers of the pools that are open to the person."""
        pools = rules.open_to(self.session, self.who)
        args = asked(100)
        chosen = [p for p in pools if str(p.id) == args.get("pool")] or pools
        wanted = select(Customer).where(rules.lying_in(chosen), *self._asked(args))
        rows, total = self._rows(wanted, args)
        left = {p.id: p.daily_limit - rules.claimed_today(self.session, self.who, p.id) for p in pools if p.daily_limit}
        return render_template(
            "pool/index.html", pools=pools, counts=rules.count(self.session, pools), args=args, rows=rows, total=total, left=left,
            room=rules.room(self.session, self.who.id), fields=describe(Customer), shown=SHOWN.split(), sorts=SORTS, may=self.who.may,
            page=int(args.get("page", "0")), pages=-(-total // SIZE), address=self._address(args), waits=self._waits(rows, pools),
            lists={n: choices.options(self.session, known, english=cells.english())
                   for n, known in (("level", "customer_level"), ("industry", "industry"))})

    def _waits(self, rows, pools) -> dict:
        by_id = {p.id: p for p in pools}
        return {r.id: cells.moment(until, True) for r in rows if (until := rules.waits_until(r, by_id[r.pool_id], self.who))}

    @staticmethod
    def _address(args):
        def to(**over):
            return "/pool/?" + urlencode({k: v for k, v in {**args, **over}.items() if v not in (None, "")})
        return to

    @staticmethod
    def _asked(args) -> list:
        found = [getattr(Customer, n) == args[n] for n in ("level", "industry") if n in args]
        found += [Customer.region.startswith(args["region"], autoescape=True)] if "region" in args else []
        return found + ([Customer.name.contains(args["q"], autoescape=True)] if "q" in args else [])

    def _rows(self, wanted, args):
        sort, _dot, way = args.get("sort", "pooled_at.desc").partition(".")
        page = args.get("page", "0")
        if sort not in SORTS or way not in ("asc", "desc") or not (page.isascii() and page.isdecimal() and len(page) < 7):
            abort(400)
        column = getattr(Customer, sort)
        # the pool is open to all who may look into it: the clause above says which pools these are
        count = select(func.count()).select_from(wanted.with_only_columns(Customer.id).subquery())
        total = self.session.scalar(count.execution_options(everyone=True))
        order = (column.asc(), Customer.id) if way == "asc" else (column.desc(), Customer.id.desc())
        rows = self.session.scalars(wanted.order_by(*order).limit(SIZE).offset(int(page) * SIZE).execution_options(everyone=True)).all()
        return rows, total

    # ---- what one may do ---------------------------------------------------------------------------------------
    @expose("/claim", methods=["POST"])
    @granted("claim")
    def claim(self):
        """Claim the chosen ones for oneself."""
        return self._do("claim", rules.claim)

    @expose("/assign", methods=["GET", "POST"])
    @granted("assign")
    def assign(self):
        """The dialog of the new owner; posted, it is done."""
        form = owner_form()(request.form if request.method == "POST" else None)
        if request.method == "GET":
            ids, back = request.args.get("ids", "").split(","), local(request.args.get("back"), "/pool/")
            return render_template("pool/assign.html", form=form, ids=ids, back=back)
        if not form.validate():
            flash(" ".join(e for f in form for e in f.errors), "danger")
            return redirect("/pool/")
        return self._do("allot", rules.assign, owner=form.owner.data)

    def _do(self, kind, rule, **values):
        ids = request.form.getlist("rowid")
        if not ids or len(ids) > acting.LIMIT or not all(i.isascii() and i.isdecimal() and len(i) < 16 for i in ids):
            abort(400)
        # rows of the pool belong to nobody; the rule refuses any other
        wanted = select(Customer).where(Customer.id.in_([int(i) for i in ids])).order_by(Customer.id).with_for_update(of=Customer)
        rows = self.session.scalars(wanted.execution_options(everyone=True)).all()
        try:
            if len(rows) != len(set(ids)):
                raise RuleError(_("These customers are not in the pool any more."))
            with changes.operation(self.session, kind, "customer", changes.named(rows)):
                said = rule(self.session, rows, **values)
            self.session.commit()
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return redirect(local(request.form.get("back"), "/pool/"))
        acting.say_done(said)
        one = kind == "claim" and len(rows) == 1
        return redirect(f"/customer/show/{rows[0].id}" if one else local(request.form.get("back"), "/pool/"))

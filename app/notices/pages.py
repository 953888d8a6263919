"""/notice/: the bell's page, and how a person wants to be told."""
import re

from flask import abort, flash, jsonify, redirect, render_template, request
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import clock, preferences
from app.core.rules import RuleError
from app.core.words import _
from app.hooks.rules import allowed, check_hook
from app.views import acting
from app.views.guard import granted
from app.views.page import Page, back_to

from . import finding, rules, sending  # noqa: F401  the schedule
from .models import Notice

SHOWN = 100
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class NoticePage(Page):
    """Everybody's own notices."""

    route_base, home, default_view = "/notice", "/notice/", "index"

    @expose("/")
    @granted("")
    def index(self):
        """The newest notices, all or the unread ones, and the wishes."""
        which = [Notice.read_at.is_(None)] if request.args.get("show") == "unread" else []
        mine = select(Notice).where(*rules.shown(self.session, self.who.id), *which).order_by(Notice.id.desc()).limit(SHOWN)
        return self._page(rules.wishes(self.session, self.who.id), self.session.scalars(mine).all())

    def _page(self, wish, rows=(), problem="", status=200):
        told = [(r, clock.to_office(r.made_at).strftime("%m-%d %H:%M")) for r in rows]
        return render_template(
            "notices/index.html", rows=told, unread=rules.unread(self.session, self.who.id), wish=wish, kinds=rules.KINDS,
            channels=rules.CHANNELS, robots=rules.ROBOTS, problem=problem), status

    @expose("/count")
    @granted("")
    def count(self):
        """{unread} for the bell."""
        return jsonify(unread=rules.unread(self.session, self.who.id))

    @expose("/read", methods=["POST"])
    @granted("")
    def read(self):
        """One (`id`) is read, or all are."""
        only = request.form.get("id", "")
        if only and not (only.isascii() and only.isdecimal() and len(only) < 10):
            abort(400)
        rules.read(self.session, self.who.id, int(only) if only else None)
        self.session.commit()
        return back_to(self.home)

    @expose("/wishes", methods=["POST"])
    @granted("")
    def wishes(self):
        """Keep how the person wants to be told; a wrong address or time comes back as typed."""
        form = request.form
        off = {channel: [kind for kind in rules.KINDS if kind not in form.getlist(f"on-{channel}")] for channel in rules.CHANNELS}
        wish = {"off": off, **{k: form.get(k, "").strip()[:400] for k in ("robot", "address", "secret", "quiet_from", "quiet_to")}}
        try:
            self._check(wish)
        except RuleError as no:
            return self._page(wish, problem=str(no), status=422)
        preferences.keep(self.session, rules.KEY, mail=None, **wish)
        inside = allowed(self.session)
        self.session.commit()
        problem = sending.robot(wish, _("This is a test message."), inside) if "test" in form else ""
        if problem:
            flash(_("Saved, but the robot did not take the test message: %(answer)s", answer=problem), "danger")
        else:
            acting.say_done(_("Saved; the robot took the test message.") if "test" in form else _("Saved."))
        return redirect(self.home)

    def _check(self, wish):
        if wish["robot"] not in rules.ROBOTS or not all(TIME.fullmatch(wish[k]) for k in ("quiet_from", "quiet_to")):
            raise RuleError(_("Write a time as 21:00."), "quiet_from")
        if wish["robot"] or "test" in request.form:
            check_hook(self.session, _Address(wish["address"]))


class _Address:
    def __init__(self, address):
        self.address = address

"""/calendar/feed/: everybody's own link, and what a calendar reads by it."""
from flask import Response, abort, redirect, render_template, request
from flask_appbuilder import expose

from app.core import actor, clock
from app.core.words import _
from app.extensions import limiter
from app.security import people
from app.security.models import Employee
from app.views import acting
from app.views.guard import granted, open_to_all
from app.views.page import Page

from . import rules
from .models import Feed


class FeedPage(Page):
    """One secret link a person, shown once, ended at will."""

    route_base = "/calendar/feed"
    home = "/calendar/feed/"
    default_view = "index"

    @expose("/")
    @granted("")
    def index(self):
        """Whether there is a link, and how to use it."""
        return self._page("")

    def _page(self, link):
        feed = self.session.get(Feed, self.who.id)
        return render_template("feeds/index.html", made=clock.to_office(feed.made_at) if feed else None, link=link)

    @expose("/make", methods=["POST"])
    @granted("")
    def make(self):
        """A new link; the old one ends."""
        secret = rules.renew(self.session, self.fetch(Employee, self.who.id))
        self.session.commit()
        return self._page(f"{request.url_root}calendar/feed/{secret}.ics")

    @expose("/revoke", methods=["POST"])
    @granted("")
    def revoke(self):
        """End the link."""
        rules.revoke(self.session, self.fetch(Employee, self.who.id))
        self.session.commit()
        acting.say_done(_("The link leads nowhere any more."))
        return redirect(self.home)

    @expose("/<secret>.ics")
    @limiter.limit("120 per hour", key_func=lambda: request.path)
    def read(self, secret):
        """What a calendar fetches; 404 for a link that does not hold."""
        owner = rules.owner_of(self.session, secret)
        who = people.actor_for(self.session, owner) if owner else None
        if who is None or not who.active or who.must_change or who.must_enrol:
            abort(404)
        with actor.acting_as(who):
            from . import ics  # its library loads at the first use
            text = ics.calendar(self.session, who, request.url_root.rstrip("/"))
        return Response(text, mimetype="text/calendar", headers={"Cache-Control": "private, no-store"})


open_to_all("FeedPage.read")

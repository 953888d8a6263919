"""/access/: who may see a record and why. /rights/: what a role, and what I may, in words. /look/: with a user's eyes."""
from __future__ import annotations

from flask import abort, current_app, redirect, render_template, request
from flask import session as cookie
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.core import actor, parameters
from app.core.entity import Entity
from app.core.rules import RuleError
from app.core.words import _
from app.security import roles
from app.security.models import RolePolicy
from app.security.people import actor_for
from app.views import bar, forms, shell
from app.views.guard import granted
from app.views.page import Page

from . import access, looking, told

OWN = ("batch", "trash")  # whoever holds no right to them still has what is his own


def view_of(entity: str):
    """The view whose records have a page, by its entity; 404 otherwise."""
    return next((v for v in current_app.appbuilder.baseviews if getattr(v, "entity", "") == entity and has_seats(v)), None) or abort(404)


def has_seats(view) -> bool:
    """Whether it can be told who sees the records of a view."""
    return issubclass(getattr(view, "model", None) or object, Entity) and "show" in view.include_route_methods


def _link(view, row):
    return ("access", f"/access/{view.entity}/{row.id}", _("Who can see this"), "eye") if has_seats(view) else None


def _look(view, row):
    may = view.entity == "user" and view.may("look") and row.active and row.id != actor.current_id()
    return ("look", f"/look/{row.id}", _("Look as this user"), "eye") if may else None


def _words(view, row):
    may = view.entity == "user" and actor.current().may("role", "read")
    return ("rights", f"/rights/user/{row.id}", _("Rights in words"), "list-check") if may else None


bar.LINKS[:] = [_link, _look, _words]


class AccessPage(Page):
    """Who may see a record: told to whoever may see it himself."""

    route_base = home = "/access"
    default_view = "show"

    @expose("/<entity>/<int:pk>")
    @granted("")
    def show(self, entity, pk):
        """The people with their reasons."""
        view = view_of(entity)
        if not view.may("read"):
            abort(403)
        row = view.fetch(pk)
        edit = "edit" if "edit" in view.include_route_methods else ""
        seats = access.seats(self.session, row, entity, edit, type(view).check_change)
        return render_template("lens/access.html", view=view, item=row, seats=seats, pooled=access.in_pool(self.session, row, seats))


class RightsPage(Page):
    """/rights/: the rights in words, of each role for who keeps the roles, and everybody's own."""

    entity = "role"
    route_base = home = "/rights"
    default_view = "mine"

    @expose("/")
    @granted("")
    def mine(self):
        """What I may."""
        return self._page(self.who, _("My rights"))

    @expose("/role/<int:role_id>")
    @granted("read")
    def role(self, role_id):
        """What a role may, beside the others."""
        policy, role = self.fetch(RolePolicy, role_id), self.fetch(Role, role_id)
        others = self.session.execute(select(Role.id, Role.name).join(RolePolicy, RolePolicy.role_id == Role.id).order_by(Role.id)).all()
        return self._render(_("Rights of %(name)s", name=role.name), told.sentences(roles.held(role), policy.scope, policy.masked),
                            policy.scope, chips=others, role=role, second=policy.second_factor)

    @expose("/user/<int:user_id>")
    @granted("read")
    def person(self, user_id):
        """What a person may by all his roles."""
        who = actor_for(self.session, user_id) or abort(404)
        return self._page(who, _("Rights of %(name)s", name=who.name))

    def _page(self, who, title):
        known = access.roles(self.session)
        names, scopes = zip(*(known[key] for key in sorted(who.roles) if key in known), strict=True) if who.roles else ((), ())
        held = {tuple(pair.split(".", 1)) for pair in who.verbs}
        wide = told.widest(scopes)
        return self._render(title, told.sentences(held, wide, who.masked), wide, names=names, person=who)

    @staticmethod
    def _render(title, lines, wide, **more):
        """The sentences by the modules of the menu."""
        homes = _homes()
        groups = [{"label": m["label"], "icon": m["icon"],
                   "lines": [ln for ln in lines if ln["verbs"] and homes.get(ln["entity"]) == m["key"]]} for m in shell.MENU]
        told_already = {ln["entity"] for g in groups for ln in g["lines"]}
        rest = [ln for ln in lines if ln["verbs"] and ln["entity"] not in told_already]
        groups += [{"label": _("Everything else"), "icon": "dots", "lines": rest}]
        return render_template("lens/rights.html", title=title, groups=[g for g in groups if g["lines"]], scope=told.scope_told(wide),
                               without=[ln["label"] for ln in lines if not ln["verbs"] and ln["entity"] not in OWN], **more)


def _homes() -> dict[str, str]:
    """The module of the menu in which each entity stands: that of its list, else of its page."""
    found: dict = {}
    for view in sorted(current_app.appbuilder.baseviews, key=lambda v: getattr(v, "model", None) is None):
        if getattr(view, "menu", None) and view.entity:
            found.setdefault(view.entity, view.menu.module)
    return found


class LookPage(Page):
    """/look/: the administrator looks with a user's eyes."""

    entity = "user"
    route_base = home = "/look"
    default_view = "begin"

    @expose("/<int:pk>", methods=["GET", "POST"])
    @granted("look")
    def begin(self, pk):
        """Say what it means; posted, begin."""
        person, problem = actor_for(self.session, pk) or abort(404), ""
        try:
            looking.check(self.who, person)
            if request.method == "POST":
                looking.begin(self.session, self.who, person, (forms.clean(request.form.get("reason", "")) or "")[:100])
                self.session.commit()
                return redirect("/")
        except RuleError as no:
            problem = str(no)
        minutes = parameters.get(self.session, "security.look_minutes")
        return render_template("lens/look.html", person=person, problem=problem, minutes=minutes), 422 if problem else 200

    @expose("/end", methods=["POST"])
    @granted("")
    def end(self):
        """Back to oneself, to the page of the user."""
        kept = cookie.get("look")
        looking.end()
        return redirect(f"/user/show/{kept['id']}" if kept else "/")

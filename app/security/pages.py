"""Roles as a readable matrix: module x verb, data scope, masked fields (product.md 角色)."""
from __future__ import annotations

from flask import abort, redirect, render_template, request
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import func, select

from app.core import entity
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.views import acting
from app.views.declare import MenuItem
from app.views.entity_view import EntityView
from app.views.guard import granted
from app.views.page import Page

from . import roles, rules
from .models import SCOPES, Employee, RolePolicy

VERBS = {
    "read": _l("View"),
    "add": _l("Add"),
    "edit": _l("Edit"),
    "delete": _l("Delete"),
    "import": _l("Import"),
    "export": _l("Export"),
    "transfer": _l("Transfer"),
    "share": _l("Share"),
    "lock": _l("Lock"),
    "undo": _l("Undo of others"),
    "confirm": _l("Confirm"),
    "pay": _l("Pay out"),
}


class RolePage(Page):
    """/role/: every right of every role on one page a role."""

    entity, menu_verb = "role", "read"
    route_base = "/role"
    home = "/role/list/"
    default_view = "list"
    menu = MenuItem("system", _l("Roles"), icon="shield-lock", position=30)

    @expose("/list/")
    @granted("read")
    def list(self):
        """All roles with their people."""
        counted = select(assoc_user_role.c.role_id, func.count()).group_by(assoc_user_role.c.role_id)
        people = dict(self.session.execute(counted).all())
        rows = self.session.execute(select(RolePolicy, Role).join(Role, Role.id == RolePolicy.role_id).order_by(Role.id)).all()
        return render_template("security/roles.html", rows=rows, people=people, may=self.who.may)

    @expose("/show/<int:role_id>")
    @granted("read")
    def show(self, role_id):
        """One role's matrix."""
        policy, role = self._role(role_id)
        held = {(p.view_menu.name, p.permission.name.removeprefix("can_")) for p in role.permissions}
        return render_template("security/role.html", role=role, policy=policy, matrix=self._matrix(held), verbs=VERBS, scopes=SCOPES,
                               masks=self._masks(policy), may=self.who.may)

    def _role(self, role_id):
        policy = self.fetch(RolePolicy, role_id)
        return policy, self.fetch(Role, role_id)

    @staticmethod
    def _matrix(held):
        titles = {
            "role": _l("Roles"),
            "batch": _l("Operations"),
            "job": _l("Background work"),
            "parameter": _l("System parameters"),
            **{v.entity: v.title for v in _views()},
        }
        return [{"entity": name, "label": str(titles.get(name, name)), "cells": [
            {"verb": verb, "known": verb in known, "held": (name, verb) in held} for verb in VERBS]}
            for name, known in roles.verbs_of_views().items()]

    @staticmethod
    def _masks(policy):
        return [{"key": f"{m.__tablename__}.{one.name}", "label": f"{_title(m)} · {one.label}",
                 "on": f"{m.__tablename__}.{one.name}" in (policy.masked or ())}
                for m in entity.entities() for one in describe(m).values() if one.masked]

    @expose("/edit/<int:role_id>", methods=["POST"])
    @granted("edit")
    def edit(self, role_id):
        """Save the matrix."""
        policy, role = self._role(role_id)
        known = {(name, verb) for name, verbs in roles.verbs_of_views().items() for verb in verbs}
        wanted = {tuple(cell.split(".", 1)) for cell in request.form.getlist("grant") if "." in cell}
        if request.form.get("scope") not in SCOPES or not wanted <= known:
            abort(400)
        if policy.key == "admin":
            wanted = known
        before = {(p.view_menu.name, p.permission.name.removeprefix("can_")) for p in role.permissions}
        roles.set_grants(self.session, role, wanted)
        policy.scope = "all" if policy.key == "admin" else request.form["scope"]
        policy.masked = [m["key"] for m in self._masks(policy) if m["key"] in request.form.getlist("mask")]
        changed = [f"+{a}.{b}" for a, b in sorted(wanted - before)] + [f"-{a}.{b}" for a, b in sorted(before - wanted)]
        return self._saved(role, f"{role.name}: scope {policy.scope} {' '.join(changed)}")

    def _saved(self, role, detail):
        from app.core import memo
        memo.touch(self.session, "security")
        rules.log(self.session, "permission", username=self.who.username, detail=detail)
        self.session.commit()
        acting.say_done(_("Saved."))
        return redirect(f"/role/show/{role.id}" if role else "/role/list/")

    @expose("/add", methods=["GET", "POST"])
    @granted("add")
    def add(self):
        """A new role without any right; a GET leads to the list, where its form stands."""
        name = request.form.get("name", "").strip()[:64]
        if request.method == "GET" or not name or self.session.scalar(select(Role.id).where(Role.name == name)):
            if request.method == "POST":
                acting.say(_("Give the role a name that no other role has."))
            return redirect("/role/list/")
        role = Role(name=name)
        self.session.add(role)
        self.session.flush()
        self.session.add(RolePolicy(role_id=role.id, scope="own", masked=[]))
        return self._saved(role, f"{name}: new")

    @expose("/delete/<int:role_id>", methods=["POST"])
    @granted("delete")
    def delete(self, role_id):
        """Remove a role that nobody holds and that is not the administrator's."""
        policy, role = self._role(role_id)
        held = self.session.scalar(select(Employee.id).join(assoc_user_role, assoc_user_role.c.user_id == Employee.id).where(
            assoc_user_role.c.role_id == role_id).limit(1))
        try:
            if held or policy.key == "admin":
                raise RuleError(_("A role that somebody holds cannot be deleted."))
            role.permissions = []
            self.session.delete(policy)
            self.session.delete(role)
            return self._saved(None, f"{role.name}: deleted")
        except RuleError as no:
            self.session.rollback()
            acting.say(no)
            return redirect("/role/list/")


def _views():
    found, todo = [], list(EntityView.__subclasses__())
    while todo:
        view = todo.pop(0)
        todo += view.__subclasses__()
        found.append(view)
    return [v for v in found if v.model is not None]


def _title(model) -> str:
    part_of = getattr(model, "part_of", None)
    if part_of:
        return f"{_title(entity.by_name(part_of))} · {_('Lines')}"
    return next((str(v.title) for v in _views() if v.model is model), model.__name__)



"""Roles as a readable matrix: module x verb, data scope, masked fields (product.md 角色)."""
from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qsl

from flask import abort, flash, redirect, render_template, request
from flask_appbuilder import expose
from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import func, select
from werkzeug.datastructures import ImmutableMultiDict

from app.core import choices, entity, jobs
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _, _l
from app.extensions import db
from app.views import acting
from app.views.declare import MenuItem
from app.views.entity_view import EntityView
from app.views.guard import granted
from app.views.page import Page

from . import handover, roles, rules
from .models import SCOPES, Employee, RolePolicy

AT_ONCE = 500  # records that change hands without a job
VERBS = {
    "read": _l("View"),
    "add": _l("Add"),
    "edit": _l("Edit"),
    "delete": _l("Delete"),
    "import": _l("Import"),
    "export": _l("Export"),
    "transfer": _l("Transfer"),
    "share": _l("Share"),
    "oversee": _l("See colleagues'"),
    "lock": _l("Lock"),
    "restore": _l("Restore"),
    "purge": _l("Remove for good"),
    "undo": _l("Undo of others"),
    "confirm": _l("Confirm"),
    "pay": _l("Pay out"),
    "claim": _l("Claim it"),
    "assign": _l("Assign"),
    "decide": _l("Decide"),
    "merge": _l("Merge"),
    "reopen": _l("Open again"),
    "look": _l("Look as this user"),
    "revoke": _l("Revoke"),
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
        return render_template("security/role.html", role=role, policy=policy, matrix=matrix(roles.held(role)), verbs=VERBS, scopes=SCOPES,
                               masks=masks(policy.masked), may=self.who.may)

    def _role(self, role_id):
        policy = self.fetch(RolePolicy, role_id)
        return policy, self.fetch(Role, role_id)

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
        before = roles.held(role)
        scope = "all" if policy.key == "admin" else request.form["scope"]
        masked = [m["key"] for m in masks(policy.masked) if m["key"] in request.form.getlist("mask")]
        try:
            wider, unmasked = scope not in ("own", policy.scope), set(policy.masked or ()) - set(masked)
            rules.keep_role_below(self.session, role, wanted - before, wider, unmasked)
        except RuleError as no:
            acting.say(no)
            return redirect(f"/role/show/{role_id}")
        roles.set_grants(self.session, role, wanted)
        policy.scope, policy.masked = scope, masked
        policy.second_factor = request.form.get("second") == "1"
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


class HandoverPage(Page):
    """/handover/: what somebody who leaves holds, and who gets it (离职交接)."""

    entity, menu_verb = "user", "edit"
    route_base, home = "/handover", "/handover/"
    default_view = "index"
    menu = MenuItem("system", _l("Hand over"), icon="transfer", position=15)

    @expose("/", methods=["GET"])
    @granted("edit")
    def index(self):
        """?who= holds; ?to= take over; ?way=, ?share.<value>=, ?kind.<table>= part it; &preview=1 tells how many each gets."""
        plan, told = _plan(request.args), ""
        people = self.session.scalars(select(Employee).order_by(Employee.active.desc(), Employee.name)).all()
        held = handover.held(self.session, plan.person) if plan.person else {}
        duties = handover.duties(self.session, plan.person) if plan.person else {}
        found: list = []
        warnings: list = []
        if plan.person and "preview" in request.args:
            try:
                handover.check(self.session, plan)
                parts = _gets(self.session, plan)
                found = [(key, title, {to: len(ids) for to, ids in gets.items()}) for key, title, gets in parts if gets]
                gains = {key: gets for key, _t, gets in parts}
                warnings = [said for warn in handover.WARNINGS for said in warn(self.session, gains)]
            except RuleError as no:
                told = str(no)
        return render_template(
            "security/handover.html", plan=plan, people=people, found=found, told=told, warnings=warnings,
            names={p.id: f"{p.name} {p.username}" for p in people},
            held=[(m.__tablename__, _title(m), len(rows), _("as parted above")) for m, rows in held.items() if rows] + [
                (key, handover.DUTIES[key].label, len(rows), _("the first who takes over")) for key, rows in duties.items()],
            ways={name: one.label for name, one in handover.ways().items()}, values=self._values(held), query=request.query_string.decode())

    @staticmethod
    def _values(held) -> dict:
        """Column -> [(value, its words, how many)] of what is held."""
        found: dict = {}
        for model, rows in held.items():
            for name in model.handed_by:
                counted = Counter(handover.value_of(name, getattr(row, name)) for row in rows)
                one = describe(model)[name]
                words = {v: choices.label(db.session, one.choices, v) if one.choices else v for v in counted}
                found[name] = [(v, words[v] or _("is empty"), n) for v, n in sorted(counted.items())]
        return found

    @expose("/", methods=["POST"])
    @granted("edit")
    def hand_over(self):
        """Do what the preview showed; much of it as a job."""
        plan = _plan(ImmutableMultiDict(parse_qsl(request.form.get("plan", ""), keep_blank_values=True)))
        try:
            person = handover.check(self.session, plan)
            total = sum(len(ids) for _key, _title, gets in _gets(self.session, plan) for ids in gets.values())
            start = jobs.enqueue if total > AT_ONCE else jobs.at_once
            job = start(self.session, "handover", plan.params, label=_("Hand over: %(name)s", name=person), total=total)
            self.session.commit()
            return redirect(f"/job/{job.id}")
        except RuleError as no:
            self.session.rollback()
            flash(str(no), "danger")
            return redirect(f"/handover/?{request.form.get('plan', '')}")


def _gets(session, plan) -> list[tuple]:
    """(key, its title, {person: what he gets}) of every kind and duty."""
    return [(m.__tablename__, _title(m), gets) for m, gets in handover.assign(session, plan).items()] + [
        (key, handover.DUTIES[key].label, gets) for key, gets in handover.assign_duties(session, plan).items()]


def _plan(args) -> handover.Plan:
    """The plan that an address says; 400 for what makes no sense."""
    def number(text: str) -> int:
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else abort(400)
    kinds = {k.removeprefix("kind."): v for k, v in args.items() if k.startswith("kind.") and v}
    way = args.get("way", "even")
    shares = {k.removeprefix(f"share.{way}."): number(v) for k, v in args.items() if k.startswith(f"share.{way}.") and v}
    if way not in ("even", *handover.ways()) or not kinds.keys() <= {*(m.__tablename__ for m in handover.models()), *handover.DUTIES}:
        abort(400)
    return handover.Plan(
        number(args.get("who") or "0"), list(dict.fromkeys(number(v) for v in args.getlist("to") if v)), way,
        shares, {k: v if v == handover.STAY else str(number(v)) for k, v in kinds.items()}, args.get("credit", "keep") == "keep")


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


def matrix(held) -> list[dict]:
    """The rights by entity: its label, and for each verb whether it exists there and is among the held (entity, verb) pairs."""
    titles = {
        "role": _l("Roles"),
        "batch": _l("Operations"),
        "trash": _l("Trash"),
        "job": _l("Background work"),
        "parameter": _l("System parameters"),
        "system": _l("System state"),
        "backup": _l("Backups"),
        "filter": _l("Quick filters of the company"),
        **{v.entity: v.title for v in _views()},
    }
    return [{"entity": name, "label": str(titles.get(name, name)), "cells": [
        {"verb": verb, "known": verb in known, "held": (name, verb) in held} for verb in VERBS]}
        for name, known in roles.verbs_of_views().items()]


def masks(hidden) -> list[dict]:
    """The fields that can be masked, with whether they are among the hidden keys."""
    found = [(f"{m.__tablename__}.{one.name}", m, str(one.label)) for m in entity.entities() for one in describe(m).values() if one.masked]
    return [{"key": key, "entity": m.__tablename__, "field": label, "label": f"{_title(m)} · {label}", "on": key in (hidden or ())}
            for key, m, label in found]

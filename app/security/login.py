"""The login page with its check box, its three tries and its lock (manual 4.1)."""
import time

from flask import current_app, redirect, render_template, request
from flask import session as cookie
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_limiter.util import get_remote_address
from sqlalchemy import select
from wtforms import BooleanField, PasswordField, StringField

from app.core import actor
from app.core.rules import RuleError
from app.core.words import _, _l, ngettext
from app.extensions import db, limiter
from app.views.guard import granted, open_to_all
from app.views.page import Page, local

from . import people, rules
from . import request as wiring
from .models import Employee


class LoginForm(DynamicForm):
    """User name, password, and the change-password check box with its two fields."""

    username = StringField(_l("User name"))
    password = PasswordField(_l("Password"))
    change = BooleanField(_l("Change password"))
    new_password = PasswordField(_l("New password"))
    confirm = PasswordField(_l("New password again"))


def _rate() -> str:
    return current_app.config.get("CRM_LOGIN_RATE", "30 per minute")


class AuthDBView(Page):
    """/login/ and /logout/; keeps FAB's endpoint names."""

    route_base = ""
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    @limiter.limit(_rate, methods=["POST"])
    def login(self):
        """Show the page; check the posted name and password."""
        here = local(request.args.get("next"), "/")
        if request.method == "GET" and self.who and self.who.id:
            return redirect(here)
        form = LoginForm(request.form if request.method == "POST" else None)
        if request.method == "GET":
            return self._page(form)
        return self._try(form, here)

    def _page(self, form, notice=None, code=200):
        return render_template("appbuilder/general/security/login_db.html", form=form, notice=notice), code

    def _try(self, form, here):
        name, password = (form.username.data or "").strip()[:128], form.password.data or ""
        if not name or not password:
            return self._page(form, {"kind": "error", "text": _("Type your user name and password.")})
        if form.change.data and (form.new_password.data or "") != (form.confirm.data or ""):
            form.confirm.errors = [_("The two new passwords differ.")]
            return self._page(form)
        verdict = rules.try_login(db.session, name, password)
        try:
            if verdict.result == "ok" and form.change.data:
                rules.set_password(db.session, verdict.employee, form.new_password.data or "")
                self._log("password", verdict.employee, name)
        except RuleError as weak:
            db.session.rollback()
            form.new_password.errors = [str(weak)]
            return self._page(form)
        self._log(verdict.result, verdict.employee, name)
        if verdict.result == "ok":
            return self._enter(verdict.employee, here)
        db.session.commit()
        return self._page(form, self._notice(verdict))

    @staticmethod
    def _notice(verdict):
        if verdict.result == "locked":
            return {"kind": "locked", "text": _("This account is locked; please ask the administrator to unlock it.")}
        if verdict.result == "inactive":
            return {"kind": "error", "text": _("This account is deactivated; please ask the administrator.")}
        left = ngettext("%(num)d try left.", "%(num)d tries left.", verdict.left)
        return {"kind": "error", "text": _("Wrong user name or password.") + " " + left, "left": verdict.left}

    @staticmethod
    def _log(result, employee, name):
        rules.log(db.session, result, employee=employee, username=name, ip=get_remote_address() or "",
                  device=request.user_agent.string or "")

    def _enter(self, employee, here):
        rules.signed_in(db.session, employee, get_remote_address() or "")
        db.session.commit()
        who = people.actor_for(db.session, employee.id)
        cookie.clear()
        cookie.permanent = True
        cookie["_user_id"], cookie["_fresh"] = who.get_id(), True
        cookie["since"] = cookie["seen"] = int(time.time())
        return redirect("/login/password" if who.must_change else here)

    @expose("/login/password", methods=["GET", "POST"])
    @granted("")
    def change(self):
        """Change one's own password; the only page a holder of a one-time password sees."""
        form = LoginForm(request.form if request.method == "POST" else None)
        if request.method == "GET":
            return render_template("security/password.html", form=form, must=self.who.must_change)
        employee = db.session.scalar(select(Employee).where(Employee.id == self.who.id))
        if (form.new_password.data or "") != (form.confirm.data or ""):
            form.confirm.errors = [_("The two new passwords differ.")]
            return render_template("security/password.html", form=form, must=self.who.must_change)
        verdict = rules.try_login(db.session, employee.username, form.password.data or "")
        if verdict.result != "ok":
            self._log(verdict.result, employee, employee.username)
            db.session.commit()
            form.password.errors = [self._notice(verdict)["text"]]
            return render_template("security/password.html", form=form, must=self.who.must_change)
        try:
            rules.set_password(db.session, employee, form.new_password.data or "")
        except RuleError as weak:
            db.session.rollback()
            form.new_password.errors = [str(weak)]
            return render_template("security/password.html", form=form, must=self.who.must_change)
        self._log("password", employee, employee.username)
        return self._enter(employee, "/")

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self):
        """Leave. A GET only asks, so that no foreign page can log anybody out."""
        if request.method == "POST":
            if self.who and self.who.id:
                rules.log(db.session, "logout", username=self.who.username, ip=get_remote_address() or "")
                db.session.commit()
            wiring.leave()
            actor.set_actor(actor.NOBODY)
        return redirect("/login/")


open_to_all("AuthDBView.login")
open_to_all("AuthDBView.logout")
open_to_all("LocaleView.index")

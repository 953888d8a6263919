"""The login page with its check box, its three tries and its lock (manual 4.1), and the page of the second factor."""
import time

from flask import current_app, flash, has_request_context, redirect, render_template, request
from flask import session as cookie
from flask_appbuilder import expose
from flask_appbuilder.forms import DynamicForm
from flask_limiter.util import get_remote_address
from sqlalchemy import select
from wtforms import BooleanField, PasswordField, StringField

from app.core import actor, events
from app.core.rules import RuleError
from app.core.words import _, _l, ngettext
from app.extensions import db, limiter
from app.views.guard import granted, open_to_all
from app.views.page import Page, local

from . import logins, people, rules, second, sessions
from . import request as wiring
from .models import Employee

FIVE_MINUTES = 300  # between the password and the code


class LoginForm(DynamicForm):
    """User name, password, and the change-password check box with its two fields."""

    username = StringField(_l("User name"))
    password = PasswordField(_l("Password"))
    change = BooleanField(_l("Change password"))
    new_password = PasswordField(_l("New password"))
    confirm = PasswordField(_l("New password again"))
    code = StringField(_l("Code"))


def _rate() -> str:
    return current_app.config.get("CRM_LOGIN_RATE", "30 per minute")


def _failed(answer) -> bool:
    """Only what did not lead in counts: a whole office may begin its day behind one address."""
    return answer.status_code != 302


def posted() -> LoginForm:
    """The form with what was posted."""
    return LoginForm(request.form if request.method == "POST" else None)


def notice_of(verdict) -> dict:
    """What the page says of a try that did not lead in."""
    if verdict.result == "locked":
        return {"kind": "locked", "text": _("This account is locked; please ask the administrator to unlock it.")}
    if verdict.result == "inactive":
        return {"kind": "error", "text": _("This account is deactivated; please ask the administrator.")}
    left = ngettext("%(num)d try left.", "%(num)d tries left.", verdict.left)
    return {"kind": "error", "text": _("Wrong user name or password.") + " " + left, "left": verdict.left}


def note(result, employee, name, detail="") -> None:
    """A line of the security log with address and device."""
    rules.log(db.session, result, employee=employee, username=name, ip=get_remote_address() or "", device=request.user_agent.string or "",
              detail=detail)


def _data(result, subject, rows, kind) -> None:
    who, here = actor.current(), has_request_context()
    employee = db.session.get(Employee, who.id) if who and who.id else None
    rules.log(db.session, result, employee=employee, subject=subject[:40], rows=rows, kind=kind[:100],
              ip=(get_remote_address() or "") if here else "", device=request.user_agent.string if here else "")


@events.exported.connect
def _exported(_sender, entity, rows, kind):
    _data("export", entity, rows, kind)


@events.imported.connect
def _imported(_sender, entity, rows, kind):
    _data("import", entity, rows, kind)


def enter(employee, here):
    """A fresh session for a person who has proved himself."""
    logins.signed_in(db.session, employee, get_remote_address() or "")
    db.session.commit()
    who = people.actor_for(db.session, employee.id)
    sessions.start(cookie, who)
    return redirect("/login/password" if who.must_change else "/login/second/new" if who.must_enrol else here)


class LoginPage(Page):
    """What the ways in share."""

    def page(self, form, notice=None):
        """The login page."""
        from . import provider
        return render_template("appbuilder/general/security/login_db.html", form=form, notice=notice, provider=provider.configured())

    def refused(self, text):
        """The login page with a sentence."""
        return self.page(LoginForm(None), {"kind": "error", "text": text})

    def answer(self, verdict, name, here, detail=""):
        """In, on to the second factor, or back with a sentence."""
        if verdict.result == "second":
            db.session.commit()
            cookie.clear()
            cookie["second"] = [verdict.employee.id, verdict.employee.stamp, int(time.time()), here]
            return redirect("/login/second/")
        note(verdict.result, verdict.employee, name, detail)
        if verdict.result == "ok":
            return enter(verdict.employee, here)
        db.session.commit()
        return self.page(posted(), notice_of(verdict))


class AuthDBView(LoginPage):
    """/login/ and /logout/; keeps FAB's endpoint names."""

    route_base = ""
    default_view = "login"

    @expose("/login/", methods=["GET", "POST"])
    @limiter.limit(_rate, methods=["POST"], deduct_when=_failed)
    def login(self):
        """Show the page; check the posted name and password."""
        here = local(request.args.get("next"), "/")
        if request.method == "GET" and self.who and self.who.id:
            return redirect(here)
        form = posted()
        return self.page(form) if request.method == "GET" else self._try(form, here)

    def _try(self, form, here):
        name, password = (form.username.data or "").strip()[:128], form.password.data or ""
        if not name or not password:
            return self.page(form, {"kind": "error", "text": _("Type your user name and password.")})
        if form.change.data and (form.new_password.data or "") != (form.confirm.data or ""):
            form.confirm.errors = [_("The two new passwords differ.")]
            return self.page(form)
        try:
            verdict = logins.try_login(db.session, name, password)
            if verdict.result == "ok" and form.change.data:
                rules.set_password(db.session, verdict.employee, form.new_password.data or "")
                note("password", verdict.employee, name)
        except RuleError as no:
            db.session.rollback()
            form.new_password.errors = [str(no)] if no.field else []
            return self.page(form, None if no.field else {"kind": "error", "text": str(no)})
        return self.answer(verdict, name, "/login/password" if verdict.result == "second" and form.change.data else here)

    @expose("/login/password", methods=["GET", "POST"])
    @limiter.limit(_rate, methods=["POST"], deduct_when=_failed)
    @granted("")
    def change(self):
        """Change one's own password; the only page a holder of a one-time password sees."""
        form, me = posted(), db.session.scalar(select(Employee).where(Employee.id == self.who.id))
        problem = self._changed(form, me) if request.method == "POST" else "show"
        if problem is None:
            note("password", me, me.username)
            return enter(me, "/")
        return render_template("security/password.html", form=form, must=self.who.must_change, local=me.source == "local")

    @staticmethod
    def _changed(form, me):
        """None when done; else the sentence, which stands at its field."""
        if (form.new_password.data or "") != (form.confirm.data or ""):
            form.confirm.errors = [_("The two new passwords differ.")]
            return form.confirm.errors[0]
        try:
            verdict = logins.try_login(db.session, me.username, form.password.data or "")
            if verdict.result in ("ok", "second"):
                rules.set_password(db.session, me, form.new_password.data or "")
                return None
            note(verdict.result, me, me.username)
            db.session.commit()
            form.password.errors = [notice_of(verdict)["text"]]
        except RuleError as weak:
            db.session.rollback()
            form.new_password.errors = [str(weak)]
        return "refused"

    @expose("/logout/", methods=["GET", "POST"])
    def logout(self):
        """Leave. A GET only asks, so that no foreign page can log anybody out."""
        if request.method == "POST":
            if self.who and self.who.id:
                rules.log(db.session, "logout", username=self.who.username, ip=get_remote_address() or "")
            wiring.leave()
            actor.set_actor(actor.NOBODY)
        return redirect("/login/")


class SecondPage(LoginPage):
    """/login/second: the code after the password; setting it up and turning it off."""

    route_base = "/login/second"
    default_view = "ask"

    def _waiting(self):
        """(employee, where to) of the person who has given his password, for five minutes; None for anybody else."""
        kept = cookie.get("second") or [0, "", 0, "/"]
        fresh = 0 <= time.time() - kept[2] <= FIVE_MINUTES
        found = db.session.scalar(select(Employee).where(Employee.id == kept[0])) if fresh else None
        return (found, kept[3]) if found and found.stamp == kept[1] and found.totp_secret else (None, "/")

    @expose("/", methods=["GET", "POST"])
    @limiter.limit(_rate, methods=["POST"], deduct_when=_failed)
    def ask(self):
        """The code of the app, or a recovery code."""
        me, here = self._waiting()
        if me is None:
            return redirect("/login/")
        if request.method == "GET":
            return render_template("security/second.html", form=posted(), notice=None)
        verdict = logins.try_code(db.session, me, posted().code.data or "")
        note("code" if verdict.result == "wrong" else verdict.result, me, me.username)
        if verdict.result == "ok":
            return enter(me, here)
        db.session.commit()
        notice = notice_of(verdict)
        if verdict.result == "wrong":
            notice["text"] = _("This code is wrong.") + " " + ngettext("%(num)d try left.", "%(num)d tries left.", verdict.left)
        else:
            cookie.pop("second", None)
        return render_template("security/second.html", form=posted(), notice=notice)

    def _proved(self, form, me):
        """Whether the person has typed his password (one who comes through a provider has none here)."""
        if me.source == "oidc":
            return True
        verdict = logins.try_login(db.session, me.username, form.password.data or "")
        if verdict.result in ("ok", "second"):
            return True
        note(verdict.result, me, me.username)
        db.session.commit()
        form.password.errors = [notice_of(verdict)["text"]]
        return False

    @expose("/new", methods=["GET", "POST"])
    @limiter.limit(_rate, methods=["POST"], deduct_when=lambda answer: answer.status_code == 429)
    @granted("")
    def new(self):
        """Set it up: the picture, the first code; then the recovery codes, once."""
        me, form = db.session.scalar(select(Employee).where(Employee.id == self.who.id)), posted()
        secret = cookie.get("totp") or second.new_secret()
        if request.method == "POST" and "totp" in cookie and self._proved(form, me):
            try:
                codes = second.enrol(db.session, me, secret, form.code.data or "")
                note("second", me, me.username, "on")
                enter(me, "/")
                return render_template("security/codes.html", codes=codes)
            except RuleError as no:
                db.session.rollback()
                form.code.errors = [str(no)]
        cookie["totp"] = secret
        return render_template("security/second_new.html", form=form, secret=secret, picture=second.picture(me, secret),
                               on=bool(me.totp_secret), must=self.who.must_enrol, known=me.source != "oidc")

    @expose("/off", methods=["POST"])
    @granted("")
    def off(self):
        """Turn it off, with the password."""
        me = db.session.scalar(select(Employee).where(Employee.id == self.who.id))
        try:
            if not self._proved(posted(), me):
                flash(_("Wrong user name or password."), "danger")
                return redirect("/login/second/new")
            second.turn_off(db.session, me)
            note("second", me, me.username, "off")
            return enter(me, "/")
        except RuleError as no:
            db.session.rollback()
            flash(str(no), "danger")
            return redirect("/login/second/new")


for _open in ("AuthDBView.login", "AuthDBView.logout", "LocaleView.index", "SecondPage.ask"):
    open_to_all(_open)

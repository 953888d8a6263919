"""Single sign-on by OpenID Connect (authorization code with PKCE), by configuration. A person is known by issuer and subject, never by
a name that somebody could choose; the first time he is given an account with the default role."""
from flask import current_app, redirect, request, url_for
from flask import session as cookie
from flask_appbuilder import expose
from sqlalchemy import select

from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db, limiter
from app.views.guard import open_to_all
from app.views.page import local

from . import logins, rules
from .login import LoginPage
from .models import Employee


def configured() -> bool:
    """Whether there is a provider."""
    return bool(current_app.config["CRM_OIDC_ISSUER"])


def _away() -> tuple:
    """What can go wrong on the way to the provider; the libraries are loaded where there is one."""
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException
    return AuthlibBaseError, JoseError, RequestException


def _client():
    from authlib.integrations.flask_client import OAuth
    config = current_app.config
    return OAuth(current_app).register(
        "office", client_id=config["CRM_OIDC_CLIENT_ID"], client_secret=config["CRM_OIDC_CLIENT_SECRET"],
        server_metadata_url=config["CRM_OIDC_ISSUER"].rstrip("/") + "/.well-known/openid-configuration",
        client_kwargs={"scope": "openid email profile", "code_challenge_method": "S256", "timeout": 10})


class ProviderPage(LoginPage):
    """/login/oidc: there and back."""

    route_base = "/login/oidc"
    default_view = "leave"

    @expose("/")
    @limiter.limit("30 per minute")
    def leave(self):
        """To the provider."""
        if not configured():
            return redirect("/login/")
        cookie["next"] = local(request.args.get("next"), "/")
        try:
            return _client().authorize_redirect(url_for("ProviderPage.back", _external=True))
        except _away():
            return self.refused(_("The company's login does not answer; please try again in a moment."))

    @expose("/back")
    @limiter.limit("30 per minute")
    def back(self):
        """From the provider: its proof is checked (state, nonce, signature, issuer, audience), the account found or made."""
        if not configured():
            return redirect("/login/")
        try:
            said = dict(_client().authorize_access_token().get("userinfo") or {})
            if not said.get("sub"):
                raise RuleError(_("The company's login did not say who you are."))
            employee = self._person(f"{said.get('iss', '')}|{said['sub']}"[:255], said)
        except _away():
            return self.refused(_("The company's login did not prove who you are; please try again."))
        except RuleError as no:
            db.session.rollback()
            return self.refused(str(no))
        return self.answer(logins.admitted(db.session, employee), employee.username, cookie.get("next", "/"), detail="oidc")

    @staticmethod
    def _person(mark, said):
        found = db.session.scalar(select(Employee).where(Employee.source == "oidc", Employee.external_id == mark))
        name = str(said.get("preferred_username") or said.get("email") or said["sub"])
        return found or rules.provide(db.session, "oidc", mark, name, str(said.get("name") or name), str(said.get("email") or ""))


open_to_all("ProviderPage.leave")
open_to_all("ProviderPage.back")

"""FAB's security manager, told to ask the Actor: rights from memory, our own login, none of FAB's screens."""
from flask_appbuilder.security.sqla.manager import SecurityManager

from app.core import actor
from app.extensions import db

from . import passwords
from .models import Employee
from .people import actor_for


class CrmSecurityManager(SecurityManager):
    """Answers FAB's questions from `core.actor`."""

    user_model = Employee

    def load_user(self, mark):
        """flask-login's user is the Actor; the cookie keeps "id:stamp"."""
        number, _sep, stamp = str(mark).partition(":")
        who = actor_for(db.session, int(number)) if number.isdecimal() else None
        now = actor.current()
        if who and now and now.looker == who.id:
            return now
        return who if who and who.stamp == stamp and who.active else None

    def has_access(self, permission_name, view_name):
        """Whether the acting person holds FAB's can_<verb> on an entity."""
        who = actor.current()
        return bool(who and who.may(view_name, permission_name.removeprefix("can_")))

    def hash_password(self, password):
        """Our own hash (promise 4)."""
        return passwords.hashed(password)

    def register_views(self):
        """Only our login; FAB's user, role and permission screens stay away."""
        from .login import AuthDBView, SecondPage
        from .provider import ProviderPage
        self.auth_view = self.appbuilder.add_view_no_menu(AuthDBView)
        self.appbuilder.add_view_no_menu(SecondPage)
        self.appbuilder.add_view_no_menu(ProviderPage)

    def create_db(self):
        """Alembic makes the tables, `crm roles` the roles."""

"""The extensions, unbound; `create_app` binds them in boot order."""
from flask_appbuilder import AppBuilder
from flask_appbuilder.utils.legacy import get_sqla_class
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect

db = get_sqla_class()()
migrate = Migrate(directory="app/migrations", render_as_batch=True)
csrf = CSRFProtect()
limiter = Limiter(get_remote_address)


def new_appbuilder() -> AppBuilder:
    """A fresh AppBuilder: FAB binds one to one Flask app for good, and tests make several apps."""
    return AppBuilder(update_perms=False)

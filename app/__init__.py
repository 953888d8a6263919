"""The application factory: the boot order on one page."""
from flask import Flask
from werkzeug.exceptions import HTTPException

from app.core import clock, words
from app.core.search.index import use_dialect
from app.extensions import csrf, db, limiter, migrate, new_appbuilder


def create_app(**settings) -> Flask:
    """Config, database, all models, guards, FAB, all views. `settings` override config.py (tests)."""
    from app import modules
    from app.security import passwords
    app = Flask(__name__)
    app.config.from_object("config")
    app.config.update(settings)
    passwords.use_method(app.config["CRM_HASH"])
    clock.set_zone(app.config["CRM_TIMEZONE"])
    modules.load_models()
    with app.app_context():
        _bind(app)
        _build(app, modules)
    from app.cli import crm
    app.cli.add_command(crm)
    return app


def _bind(app: Flask) -> None:
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    limiter.init_app(app)
    use_dialect(db.engine.dialect.name)


def _build(app: Flask, modules) -> None:
    from app.desktop.pages import DesktopPage
    from app.security.manager import CrmSecurityManager
    from app.security.request import init_request
    from app.views import errors, guard, look, shell
    init_request(app)
    app.before_request(guard.refuse_visitors)
    look.init_look(app)
    appbuilder = new_appbuilder()
    appbuilder.security_manager_class, appbuilder.indexview = CrmSecurityManager, DesktopPage
    appbuilder.init_app(app, db.session)
    modules.register(appbuilder)
    app.jinja_env.globals.update(_=words._, gettext=words._)
    app.context_processor(lambda: {"shell": shell.shell()})
    app.register_error_handler(HTTPException, errors.page)
    app.register_error_handler(Exception, errors.crash)

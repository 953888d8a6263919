"""The application factory: the boot order on one page."""
import gc

from flask import Flask, has_app_context
from werkzeug.exceptions import HTTPException

from app.core import clock, custom, words
from app.core.search.index import use_dialect
from app.extensions import csrf, db, limiter, migrate, new_appbuilder


def create_app(**settings) -> Flask:
    """Config, database, all models, guards, FAB, all views. `settings` override config.py (tests)."""
    from app import modules
    from app.security import passwords
    from app.views.spoken import Office
    app = Office(__name__)
    app.config.from_object("config")
    app.config.update(settings)
    passwords.use_method(app.config["CRM_HASH"])
    clock.set_zone(app.config["CRM_TIMEZONE"])
    modules.load_models()
    with app.app_context():
        _bind(app)
        _build(app, modules)
    custom.use_session(lambda: db.session if has_app_context() else None)
    from app.cli import crm
    app.cli.add_command(crm)
    gc.collect()
    gc.freeze()  # what starting made stays: no round of the collector looks at it again (a tenth of a list's time)
    return app


def _bind(app: Flask) -> None:
    from app.views import wire
    wire.init_wire(app)  # before anything reads a form
    db.init_app(app)
    migrate.init_app(app, db)
    csrf.init_app(app)
    limiter.init_app(app)
    if limiter.enabled:
        app.before_request_funcs[None].remove(limiter._check_request_limit)  # what is limited is decorated, and checks itself
    use_dialect(db.engine.dialect.name)


def _build(app: Flask, modules) -> None:
    from app.api import tokens
    from app.desktop.pages import DesktopPage
    from app.lens import looking
    from app.security import rules
    from app.security.manager import CrmSecurityManager
    from app.security.request import init_request
    from app.views import errors, guard, look, shell, wire
    from app.watch import logs, metrics, readonly
    logs.init_logs(app)
    init_request(app)
    app.before_request(readonly.refuse_writes)
    app.after_request(metrics.observe)
    rules.default_role[0] = app.config["CRM_DEFAULT_ROLE"]
    app.before_request(guard.refuse_visitors)
    app.before_request(looking.refuse)
    app.before_request(wire.once)
    look.init_look(app)
    appbuilder = new_appbuilder()
    appbuilder.security_manager_class, appbuilder.indexview = CrmSecurityManager, DesktopPage
    appbuilder.init_app(app, db.session)
    modules.register(appbuilder)
    tokens.init(app)
    app.jinja_env.globals.update(_=words._, gettext=words._)
    app.context_processor(lambda: {"shell": shell.shell()})
    app.register_error_handler(HTTPException, errors.page)
    app.register_error_handler(Exception, errors.crash)

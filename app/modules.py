"""The table of contents: business modules in the order they may lean on each other, and the left menu."""
from importlib import import_module

from app.core import numbering
from app.core.words import _l
from app.views import record, shell
from app.views.files import FilePage
from app.views.jobs_page import JobPage
from app.views.mass import MassPage

MODULES = ["security", "settings", "tailoring", "customers", "products", "opportunities", "approvals", "printing", "quotes",
           "contracts", "payments", "expenses", "pool", "duplicates", "tasks", "targets", "reports", "journals", "imports",
           "search", "pasting", "calendar", "desktop", "safety", "watch", "backups", "api", "hooks", "feeds", "mails",
           "notices", "lens", "demo"]

MENU = [  # the order of the manual's contents (3.1)
    {"key": "desktop", "label": _l("Work desktop"), "icon": "layout-dashboard"},
    {"key": "customers", "label": _l("Customer management"), "icon": "building-community"},
    {"key": "opportunities", "label": _l("Sales opportunities"), "icon": "target-arrow"},
    {"key": "quotes", "label": _l("Quote management"), "icon": "file-dollar"},
    {"key": "contracts", "label": _l("Contracts and orders"), "icon": "file-certificate"},
    {"key": "payments", "label": _l("Payment management"), "icon": "cash"},
    {"key": "expenses", "label": _l("Expense management"), "icon": "receipt"},
    {"key": "system", "label": _l("System"), "icon": "settings", "foot": True},
    {"key": "help", "label": _l("Help"), "icon": "help-circle", "foot": True},
]


def _import(name: str, part: str):
    path = f"app.{name}.{part}"
    try:
        return import_module(path)
    except ModuleNotFoundError as missing:
        if missing.name not in (path, f"app.{name}"):
            raise
        return None


def load_models() -> None:
    """Import every model before any view: FAB configures all mappers at the first view."""
    import_module("app.core")
    for name in MODULES:
        _import(name, "models")
    numbering.declare()


def views() -> list[type]:
    """Every view class of the modules, in order."""
    found: list[type] = [FilePage, JobPage, MassPage]
    for name in MODULES:
        for part in ("views", "pages", "help"):
            module = _import(name, part)
            found += [v for v in vars(module).values() if _is_view(v, module)] if module else []
    return found


def _is_view(value, module) -> bool:
    return isinstance(value, type) and value.__module__ == module.__name__ and hasattr(value, "entity") and hasattr(value, "menu")


def _made(appbuilder, kind):
    """The instance that FAB made already (the index view)."""
    return next((v for v in appbuilder.baseviews if type(v) is kind), None)


def register(appbuilder) -> None:
    """Add every view to FAB, hang related lists under their parents, build the menu."""
    made = [view if (view := _made(appbuilder, kind)) else appbuilder.add_view_no_menu(kind) for kind in views()]
    record.TABS.clear()
    for view in made:
        for parent, field in getattr(view, "parents", {}).items():
            record.TABS.setdefault(parent, []).append((view, field))
    shell.MENU[:] = [{**entry, "views": sorted(
        (v for v in made if v.menu and v.menu.module == entry["key"]), key=lambda v: v.menu.position)} for entry in MENU]

"""The only door from the ground to the translations."""
from flask_babel import force_locale, gettext as _, lazy_gettext as _l, lazy_ngettext, ngettext

__all__ = ["_", "_l", "force_locale", "lazy_ngettext", "ngettext"]

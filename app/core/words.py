"""The only door from the ground to the translations."""
from flask_babel import force_locale, lazy_ngettext, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

__all__ = ["_", "_l", "force_locale", "lazy_ngettext", "ngettext"]

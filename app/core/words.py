"""The only door from the ground to the translations; what a language says for a text is looked up once a process."""
from contextvars import ContextVar

import flask_babel
from flask_babel import force_locale, lazy_ngettext, ngettext
from flask_babel.speaklater import LazyString

__all__ = ["_", "_l", "force_locale", "language", "lazy_ngettext", "ngettext"]

language: ContextVar[str] = ContextVar("language", default="")  # the reader's language in a request, '' elsewhere
_texts: dict[str, dict[str, str]] = {}


def _(message: str, **variables) -> str:
    """The text in the reader's language, its %(name)s filled in."""
    spoken = language.get()
    if not spoken:
        return flask_babel.gettext(message, **variables)
    texts = _texts.setdefault(spoken, {})
    text = texts.get(message)
    if text is None:
        text = texts[message] = flask_babel.gettext(message)
    return text % variables if variables else text


def _l(message: str, **variables) -> LazyString:
    """A text to be told in the language of whoever reads it."""
    return LazyString(_, message, **variables)

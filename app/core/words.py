"""The only door from the ground to the translations; what a language says for a text is looked up once a process."""
from contextvars import ContextVar

import flask_babel
from flask_babel import force_locale, ngettext
from flask_babel.speaklater import LazyString
from markupsafe import Markup, escape

__all__ = ["_", "_l", "force_locale", "language", "named", "ngettext"]

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


class Told(LazyString):
    """A text made when it is read; on a page it is text, never markup, whatever names were filled into it."""

    def __html__(self) -> Markup:
        return escape(str(self))


def named(chinese: str, english: str | None) -> LazyString:
    """A name that the office gave: the English one for who reads English, where there is one."""
    return Told(lambda: english if english and (language.get() or "zh").startswith("en") else chinese)


def _l(message: str, **variables) -> LazyString:
    """A text to be told in the language of whoever reads it."""
    return Told(_, message, **variables)

"""Templates are compiled once a language: fixed texts and icons are parts of the compiled page, not looked up on every one."""
import ast
import re

from flask import Flask
from flask.templating import Environment
from jinja2 import BaseLoader
from markupsafe import escape

from app.core.words import _, language

_FIXED = re.compile(r"""\{\{ ?(_|icon)\(('(?:[^'\\{]|\\.)*')\) ?\}\}""")


def fold(source: str) -> str:
    """The source with what is fixed in the reader's language written out."""
    from .look import icon

    def told(found):
        word = ast.literal_eval(found[2])
        text = str(icon(word) if found[1] == "icon" else escape(_(word)))
        return found[0] if "{" in text else text
    return _FIXED.sub(told, source)


class SpokenLoader(BaseLoader):
    """Loads `zh:entity/list.html`: the template `entity/list.html`, folded for `zh`."""

    def __init__(self, loader):
        self.loader = loader

    def get_source(self, environment, template):
        """Source, file, still fresh."""
        spoken, mark, name = template.partition(":")
        if not mark:
            return self.loader.get_source(environment, template)
        source, file, fresh = self.loader.get_source(environment, name)
        return fold(source), file, fresh

    def list_templates(self):
        """The names without a language."""
        return self.loader.list_templates()


class SpokenEnvironment(Environment):
    """Asks for every template in the reader's language; outside a request as it stands."""

    def get_template(self, name, parent=None, globals=None):
        """A template by its plain name."""
        spoken = language.get()
        return super().get_template(f"{spoken}:{name}" if spoken and isinstance(name, str) else name, parent, globals)


class Office(Flask):
    """Flask with templates that speak."""

    jinja_environment = SpokenEnvironment

    def create_global_jinja_loader(self):
        """The usual loader, folded."""
        return SpokenLoader(super().create_global_jinja_loader())

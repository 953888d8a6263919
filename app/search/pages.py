"""/search?q=: the page and the JSON of the Ctrl+K box."""
from dataclasses import dataclass

from flask import jsonify, render_template, request
from flask_appbuilder import expose

from app.core import search
from app.core.describe import describe
from app.core.search import tokens
from app.core.words import _
from app.extensions import db
from app.views import cells
from app.views.guard import granted
from app.views.page import Page


@dataclass(frozen=True)
class Command:
    """Something to do that the box offers when one of its `words` is typed; `needs`: the right, as customer.add."""

    label: object
    url: str
    needs: str
    words: str


COMMANDS: list[Command] = []  # every module appends its own


def _commands(who, q: str) -> list[dict]:
    asked = q.lower()
    found = [c for c in COMMANDS if c.needs in who.verbs
             and (asked in str(c.label).lower() or any(w.startswith(asked) for w in c.words.split()))]
    return [{"label": _("Do"), "hits": [{"title": str(c.label), "hint": "", "url": c.url} for c in found]}] if q and found else []


def _matched(row, q: str) -> str:
    """The field besides the title that holds what was typed, with its value (masked when it must be)."""
    digits = tokens.plain(q)
    fields = describe(type(row))
    for name in (*row.search_names[1:], *getattr(row, "search_codes", ())):
        value = getattr(row, name)
        if value and digits and digits in tokens.plain(value):
            return f"{fields[name].label} {cells.mask(value) if cells.is_masked(fields[name]) else value}"
    return ""


class SearchPage(Page):
    """One box over all entities, grouped; obeys the scope."""

    route_base = "/search"
    home = "/search"

    @expose("", methods=["GET"])
    @granted("")
    def index(self):
        """HTML for people, JSON for the box."""
        q = request.args.get("q", "").strip()[:100]
        models = [m for m in search.index.searchable() if self.who.may(m.__tablename__.replace("_", ""), "read")]
        groups = [{"label": str(self._label(model)), "hits": [self._hit(row, q) for row in rows]}
                  for model, rows in search.find(db.session, q, models)] if q else []
        if request.accept_mimetypes.best == "application/json":
            return jsonify(groups=_commands(self.who, q) + groups)
        return render_template("search/index.html", q=q, groups=groups)

    @staticmethod
    def _label(model):
        from app.views.entity_view import EntityView
        return next((v.title for v in EntityView.__subclasses__() if v.model is model), model.__name__)

    @staticmethod
    def _hit(row, q):
        return {"title": str(row), "hint": _matched(row, q) or str(getattr(row, "customer", "") or ""),
                "url": f"/{row.__tablename__.replace('_', '')}/show/{row.id}"}



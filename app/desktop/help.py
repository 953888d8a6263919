"""/help/: the user's manual of docs/help, chapter by chapter."""
import re
from pathlib import Path

from flask import abort, render_template
from flask_appbuilder import expose
from markupsafe import Markup, escape

from app.core.words import _l
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "help"


def chapters() -> list[tuple[str, str]]:
    """(key, title) of the chapters in order."""
    return [(p.stem, p.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")) for p in sorted(FOLDER.glob("*.md"))]


def render(text: str) -> Markup:
    """The little Markdown of our own chapters: heading, paragraphs, lists, code."""
    out, kind = [], ""
    for line in text.splitlines()[1:]:
        body = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(re.sub(r"^(- |\d+\. )", "", line))))
        now = "ul" if line.startswith("- ") else "ol" if re.match(r"\d+\. ", line) else ""
        if kind and now != kind:
            out.append(f"</{kind}>")
        if now and now != kind:
            out.append(f"<{now}>")
        kind = now
        out.append(f"<li>{body}</li>" if now else f"<p>{body}</p>" if body else "")
    return Markup("".join(out) + (f"</{kind}>" if kind else ""))


class HelpPage(Page):
    """The online help (manual 4.2: 关于快客 CRM 的在线帮助)."""

    route_base = "/help"
    home = "/help/"
    menu_verb = ""
    menu = MenuItem("help", _l("Help"), icon="help-circle")

    @expose("/")
    @expose("/<key>")
    @granted("")
    def index(self, key="01-login"):
        """One chapter."""
        if key not in dict(chapters()):
            abort(404)
        text = (FOLDER / f"{key}.md").read_text(encoding="utf-8")
        return render_template("desktop/help.html", chapters=chapters(), key=key, body=render(text), title=dict(chapters())[key])

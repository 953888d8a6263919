"""/help/: the user's manual of docs/help, chapter by chapter, and the search over all of them."""
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from flask import Response, abort, render_template, request
from flask_appbuilder import expose
from markdown_it import MarkdownIt
from markupsafe import Markup

from app.core.words import _l
from app.views.declare import MenuItem
from app.views.guard import granted
from app.views.page import Page

FOLDER = Path(__file__).resolve().parent.parent.parent / "docs" / "help"
PICTURES = FOLDER.parent / "pictures"
MOST = 100  # hits on one page
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table")


def chapters() -> list[tuple[str, str]]:
    """(key, title) of the chapters in order."""
    return [(key, title) for key, (title, _text) in _read(_stamp()).items()]


def _stamp() -> tuple:
    return tuple((p.name, p.stat().st_mtime_ns) for p in sorted(FOLDER.glob("*.md")))


@lru_cache(maxsize=2)
def _read(stamp: tuple) -> dict[str, tuple[str, str]]:
    """{key: (title, text below it)}; read again when a file changed."""
    found = {}
    for name, _at in stamp:
        title, _line, text = (FOLDER / name).read_text(encoding="utf-8").partition("\n")
        found[name.removesuffix(".md")] = (title.lstrip("# "), text)
    return found


def render(text: str) -> Markup:
    """A chapter's Markdown as HTML, its headings with the anchors s1, s2, …; HTML inside it is text."""
    tokens, n = _markdown.parse(text), 0
    for token in tokens:
        if token.type == "heading_open":
            n += 1
            token.attrSet("id", f"s{n}")
    return Markup(_markdown.renderer.render(tokens, _markdown.options, {}))


@dataclass(frozen=True)
class Hit:
    """A sentence of the manual that has every word asked for."""

    key: str
    title: str
    anchor: str
    heading: str
    sentence: str


def find(asked: str) -> list[Hit]:
    """The sentences (and headings) with all words of `asked`, in the order of the chapters, headings before sentences."""
    wanted = asked.casefold().split()
    found = [hit for hit in _sentences() if all(one in hit.sentence.casefold() for one in wanted)] if wanted else []
    return sorted(found, key=lambda hit: hit.sentence not in (hit.heading, hit.title))[:MOST]


def _sentences():
    for key, (title, text) in _read(_stamp()).items():
        anchor = heading = ""
        n = 0
        yield Hit(key, title, "", "", title)
        for line in text.splitlines():
            if line.startswith("#"):
                n += 1
                anchor, heading = f"s{n}", line.lstrip("# ")
                yield Hit(key, title, anchor, heading, heading)
                continue
            plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|[*`]|^\s*(?:-|\d+\.|\|)\s*", r"\1", line)
            yield from (Hit(key, title, anchor, heading, said.strip()) for said in re.split(r"(?<=[。；])", plain) if said.strip())


def marked(sentence: str, asked: str) -> Markup:
    """The sentence with the words asked for in <mark>."""
    parts = re.split("(" + "|".join(map(re.escape, asked.split())) + ")", sentence, flags=re.I)
    return Markup("").join(Markup("<mark>{}</mark>").format(part) if n % 2 else part for n, part in enumerate(parts))


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
        """One chapter, or with ?q= the sentences of all chapters that have these words."""
        asked, known = request.args.get("q", "").strip()[:60], _read(_stamp())
        if key not in known:
            abort(404)
        hits = [(hit, marked(hit.sentence, asked)) for hit in find(asked)] if asked else []
        title, text = known[key]
        return render_template("desktop/help.html", chapters=chapters(), key="" if asked else key, asked=asked, hits=hits, title=title,
                               body=render(text))

    @expose("/picture/<name>")
    @granted("")
    def picture(self, name):
        """A picture of the manual."""
        if name not in {p.name for p in PICTURES.glob("*.png")}:
            abort(404)
        return Response((PICTURES / name).read_bytes(), mimetype="image/png", headers={"Cache-Control": "private, max-age=86400"})

"""Headers and template globals: nonce, icons, hashed asset addresses (promises: strict CSP, frames, sniffing)."""
import datetime as dt
import gzip
import hashlib
import secrets
from functools import cache
from pathlib import Path

from flask import current_app, g, render_template, request
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from app.core import actor, choices, money
from app.core.words import language

from . import cells

STATIC = Path(__file__).resolve().parent.parent / "static"


def csp_nonce() -> str:
    """This request's nonce for its own scripts and styles."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


@cache
def icon(name: str, extra: str = "") -> Markup:
    """An icon of the cut font."""
    return Markup('<i class="ti ti-{} {}" aria-hidden="true"></i>').format(name, extra)


_fixed: dict = {}
MOST_KEPT = 300  # parts of pages, for each person


def fixed(template: str) -> Markup:
    """A part of every page that depends on the reader's language alone; rendered once a process."""
    spoken = language.get()
    if (template, spoken) not in _fixed:
        _fixed[template, spoken] = Markup(render_template(template))
    return _fixed[template, spoken]


def standing(template: str, varies: str = "") -> Markup:
    """A part of every page that depends on its reader, the module it stands in and what varies besides; kept with the person until his
    rights change. No token, no moment may stand in it."""
    who = actor.current()
    kept, key = who.memo.setdefault("standing", {}) if who else {}, (template, language.get(), request.blueprint, varies)
    if (made := kept.get(key)) is None:
        if len(kept) > MOST_KEPT:
            kept.clear()
        made = kept[key] = Markup(render_template(template))
    return made


@cache
def asset(path: str) -> str:
    """A static file's address with its content hash: cached for ever, never stale."""
    file = STATIC / path
    mark = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.exists() else "0"
    return f"/static/{path}?v={mark}"


def token() -> Markup:
    """The hidden field that makes a POST ours; the same all over a page."""
    if "csrf_field" not in g:
        g.csrf_field = Markup('<input type="hidden" name="csrf_token" value="{}">').format(generate_csrf())
    return g.csrf_field


def once() -> Markup:
    """The hidden fields of a form that must not be done twice (views/wire.py)."""
    return token() + Markup('<input type="hidden" name="once" value="{}">').format(new_token())


def new_token() -> str:
    """A once-only mark for a form."""
    return secrets.token_urlsafe(16)


@cache
def _packed(path: str, _changed: int) -> bytes:
    return gzip.compress((STATIC / path).read_bytes(), 9, mtime=0)


def _pack(answer):
    """Scripts and style sheets go out in gzip, packed once a process. Pages do not: they hold tokens (BREACH)."""
    path = (request.view_args or {}).get("filename", "")
    if request.endpoint == "static" and answer.status_code == 200 and path.endswith((".js", ".css", ".svg")):
        answer.vary.add("Accept-Encoding")
        if request.accept_encodings["gzip"] > 0 and "Range" not in request.headers:
            answer.close()
            answer.direct_passthrough = False
            answer.set_data(_packed(path, (STATIC / path).stat().st_mtime_ns))
            answer.headers["Content-Encoding"] = "gzip"
            answer.headers.pop("ETag", None)
    return answer


def _headers(answer):
    head = answer.headers
    head.setdefault("Content-Security-Policy", (
        f"default-src 'self'; script-src 'self' 'nonce-{csp_nonce()}'; style-src 'self' 'nonce-{csp_nonce()}'; "
        "style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"))
    head.setdefault("X-Content-Type-Options", "nosniff")
    head.setdefault("X-Frame-Options", "DENY")
    head.setdefault("Referrer-Policy", "same-origin")
    head.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    head.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    head.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
    if current_app.config["CRM_BEHIND_PROXY"]:
        head.setdefault("Strict-Transport-Security", "max-age=31536000")
    if request.path.startswith("/static/"):
        if request.args.get("v"):
            head["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        head.setdefault("Cache-Control", "no-store")
    return answer


def init_look(app) -> None:
    """Globals are set before the first render: FAB imports macros without context."""
    app.jinja_env.globals.update(
        csp_nonce=csp_nonce,
        icon=icon,
        asset=asset,
        fixed=fixed,
        standing=standing,
        cells=cells,
        token=token,
        once=once,
        new_token=new_token,
        capitals=money.capitals,
        timedelta=dt.timedelta,
        scope_label=lambda key: choices.label(None, "data_scope", key),
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.after_request(_headers)
    app.after_request(_pack)

"""Attachments: uploaded, checked by content, kept by hash, served so that nothing runs (promise 17)."""
import hashlib
from pathlib import Path

from flask import abort, current_app, redirect, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import actor, entity, scope
from app.core.attachments import Attachment
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db

from . import acting
from .guard import granted
from .page import Page, local

KINDS = [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"%PDF-", "application/pdf"),
         (b"PK\x03\x04", "application/zip"), (b"\xd0\xcf\x11\xe0", "application/msword")]
SHOWN = {"image/png", "image/jpeg", "image/gif", "application/pdf"}


def sniff(head: bytes) -> str:
    """The type of a file by its first bytes; plain text or unknown otherwise."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for mark, mime in KINDS if head.startswith(mark)), "application/octet-stream")


def path_of(digest: str) -> Path:
    """Where a file with this sha256 lies."""
    return Path(current_app.config["CRM_UPLOAD_DIR"]) / digest[:2] / digest


def keep_uploads(row, name: str = "files") -> int:
    """Keep the request's files as attachments of a saved row; returns how many."""
    kept = 0
    for upload in request.files.getlist(name):
        if not upload.filename:
            continue
        data = upload.read()
        if not data:
            raise RuleError(_("The file %(name)s is empty.", name=upload.filename[:80]))
        digest = hashlib.sha256(data).hexdigest()
        path = path_of(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            path.write_bytes(data)
        db.session.add(Attachment(entity=row.__tablename__, row_id=row.id, name=upload.filename[-200:], size=len(data),
                                  mime=sniff(data[:16]), digest=digest))
        kept += 1
    return kept


def owner_of(file: Attachment):
    """The record a file belongs to, if the acting person may see it; else 404."""
    return db.session.get(entity.by_name(file.entity), file.row_id) or abort(404)


def of(row) -> list[Attachment]:
    """A record's files, newest first."""
    return list(db.session.scalars(select(Attachment).where(
        Attachment.entity == row.__tablename__, Attachment.row_id == row.id).order_by(Attachment.id.desc())))


class FilePage(Page):
    """Addresses of attachments."""

    route_base = "/file"
    home = "/file/"
    default_view = "send"

    @expose("/<int:file_id>")
    @granted("")
    def send(self, file_id):
        """Send a file to who may see its record; pictures and PDF inline with ?view=1."""
        file = self.fetch(Attachment, file_id)
        if not self.who.may(file.entity.replace("_", ""), "read"):
            abort(403)
        owner_of(file)
        inline = file.mime in SHOWN and "view" in request.args
        answer = send_file(path_of(file.digest), mimetype=file.mime if inline else "application/octet-stream",
                           as_attachment=not inline, download_name=file.name)
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
        return answer

    @expose("/<name>/<int:row_id>", methods=["POST"])
    @granted("")
    def upload(self, name, row_id):
        """Add files to a record that the person may edit."""
        models = {m.__tablename__.replace("_", ""): m for m in entity.entities()}
        if name not in models or not self.who.may(name, "edit"):
            abort(403)
        row = self.fetch(models[name], row_id)
        if not scope.may_edit(db.session, row, actor.current()):
            abort(403)
        keep_uploads(row)
        db.session.commit()
        acting.say_done(_("Saved."))
        return redirect(local(request.form.get("back"), f"/{name}/show/{row_id}?tab=attachment"))

    @expose("/<int:file_id>/delete", methods=["POST"])
    @granted("")
    def remove(self, file_id):
        """Move a file to the trash."""
        file = self.fetch(Attachment, file_id)
        row = owner_of(file)
        name = file.entity.replace("_", "")
        if not self.who.may(name, "edit") or not scope.may_edit(db.session, row, actor.current()):
            abort(403)
        db.session.delete(file)
        db.session.commit()
        acting.say_done(_("Moved to the trash."))
        return redirect(f"/{name}/show/{row.id}?tab=attachment")

"""Attachments: uploaded, checked by content, kept by hash, served so that nothing runs (promise 17)."""
import hashlib
import io
import os
import re
import tempfile
from pathlib import Path

from flask import abort, current_app, flash, redirect, request, send_file
from flask_appbuilder import expose
from sqlalchemy import select

from app.core import actor, entity, scope
from app.core.attachments import Attachment
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db

from . import acting, forms, thumbs
from .exporting import view_of
from .guard import granted
from .page import Page, local
from .wire import takes_files

OFFICE = "application/zip"
KINDS = [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"), (b"%PDF-", "application/pdf"),
         (b"PK\x03\x04", OFFICE), (b"\xd0\xcf\x11\xe0", "application/msword")]
SHOWN = {"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"}
RUNS = (b"MZ", b"\x7fELF", b"#!", b"\xfe\xed\xfa", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"L\0\0\0\x01\x14\x02\0")
MARKUP = re.compile(rb"^[\s\xef\xbb\xbf]*<(?:!doctype|html|head|body|script|svg|\?php|%)", re.I)
PROMISED = {  # what a name promises; the content must keep it
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp"), "image/"), "pdf": "application/pdf",
    **dict.fromkeys(("docx", "xlsx", "pptx", "zip"), OFFICE), **dict.fromkeys(("doc", "xls", "ppt"), "application/msword")}
RUNNABLE = ("exe com scr bat cmd ps1 vbs vbe js jse wsf wsh hta msi jar lnk url reg dll sh iso html htm xhtml shtml svg mht php jsp asp "
            "aspx docm xlsm pptm dotm xltm xlam")
REFUSED = frozenset(RUNNABLE.split())


def sniff(head: bytes) -> str:
    """The type of a file by its first bytes; plain text or unknown otherwise."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((mime for mark, mime in KINDS if head.startswith(mark)), "application/octet-stream")


def checked(name: str, data: bytes) -> str:
    """The type of an uploaded file. RuleError when it is empty, could run somewhere, or is not what its name promises."""
    mime, ending = sniff(data[:16]), name.rpartition(".")[2].lower().strip()
    if not data:
        raise RuleError(_("The file %(name)s is empty.", name=name[:80]))
    if ending in REFUSED or data.startswith(RUNS) or MARKUP.match(data[:512]):
        raise RuleError(_("%(name)s is a program or a web page; such files are not kept here.", name=name[:80]))
    if ending in PROMISED and not mime.startswith(PROMISED[ending]):
        raise RuleError(_("%(name)s is not what its name says.", name=name[:80]))
    return mime


def keep(data: bytes) -> str:
    """Put a file where its sha256 says, whole or not at all, on the disk before this returns; returns the digest."""
    digest = hashlib.sha256(data).hexdigest()
    path = path_of(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size == len(data):
        return digest
    handle, made = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(made, path)
    except OSError:
        Path(made).unlink(missing_ok=True)
        raise
    return digest


def path_of(digest: str) -> Path:
    """Where a file with this sha256 lies."""
    return Path(current_app.config["CRM_UPLOAD_DIR"]) / digest[:2] / digest


def received(upload, accept, largest: int = 5 * 1024 * 1024) -> str:
    """Keep an upload that has one of these endings; 'digest:name'. RuleError for what cannot be taken."""
    data = upload.read(largest + 1) if upload else b""
    name = (forms.clean(upload.filename.replace("\\", "/").rpartition("/")[2]) if upload and upload.filename else "") or "?"
    if not 0 < len(data) <= largest or name.rpartition(".")[2].lower() not in accept:
        raise RuleError(_("A file of the kind %(kinds)s, of at most 5 MB.", kinds=" ".join(accept)))
    checked(name, data)
    return f"{keep(data)}:{name[-100:].replace(':', '_')}"


def forget(digests) -> None:
    """Take files from the disk to which no record leads any more."""
    wanted = select(Attachment.digest).where(Attachment.digest.in_(digests))
    kept = set(db.session.scalars(wanted.execution_options(everyone=True, with_trash=True)))
    for digest in digests - kept:
        path_of(digest).unlink(missing_ok=True)


def keep_uploads(row, field: str = "files") -> int:
    """Keep the request's files as attachments of a saved row; returns how many."""
    kept = 0
    for upload in request.files.getlist(field):
        if not upload.filename:
            continue
        data, name = upload.read(), forms.clean(upload.filename.replace("\\", "/").rpartition("/")[2]) or "?"
        mime = checked(name, data)
        db.session.add(Attachment(entity=row.__tablename__, row_id=row.id, name=name[-200:], size=len(data), mime=mime, digest=keep(data)))
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

    def _seen(self, file_id) -> Attachment:
        """A file whose record the person may see."""
        file = self.fetch(Attachment, file_id)
        if not self.who.may(file.entity.replace("_", ""), "read"):
            abort(403)
        owner_of(file)
        return file

    @expose("/<int:file_id>/small")
    @granted("")
    def small(self, file_id):
        """A picture made small, at most ?edge= pixels (96 or 240); the browser keeps it."""
        file, edge = self._seen(file_id), 240 if request.args.get("edge") == "240" else 96
        made = thumbs.small(path_of(file.digest), edge) if file.mime.startswith("image/") else None
        answer = send_file(io.BytesIO(made or abort(404)), mimetype="image/jpeg")
        answer.headers["Cache-Control"] = "private, max-age=86400"
        return answer

    @expose("/<int:file_id>")
    @granted("")
    def send(self, file_id):
        """Send a file to who may see its record; pictures and PDF inline with ?view=1."""
        file = self._seen(file_id)
        inline = file.mime in SHOWN and "view" in request.args
        answer = send_file(path_of(file.digest), mimetype=file.mime if inline else "application/octet-stream",
                           as_attachment=not inline, download_name=file.name)
        answer.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
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
        try:
            keep_uploads(row)
            db.session.commit()
            acting.say_done(_("Saved."))
        except RuleError as no:
            db.session.rollback()
            flash(str(no), "danger")
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
        try:
            type(view_of(name)).check_change(db.session, row)  # what is approved keeps its files; new scans may be added
        except RuleError as no:
            flash(str(no), "danger")
            return redirect(f"/{name}/show/{row.id}?tab=attachment")
        db.session.delete(file)
        db.session.commit()
        acting.say_done(_("Moved to the trash."))
        return redirect(f"/{name}/show/{row.id}?tab=attachment")


takes_files("FilePage.upload")

"""Files that belong to records: kept by content hash outside the web root, described in one table (附件)."""
from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from . import fields
from .entity import Entity
from .words import _l


class Attachment(Entity):
    """One file of one record; `digest` (sha256 hex) names it on disk, never the name given by the user."""

    __table_args__ = (Index("ix_attachment_row", "entity", "row_id"), {"extend_existing": True})
    entity: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[int]
    name = fields.text(_l("File name"), 200, required=True)
    size = fields.whole(_l("Size"), required=True)
    mime: Mapped[str] = mapped_column(String(80))
    digest: Mapped[str] = mapped_column(String(64))

"""One import of one file: what was chosen, how far it is, what it did (manual 4.9.4)."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock


class ImportRun(Model):
    """States: new (uploaded), running, done, cancelled, undone. Progress is stored with each written chunk."""

    __tablename__ = "import_run"
    id: Mapped[int] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(String(40))
    file_name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    owner_id: Mapped[int | None] = mapped_column(index=True)
    created_at: Mapped[dt.datetime] = mapped_column(default=clock.now)
    state: Mapped[str] = mapped_column(String(10), default="new")
    mapping: Mapped[list] = mapped_column(JSON, default=list)
    options: Mapped[dict] = mapped_column(JSON, default=dict)
    decisions: Mapped[dict] = mapped_column(JSON, default=dict)
    edits: Mapped[dict] = mapped_column(JSON, default=dict)
    rows: Mapped[int] = mapped_column(default=0)
    done_rows: Mapped[int] = mapped_column(default=0)
    created: Mapped[int] = mapped_column(default=0)
    updated: Mapped[int] = mapped_column(default=0)
    skipped: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    batch_id: Mapped[int | None]
    job_id: Mapped[int | None]


class ImportProblem(Model):
    """Why a row was not written: column index (0-based) and value as they stood in the file."""

    __tablename__ = "import_problem"
    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(index=True)
    row: Mapped[int]
    at: Mapped[int]
    value: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(300))

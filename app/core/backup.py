"""One file that holds everything: the database of one moment, the attachments, and a manifest of checksums (product.md 4.9, promise 29).

The file is a ZIP: `database.sqlite` (an SQLite database, whatever the office runs on, so that it can be put back on either),
`files/…` as they lie in the upload folder, `manifest.json` with the schema, the rows and the checksum of every table and the SHA-256
of every part. Nothing of a file is used before all of it was found to be whole.
"""
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask_appbuilder import Model
from sqlalchemy import JSON, bindparam, create_engine, insert, select, text

from . import clock, move
from .database import reading
from .rules import RuleError
from .search.index import SearchEntry, tokens_of
from .words import _

FORMAT = 1
DATABASE, MANIFEST, FILES = "database.sqlite", "manifest.json", "files/"
BLOCK = 1 << 20
PART = re.compile(r"files/(?:[\w-][\w.-]*/)*[\w-][\w.-]*")
SPOILT = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError, OverflowError, AttributeError,
          TypeError, sqlite3.DatabaseError)
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Unpacked:
    """A backup that was found whole, unpacked: its manifest, its database, now with this program's schema, and the folder of its
    attachments."""

    manifest: dict
    database: Path
    files: Path


def schema_of(line) -> str | None:
    """The revision of a database's schema."""
    return MigrationContext.configure(line).get_current_revision()


def _script() -> ScriptDirectory:
    return ScriptDirectory(str(ROOT / "app" / "migrations"))


def newest_schema() -> str | None:
    """The revision that this program works with."""
    return _script().get_current_head()


def upgrade(url: str) -> None:
    """Bring another database to this program's schema, in a process of its own; RuleError says why it did not work."""
    made = subprocess.run([sys.executable, "-m", "flask", "--app", "run", "db", "upgrade"], cwd=ROOT,
                          env={**os.environ, "CRM_DATABASE_URL": url}, capture_output=True, text=True)
    if made.returncode:
        raise RuleError(_("The tables could not be made: %(why)s", why=made.stderr.strip().rpartition("\n")[2]))


# ---- making ---------------------------------------------------------------------------------------------------
def make(engine, uploads: Path, path: Path, progress=lambda done, total: None, *, with_files: bool = True) -> dict:
    """Write everything of one moment to `path`, whole or not at all, while others go on working; returns the manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".backup-") as place:
        copy, book = Path(place) / DATABASE, Path(place) / "book.zip"
        snapshot(engine, copy)
        progress(1, 4)
        moment, (schema, tables) = clock.now().isoformat(), _told(copy)
        manifest = {"format": FORMAT, "made_at": moment, "kind": engine.dialect.name, "schema": schema, "tables": tables, "parts": {}}
        progress(2, 4)
        with zipfile.ZipFile(book, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
            manifest["parts"][DATABASE] = _put(out, DATABASE, copy)
            for name, file in _uploads(uploads) if with_files else ():  # a file is on the disk before its row is in the database
                manifest["parts"][name] = _put(out, name, file, zipfile.ZIP_STORED)
            out.writestr(MANIFEST, json.dumps(manifest, ensure_ascii=False))
        progress(3, 4)
        with book.open("rb") as file:
            os.fsync(file.fileno())
        book.chmod(0o600)
        os.replace(book, path)
    return manifest


def snapshot(engine, place: Path) -> None:
    """The database of one moment as an SQLite file; nobody waits for it."""
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(engine.url.database)) as here, closing(sqlite3.connect(place)) as there:
            here.backup(there)
            there.execute("PRAGMA journal_mode=DELETE")
        return
    with _opened(place) as made, engine.connect().execution_options(isolation_level="REPEATABLE READ") as here:
        if schema_of(here) != newest_schema():
            raise RuleError(_("The database has an older schema than the program: make the backup with the program that it belongs to."))
        Model.metadata.create_all(made)
        with made.begin() as there:
            there.execute(text("PRAGMA defer_foreign_keys=ON"))
            there.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
            there.execute(text("INSERT INTO alembic_version VALUES (:r)"), {"r": schema_of(here)})
            for table in Model.metadata.sorted_tables:
                _copy(here, there, table)
                if move.checksum(here, table) != move.checksum(there, table):
                    raise RuleError(_("The backup was not made: the table %(name)s was not copied faithfully.", name=table.name))


def _copy(here, there, table) -> None:
    columns = [c for c in table.columns if c is not SearchEntry.__table__.c.tokens]
    found = here.execute(select(*columns).execution_options(yield_per=move.CHUNK))
    written = insert(table).values({c.name: bindparam(c.name, type_=JSON(none_as_null=True) if isinstance(c.type, JSON) else c.type)
                                    for c in columns})
    for part in found.mappings().partitions():
        there.execute(written, [dict(row) for row in part])


@contextmanager
def _opened(place: Path):
    """An engine on an SQLite file, closed for good afterwards."""
    engine = create_engine(f"sqlite:///{place}")
    try:
        yield engine
    finally:
        engine.dispose()
        with closing(sqlite3.connect(place)) as line:
            line.execute("PRAGMA journal_mode=DELETE")


def sums(engine) -> dict[str, list]:
    """[rows, checksum] of every table as of one moment."""
    steady = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with reading(), engine.connect().execution_options(**steady) as line:
        counted = {t.name: move.checksum(line, t) for t in Model.metadata.sorted_tables}
    return {name: [rows, f"{total:016x}"] for name, (rows, total) in counted.items()}


def _told(place: Path) -> tuple[str | None, dict]:
    """The schema of an SQLite file, and the checksums of its tables when it is this program's."""
    with _opened(place) as engine:
        with engine.connect() as line:
            schema = schema_of(line)
        return schema, sums(engine) if schema == newest_schema() else {}


def _uploads(folder: Path):
    """(name in the backup, path) of every file kept; what is half written or only passes through stays away."""
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder).as_posix()
        if path.is_file() and PART.fullmatch(FILES + name) and not name.startswith("exports/"):
            yield FILES + name, path


def _put(out, name: str, path: Path, compression=zipfile.ZIP_DEFLATED) -> str:
    digest, info = hashlib.sha256(), zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)
    info.compress_type = compression
    with path.open("rb") as file, out.open(info, "w", force_zip64=True) as there:
        while block := file.read(BLOCK):
            digest.update(block)
            there.write(block)
    return digest.hexdigest()


# ---- reading --------------------------------------------------------------------------------------------------
@contextmanager
def unpacked(path: Path, place: Path | None = None):
    """A backup, checked whole and unpacked into a temporary folder; RuleError says in a sentence what is wrong with it."""
    with tempfile.TemporaryDirectory(dir=place, prefix=".restore-") as folder:
        root = Path(folder)
        try:
            manifest = _unpack(path, root)
            _check_database(root / DATABASE)
        except SPOILT as bad:
            raise RuleError(_("This file is not a whole backup: it is cut off, damaged, or something else.")) from bad
        (root / FILES).mkdir(exist_ok=True)
        if manifest["schema"] != newest_schema():
            upgrade(f"sqlite:///{root / DATABASE}")
        yield Unpacked(manifest, root / DATABASE, root / FILES)


def _unpack(path: Path, root: Path) -> dict:
    with zipfile.ZipFile(path) as book:
        manifest = json.loads(book.read(MANIFEST))
        if manifest["format"] != FORMAT or not _known(manifest["schema"]):
            raise RuleError(_("This backup was made by a newer program: update this one first."))
        if set(book.namelist()) != {*manifest["parts"], MANIFEST} or DATABASE not in manifest["parts"]:
            raise RuleError(_("The backup is damaged: its parts are not those of its manifest."))
        for name, digest in manifest["parts"].items():
            if name != DATABASE and not PART.fullmatch(name):
                raise RuleError(_("The backup is damaged: its parts are not those of its manifest."))
            if _take(book, name, root / name) != digest:
                raise RuleError(_("The backup is damaged: %(name)s is not what was written.", name=name))
    return manifest


def _known(schema) -> bool:
    return schema in {script.revision for script in _script().walk_revisions()}


def _take(book, name: str, path: Path) -> str:
    digest = hashlib.sha256()
    path.parent.mkdir(parents=True, exist_ok=True)
    with book.open(name) as file, path.open("wb") as out:
        while block := file.read(BLOCK):
            digest.update(block)
            out.write(block)
    return digest.hexdigest()


def _check_database(place: Path) -> None:
    with closing(sqlite3.connect(place)) as line:
        if line.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise RuleError(_("The backup is damaged: its database is not whole."))


# ---- putting back ---------------------------------------------------------------------------------------------
def put_back(found: Unpacked, engine, uploads: Path, prepare=lambda line: None) -> None:
    """Replace everything of a database by what the backup holds, in one transaction, and add its attachments. `prepare(line)` may change
    the unpacked database before."""
    if engine.dialect.name == "sqlite":
        _fill_search(found.database)
    with _opened(found.database) as staged:
        with staged.begin() as line:
            prepare(line)
        _add_files(found.files, uploads)
        if engine.dialect.name == "postgresql":
            move.move(staged, engine, over=True)
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(found.database)) as here, closing(sqlite3.connect(engine.url.database, timeout=60)) as there:
            here.backup(there)
            there.execute("PRAGMA journal_mode=WAL")


def _fill_search(place: Path) -> None:
    """A copy made from PostgreSQL has the search texts without SQLite's index of them."""
    with closing(sqlite3.connect(place)) as line:
        if line.execute("SELECT 1 FROM search_index_data WHERE id > 10 LIMIT 1").fetchone():
            return
        line.executemany("INSERT INTO search_index(rowid, t) VALUES (?, ?)", (
            (i, " ".join(tokens_of(source))) for i, source in line.execute("SELECT id, source FROM search_entry").fetchall()))
        line.commit()


def _add_files(folder: Path, uploads: Path) -> None:
    """Put the attachments where they belong; what is there already and is another file is replaced whole."""
    for name, path in _uploads(folder):
        to = uploads / name.removeprefix(FILES)
        if to.exists() and to.stat().st_size == path.stat().st_size and _digest(to) == _digest(path):
            continue
        to.parent.mkdir(parents=True, exist_ok=True)
        half = to.with_name(f".{to.name}")
        shutil.copyfile(path, half)
        os.replace(half, to)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rehearse(path: Path, engine) -> dict:
    """Really restore a backup into a temporary place of the same kind of database and compare all checksums; returns its manifest.
    RuleError when it is not as it was written."""
    with unpacked(path) as found, tempfile.TemporaryDirectory(prefix="crm-rehearsal-") as folder:
        place = Path(folder)
        with _rehearsal(engine, place) as there:
            put_back(found, there, place / "uploads")
            same = found.manifest["schema"] != newest_schema() or sums(there) == found.manifest["tables"]
        if not same or [name for name, _path in _uploads(place / "uploads")] != sorted(set(found.manifest["parts"]) - {DATABASE}):
            raise RuleError(_("The backup does not restore to what was written."))
        return found.manifest


@contextmanager
def _rehearsal(engine, folder: Path):
    """An empty database of the same kind: a file, or a schema of its own in the same PostgreSQL database, gone afterwards."""
    if engine.dialect.name == "sqlite":
        with _opened(folder / "rehearsal.db") as made:
            yield made
        return
    name = f"crm_rehearsal_{os.getpid()}"
    made = create_engine(engine.url, connect_args={"options": f"-csearch_path={name}"})
    with engine.begin() as line:
        line.execute(text(f"CREATE SCHEMA {name}"))
    try:
        Model.metadata.create_all(made)
        yield made
    finally:
        made.dispose()
        with engine.begin() as line:
            line.execute(text(f"DROP SCHEMA {name} CASCADE"))


"""An import from file to result: as a job of the screens, or at once by the command."""
import csv
from pathlib import Path

from sqlalchemy import select

from app.core import changes, jobs, memo, undo
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.security.models import Employee
from app.views import files

from . import checking, headings, reading
from .checking import Plan
from .models import ImportProblem, ImportRun
from .writing import Writer

DUPLICATES = ("skip", "overwrite", "fill")


def sheet_of(run: ImportRun) -> reading.Sheet:
    """The table of a run's file."""
    return reading.read(files.path_of(run.digest).read_bytes(), headings.known(run.entity))


def plan_of(run: ImportRun) -> Plan:
    """What the user chose for a run."""
    o = run.options or {}
    return Plan(run.entity, list(run.mapping or []), o.get("key", ""), o.get("on_duplicate", "skip"), o.get("owner_id"),
                run.decisions or {}, run.edits or {}, bool(o.get("create_open")))


def new_run(session, name: str, data: bytes, entity_name: str, who_id) -> ImportRun:
    """Read an uploaded file and propose a mapping. Raises RuleError when it cannot be read."""
    sheet = reading.read(data, headings.known(entity_name))
    mapping = headings.match(sheet.headings, entity_name)
    run = ImportRun(entity=entity_name, file_name=name[-200:], digest=files.keep(data), owner_id=who_id, rows=len(sheet.rows),
                    mapping=mapping, options={"key": checking.first_key(entity_name, mapping), "on_duplicate": "skip"})
    session.add(run)
    session.flush()
    return run


def open_batch(session, run: ImportRun) -> None:
    """The operation that all rows of the run belong to."""
    run.batch_id, run.state = changes.start_batch(session, "import", run.entity, run.file_name), "running"


@jobs.kind("import")
def import_job(job, session, progress):
    """The job of a run: write, then say how it went."""
    run = session.get(ImportRun, job.params["run_id"])
    if run.batch_id is None:
        open_batch(session, run)
        session.commit()
    try:
        run = Writer(session, sheet_of(run), plan_of(run), run.id).run(progress)
        run.state = "done"
    except jobs.Cancelled:
        session.rollback()
        session.get(ImportRun, job.params["run_id"]).state = "cancelled"
        session.commit()
        raise
    return result_of(run)


def result_of(run: ImportRun) -> dict:
    """The four numbers."""
    return {"created": run.created, "updated": run.updated, "skipped": run.skipped, "failed": run.failed}


@jobs.kind("import_undo")
def undo_job(job, session, progress):
    """Take a whole import back; rows changed since are listed."""
    run = session.get(ImportRun, job.params["run_id"])
    done = [0]

    def told(n):
        done[0] += n
    conflicts = undo.take_back(session, run.batch_id, told)
    run.state = "undone"
    memo.touch(session, "choices")
    return {"conflicts": conflicts[:200], "count": done[0]}


# ---- the command ----------------------------------------------------------------------------------------------
def _owner(session, name):
    found = session.scalar(select(Employee.id).where(Employee.username == name)) if name else None
    if name and found is None:
        raise RuleError(_("There is no user %(name)s.", name=name))
    return found


def run_file(path: str, entity_name: str, *, owner=None, key=None, on_duplicate="skip", report=None, check=False) -> dict:
    """The command's import: read, check, write at once; values of describing lists are added by themselves.

    Returns the four numbers; writes the faults as CSV (row, column, value, reason; UTF-8). Raises RuleError when the
    file cannot be read."""
    session, data = db.session, Path(path).read_bytes()
    if key and key not in checking.keys_of(entity_name):
        raise RuleError(_("The key must be one of: %(names)s", names=", ".join(checking.keys_of(entity_name))))
    sheet = reading.read(data, headings.known(entity_name))
    who = _owner(session, owner) or session.scalar(select(Employee.id).order_by(Employee.id).limit(1))
    mapping = headings.match(sheet.headings, entity_name)
    plan = Plan(entity_name, mapping, key or checking.first_key(entity_name, mapping), on_duplicate, who, create_open=True)
    if check:
        found = checking.summary(session, sheet, plan, keep=10**9)
        session.rollback()
        lines = [(f["row"], f["column"], f["value"], f["reason"]) for f in found["faults"]]
        updated = found["duplicates"] if on_duplicate != "skip" else 0
        counts = {"created": found["good"] - found["duplicates"], "updated": updated,
                  "skipped": found["skipped"] + found["duplicates"] - updated, "failed": found["bad"]}
    else:
        counts, lines = _write_now(session, path, data, sheet, plan)
    if report:
        _write_report(report, lines)
    return counts


def _write_now(session, path, data, sheet, plan):
    run = ImportRun(entity=plan.entity, file_name=Path(path).name[-200:], digest=files.keep(data), owner_id=None, rows=len(sheet.rows),
                    mapping=plan.mapping, options={"key": plan.key, "on_duplicate": plan.on_duplicate, "owner_id": plan.owner_id,
                                                   "create_open": True})
    session.add(run)
    session.flush()
    open_batch(session, run)
    session.commit()
    run = Writer(session, sheet, plan, run.id).run(lambda done, total: None)
    run.state = "done"
    session.commit()
    problems = session.scalars(select(ImportProblem).where(ImportProblem.run_id == run.id).order_by(ImportProblem.id))
    return result_of(run), [(p.row, sheet.headings[p.at], p.value, p.reason) for p in problems]


def _write_report(place, lines) -> None:
    with open(place, "w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(("row", "column", "value", "reason"))
        out.writerows(lines)


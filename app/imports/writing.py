"""Writes a checked sheet: in chunks, each one transaction that also stores how far it is, so that a killed worker
continues exactly and the whole import can be taken back as one operation."""
import time
from collections.abc import Iterator

from sqlalchemy import insert, select

from app.core import actor, bulk, changes, choices, entity, scope
from app.core.choices import Choice
from app.core.rules import RuleError
from app.core.words import _
from app.customers import rules
from app.customers.models import Contact

from . import finding, headings
from .builder import BULK, Builder
from .checking import Checker, existing
from .models import ImportProblem, ImportRun

CHUNK = 500
PAUSE = 0.02  # seconds between chunks: SQLite has one write lock and no queue; others get their turn here


class Writer:
    """Writes the lines of one run."""

    def __init__(self, session, sheet, plan, run_id: int):
        self.session, self.plan, self.run_id = session, plan, run_id
        self.checker = Checker(session, sheet, plan)
        self.model, self.fields = entity.by_name(plan.entity), self.checker.fields
        self.child = headings.CHILDREN.get(plan.entity)
        self.codes: dict = {}
        self.ids: Iterator = iter(())
        self.made: dict = {}  # key -> id of the records that this run has made
        self.fresh: list = []  # keys made in the present chunk
        self.builder = None if plan.entity in BULK else Builder(session, self.checker, self._value)

    def run(self, progress) -> ImportRun:
        """Write everything that is not written yet; `progress(done, total)` after each chunk."""
        run = self.session.get(ImportRun, self.run_id)
        done, total, at = run.done_rows, run.rows, 0
        if done and self.builder is None:
            self._remember_made(run)
        chunk: list = []
        for line in self.checker.lines():
            at += len(line.rows)
            if at > done:
                chunk.append(line)
            if sum(len(one.rows) for one in chunk) >= CHUNK:
                self._write(chunk, at)
                progress(at, total)
                chunk = []
        if chunk:
            self._write(chunk, total)
        progress(total, total)
        return self.session.get(ImportRun, self.run_id)

    def _remember_made(self, run):
        """After a restart: which records this run has made already."""
        t = changes.Change
        ids = select(t.row_id).where(t.batch_id == run.batch_id, t.entity == self.plan.entity, t.verb == "add")
        column = getattr(self.model, "name_key" if self.plan.key == "name" else self.plan.key, self.model.id)
        self.made = dict(self.session.execute(select(column, self.model.id).where(self.model.id.in_(ids)).execution_options(
            everyone=True)).all())

    def _write(self, lines, done):
        run = self.session.get(ImportRun, self.run_id)
        counts = {"created": 0, "updated": 0, "skipped": 0, "failed": 0}
        problems: list = []
        self.session.info["importing"] = True
        try:
            with changes.in_batch(self.session, run.batch_id):
                self._put(lines, counts, problems)
        finally:
            self.session.info.pop("importing")
        if problems:
            self.session.connection().execute(insert(ImportProblem.__table__), [
                {"run_id": run.id, "row": row, "at": at, "value": str(value)[:500], "reason": reason[:300]}
                for row, at, value, reason in problems])
        for name, n in counts.items():
            setattr(run, name, getattr(run, name) + n)
        run.done_rows = done
        self.session.commit()
        time.sleep(PAUSE)

    def _put(self, lines, counts, problems) -> None:
        there = self._there(lines)
        if self.builder is not None:
            for line in lines:
                counts[self._by_rules(line, there, problems)] += len(line.rows)
            return
        self.ids = iter(bulk.reserve_ids(self.session, self.model, len(lines)))
        for line in lines:
            counts[self._line(line, there, problems)] += 1
        self.session.flush()
        self.made |= {key: there[key].id for key in self.fresh}
        self.fresh = []

    def _by_rules(self, line, there, problems) -> str:
        """One record or document by the rules of its screen; with a fault none of its rows is imported."""
        done = "failed" if line.is_bad else "skipped" if line.skip else self.builder.make(line, there.get(self.checker.key_of(line.values)))
        for row in line.rows if line.is_bad or line.skip else ():
            problems += [(row.number, at, value, reason) for at, value, reason in row.faults] or [
                (row.number, 0, "", line.skip or _("its document is not imported, see row %(n)d", n=line.number))]
        return done

    def _there(self, lines) -> dict:
        """key -> living row for the lines of a chunk."""
        keys = {k for line in lines if not line.is_bad and (k := self.checker.key_of(line.values)) is not None}
        ids = {k: self.made[k] for k in keys if k in self.made}
        ids |= existing(self.session, self.plan, [k for k in keys if k not in ids])
        wanted = select(self.model).where(self.model.id.in_(ids.values())).execution_options(everyone=True)
        rows = {row.id: row for row in self.session.scalars(wanted)} if ids else {}
        return {k: rows[i] for k, i in ids.items() if i in rows}

    def _line(self, line, there, problems) -> str:
        if line.faults:
            problems += [(line.number, at, value, reason) for at, value, reason in line.faults]
            return "failed"
        if line.skip:
            problems.append((line.number, 0, "", line.skip))
            return "skipped"
        key = self.checker.key_of(line.values)
        row = there.get(key)
        if row is None:
            row = self._create(line)
            if key is not None:
                there[key] = row
                self.fresh.append(key)
            self._child(row, line, True)
            return "created"
        if key in self.made or key in self.fresh:
            return "created" if self._child(row, line, False) else "skipped"
        return self._existing(row, line, problems)

    def _existing(self, row, line, problems) -> str:
        if self.plan.on_duplicate == "skip":
            problems.append((line.number, 0, "", _("skipped: it is there already")))
            return "skipped"
        if not scope.may_edit(self.session, row, actor.current()):
            problems.append((line.number, 0, "", _("it is there already and belongs to somebody else")))
            return "failed"
        changed = False
        for target, value in line.values.items():
            one = self.fields[target]
            if target.startswith(self.plan.entity + ".") and not one.hidden_from(actor.current()) and (
                    self.plan.on_duplicate == "overwrite" or getattr(row, one.key) in (None, "")):
                changed |= getattr(row, one.key) != self._value(one, value)
                setattr(row, one.key, self._value(one, value))
        changed |= bool(self._child(row, line, False))
        return "updated" if changed else "skipped"

    def _create(self, line):
        row = self.model(id=next(self.ids), owner_id=self.plan.owner_id or actor.current_id())
        for target, value in line.values.items():
            if target.startswith(self.plan.entity + "."):
                setattr(row, self.fields[target].key, self._value(self.fields[target], value))
        if hasattr(row, "name_key"):
            row.name_key = rules.name_key(row.name)
        self.session.add(row)
        return row

    def _value(self, one, value):
        """New values of a list ('+名称') become rows of the list, once."""
        if one.kind == "several" and "+" in value:
            return ",".join(self._code(one, part) for part in value.split(","))
        if one.kind == "ref" and isinstance(value, str):  # a record of an earlier row: '=名称'
            found = finding.ids(self.session, one, value[1:])
            if len(found) != 1:
                raise RuleError(_("there is no such %(what)s", what=str(one.label)), one.name)
            return found[0]
        return self._code(one, value) if one.kind == "choice" else value

    def _code(self, one, value):
        if not str(value).startswith("+"):
            return value
        place = (one.choices, value[1:])
        if place not in self.codes:
            code = choices.code_for(self.session, *place)
            self.session.add(Choice(list_name=one.choices, code=code, name=value[1:60], position=1000))
            self.session.flush()
            self.codes[place] = code
        return self.codes[place]

    def _child(self, row, line, fresh) -> bool:
        """The contact of a customer's line; not made twice."""
        found = {t.split(".")[1]: v for t, v in line.values.items() if self.child and t.startswith(self.child + ".")}
        if not found:
            return False
        if not fresh:
            self.session.flush()
            with self.session.no_autoflush:
                twin = self.session.scalars(select(Contact).where(
                    Contact.customer_id == row.id, Contact.name == found["name"]).execution_options(everyone=True)).first()
            if twin:
                return False
        person = Contact(owner_id=row.owner_id, customer=row)
        for name, value in found.items():
            one = self.fields[f"{self.child}.{name}"]
            setattr(person, one.key, self._value(one, value))
        self.session.add(person)
        if fresh:
            row.primary_contact = person
        return True

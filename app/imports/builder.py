"""Makes records of checked rows by the rules of their screens: what a form refuses, an import refuses too.

Customers and contacts come in bulk (writing.py); everything else is made here, one record or document after the other, each whole or
not at all.
"""
from sqlalchemy.exc import IntegrityError

from app.core import actor, clock, entity, scope
from app.core.rules import RuleError
from app.core.words import _
from app.views.exporting import view_of

from . import headings, lines, values

BULK = ("customer", "contact")


def defaults(name: str) -> dict:
    """What a form proposes for the required fields of a new record, by field name."""
    if name in BULK:
        return {}
    view = view_of(name.replace("_", ""))
    proposed = view._data(None, [one for one in view.form_fields() if one.name != "owner"])
    return {key: value for key, value in proposed.items() if value not in (None, "") and key in view.fields and view.fields[key].required}


def tried(session, checker):
    """The lines of a checker with the faults that the rules find, too; nothing is written."""
    if checker.plan.entity in BULK:
        yield from checker.lines()
        return
    maker = Builder(session, checker)
    for line in checker.lines():
        if not line.is_bad and not line.skip:
            maker.try_out(line)
        yield line
    session.rollback()  # the locks that rules hold on what they read


def _untold(one, value):
    """A value while nothing is written: a record of an earlier row is not there yet."""
    return None if one.kind == "ref" and isinstance(value, str) else value


class Builder:
    """Makes the records of one sheet. `code` turns a new value of a list, or a record of an earlier row, into what is kept."""

    def __init__(self, session, checker, code=_untold):
        self.session, self.checker, self.plan, self.code = session, checker, checker.plan, code
        self.model, self.view = entity.by_name(self.plan.entity), view_of(self.plan.entity.replace("_", ""))
        self.part = headings.LINES.get(self.plan.entity)
        self.part_model = entity.by_name(self.part) if self.part else None

    def try_out(self, line) -> None:
        """Give a line the faults that the rules find; nothing stays."""
        kept, self.session.info["importing"] = set(self.session.new), True
        try:
            with self.session.no_autoflush:
                self._build(line, self.model())
        except RuleError as no:
            self._blame(line, no)
        finally:
            self.session.info.pop("importing")
            for row in set(self.session.new) - kept:
                self.session.expunge(row)

    def make(self, line, row) -> str:
        """Write one record inside a savepoint, or change `row`, the one that is there already; created, updated, skipped, or failed with
        its faults in the line."""
        if row is not None and self.plan.on_duplicate == "skip":
            line.faults.append((0, "", _("skipped: it is there already")))
            return "skipped"
        if row is not None and not scope.may_edit(self.session, row, actor.current()):
            line.faults.append((0, "", _("it is there already and belongs to somebody else")))
            return "failed"
        try:
            with self.session.begin_nested():
                done = self._add(line) if row is None else self._change(line, row)
                self.session.flush()
            return done
        except RuleError as no:
            self._blame(line, no)
        except IntegrityError:
            line.faults.append((0, "", _("Another record has this value already.")))
        return "failed"

    def _blame(self, line, no: RuleError) -> None:
        """A refusal at the row and column of its field."""
        name, row = (no.field or "").removesuffix("_id"), getattr(no, "row", line)
        wanted = [f"{self.plan.entity}.{name}", f"{self.part}.{name}"][::-1 if row is not line or isinstance(no, lines.Mismatch) else 1]
        found = [t for t in wanted if t in self.checker.mapping] + [
            t for t in self.checker.mapping if name == "lines" and t.startswith(f"{self.part}.")]
        at = self.checker.column_of(found[0]) if found else 0
        row.faults.append((at, values.as_text(row.cells[at]), str(no)))

    # ---- a new one -----------------------------------------------------------------------------------------------
    def _build(self, line, row):
        """Fill a new record and ask the rules. Returns what belongs to it: its lines, or the expenses of a claim."""
        for key, one in self.view.fields.items():
            first = self.checker.given.get(key) if key in self.checker.given else one.first() if one.column is not None else None
            if first is not None:
                setattr(row, one.key, first)
        if hasattr(row, "owner_id"):
            row.owner_id = self.plan.owner_id or actor.current_id()
        said = lines.said(line, self.part) if self.part else []
        self._fill(line.values, row, set(headings.TOTALS[""]) if said else set())
        brought = {one.key: value for one in self._brought() if (value := getattr(row, one.key)) is not None}
        found = self._parts(row, said)
        with self.session.no_autoflush:
            type(self.view).check_save(self.session, row)
        for key, value in brought.items():
            setattr(row, key, value)
        self._compare(line, row, said, found)
        return found

    def _parts(self, row, said) -> list:
        if self.part == "expense":
            return lines.expenses(self.session, row, self.part_model, said, self.code)
        if said:
            lines.put(self.session, row, self.part_model, said, self.code)
        return row.living if self.part else []

    def _brought(self) -> list:
        return [self.view.fields[name] for name in headings.BROUGHT.get(self.plan.entity, ())]

    def _add(self, line) -> str:
        row = self.model()
        found = self._build(line, row)
        self.session.add(row)
        self.session.flush()
        if self.part == "expense":
            lines.gather(self.session, row, found)
        self.view.after_save(row, True)
        return "created"

    def _fill(self, found: dict, row, left) -> bool:
        """Set a record's own fields but those to be left; whether any changed."""
        changed = False
        for target, value in found.items():
            one = self.checker.fields[target]
            if target.startswith(self.plan.entity + ".") and one.name not in left:
                value = self.code(one, value)
                changed |= getattr(row, one.key) != value
                setattr(row, one.key, value)
        return changed

    def _compare(self, line, row, said, found) -> None:
        """What the sheet says of the totals is what they are."""
        totals = {name: line.values[t] for name in headings.TOTALS[""] if (t := f"{self.plan.entity}.{name}") in line.values and said}
        if self.part == "expense":
            if (whole := sum(one.amount for one in found)) != totals.get("amount", whole):
                row.amount = whole
                lines.compare(row, [], [], {"amount": totals["amount"]})
        elif said:
            lines.compare(row, said, found, totals)

    # ---- one that is there ---------------------------------------------------------------------------------------
    def _change(self, line, row) -> str:
        """Overwrite a record, or fill what is empty; what a role does not see stays."""
        fill, said = self.plan.on_duplicate == "fill", lines.said(line, self.part) if self.part and self.part != "expense" else []
        lined = bool(said) and not (fill and row.living)
        left = {one.name for one in self.view.fields.values() if one.hidden_from(actor.current()) or one.kind == "number" or one.system or (
            fill and getattr(row, one.key) not in (None, ""))} | {one.name for one in self._brought()}
        with self.session.no_autoflush:
            changed = self._fill(line.values, row, left | set(headings.TOTALS[""]) if said or self.part == "expense" else left)
            changed |= lined and lines.put(self.session, row, self.part_model, said, self.code)
            if not changed:
                return "skipped"
            type(self.view).check_change(self.session, row)
            row.changed_at = clock.now()
            type(self.view).check_save(self.session, row)
        if lined:
            self._compare(line, row, said, row.living)
        self.session.flush()
        self.view.after_save(row, False)
        return "updated"

"""The full check before anything is written: every cell converted, every fault named by row, column, value, reason."""
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, or_, select

from app.core import choices, entity
from app.core.describe import target_model
from app.core.rules import RuleError
from app.core.words import _
from app.customers.rules import name_key

from . import headings, values

KEYS = {"customer": ("name", "number", "tax_number", "mobile", "phone"), "contact": ("mobile", "name")}


@dataclass
class Plan:
    """How a sheet becomes rows: the target of each column and what the user decided."""

    entity: str
    mapping: list[str]
    key: str = "name"
    on_duplicate: str = "skip"
    owner_id: int | None = None
    decisions: dict = field(default_factory=dict)
    edits: dict = field(default_factory=dict)
    create_open: bool = False


@dataclass
class Line:
    """One row of the file, converted: values by target, faults as (column index, value, reason)."""

    number: int
    cells: list
    values: dict = field(default_factory=dict)
    faults: list = field(default_factory=list)
    skip: str = ""


class Checker:
    """Converts lines of one sheet; remembers what was unknown and how often."""

    def __init__(self, session, sheet, plan: Plan):
        self.session, self.sheet, self.plan = session, sheet, plan
        self.fields = headings.fields_of(plan.entity)
        self.unknown: Counter = Counter()
        self.by_name_key = hasattr(entity.by_name(plan.entity), "name_key")
        self.people = self._people()
        self.lists: dict = {}
        self.rows: dict = {}
        self.seen: dict = {}
        missing = [str(one.label) for t, one in self.fields.items()
                   if one.required and t.startswith(plan.entity + ".") and t not in plan.mapping and one.kind != "flag"
                   and one.name != "owner" and one.column.default is None]
        if missing:
            raise RuleError(_("No column is mapped to: %(names)s", names="、".join(missing)))

    def _people(self):
        model = target_model(self.fields[f"{self.plan.entity}.owner"])
        found: dict = {}
        for person in self.session.scalars(select(model)):
            for name in (person.name, person.username):
                found.setdefault(name, set()).add(person.id)
        return found

    def lines(self):
        """Every line, converted."""
        for number, cells in self.sheet.rows:
            yield self.line(number, cells)

    def line(self, number, cells) -> Line:
        """Convert one row."""
        mended = self.plan.edits.get(str(number), {})
        line = Line(number, [mended.get(str(n), cell) for n, cell in enumerate(cells)] if mended else cells)
        for at, target in enumerate(self.plan.mapping):
            if target and at < len(line.cells):
                self._cell(line, at, target)
        self._required(line)
        self._twice(line)
        return line

    def _cell(self, line, at, target):
        raw, one = line.cells[at], self.fields[target]
        if values.as_text(raw) == "":
            return
        try:
            if one.kind == "choice":
                value = self._choice(one, values.as_text(raw), line)
            elif one.kind == "ref":
                value = self._ref(one, values.as_text(raw), line)
            else:
                value = values.KINDS[one.kind](one, raw)
        except values.Fault as fault:
            line.faults.append((at, values.as_text(raw), str(fault)))
            return
        if value is not None:
            line.values[target] = value

    def _required(self, line):
        for at, target in enumerate(self.plan.mapping):
            if target.startswith(self.plan.entity + ".") and self.fields[target].required and target not in line.values \
                    and not any(fault[0] == at for fault in line.faults) and self.fields[target].name != "owner":
                line.faults.append((at, "", _("must not be empty")))
        child = headings.CHILDREN.get(self.plan.entity)
        if child and f"{child}.name" not in line.values:
            self._without_contact(line, child)

    def _without_contact(self, line, child):
        """A row that names no contact: phones and mails belong to the company; what only a person has is a fault."""
        for at, target in enumerate(self.plan.mapping):
            if not target.startswith(child + ".") or target not in line.values:
                continue
            own = f"{self.plan.entity}.{target.split('.')[1]}"
            if own in self.fields and own not in self.plan.mapping and target.split(".")[1] in headings.FIRST_FOR_CHILD:
                line.values[own] = line.values.pop(target)
            else:
                line.faults.append((at, values.as_text(line.cells[at]), _("a contact needs a name")))

    def _twice(self, line):
        """The same key twice in the file: the second is a further contact, or a fault when it brings none."""
        key = self.key_of(line.values)
        if key is None:
            return
        first = self.seen.setdefault(key, line.number)
        if first != line.number and not any(t.startswith(f"{headings.CHILDREN.get(self.plan.entity)}.") for t in line.values):
            at = self.plan.mapping.index(f"{self.plan.entity}.{self.plan.key}")
            line.faults.append((at, values.as_text(line.cells[at]), _("the same as row %(n)d", n=first)))

    def key_of(self, found: dict):
        """The value that tells whether a record is there already."""
        value = found.get(f"{self.plan.entity}.{self.plan.key}")
        if value is None:
            return None
        if self.plan.key == "name" and self.plan.entity == "contact":
            return f"{found.get('contact.customer')}:{value}"
        return name_key(value) if self.plan.key == "name" and self.by_name_key else str(value)

    # ---- values that refer to something ------------------------------------------------------------------------
    def _list(self, name):
        if name not in self.lists:
            self.lists[name] = {}
            for english in (True, False):
                for code, label in choices.options(self.session, name, english=english):
                    self.lists[name].update({code.lower(): code, label.lower(): code, headings.normal(label): code})
        return self.lists[name]

    def _choice(self, one, value, line):
        known = self._list(one.choices)
        found = known.get(value.lower()) or known.get(headings.normal(value))
        return found if found else self._decide(f"choice:{one.choices}:{value}", one, value, line)

    def _decide(self, question, one, value, line):
        """What the user decided once for all rows with this unknown value."""
        self.unknown[question] += 1
        answer = self.plan.decisions.get(question) or (
            "create" if self.plan.create_open and one.kind == "choice" and choices.is_open(one.choices) else "")
        if answer == "empty":
            return None
        if answer == "skip":
            line.skip = _("skipped: %(value)s is unknown", value=value)
            return None
        if answer == "create":
            return f"+{value}"
        if not answer:
            raise values.Fault(_("%(value)s is not in the list", value=value) if one.kind == "choice" else _("unknown person"))
        return int(answer) if one.kind == "ref" else answer

    def _ref(self, one, value, line):
        if one.target == "ab_user":
            found = self.people.get(value, set())
            if len(found) > 1:
                raise values.Fault(_("several people have this name; give the user name"))
            return next(iter(found)) if found else self._decide(f"person:{value}", one, value, line)
        return self._record(one, value)

    def _record(self, one, value):
        """A record named in a cell (a contact's customer)."""
        key = (one.target, value)
        if key not in self.rows:
            model = target_model(one)
            clause = model.name_key == name_key(value) if hasattr(model, "name_key") else model.name == value
            number = getattr(model, "number", None)
            found = self.session.scalars(select(model.id).where(
                or_(clause, number == value) if number is not None else clause).limit(2)).all()
            self.rows[key] = found[0] if len(found) == 1 else None
        if self.rows[key] is None:
            raise values.Fault(_("there is no such %(what)s", what=str(one.label)))
        return self.rows[key]


def existing(session, plan: Plan, keys) -> dict:
    """key -> row id of the records that are there already, over the whole company."""
    model, keys = entity.by_name(plan.entity), [k for k in keys if k is not None]
    if not keys:
        return {}
    if plan.key == "name" and plan.entity == "contact":
        pair = func.concat(model.customer_id, ":", model.name)
        wanted = select(pair, model.id).where(pair.in_(keys))
    else:
        column = model.name_key if plan.key == "name" and hasattr(model, "name_key") else getattr(model, plan.key)
        wanted = select(column, model.id).where(column.in_(keys))
    return dict(session.execute(wanted.order_by(model.id.desc()).execution_options(everyone=True)).all())


def summary(session, sheet, plan: Plan, keep: int = 500) -> dict:
    """What would happen: numbers, the first faults, unknown values with their counts, duplicates."""
    checker, faults, total = Checker(session, sheet, plan), [], 0
    keys: list = []
    bad = skipped = 0
    for line in checker.lines():
        total += 1
        if line.faults:
            bad += 1
            faults += [{"row": line.number, "at": at, "column": sheet.headings[at], "value": value, "reason": reason}
                       for at, value, reason in line.faults if len(faults) < keep]
        elif line.skip:
            skipped += 1
        else:
            keys.append(checker.key_of(line.values))
    there: set = set()
    for start in range(0, len(keys), 500):
        there |= existing(session, plan, keys[start:start + 500]).keys()
    return {"total": total, "bad": bad, "skipped": skipped, "faults": faults, "duplicates": sum(k in there for k in keys),
            "good": total - bad - skipped,
            "unknown": [{"question": q, "kind": q.split(":")[0], "value": q.rsplit(":", 1)[1], "list": q.split(":")[1], "count": n,
                         "answer": plan.decisions.get(q, "")} for q, n in checker.unknown.most_common(300)]}

"""The full check before anything is written: every cell converted, every fault named by row, column, value, reason."""
import re
from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import select

from app.core import actor, choices, entity
from app.core.describe import describe, target_model
from app.core.rules import RuleError
from app.core.words import _
from app.customers.rules import name_key

from . import builder, documents, finding, headings, values

KEYS = {  # the fields by which a record may be recognised; the first one is proposed where the sheet has it
    "customer": ("name", "number", "tax_number", "mobile", "phone"), "contact": ("name", "mobile"), "product": ("code",),
    "product_category": ("name",), "price_list": ("product",), "opportunity": ("number", "name"), "quote": ("number", "name"),
    "contract": ("number", "name"), "payment": ("number",), "payment_plan": ("due_on",), "invoice": ("number",), "expense": ("number",),
    "claim": ("number", "name")}
BESIDE = {  # what else must be the same for it to be the same record
    ("contact", "name"): ("customer",), ("opportunity", "name"): ("customer",), ("quote", "name"): ("customer",),
    ("contract", "name"): ("customer",), ("product_category", "name"): ("above",), ("price_list", "product"): ("level", "starts_on"),
    ("payment_plan", "due_on"): ("contract",), ("claim", "name"): ("owner",)}


def keys_of(name: str) -> tuple[str, ...]:
    """The fields by which a record of an entity may be recognised, its name unless said otherwise; none: every row is a new one."""
    return KEYS.get(name, ("name",) if "name" in describe(entity.by_name(name)) else ())


def first_key(name: str, mapping) -> str:
    """The field that is proposed for recognising records: the first one that the sheet has."""
    found = keys_of(name)
    return next((key for key in found if f"{name}.{key}" in mapping), found[0] if found else "")


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
    more: list = field(default_factory=list)  # the further rows of the same document

    @property
    def rows(self) -> list:
        """All rows of the file that this one stands for."""
        return [self, *self.more]

    @property
    def is_bad(self) -> bool:
        """Whether any of them has a fault."""
        return any(row.faults for row in self.rows)


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
        self.named: set = set()  # names of earlier rows, to which later ones of the same kind may refer
        self.mapping = [t if t in self.fields else "" for t in plan.mapping]
        self.order = sorted((at for at, t in enumerate(self.mapping) if t), key=lambda at: self._depth(self.fields[self.mapping[at]]))
        self.given = builder.defaults(plan.entity)
        missing = [str(one.label) for t, one in self.fields.items()
                   if self._needed(one) and t.startswith(plan.entity + ".") and t not in self.mapping]
        if missing:
            raise RuleError(_("No column is mapped to: %(names)s", names="、".join(missing)))

    def _needed(self, one) -> bool:
        """Whether a record cannot begin without this field from the sheet."""
        return one.required and one.kind != "flag" and one.name not in ("owner", *self.given) and one.first() is None

    def _depth(self, one) -> int:
        """How many others must be known before this one: a contract's term comes after its contract, that after its customer."""
        within = self.fields.get(f"{one.model.__tablename__}.{one.info.get('within')}") if one.kind == "ref" else None
        return 1 + self._depth(within) if within else int(one.kind == "ref")

    def _people(self):
        model, found = target_model(describe(entity.by_name(self.plan.entity))["created_by"]), {}
        for person in self.session.scalars(select(model)):
            for name in (person.name, person.username, f"{person.username} {person.name}"):
                found.setdefault(name, set()).add(person.id)
        return found

    def column_of(self, target: str) -> int:
        """The column of a target; the first one without any."""
        return self.mapping.index(target) if target in self.mapping else 0

    def lines(self):
        """Every line, converted; of documents each with all its rows."""
        if self.plan.entity in headings.LINES:
            yield from documents.lines(self)
        else:
            for number, cells in self.sheet.rows:
                yield self.line(number, cells)

    def line(self, number, cells) -> Line:
        """Convert one row."""
        line = self.converted(number, cells)
        self.require(line)
        self._twice(line)
        if isinstance(name := line.values.get(f"{self.plan.entity}.name"), str) and not line.faults:
            self.named.add(name)
        return line

    def converted(self, number, cells) -> Line:
        """The cells of one row as values and faults."""
        mended = self.plan.edits.get(str(number), {})
        line = Line(number, [mended.get(str(n), cell) for n, cell in enumerate(cells)] if mended else cells)
        for at in self.order:
            if at < len(line.cells):
                self._cell(line, at, self.mapping[at])
        return line

    def _cell(self, line, at, target):
        raw, one = line.cells[at], self.fields[target]
        if values.as_text(raw) == "" or ("****" in values.as_text(raw) and one.hidden_from(actor.current())):
            return
        try:
            if one.kind == "choice":
                value = self._choice(one, values.as_text(raw), line)
            elif one.kind == "several":
                value = self._several(one, values.as_text(raw), line)
            elif one.kind == "ref":
                value = self._ref(one, values.as_text(raw), line)
            else:
                value = values.KINDS[one.kind](one, raw)
        except values.Fault as fault:
            line.faults.append((at, values.as_text(raw), str(fault)))
            return
        if value is not None:
            line.values[target] = value

    def require(self, line):
        """Fields that a record cannot do without are faults where they are empty."""
        for at, target in enumerate(self.mapping):
            if target.startswith(self.plan.entity + ".") and self._needed(self.fields[target]) and target not in line.values \
                    and not any(fault[0] == at for fault in line.faults):
                line.faults.append((at, "", _("must not be empty")))
        child = headings.CHILDREN.get(self.plan.entity)
        if child and f"{child}.name" not in line.values:
            self._without_contact(line, child)

    def _without_contact(self, line, child):
        """A row that names no contact: phones and mails belong to the company; what only a person has is a fault."""
        for at, target in enumerate(self.mapping):
            if not target.startswith(child + ".") or target not in line.values:
                continue
            own = f"{self.plan.entity}.{target.split('.')[1]}"
            if own in self.fields and own not in self.mapping and target.split(".")[1] in headings.FIRST_FOR_CHILD:
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
            at = self.column_of(f"{self.plan.entity}.{self.plan.key}")
            line.faults.append((at, values.as_text(line.cells[at]), _("the same as row %(n)d", n=first)))

    def key_of(self, found: dict):
        """The value that tells whether a record is there already."""
        name, key = self.plan.entity, self.plan.key
        value = found.get(f"{name}.{key}")
        if value is None:
            return None
        if beside := BESIDE.get((name, key)):
            return (value, *(found.get(f"{name}.{other}", self.plan.owner_id if other == "owner" else None) for other in beside))
        return name_key(value) if key == "name" and self.by_name_key else str(value)

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

    def _several(self, one, value, line):
        """Several values of a list in one cell, parted by 、 , ; or /."""
        found = [self._choice(one, part.strip(), line) for part in re.split(r"[、,，;；/|]+", value) if part.strip()]
        return ",".join(dict.fromkeys(code for code in found if code)) or None

    def _decide(self, question, one, value, line):
        """What the user decided once for all rows with this unknown value."""
        self.unknown[question] += 1
        answer = self.plan.decisions.get(question) or (
            "create" if self.plan.create_open and one.choices and choices.is_open(one.choices) else "")
        if answer == "empty":
            return None
        if answer == "skip":
            line.skip = _("skipped: %(value)s is unknown", value=value)
            return None
        if answer == "create":
            return f"+{value}"
        if not answer:
            raise values.Fault(_("%(value)s is not in the list", value=value) if one.choices else _("unknown person"))
        return int(answer) if one.kind == "ref" else answer

    def _ref(self, one, value, line):
        if one.target == "ab_user":
            found = self.people.get(value, set())
            if len(found) > 1:
                raise values.Fault(_("several people have this name; give the user name"))
            return next(iter(found)) if found else self._decide(f"person:{value}", one, value, line)
        return self._record(one, value, line)

    def _record(self, one, value, line):
        """A record named in a cell: by its number or code, else by its name, else by both as an export writes them; within what the row
        says already (a contact of the row's customer). Records of the same kind may stand in earlier rows."""
        inside = line.values.get(f"{one.model.__tablename__}.{one.info.get('within')}") if one.info.get("within") else None
        place = (one.target, one.name, value, inside)
        if place not in self.rows:
            self.rows[place] = finding.ids(self.session, one, value, inside)
        found = self.rows[place]
        if not found and one.target == self.plan.entity and value in self.named:
            return f"={value}"
        if len(found) > 1:
            raise values.Fault(_("several have this name; give the number"))
        if not found:
            raise values.Fault(_("there is no such %(what)s", what=str(one.label)))
        return found[0]


def existing(session, plan: Plan, keys) -> dict:
    """key -> row id of the records that are there already, over the whole company."""
    model, keys = entity.by_name(plan.entity), [k for k in keys if k is not None]
    if not keys:
        return {}
    if beside := BESIDE.get((plan.entity, plan.key)):
        fields = describe(model)
        columns = [getattr(model, fields[name].key) for name in (plan.key, *beside)]
        rows = session.execute(select(model.id, *columns).where(columns[0].in_({k[0] for k in keys})).order_by(
            model.id.desc()).execution_options(everyone=True))
        wanted = set(keys)
        return {tuple(key): i for i, *key in rows if tuple(key) in wanted}
    column = model.name_key if plan.key == "name" and hasattr(model, "name_key") else getattr(model, plan.key)
    wanted = select(column, model.id).where(column.in_(keys))
    return dict(session.execute(wanted.order_by(model.id.desc()).execution_options(everyone=True)).all())


def summary(session, sheet, plan: Plan, keep: int = 500) -> dict:
    """What would happen: numbers, the first faults, unknown values with their counts, duplicates."""
    checker, faults, total = Checker(session, sheet, plan), [], 0
    keys: list = []
    bad = skipped = 0
    for line in builder.tried(session, checker):
        total += len(line.rows)
        if line.is_bad:
            bad += len(line.rows)
            faults += [{"row": row.number, "at": at, "column": sheet.headings[at], "value": value, "reason": reason}
                       for row in line.rows for at, value, reason in row.faults if len(faults) < keep]
        elif line.skip:
            skipped += len(line.rows)
        else:
            keys += [checker.key_of(line.values)] * len(line.rows)
    there: set = set()
    for start in range(0, len(keys), 500):
        there |= existing(session, plan, keys[start:start + 500]).keys()
    return {"total": total, "bad": bad, "skipped": skipped, "faults": faults, "duplicates": sum(k in there for k in keys),
            "good": total - bad - skipped,
            "unknown": [{"question": q, "kind": q.split(":")[0], "value": q.rsplit(":", 1)[1], "list": q.split(":")[1], "count": n,
                         "answer": plan.decisions.get(q, "")} for q, n in checker.unknown.most_common(300)]}

"""Which column is which field: labels, synonyms, one sheet for customers and their contacts, one for documents with their lines."""
import re
import unicodedata

from app.core import actor, entity
from app.core.describe import Field, describe

CHILDREN = {"customer": "contact"}  # one sheet carries both
LINES = {"opportunity": "opportunity_line", "quote": "quote_line", "contract": "contract_line", "claim": "expense"}  # a row a line
TOTALS = {"": ("lines_amount", "tax", "amount"), "line": ("amount",)}  # reckoned anew and compared with what the sheet says
BROUGHT = {"opportunity": ("loss_reason", "closing_note", "closed_on"), "line": ("list_price", "cost")}  # set by no form, kept as history
FIRST_FOR_CHILD = ("mobile", "phone", "email", "wechat", "qq")


def normal(heading: str) -> str:
    """A heading without width, blanks, brackets with hints and marks of "required"."""
    text = unicodedata.normalize("NFKC", str(heading or "")[:300]).lower()
    return re.sub(r"\([^()]*\)|[\s*:：_\-/']+", "", text)


def part_of(name: str) -> str | None:
    """The entity whose rows stand in the same sheet."""
    return CHILDREN.get(name) or LINES.get(name)


def _fillable(name: str, part: str, key: str, one: Field) -> bool:
    """Whether a column may fill (or be compared with) a field."""
    if not one.stored or key == "changed_at" or (one.readonly and one.hidden_from(actor.current())):
        return False
    kind = "line" if part.endswith("_line") else "" if name in LINES else "-"
    if part != name and (one.target == name or key == "owner" or (name in LINES and one.system)):
        return False
    return not one.readonly or one.kind == "number" or key in (*TOTALS.get(kind, ()), *BROUGHT.get(kind or name, ()))


def fields_of(name: str) -> dict[str, Field]:
    """The fields that an import may fill: 'customer.name' -> Field, those of its contacts or lines among them."""
    return {f"{part}.{key}": one for part in filter(None, (name, part_of(name)))
            for key, one in describe(entity.by_name(part)).items() if _fillable(name, part, key, one)}


def _names(target: str, one: Field):
    yield from (normal(str(one.label)), *(normal(n) for n in one.import_names))


def synonyms(name: str) -> dict[str, list[str]]:
    """Normalised heading -> the targets it may mean, the entity's own first."""
    found: dict[str, list[str]] = {}
    for target, one in fields_of(name).items():
        for text in _names(target, one):
            if target not in found.setdefault(text, []):
                found[text].append(target)
    return found


def known(name: str):
    """A predicate: does this heading mean something for the entity?"""
    words = synonyms(name)
    return lambda text: normal(text) in words


def match(headings: list[str], name: str) -> list[str]:
    """The target of each column, '' for none; no target twice; phones go to the contact where the sheet names one."""
    words, child = synonyms(name), CHILDREN.get(name)
    candidates = [words.get(normal(h), []) for h in headings]
    if name in LINES:
        return _with_lines(headings, candidates, name)
    has_child = any(c and c[0] == f"{child}.name" for c in candidates)
    taken: set[str] = set()
    return [_choose(c, child, has_child, taken) for c in candidates]


def _choose(targets, child, has_child, taken) -> str:
    ordered = sorted(targets, key=lambda t: not (has_child and t.startswith(f"{child}.") and t.split(".")[1] in FIRST_FOR_CHILD))
    for target in ordered:
        if target not in taken and (has_child or not target.startswith(f"{child}.") or target == f"{child}.name"):
            taken.add(target)
            return target
    return ""


def _with_lines(headings, candidates, name) -> list[str]:
    """Columns that say a label word for word come first, then those that can mean one field alone; what could mean the document or
    its line means the line, where the sheet has lines."""
    fields, part = fields_of(name), LINES[name]
    found, taken = [""] * len(headings), set()

    def take(at, targets):
        for target in targets:
            if not found[at] and target not in taken:
                found[at] = target
                taken.add(target)
    for at, targets in enumerate(candidates):
        take(at, [t for t in targets if normal(str(fields[t].label)) == normal(headings[at])])
    for at, targets in enumerate(candidates):
        take(at, targets if len(targets) == 1 else [])
    lined = any(t.startswith(part + ".") for t in taken)
    for at, targets in enumerate(candidates):
        take(at, sorted(targets, key=lambda t: lined and not t.startswith(part + ".")))
    return found

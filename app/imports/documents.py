"""A sheet of documents with lines: a row a line; rows of the same number, or of the same name and customer, are one document.

The head's fields are taken from the first row; a further row leaves them empty or repeats them. A row that names no document goes on
with the one above.
"""
from app.core.words import _

from . import headings, values


def lines(checker):
    """The documents of a checker's sheet, each as its first row with the further ones in `more`."""
    for group in _groups(checker):
        first, *more = [checker.converted(number, cells) for number, cells in group]
        first.more = more
        for row in more:
            _same_head(checker, first, row)
        for row in first.rows:
            _line(checker, row)
        checker.require(first)
        yield first


def _groups(checker) -> list[list]:
    """The rows of each document, in the order of their first rows."""
    name, at = checker.plan.entity, {key: checker.mapping.index(t) for key in ("number", "name", "customer")
                                     if (t := f"{checker.plan.entity}.{key}") in checker.mapping}
    found: dict = {}
    customers: dict = {}
    last = None
    for number, cells in checker.sheet.rows:
        mended = checker.plan.edits.get(str(number), {})
        said = {key: values.as_text(mended.get(str(n), cells[n])) for key, n in at.items() if n < len(cells)}
        if said.get("number"):
            last = (name, said["number"])
        elif said.get("name"):
            customers[said["name"]] = said.get("customer") or customers.get(said["name"])
            last = (name, said["name"], customers[said["name"]])
        elif last is None:
            last = (name, number)
        found.setdefault(last, []).append((number, cells))
    return list(found.values())


def _same_head(checker, first, row) -> None:
    """A further row says nothing else of the document than its first row."""
    for at, target in enumerate(checker.mapping):
        if not target.startswith(checker.plan.entity + ".") or target not in row.values:
            continue
        value = row.values.pop(target)
        if value != first.values.get(target):
            row.faults.append((at, values.as_text(row.cells[at]), _("row %(n)d says something else of the same document", n=first.number)))


def _line(checker, row) -> None:
    """A line needs a name and a price, unless its product brings them; an expense its own fields."""
    part = headings.LINES[checker.plan.entity]
    given = {t for t in row.values if t.startswith(part + ".")}
    named = checker.column_of(f"{part}.product")
    if not given or f"{part}.product" in given or any(at == named for at, _value, _reason in row.faults):
        return
    for target, one in checker.fields.items():
        if target.startswith(part + ".") and one.required and one.first() is None and target not in given:
            at = checker.column_of(target if target in checker.mapping else next(iter(given)))
            if not any(fault[0] == at for fault in row.faults):
                row.faults.append((at, values.as_text(row.cells[at]), _("%(what)s is missing", what=one.label)))

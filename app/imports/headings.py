"""Which column is which field: labels, synonyms, one sheet for customers and their contacts."""
import re
import unicodedata

from app.core import entity
from app.core.describe import Field, describe

CHILDREN = {"customer": "contact"}  # one sheet carries both
FIRST_FOR_CHILD = ("mobile", "phone", "email", "wechat", "qq")


def normal(heading: str) -> str:
    """A heading without width, blanks, brackets with hints and marks of "required"."""
    text = unicodedata.normalize("NFKC", str(heading or "")).lower()
    return re.sub(r"\(.*?\)|[\s*:：_\-/]+", "", text)


def fields_of(name: str) -> dict[str, Field]:
    """The fields that an import may fill: 'customer.name' -> Field, the contact's among them."""
    found = {}
    for part in filter(None, (name, CHILDREN.get(name))):
        for key, one in describe(entity.by_name(part)).items():
            of_parent = part != name and key in ("customer", "owner")
            if one.column is not None and (not one.readonly or one.kind == "number") and not of_parent and key != "changed_at":
                found[f"{part}.{key}"] = one
    return found


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

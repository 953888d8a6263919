"""The words a screen is declared in."""
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.words import _l


@dataclass(frozen=True)
class MenuItem:
    """Where a screen stands: `module` is a key of modules.MENU, `label` its tab (书签)."""

    module: str
    label: object
    icon: str = "point"
    position: int = 50


@dataclass(frozen=True)
class Section:
    """A typed group of fields; serves show, add and edit."""

    label: object
    names: str

    @property
    def fields(self) -> list[str]:
        return self.names.split()


def own_fields(view) -> list[str]:
    """The names of the own fields that the administrator made for a view's records, in order."""
    return [name for name, one in view.fields.items() if "custom" in one.info]


def with_own(view) -> list[Section]:
    """The sections of a view with its own fields: each in the section that begins with the field it names, the others in one of their
    own, before the last one."""
    own = own_fields(view)
    if not own:
        return view.sections
    starts = {s.fields[0] for s in view.sections}
    place = {n: view.fields[n].info["section"] if view.fields[n].info["section"] in starts else "" for n in own}
    found = [Section(s.label, " ".join([s.names, *(n for n in own if place[n] == s.fields[0])])) for s in view.sections]
    rest = [n for n in own if not place[n]]
    return [*found[:-1], Section(_l("More data"), " ".join(rest)), *found[-1:]] if rest else found


@dataclass(frozen=True)
class QuickFilter:
    """A named filter: `rule(actor)` gives the clause; `default` is what the list opens with; `item` is what was made of it
    on the page of the quick filters (core/panel), `sort` ('name.asc') the order it comes in, `told` its conditions in words where
    the clause is more than comparisons."""

    key: str
    label: object
    rule: Callable
    default: bool = False
    count: bool = True
    linked: bool = False  # stands in the panel only while a link asks for it
    sort: str = ""
    item: object = None
    told: object = ""


@dataclass(frozen=True)
class Grouping:
    """Rows of a list under headings: `rank()` is the SQL expression whose order goes before the list's own, `heading(row)` the words
    of a row's group, `loads` the relation that they need."""

    key: str
    label: object
    rank: Callable | None = None
    heading: Callable | None = None
    loads: str = ""


@dataclass(frozen=True)
class SaveAnd:
    """One more button beside 保存: `then(view, row)` goes on after the row is saved, tells it and returns the response;
    `shown(view)`: whether the form offers it."""

    key: str
    label: object
    icon: str
    then: Callable
    shown: Callable = field(default=lambda view: True)


@dataclass(frozen=True)
class Asked:
    """A condition that only links ask for, such as a bar of a chart: `rule(value)` gives its clause (ValueError for a malformed
    value), `told(value)` the words that stand in the panel while it is set."""

    label: object
    rule: Callable
    told: Callable = str


@dataclass(frozen=True)
class Action:
    """What can be done with one or many rows: `rule(session, rows, **values of the form)` returns a message or None.

    `verb` is the right it needs; `form` a function that returns a WTForms class; `shown(row)` hides it on a page.
    """

    key: str
    label: object
    rule: Callable
    form: Callable | None = None
    icon: str = "bolt"
    many: bool = True
    single: bool = True
    danger: bool = False
    confirm: object = None
    verb: str = "edit"
    edits: bool = True
    leads: str = ""  # instead of a rule: the page that the chosen rows are taken to (?ids=1,2)
    shown: Callable = field(default=lambda row: True)

"""The words a screen is declared in."""
from collections.abc import Callable
from dataclasses import dataclass, field


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


@dataclass(frozen=True)
class QuickFilter:
    """A named filter: `rule(actor)` gives the clause; `default` is what the list opens with."""

    key: str
    label: object
    rule: Callable
    default: bool = False
    count: bool = True


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
    shown: Callable = field(default=lambda row: True)

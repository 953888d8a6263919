"""The quick-filter panel of each list: what the administrator and each person made of the declared one (manual 4.9.5).

A row is a named filter (kind 'filter') or a single condition that stands in the panel (kind 'condition'). A declared one keeps its
`key` and gets a row when somebody changes its place, its readers or switches it off: it can be hidden, not deleted.
"""
from dataclasses import dataclass

from sqlalchemy import JSON, Index, String, select
from sqlalchemy.orm import Mapped, mapped_column

from . import fields, memo
from .choices import fixed
from .entity import Entity
from .words import _l

fixed("panel_kind", [("filter", _l("Named filter")), ("condition", _l("Condition"))])
fixed("panel_look", [("auto", _l("As the field is")), ("select", _l("Drop-down")), ("checks", _l("Check boxes")), ("day", _l("Date")),
                     ("range", _l("From … to …"))])


class PanelItem(Entity):
    """One thing of one list's panel. `person_id`: whose own it is, None for the company's; `audience` {"roles", "people"}: ids of
    who sees it besides, for the company's nobody named is everybody."""

    memo = "panel"
    __table_args__ = (Index("ix_panel_item_list", "entity", "kind"), {"extend_existing": True})
    entity: Mapped[str] = mapped_column(String(40))
    kind = fields.choice(_l("Kind"), "panel_kind", required=True, default="filter")
    key: Mapped[str] = mapped_column(String(60), default="")
    name = fields.text(_l("Name"), 40)
    rule: Mapped[dict] = mapped_column(JSON, default=dict)
    look = fields.choice(_l("Shown as"), "panel_look", default="auto")
    sort = fields.text(_l("Sorted by"), 80)
    audience: Mapped[dict] = mapped_column(JSON, default=dict)
    person_id = fields.ref(_l("Person"), "ab_user", hangs=False)
    position = fields.whole(_l("Position"), default=0)
    is_on = fields.flag(_l("Switched on"), default=True)
    is_default = fields.flag(_l("Default"))


@dataclass(frozen=True)
class Item:
    """A panel item without its session."""

    id: int
    kind: str
    key: str
    name: str
    rule: dict
    look: str
    sort: str
    audience: dict
    person_id: int | None
    position: int
    is_on: bool
    is_default: bool

    def meant_for(self, who) -> bool:
        """Whether a person gets to see it."""
        roles, people = self.audience.get("roles", ()), self.audience.get("people", ())
        if who is None or self.person_id == who.id:
            return True
        named = who.id in people or bool(who.roles & set(roles))
        return named or (self.person_id is None and not roles and not people)


def _load(session):
    columns = [getattr(PanelItem, n) for n in Item.__dataclass_fields__]
    found: dict = {}
    for entity, *values in session.execute(select(PanelItem.entity, *columns).order_by(PanelItem.position, PanelItem.id)):
        found.setdefault(entity, []).append(Item(*values))
    return found


def items(session, entity: str) -> list[Item]:
    """The living items of a list, in order; remembered until one changes."""
    return memo.recall(session, "panel", "items", lambda: _load(session)).get(entity, [])

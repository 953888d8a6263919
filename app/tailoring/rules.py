"""What may be done with quick filters (manual 4.9.5): whose they are, in what order they stand, who sees them. No Flask, no commit."""
from sqlalchemy import select

from app.core import memo, preferences
from app.core.panel import PanelItem
from app.core.rules import RuleError
from app.core.words import _, _l
from app.security import handover

PINS = 12  # filters of one person in the left menu
OWN = 40  # filters of one person on one list
STEP = 10


def may_manage(item, who) -> bool:
    """One's own; the company's need the right 'filter.edit'."""
    return item.person_id == who.id if item.person_id is not None else who.may("filter", "edit")


def check_item(session, item) -> None:
    """A name that is free among those who see it; one default; not too many."""
    if item.kind == "filter" and not item.key:
        if not (item.name or "").strip():
            raise RuleError(_("Give the filter a name."), "name")
        if not (item.rule or {}).get("when"):
            raise RuleError(_("A filter needs at least one condition."), "rule")
        beside = _beside(session, item)
        if any(one.name == item.name for one in beside):
            raise RuleError(_("There is a filter of this name already."), "name")
        if item.person_id and item.id is None and len(beside) >= OWN:
            raise RuleError(_("You have %(n)d filters of this list already; delete one first.", n=len(beside)))
    if item.is_default and item.kind == "filter":
        for other in _beside(session, item):
            if other.is_default:
                other.is_default = False


def _beside(session, item) -> list[PanelItem]:
    """The other items of the same list, kind and person."""
    whose = PanelItem.person_id == item.person_id if item.person_id else PanelItem.person_id.is_(None)
    with session.no_autoflush:
        return list(session.scalars(select(PanelItem).where(
            PanelItem.entity == item.entity, PanelItem.kind == item.kind, PanelItem.id != (item.id or 0), whose)))


def of_key(session, entity: str, kind: str, key: str) -> PanelItem | None:
    """The row of a declared filter or of a condition."""
    return session.scalar(select(PanelItem).where(
        PanelItem.entity == entity, PanelItem.kind == kind, PanelItem.key == key, PanelItem.person_id.is_(None)))


def arrange(rows) -> None:
    """Give items the places in which they come."""
    for n, row in enumerate(rows):
        if row.position != STEP * n:
            row.position = STEP * n


def check_delete(item) -> None:
    """What the program brings can be hidden, not deleted."""
    if item.kind == "filter" and item.key:
        raise RuleError(_("This filter belongs to the program: switch it off instead of deleting it."))


# ---- who leaves -----------------------------------------------------------------------------------------------
def shared_by(session, person: int) -> list[PanelItem]:
    """The filters of a person that others see."""
    rows = session.scalars(select(PanelItem).where(PanelItem.person_id == person, PanelItem.kind == "filter").order_by(PanelItem.id))
    return [row for row in rows if any((row.audience or {}).values())]


def hand_over(session, rows, to: int, person) -> None:
    """Shared filters get another keeper, who sees them from now on as his own; a name that he has already tells from whom it comes."""
    for row in rows:
        row.person_id, row.is_default = to, False
        row.audience = {"roles": [], **row.audience, "people": [i for i in row.audience.get("people", []) if i != to]}
        if any(one.name == row.name for one in _beside(session, row)):
            row.name = f"{row.name[:30]} · {person.name}"[:40]


handover.DUTIES["panel_item"] = handover.Duty(_l("Filters that he shares"), shared_by, hand_over)


# ---- the left menu --------------------------------------------------------------------------------------------
def pins(session, who) -> list[list[str]]:
    """[entity, key] of the filters that a person keeps in the left menu, in order; remembered until they change."""
    return memo.recall(session, "panel", ("pins", who.id), lambda: preferences.read(session, "pins").get("list", []))


def pin(session, who, entity: str, key: str, on: bool) -> None:
    """Put a filter into the acting person's left menu, or take it out."""
    kept = [p for p in pins(session, who) if p != [entity, key]]
    if on and len(kept) >= PINS:
        raise RuleError(_("At most %(n)d views fit into the menu.", n=PINS))
    preferences.keep(session, "pins", list=[*kept, [entity, key]] if on else kept)
    memo.touch(session, "panel")

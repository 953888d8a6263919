"""The quick-filter panel as one person sees it: the declared filters and conditions with what the administrator, colleagues and
he himself made of them (manual 4.9.5)."""
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import select, true

from app.core import actor, filters
from app.core import panel as kept
from app.core.describe import Field
from app.core.words import _, _l
from app.extensions import db

from .declare import QuickFilter

ALL = QuickFilter("all", _l("All"), lambda who: true())
STEP = 10  # between the places of declared things


@dataclass(frozen=True)
class Condition:
    """A single condition of the panel: its field, how it is shown, what it says when the list opens, whether it is a rare one."""

    field: Field
    look: str
    value: str = ""
    folded: bool = False


class Panel:
    """What stands in the panel of a list, in order. `filters`: every named filter that can be asked for, hidden ones too."""

    def __init__(self, view):
        self.view, self.who = view, actor.current()
        items = kept.items(db.session, view.entity)
        self.over = {(i.kind, i.key): i for i in items if i.key and i.person_id is None}
        manages = self.who is not None and self.who.may("filter", "edit")  # he composes what others see
        self._made = [i for i in items if not i.key and (i.meant_for(self.who) or (manages and i.person_id is None))]

    def declared(self) -> list[QuickFilter]:
        """The filters that the program brings, 全部 first."""
        return [ALL, *self.view.quick_filters]

    @cached_property
    def filters(self) -> dict[str, QuickFilter]:
        """Every named filter by key, in the order of the panel."""
        found = []
        for n, one in enumerate(self.declared()):
            item = self.over.get(("filter", one.key))
            place = item.position if item else STEP * n
            found.append((False, place, n, replace(one, label=item.name or one.label, sort=item.sort or "", item=item) if item else one))
        for n, item in enumerate(self._made):
            found.append((item.person_id is not None, item.position, n, QuickFilter(
                f"f{item.id}", item.name, self._rule(item), sort=item.sort or "", item=item)))
        return {one.key: one for *_place, one in sorted(found, key=lambda f: f[:3])}

    @cached_property
    def shown(self) -> list[QuickFilter]:
        """The named filters that stand in the panel."""
        return [f for f in self.filters.values() if not f.linked and (f.item is None or (f.item.is_on and f.item.meant_for(self.who)))]

    @cached_property
    def default(self) -> QuickFilter | None:
        """What the list opens with: one's own choice, else the administrator's, else the declared one."""
        said = [f for f in self.shown if f.item and f.item.is_default]
        said.sort(key=lambda f: f.item.person_id is None)
        return said[0] if said else next((f for f in self.shown if f.default), None)

    def _rule(self, item):
        return lambda who: filters.clause(self.view.model, item.rule or {}, who, self.refer)

    def refer(self, name: str, value: list[str], deep: int):
        """The clause of '@q' (what the search box finds), of '@quick' (another named filter) or of what links ask for; None when
        there is none."""
        if name == "@q":
            return self.view.model.id.in_(self.view.narrow(select(self.view.model.id), value[0])[0])
        if name != "@quick":
            linked = self.view.asked.get(name[1:])
            return linked.rule(value[0]) if linked else None
        one = self.filters.get(value[0])
        if one is None:
            return None
        made = one.item is not None and not one.item.key
        return filters.clause(self.view.model, one.item.rule or {}, self.who, self.refer, deep) if made else one.rule(self.who)

    def told(self, one: QuickFilter | None) -> list[str]:
        """What whoever opens a named filter must be told."""
        if one is None or one.item is None or one.item.key:
            return []
        rule = one.item.rule or {}
        gone = [c for c in filters.conditions(rule) if c["field"] == "@quick" and c["value"][0] not in self.filters]
        said = [_("The filter “%(name)s” that this one builds on is no longer there.", name=c.get("label", "")) for c in gone]
        return said + filters.faults(db.session, self.view.model, rule, self.who)

    def places(self) -> dict[str, int]:
        """The place of every single condition by field, hidden ones too."""
        made = {key: item.position for (kind, key), item in self.over.items() if kind == "condition"}
        return {**{name: STEP * n for n, name in enumerate(self.view.condition_names)}, **made}

    @cached_property
    def conditions(self) -> list[Condition]:
        """The single conditions that stand in the panel; masked figures are left out."""
        places, found = self.places(), []
        for name in sorted(places, key=places.__getitem__):
            one, item = self.view.fields.get(name), self.over.get(("condition", name))
            hidden = item is not None and not (item.is_on and item.meant_for(self.who))
            if one is not None and not hidden and filters.ops(one, self.who):
                rule = item.rule or {} if item else {}
                found.append(Condition(one, item.look or "auto" if item else "auto", rule.get("value", ""),
                                       rule.get("folded", name in self.view.folded)))
        return found

"""What a named filter asks for, in words: a composed one by its rule, one of the program by its clause (manual 4.9.5)."""
from dataclasses import replace

from sqlalchemy import Column, select
from sqlalchemy.sql import elements, functions, operators

from app.core import choices, filters, money, periods
from app.core.describe import target_model
from app.core.words import _, _l
from app.extensions import db
from app.views import cells

ME, BELOW = -1, -2  # who stands for whoever looks, and for those below him
SIGNS = {operators.eq: "is", operators.ne: "is_not", operators.lt: "below", operators.le: "at_most", operators.gt: "above",
         operators.ge: "at_least", operators.in_op: "in", operators.not_in_op: "not_in", operators.between_op: "between"}
DAYS = {"below": filters.OPS["before"][0], "at_most": _l("not after"), "above": filters.OPS["after"][0], "at_least": _l("not before")}


def all_of(panel) -> dict[str, str]:
    """The words of every named filter of a panel, by key."""
    names = _names(panel)
    return {one.key: _rule(panel, one.item.rule or {}, names) if one.item is not None and not one.item.key else _built(panel, one)
            for one in panel.filters.values()}


# ---- composed ones --------------------------------------------------------------------------------------------
def _names(panel) -> dict:
    """(table, id) -> name of the records that the composed filters name, one statement a table; people are known."""
    asked: dict = {}
    for one in panel.filters.values():
        for c in filters.conditions(one.item.rule or {}) if one.item is not None and not one.item.key else ():
            field = panel.view.fields.get(c["field"])
            if field is not None and field.kind == "ref" and field.target != "ab_user":
                asked.setdefault(field.target, (target_model(field), set()))[1].update(int(v) for v in c["value"] if v.isdecimal())
    return {(table, row.id): str(row) for table, (model, ids) in asked.items()
            for row in db.session.scalars(select(model).where(model.id.in_(ids)))}


def _joined(parts: list[str], match: str) -> str:
    return f" {_('or') if match == 'any' else _('and')} ".join(parts)


def _rule(panel, rule, names) -> str:
    return _joined([f"（{_rule(panel, c, names)}）" if "when" in c else _condition(panel, c, names) for c in rule.get("when", ())],
                   rule.get("match", "all"))


def _condition(panel, c, names) -> str:
    one, name, value = panel.view.fields.get(c["field"]), c["field"], c["value"]
    if name == "@quick":
        return f"“{panel.filters[value[0]].label if value[0] in panel.filters else c.get('label', '')}”"
    if one is None:
        return " ".join([c.get("label") or name, *(value if name == "@q" else ())])
    texts = [_text(one, v, names) for v in value if v]
    joined = (" ~ " if c["op"] == "between" else "、").join(texts)
    return f"{one.label} {filters.OPS[c['op']][0]} {joined}".strip()


def _text(one, value: str, names) -> str:
    """A kept value in words."""
    if one.kind in ("choice", "several"):
        return choices.label(db.session, cells.list_of(one), value, english=cells.english())
    if one.kind == "ref":
        known = cells.people().get(int(value)) if value.isdecimal() and one.target == "ab_user" else None
        return str(filters.WHO.get(value) or known or (names.get((one.target, int(value)), value) if value.isdecimal() else value))
    if one.kind == "flag":
        return _("Yes") if value == "1" else _("No")
    return str(periods.PERIODS.get(value) or periods.told_day(value)) if one.kind in ("date", "moment") else value


# ---- those of the program -------------------------------------------------------------------------------------
def _built(panel, one) -> str:
    """What a filter is declared to ask for, else the words of its clause as of now; its label when nothing else tells it."""
    if one.key == "all":
        return _("All rows")
    who = panel.who and replace(panel.who, id=ME, subordinates=frozenset({BELOW}))
    known = {f.column.name: f for f in panel.view.fields.values() if f.column is not None}
    return str(one.told or _clause(one.rule(who), known) or one.label)


def _clause(e, known) -> str | None:
    """A clause in words; None when some of it is none of the comparisons that people can read."""
    if isinstance(e, elements.Grouping):
        return _clause(e.element, known)
    if isinstance(e, elements.UnaryExpression) and e.operator is operators.inv:
        inner = _clause(e.element, known)
        return inner and _("not (%(what)s)", what=inner.strip("（）"))
    if isinstance(e, elements.BooleanClauseList):
        parts = [(c, _clause(c, known)) for c in e.clauses]
        if not all(text for _c, text in parts):
            return None
        match = "any" if e.operator is operators.or_ else "all"
        return _joined([f"（{text}）" if isinstance(c, elements.Grouping) else text for c, text in parts if text], match)
    return _comparison(e, known) if isinstance(e, elements.BinaryExpression) else None


def _comparison(e, known) -> str | None:
    columns = list(e.left.clauses) if isinstance(e.left, functions.coalesce) else [e.left]
    fields = [known.get(c.name) if isinstance(c, Column) else None for c in columns]
    if not all(fields):
        return None
    one, label = fields[0], "/".join(str(f.label) for f in fields)
    if isinstance(e.right, elements.Null):
        return f"{label} {filters.OPS['empty' if e.operator is operators.is_ else 'filled'][0]}"
    if isinstance(e.right, (elements.True_, elements.False_)):
        yes = isinstance(e.right, elements.True_) == (e.operator is operators.is_)
        return f"{label} {filters.OPS['is'][0]} {_('Yes') if yes else _('No')}"
    other = known.get(e.right.name) if isinstance(e.right, Column) else None
    op, values = SIGNS.get(e.operator), [other] if other is not None else _bound(e.right)
    if op is None or values is None:
        return None
    sign = DAYS.get(op) if one.kind in ("date", "moment") else None
    texts = [str(other.label)] if other is not None else [_known(one, v) for v in values]
    return f"{label} {sign or filters.OPS[op][0]} {' ~ '.join(texts) if op == 'between' else '、'.join(texts)}"


def _bound(right) -> list | None:
    """The values of the right side of a comparison."""
    if isinstance(right, elements.ExpressionClauseList):
        found = [_bound(c) for c in right.clauses]
        return None if None in found else [v for one in found for v in one]
    if not isinstance(right, elements.BindParameter):
        return None
    return list(right.value) if isinstance(right.value, (list, tuple)) else [right.value]


def _known(one, value) -> str:
    """A value of a clause in words."""
    if one.kind == "ref":
        return str(filters.WHO["me"] if value == ME else filters.WHO["below"] if value == BELOW else cells.people().get(value, value))
    if one.kind == "money":
        return money.shown(value)
    if one.kind == "date":
        return cells.day(value)
    return cells.moment(value).removesuffix(" 00:00") if one.kind == "moment" else _text(one, str(value), {})

"""What may be done with own fields (自定义字段): names, kinds, options, defaults, for whom they are masked. No Flask, no commit."""
from sqlalchemy import inspect, select

from app.core import choices, custom, entity
from app.core.choices import Choice
from app.core.custom import CustomField
from app.core.describe import declared
from app.core.rules import RuleError
from app.core.words import _
from app.security.models import RolePolicy

LISTS = ("choice", "several")


def check_field(session, row) -> None:
    """A name that means one thing, a kind that stays, a first value that the kind takes, not too many."""
    model = entity.by_name(row.entity)
    others = select(CustomField).where(CustomField.entity == row.entity, CustomField.id != (row.id or 0))
    with session.no_autoflush:
        others = session.scalars(others).all()
    if row.name in {str(one.label) for one in declared(model).values()} | {one.name for one in others}:
        raise RuleError(_("There is a field of this name already."), "name")
    if len(others) >= custom.MOST:
        raise RuleError(_("At most %(n)d own fields.", n=custom.MOST))
    if row.is_sorted and (row.kind == "several" or sum(one.is_sorted for one in others) >= custom.FAST):
        raise RuleError(_("At most %(n)d fields can be sorted fast, none with several choices.", n=custom.FAST), "is_sorted")
    if row.is_searched and (row.kind != "text" or not hasattr(model, "search_names")):
        raise RuleError(_("Only a text of a record that the search knows can be found by it."), "is_searched")
    _check_first(row)
    state = inspect(row).attrs
    if any(state[name].history.has_changes() for name in ("is_sorted", "is_searched")) and (row.id or row.is_sorted or row.is_searched):
        row.is_ready = False


def _check_first(row) -> None:
    if row.kind in LISTS and row.first:
        raise RuleError(_("The value of a new record is the list's default."), "first")
    try:
        custom.first_of(row.kind, row.first)()
    except (ValueError, ArithmeticError):
        raise RuleError(_("“%(value)s” makes no sense for “%(name)s”.", value=row.first, name=row.name), "first") from None


def set_options(session, row, lines: list[str]) -> None:
    """Bring the choice list of a field to these names, in order; what is no longer named is stopped."""
    if row.kind not in LISTS:
        return
    names = list(dict.fromkeys(line.strip()[:60] for line in lines if line.strip()))
    if not names:
        raise RuleError(_("Give the values that can be chosen, one a line."), "options")
    place = custom.list_name(row.id)
    have = {c.name: c for c in session.scalars(select(Choice).where(Choice.list_name == place))}
    for position, name in enumerate(names):
        one = have.pop(name, None) or Choice(list_name=place, code=choices.code_for(session, place, name), name=name, is_default=False)
        one.position, one.is_stopped = position, False
        session.add(one)
        session.flush()
    for one in have.values():
        one.is_stopped = True


def options_of(session, row) -> list[str]:
    """The names that can be chosen, in order."""
    wanted = select(Choice.name).where(Choice.list_name == custom.list_name(row.id), Choice.is_stopped.is_(False))
    return list(session.scalars(wanted.order_by(Choice.position, Choice.id)))


def masked_for(session, row) -> list[int]:
    """Ids of the roles that see the field with stars."""
    mark = f"{row.entity}.{row.key}"
    return [p.role_id for p in session.scalars(select(RolePolicy)) if mark in (p.masked or ())]


def set_masked(session, row, roles: list[int]) -> None:
    """Say which roles see the field with stars."""
    mark = f"{row.entity}.{row.key}"
    for policy in session.scalars(select(RolePolicy)):
        kept = [m for m in policy.masked or () if m != mark]
        wanted = [*kept, mark] if policy.role_id in roles else kept
        if wanted != list(policy.masked or ()):
            policy.masked = wanted

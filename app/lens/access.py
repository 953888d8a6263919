"""Who may see and who may edit one record, and why (权限透视). Whether is asked by the clauses of core/scope.py themselves; why is told
beside it."""
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import or_, select

from app.core import actor, clock, scope
from app.core.actor import Actor
from app.core.describe import describe
from app.core.entity import Owned
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.pool import rules as pools
from app.security.models import SCOPES, Employee, RolePolicy
from app.security.people import actor_for


@dataclass
class Seat:
    """A person who may see a record: the reasons in words, whether he may edit it now, the labels of the fields hidden from him."""

    person: Actor
    reasons: list[str]
    edits: bool
    hidden: list[str]
    roles: str


def staff(session, entity: str, verb: str = "read") -> list[Actor]:
    """Everybody who can log in and holds a right."""
    ids = session.scalars(select(Employee.id).where(Employee.active.is_(True), Employee.locked_at.is_(None)).order_by(Employee.id))
    return [who for one in ids.all() if (who := actor_for(session, one)) and who.active and who.may(entity, verb)]


def roles(session) -> dict[int, tuple[str, str]]:
    """{role id: (name, data scope)}."""
    found = session.execute(select(Role.id, Role.name, RolePolicy.scope).join(RolePolicy, RolePolicy.role_id == Role.id).order_by(Role.id))
    return {key: (name, wide) for key, name, wide in found}


def _shares(session, row) -> dict[int, Collaborator]:
    """Today's collaborators of a row by person."""
    wanted = select(Collaborator).where(Collaborator.entity == row.__tablename__, Collaborator.row_id == row.id,
                                        or_(Collaborator.until.is_(None), Collaborator.until >= clock.today()))
    found: dict = {}
    for one in session.scalars(wanted.order_by(Collaborator.may_write, Collaborator.id)):
        found[one.employee_id] = one
    return found


def _by_reach(row, who, known) -> list[str]:
    """Why a person's data scope reaches the owner."""
    reach, held = scope.reach_of(type(row), who), [known[key] for key in sorted(who.roles) if key in known]
    if row.owner_id == who.id:
        return [_("Owner")]
    if reach is None:
        return [_("Role “%(role)s”: all records", role=name) for name, wide in held if wide == "all"]
    if row.owner_id not in reach:
        return []
    if max((wide for _name, wide in held), key=SCOPES.index, default="own") == "subordinates":
        return [_("Superior of %(name)s", name=row.owner)]
    if row.owner_id in who.colleagues:
        return [_("Same department as %(name)s", name=row.owner)]
    return [_("%(name)s is in a department below", name=row.owner)]


def _shared(one) -> str:
    """What a collaborator may, and until when."""
    told = _("Collaborator, may edit") if one.may_write else _("Collaborator, may only read")
    return _("%(told)s (until %(day)s)", told=told, day=one.until.isoformat()) if one.until else told


def _chain(session, row) -> list[tuple]:
    """The row and those above it whose sharing it inherits: (label of the way, row, its collaborators)."""
    names, found, label = {"customer": _("Its customer"), "contract": _("Its contract")}, [], ""
    while row is not None and row.deleted_at is None:
        found.append((label, row, _shares(session, row)))
        parent = getattr(type(row), "scope_parent", None)
        label = names.get(parent) or (str(describe(type(row))[parent].label) if parent else "")
        row = getattr(row, parent) if parent else None
    return found


def _why(chain, who, known) -> list[str]:
    """The reasons of one person; of the way through another record only what does not hold here already."""
    found: list[str] = []
    for label, row, shares in chain:
        here = _by_reach(row, who, known) + ([_shared(shares[who.id])] if who.id in shares else [])
        plain = {text.rpartition("：")[2] for text in found}
        found += [_("Through the %(what)s：%(why)s", what=label, why=text) if label else text for text in here if text not in plain]
    return found


def seats(session, row, entity: str, edit: str = "edit", check_change=lambda session, row: None) -> list[Seat]:
    """Who may see a living row, the owner first, then who may edit it; `edit`: the right that this needs, `check_change(session, row)`
    raises RuleError for whom the state of the row closes it."""
    people, known = staff(session, entity), roles(session)
    sees, edits = (scope.seeing(session, row, people, write=write) for write in (False, True))
    chain = _chain(session, row) if isinstance(row, Owned) else []
    labels = {f"{row.__tablename__}.{one.name}": str(one.label) for one in describe(type(row)).values()}
    found = []
    for who in people:
        if who.id in sees:
            held = [known[key][0] for key in sorted(who.roles) if key in known]
            why = _why(chain, who, known) if chain else [_("Role “%(role)s”: open to whoever holds the right", role=r) for r in held]
            found.append(Seat(who, why, who.id in edits and who.may(entity, edit) and _open(session, row, who, check_change),
                              [labels[key] for key in sorted(who.masked) if key in labels], "、".join(held)))
    owner = getattr(row, "owner_id", None)
    return sorted(found, key=lambda seat: (seat.person.id != owner, not seat.edits, seat.person.id))


def _open(session, row, who, check_change) -> bool:
    """Whether the state of the row lets this person change it."""
    try:
        with actor.acting_as(who):
            check_change(session, row)
    except RuleError:
        return False
    return True


def in_pool(session, row, seated) -> list[Actor]:
    """Who meets a customer that nobody has in its pool, where neither phone nor contact stands, without seeing its page."""
    if not isinstance(row, Owned) or row.owner_id is not None or not getattr(row, "pool_id", None):
        return []
    there = {seat.person.id for seat in seated}
    return [who for who in staff(session, "pool") if who.id not in there and row.pool_id in {p.id for p in pools.open_to(session, who)}]

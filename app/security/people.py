"""From an employee to an Actor: rights, reach and masks, remembered until the security tables change."""
from flask_appbuilder.security.sqla.models import Permission, PermissionView, ViewMenu, assoc_permissionview_role, assoc_user_role
from sqlalchemy import select

from app.core import memo
from app.core.actor import Actor
from app.core.scope import Collaborator

from .models import SCOPES, Department, Employee, RolePolicy


def actor_for(session, employee_id: int) -> Actor | None:
    """The acting person of an employee id; None when there is no such employee."""
    return memo.recall(session, "security", employee_id, lambda: _load(session, employee_id))


def _tree(session):
    """{id: (id, superior_id, department_id, active)} of everybody, and the parents of departments; two statements, remembered."""
    def load():
        people = session.execute(select(Employee.id, Employee.superior_id, Employee.department_id, Employee.active)).all()
        return {row.id: row for row in people}, dict(session.execute(select(Department.id, Department.parent_id)).all())
    return memo.recall(session, "security", "tree", load)


def superior_of(session, person: int, besides=()) -> int | None:
    """The nearest superior of a person who works here and is none of `besides`; circles do no harm."""
    people, seen = _tree(session)[0], set()
    while (person := people[person].superior_id) and person not in seen:
        seen.add(person)
        if people[person].active and person not in besides:
            return person
    return None


def below(pairs, top: int) -> set[int]:
    """Everything under `top` in (id, parent) pairs, top excluded; circles do no harm."""
    children: dict = {}
    for one, parent in pairs:
        children.setdefault(parent, []).append(one)
    found, todo = set(), [top]
    while todo:
        for child in children.get(todo.pop(), ()):
            if child not in found and child != top:
                found.add(child)
                todo.append(child)
    return found


def _reach(session, employee, scope: str):
    """Ids of the owners whose rows a scope shows; None = all."""
    people, departments = _tree(session)
    if scope == "all":
        return None
    found = {employee.id}
    if scope == "subordinates":
        found |= below([(row.id, row.superior_id) for row in people.values()], employee.id)
    if scope in ("department", "departments") and employee.department_id:
        wanted = {employee.department_id}
        if scope == "departments":
            wanted |= below(departments.items(), employee.department_id)
        found |= {row.id for row in people.values() if row.department_id in wanted}
    return frozenset(found)


def _places(session, me: int, reach) -> dict[str, tuple[str, frozenset[int]]]:
    """{key: (name, whom he sees of it and below)} of the departments that hold colleagues of his reach."""
    def load():
        people, parents = _tree(session)
        rows = session.execute(select(Department.id, Department.name).order_by(Department.position, Department.id))
        staff = {i: frozenset(row.id for row in people.values() if row.department_id == i) for i in parents}
        return [(f"d{i}", name, staff[i], staff[i].union(*(staff[n] for n in below(parents.items(), i)))) for i, name in rows]
    known = memo.recall(session, "security", "departments", load)
    seen = {key: (name, them if reach is None else them & reach) for key, name, here, them in known if reach is None or here & reach}
    return {key: (name, them) for key, (name, them) in seen.items() if them - {me}}


def _rights(session, employee_id):
    pairs = select(ViewMenu.name, Permission.name).select_from(assoc_user_role).join(
        assoc_permissionview_role, assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id).join(
        PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id).join(
        Permission, Permission.id == PermissionView.permission_id).join(
        ViewMenu, ViewMenu.id == PermissionView.view_menu_id).where(assoc_user_role.c.user_id == employee_id)
    return frozenset(f"{entity}.{name.removeprefix('can_')}" for entity, name in session.execute(pairs))


def _shares(session, employee_id) -> frozenset[str]:
    t = Collaborator.__table__
    return frozenset(session.connection().execute(
        select(t.c.entity).distinct().where(t.c.employee_id == employee_id, t.c.deleted_at.is_(None))).scalars())


def _load(session, employee_id) -> Actor | None:
    employee = session.get(Employee, employee_id)
    if employee is None:
        return None
    policies = session.scalars(select(RolePolicy).join(
        assoc_user_role, assoc_user_role.c.role_id == RolePolicy.role_id).where(assoc_user_role.c.user_id == employee_id)).all()
    scope = max((p.scope for p in policies), key=SCOPES.index, default="own")
    masked = set.intersection(*(set(p.masked or ()) for p in policies)) if policies else set()
    people, _departments = _tree(session)
    reach = _reach(session, employee, scope)
    roles = session.scalars(select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == employee_id))
    return Actor(
        id=employee.id, username=employee.username, name=str(employee), verbs=_rights(session, employee_id), roles=frozenset(roles),
        reach=reach, masked=frozenset(masked), shares=_shares(session, employee.id), stamp=employee.stamp,
        department=employee.department.name if employee.department else "",
        active=bool(employee.active) and employee.locked_at is None, must_change=employee.must_change,
        must_enrol=any(p.second_factor for p in policies) and not employee.totp_secret,
        subordinates=frozenset(below([(row.id, row.superior_id) for row in people.values()], employee.id)),
        colleagues=frozenset(row.id for row in people.values() if row.department_id and row.department_id == employee.department_id),
        departments=_places(session, employee.id, reach))

"""What the business says of accounts: locks, passwords, superiors, the last administrator (manual 4.1, product.md 4.9.1)."""
import secrets

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from sqlalchemy import delete, func, select

from app.core import actor, clock, entity, parameters
from app.core.entity import Owned
from app.core.rules import RuleError
from app.core.trees import branch
from app.core.words import _

from . import passwords, people, sessions  # noqa: F401  (its parameters)
from .models import Department, Employee, LoginTry, RolePolicy, SecurityEvent


def log(session, result: str, *, employee=None, username="", ip="", device="", detail="", **what) -> None:
    """A line of the security log; `what`: subject, rows and kind of data that were taken out or brought in."""
    session.add(SecurityEvent(at=clock.now(), employee_id=employee.id if employee else None, result=result, ip=ip[:45],
                              username=(username or (employee.username if employee else ""))[:128], device=device[:120],
                              detail=str(detail)[:400], **what))


def end_sessions(employee) -> None:
    """A new stamp ends the employee's other sessions at their next request."""
    employee.stamp = secrets.token_hex(6)


def set_password(session, employee, password: str, *, check: bool = True, one_time: bool = False) -> None:
    """Give an employee a new password; ends his other sessions."""
    if check:
        passwords.check(password, employee.username, parameters.get(session, "security.password_length"))
        if passwords.matches(employee.password, password):
            raise RuleError(_("The new password is the old one."), "new_password")
    if employee.source not in (None, "local"):
        raise RuleError(_("This person logs in through the company's directory; the password is changed there."), "new_password")
    employee.password, employee.must_change = passwords.hashed(password), one_time
    end_sessions(employee)


def provide(session, source: str, mark: str, username: str, name: str, email: str):
    """An account for a person whom the directory or the provider knows, with the default role, in the first department; RuleError
    when somebody else has the name here: nobody takes an account over by choosing its name."""
    username = username.strip()[:64]
    if session.scalar(select(Employee.id).where(func.lower(Employee.username) == username.lower())):
        raise RuleError(_("There is an account of this name here already; please ask the administrator."))
    role = session.get(Role, session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == default_role[0])) or 0)
    if role is None:
        raise RuleError(_("The default role is missing; please tell the administrator."))
    free = email and not session.scalar(select(Employee.id).where(Employee.email == email))
    made = Employee(username=username, name=name[:60], first_name=name[:60], last_name="", active=True,
                    email=email if free else f"{username}@{source}.invalid", source=source, external_id=mark, password=None, roles=[role],
                    department_id=session.scalar(select(func.min(Department.id))))
    session.add(made)
    session.flush()
    log(session, "permission", employee=made, detail=f"{source}: {role.name}")
    return made


default_role = ["sales"]  # the key of the role of people who come from the directory; set by the configuration


# ---- actions of the administrator -----------------------------------------------------------------------------
def unlock(session, rows):
    """Free locked accounts (manual 4.1: 「请联系管理员申请解锁」)."""
    keep_below(session, *rows)
    for employee in rows:
        employee.locked_at = None
        session.execute(delete(LoginTry).where(LoginTry.name == employee.username.lower()))
        log(session, "unlock", employee=employee)


def stop(session, rows):
    """Deactivate accounts; not the last administrator."""
    keep_below(session, *rows)
    for employee in rows:
        employee.active = False
        end_sessions(employee)
    session.flush()
    keep_an_administrator(session)


def start(session, rows):
    """Activate accounts again."""
    keep_below(session, *rows)
    for employee in rows:
        employee.active = True


def reset_password(session, rows, password=""):
    """Give a one-time password; the employee changes it at the next login. Returns the sentence that tells it."""
    keep_below(session, *rows)
    told = []
    for employee in rows:
        word = password or passwords.one_time()
        set_password(session, employee, word, check=bool(password), one_time=True)
        log(session, "password", employee=employee, detail="reset")
        told.append(f"{employee.username}: {word}")
    return _("One-time password: %(list)s", list="; ".join(told))


# ---- saving ---------------------------------------------------------------------------------------------------
def give(session, rows, owner):
    """Give records to another person who works here; everything else about them stays as it is."""
    person = session.get(Employee, owner)
    if person is None or not person.active:
        raise RuleError(_("This person does not work here any more."), "owner")
    for row in rows:
        row.owner_id = owner


def keep_below(session, *people_or_roles) -> None:
    """Whoever keeps the accounts hands out and touches only what he holds himself: no way up by resetting the administrator's
    password or by giving oneself his role."""
    who = actor.current()
    if who is None:
        return
    roles = {role.id for one in people_or_roles for role in getattr(one, "roles", [one])}
    held = select(ViewMenu.name, Permission.name).select_from(assoc_permissionview_role).join(
        PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id).join(
        Permission, Permission.id == PermissionView.permission_id).join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id).where(
        assoc_permissionview_role.c.role_id.in_(roles))
    widest = session.scalars(select(RolePolicy.scope).where(RolePolicy.role_id.in_(roles))).all()
    more = {f"{entity}.{name.removeprefix('can_')}" for entity, name in session.execute(held)} - who.verbs
    if more or ("all" in widest and who.reach is not None):
        raise RuleError(_("This account holds more rights than yours: only who holds them as well may change it."))


def keep_role_below(session, role, added, wider: bool, unmasked) -> None:
    """Whoever keeps the roles gives none more than he holds himself: (entity, verb) pairs, a wider scope, sight of masked fields."""
    who = actor.current()
    keep_below(session, role)
    if who is not None and ({f"{entity}.{verb}" for entity, verb in added} - who.verbs or (wider and who.reach is not None)
                            or set(unmasked) & who.masked):
        raise RuleError(_("A role gets no more than you hold yourself: only who holds it as well may give it."))


def give_roles(session, employee, roles) -> None:
    """Give a person exactly these roles; another set ends his sessions."""
    keep_below(session, employee, *roles)
    if {r.id for r in employee.roles} != {r.id for r in roles}:
        employee.roles = roles
        end_sessions(employee)


def administrators(session) -> int:
    """How many active people hold the administrator's role."""
    role = select(RolePolicy.role_id).where(RolePolicy.key == "admin")
    return session.scalar(select(func.count(func.distinct(Employee.id))).join(
        assoc_user_role, assoc_user_role.c.user_id == Employee.id).where(
        assoc_user_role.c.role_id.in_(role), Employee.active.is_(True))) or 0


def keep_an_administrator(session) -> None:
    """Refuse to leave the company without an active administrator (promise 2)."""
    if administrators(session) == 0:
        raise RuleError(_("The last administrator cannot be deactivated, deleted or demoted."))


def check_employee(session, employee) -> None:
    """A unique name, a role, a department, no circle of superiors; an administrator must remain."""
    twin = select(Employee.id).where(func.lower(Employee.username) == (employee.username or "").lower(),
                                     Employee.id != (employee.id or 0))
    if session.scalar(twin):
        raise RuleError(_("This user name is taken."), "username")
    if not employee.roles:
        raise RuleError(_("A user needs at least one role."), "roles")
    if employee.superior_id and employee.id and (employee.superior_id == employee.id or employee.superior_id in people.below(
            session.execute(select(Employee.id, Employee.superior_id)).all(), employee.id)):
        raise RuleError(_("The superior stands below this person: no circles."), "superior")


def check_delete_employee(session, employee) -> None:
    """Who still owns records is handed over first."""
    for model in entity.entities():
        if issubclass(model, Owned) and session.scalar(
                select(model.id).where(model.owner_id == employee.id).limit(1).execution_options(everyone=True)):
            raise RuleError(_("%(name)s still owns customers or other records: hand them over first.", name=str(employee)))
    raise RuleError(_("Accounts are deactivated, not deleted: the log keeps their names."))


def members(department_id: int):
    """Ids of the employees of a department and of all below it, as a subquery."""
    return select(Employee.id).where(Employee.department_id.in_(branch(Department.__table__, "parent_id", department_id)))


def check_department(session, department) -> None:
    """No circle in the tree; a name once under one parent."""
    tree = session.execute(select(Department.id, Department.parent_id)).all()
    if department.id and department.parent_id and (
            department.parent_id == department.id or department.parent_id in people.below(tree, department.id)):
        raise RuleError(_("A department cannot stand below itself."), "parent")
    if session.scalar(select(Department.id).where(Department.name == department.name, Department.parent_id == department.parent_id,
                                                  Department.id != (department.id or 0))):
        raise RuleError(_("There is a department of this name here."), "name")


def check_delete_department(session, department) -> None:
    """Only without staff and sub-departments."""
    if session.scalar(select(Employee.id).where(Employee.department_id == department.id).limit(1)):
        raise RuleError(_("%(name)s still has staff.", name=department.name))
    if session.scalar(select(Department.id).where(Department.parent_id == department.id).limit(1)):
        raise RuleError(_("%(name)s still has departments below it.", name=department.name))


def roles_of(session) -> list[tuple[int, str]]:
    """(id, name) of the roles, in the order they were made."""
    return [tuple(row) for row in session.execute(
        select(Role.id, Role.name).join(RolePolicy, RolePolicy.role_id == Role.id).order_by(Role.id))]

"""What the business says of accounts: three wrong passwords, locks, passwords, superiors, the last administrator
(manual 4.1, product.md 4.9.1). No Flask, no commit except where a login's race asks for it."""
import secrets
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Role, assoc_user_role
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.core import actor, clock, entity, events
from app.core.entity import Owned
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db

from . import passwords, people
from .models import Department, Employee, LoginTry, RolePolicy, SecurityEvent

TRIES = 3  # manual 4.1: 「如果三次输入密码错误,…该账户会被锁定」


@dataclass
class Verdict:
    """How a login ended: 'ok', 'wrong' (with tries left), 'locked' or 'inactive'."""

    result: str
    employee: Employee | None = None
    left: int = 0


def log(session, result: str, *, employee=None, username="", ip="", device="", detail="") -> None:
    """A line of the security log."""
    session.add(SecurityEvent(at=clock.now(), employee_id=employee.id if employee else None, result=result, ip=ip[:45],
                              username=(username or (employee.username if employee else ""))[:128], device=device[:120],
                              detail=str(detail)[:400]))


def _reserve(session, name: str) -> int | None:
    """Take one of the three tries, before looking at the password; None when none is left. Commits: parallel tries
    of other workers must see it."""
    t = LoginTry.__table__
    bump = update(t).where(t.c.name == name, t.c.wrong < TRIES).values(wrong=t.c.wrong + 1)
    if session.execute(bump).rowcount == 0:
        try:
            with session.begin_nested():
                session.execute(insert(t).values(name=name, wrong=1))
        except IntegrityError:
            if session.execute(bump).rowcount == 0:
                session.commit()
                return None
    used = session.scalar(select(t.c.wrong).where(t.c.name == name))
    session.commit()
    return used


def try_login(session, username: str, password: str) -> Verdict:
    """Check a name and a password; the same words and the same work whether the name exists or not. Commits."""
    name = username.strip().lower()[:64]
    used = _reserve(session, name)
    employee = session.scalar(select(Employee).where(func.lower(Employee.username) == name))
    kept, locked = (employee.password, employee.locked_at) if employee else (None, None)
    session.commit()  # the slow hash runs outside any transaction
    right = passwords.matches(kept, password)
    if used is None or locked:
        _lock(session, employee)
        return Verdict("locked", employee)
    if not right:
        if used >= TRIES:
            _lock(session, employee)
            return Verdict("locked", employee)
        return Verdict("wrong", employee, TRIES - used)
    session.execute(delete(LoginTry).where(LoginTry.name == name))
    if not employee.active:
        return Verdict("inactive", employee)
    return Verdict("ok", employee)


def _lock(session, employee) -> None:
    if employee and employee.locked_at is None:
        employee.locked_at = clock.now()
        end_sessions(employee)
        session.flush()


def end_sessions(employee) -> None:
    """A new stamp ends the employee's other sessions at their next request."""
    employee.stamp = secrets.token_hex(6)


def signed_in(session, employee, ip: str) -> None:
    """Note the login without touching what the rights depend on."""
    t = Employee.__table__
    session.execute(update(t).where(t.c.id == employee.id).values(
        last_login=clock.now(), last_ip=ip[:45], login_count=func.coalesce(t.c.login_count, 0) + 1))


def set_password(session, employee, password: str, *, check: bool = True, one_time: bool = False) -> None:
    """Give an employee a new password; ends his other sessions."""
    if check:
        passwords.check(password, employee.username)
        if passwords.matches(employee.password, password):
            raise RuleError(_("The new password is the old one."), "new_password")
    employee.password, employee.must_change = passwords.hashed(password), one_time
    end_sessions(employee)


# ---- actions of the administrator -----------------------------------------------------------------------------
def unlock(session, rows):
    """Free locked accounts (manual 4.1: 「请联系管理员申请解锁」)."""
    for employee in rows:
        employee.locked_at = None
        session.execute(delete(LoginTry).where(LoginTry.name == employee.username.lower()))
        log(session, "unlock", employee=employee)


def stop(session, rows):
    """Deactivate accounts; not the last administrator."""
    for employee in rows:
        employee.active = False
        end_sessions(employee)
    session.flush()
    keep_an_administrator(session)


def start(session, rows):
    """Activate accounts again."""
    for employee in rows:
        employee.active = True


def reset_password(session, rows, password=""):
    """Give a one-time password; the employee changes it at the next login. Returns the sentence that tells it."""
    told = []
    for employee in rows:
        word = password or passwords.one_time()
        set_password(session, employee, word, check=bool(password), one_time=True)
        log(session, "password", employee=employee, detail="reset")
        told.append(f"{employee.username}: {word}")
    return _("One-time password: %(list)s", list="; ".join(told))


def hand_over(session, rows, to):
    """Give everything a leaver owns to another person (离职交接); done work keeps its author."""
    if any(employee.id == to for employee in rows):
        raise RuleError(_("Choose somebody else."), "to")
    leaving = [employee.id for employee in rows]
    for model in entity.entities():
        if issubclass(model, Owned):
            for row in session.scalars(select(model).where(model.owner_id.in_(leaving)).execution_options(everyone=True)):
                row.owner_id = to


# ---- saving ---------------------------------------------------------------------------------------------------
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


@events.exported.connect
def _log_export(_sender, entity, rows, kind):
    _log_data("export", f"{entity} {rows} rows {kind}")


@events.imported.connect
def _log_import(_sender, entity, rows, kind):
    _log_data("import", f"{entity} {rows} rows {kind}")


def _log_data(result, detail):
    who = actor.current()
    log(db.session, result, username=who.username if who else "", detail=detail)

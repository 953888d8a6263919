"""Three tries, whatever is tried: password, code, directory (manual 4.1; promises 1 and 6). Commits where a race asks for it."""
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from app.core import clock, parameters
from app.core.rules import RuleError

from . import directory, passwords, rules, second
from .models import Employee, LoginTry


def tries(session) -> int:
    """How many wrong passwords lock an account; three, unless the administrator says otherwise (manual 4.1: 「如果三次输入密码错误」)."""
    return parameters.get(session, "security.wrong_tries")


@dataclass
class Verdict:
    """How a try ended: 'ok', 'second' (the password was right, the code is asked), 'wrong' (with tries left), 'locked', 'inactive'."""

    result: str
    employee: Employee | None = None
    left: int = 0


def _reserve(session, name: str) -> int | None:
    """Take one of the three tries, before looking at the password; None when none is left. Commits: parallel tries
    of other workers must see it."""
    t = LoginTry.__table__
    bump = update(t).where(t.c.name == name, t.c.wrong < tries(session)).values(wrong=t.c.wrong + 1)
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


def _give_back(session, name: str) -> None:
    """The try was neither right nor wrong: the count stands where it stood. A right password alone forgives no wrong code."""
    t = LoginTry.__table__
    session.execute(update(t).where(t.c.name == name, t.c.wrong > 0).values(wrong=t.c.wrong - 1))


def _lock(session, employee) -> None:
    if employee and employee.locked_at is None:
        employee.locked_at = clock.now()
        rules.end_sessions(employee)
        session.flush()


def _verdict(session, name, employee, used, right, more) -> Verdict:
    """What a try comes to; `more`: whether another factor is still asked."""
    if used is None or (employee and employee.locked_at) or (not right and used >= tries(session)):
        _lock(session, employee)
        return Verdict("locked", employee)
    if not right:
        return Verdict("wrong", employee, tries(session) - used)
    if more and employee.active:
        _give_back(session, name)
        return Verdict("second", employee)
    session.execute(delete(LoginTry).where(LoginTry.name == name))
    return Verdict("ok" if employee.active else "inactive", employee)


def try_login(session, username: str, password: str) -> Verdict:
    """Check a name and a password; the same words and the same work whether the name exists or not. Commits. RuleError when the
    directory does not answer: the try does not count."""
    name = username.strip().lower()[:64]
    used = _reserve(session, name)
    employee = session.scalar(select(Employee).where(func.lower(Employee.username) == name))
    kept, local = (employee.password, employee.source == "local") if employee else (None, False)
    session.commit()  # the slow hash and the directory are asked outside any transaction
    right = passwords.matches(kept if local else None, password)
    if directory.configured() and not local:
        try:
            found = directory.check(name, password)
        except RuleError:
            _give_back(session, name)
            session.commit()
            raise
        right = bool(found) and used is not None
        if right and employee is None:
            employee = rules.provide(session, "ldap", found["id"], name, found["name"], found["email"])
        right = right and employee.source == "ldap"
    return _verdict(session, name, employee, used, right, bool(employee and employee.totp_secret))


def try_code(session, employee, code: str) -> Verdict:
    """Check the second factor of a person whose password was right. Commits."""
    name = employee.username.lower()[:64]
    used = _reserve(session, name)
    right = used is not None and second.accepts(session, employee, code)
    return _verdict(session, name, employee, used, right, False)


def admitted(session, employee) -> Verdict:
    """A person whom a provider has proved (OpenID Connect): the lock and the second factor hold here as well."""
    if employee.locked_at or not employee.active:
        return Verdict("locked" if employee.locked_at else "inactive", employee)
    return Verdict("second" if employee.totp_secret else "ok", employee)


def signed_in(session, employee, ip: str) -> None:
    """Note the login without touching what the rights depend on."""
    t = Employee.__table__
    session.execute(update(t).where(t.c.id == employee.id).values(
        last_login=clock.now(), last_ip=ip[:45], login_count=func.coalesce(t.c.login_count, 0) + 1))

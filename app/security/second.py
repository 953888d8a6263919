"""The second factor: codes of an authenticator app (TOTP, RFC 6238) and ten recovery codes that work once each. Nothing is
remembered on any device: every login asks."""
import hmac
import secrets
import time

from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import delete, or_, select, update

from app.core import memo
from app.core.rules import RuleError
from app.core.words import _

from . import passwords, rules
from .models import Employee, RecoveryCode, RolePolicy

STEP, WINDOW = 30, 1  # seconds of a code; codes before and after that a clock may be off
CODES = 10
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A secret for an app: 160 bits, base32."""
    import pyotp  # at the first use, as all that not every process needs
    return pyotp.random_base32()


def picture(employee, secret: str) -> str:
    """The QR code that the app reads, as SVG made here."""
    import pyotp
    import segno
    address = pyotp.TOTP(secret).provisioning_uri(name=employee.username, issuer_name="快客 CRM")
    return segno.make(address, error="m").svg_inline(scale=4, border=4, light="white", dark="black")


def is_required(session, employee) -> bool:
    """Whether a role of the person asks for a second factor."""
    wanted = select(RolePolicy.role_id).join(assoc_user_role, assoc_user_role.c.role_id == RolePolicy.role_id).where(
        assoc_user_role.c.user_id == employee.id, RolePolicy.second_factor.is_(True))
    return session.scalar(wanted.limit(1)) is not None


def _step_of(secret: str, code: str) -> int | None:
    """The time step whose code this is; None when it is none of the present ones."""
    import pyotp
    now, totp = int(time.time()) // STEP, pyotp.TOTP(secret)
    found = [step for step in range(now - WINDOW, now + WINDOW + 1) if hmac.compare_digest(totp.at(step * STEP), code)]
    return found[0] if found else None


def accepts(session, employee, typed: str) -> bool:
    """Whether a code of the app or a recovery code is right; each works once, also when it comes twice at the same moment."""
    code = "".join(typed.lower().split()).replace("-", "")
    if not employee.totp_secret or not code.isascii():
        return False
    if len(code) != 6 or not code.isdecimal():
        return _recovers(session, employee, code)
    step, t = _step_of(employee.totp_secret, code), Employee.__table__
    if step is None:
        return False
    fresh = update(t).where(t.c.id == employee.id, or_(t.c.totp_used.is_(None), t.c.totp_used < step)).values(totp_used=step)
    return session.execute(fresh).rowcount == 1


def _recovers(session, employee, code: str) -> bool:
    for key, kept in session.execute(select(RecoveryCode.id, RecoveryCode.hash).where(RecoveryCode.employee_id == employee.id)).all():
        if len(code) < 20 and passwords.matches(kept, code):
            return session.execute(delete(RecoveryCode).where(RecoveryCode.id == key)).rowcount == 1
    return False


def enrol(session, employee, secret: str, code: str) -> list[str]:
    """Turn it on when the code proves that the app has the secret; returns the recovery codes, to be shown once."""
    step = _step_of(secret, "".join(code.split())) if code.isascii() else None
    if step is None:
        raise RuleError(_("This code does not fit; check the time of your phone."), "code")
    _forget(session, employee)
    employee.totp_secret, employee.totp_used = secret, step
    codes = ["".join(secrets.choice(LETTERS) for _n in range(10)) for _m in range(CODES)]
    session.add_all([RecoveryCode(employee_id=employee.id, hash=passwords.hashed(one)) for one in codes])
    rules.end_sessions(employee)
    memo.touch(session, "security")
    return [f"{one[:5]}-{one[5:]}" for one in codes]


def _forget(session, employee) -> None:
    session.execute(delete(RecoveryCode).where(RecoveryCode.employee_id == employee.id))
    employee.totp_secret = employee.totp_used = None


def turn_off(session, employee) -> None:
    """One's own; not when a role asks for it."""
    if is_required(session, employee):
        raise RuleError(_("Your role asks for the second factor; it cannot be turned off."))
    _forget(session, employee)
    rules.end_sessions(employee)


def reset(session, rows):
    """The phone is lost: the administrator takes the second factor away; a new one is set up at the next login where the role asks."""
    rules.keep_below(session, *rows)
    for employee in rows:
        _forget(session, employee)
        rules.end_sessions(employee)
        rules.log(session, "second", employee=employee, detail="reset")

"""Passwords: hashed with scrypt, at least ten characters, none of the ten thousand commonest (promise 4)."""
import secrets
from functools import lru_cache

from werkzeug.security import check_password_hash, generate_password_hash

from app.core.rules import RuleError
from app.core.words import _

SHORTEST = 8
_method = ["scrypt"]


def use_method(name: str) -> None:
    """'scrypt', or 'cheap' for tests that log in hundreds of times."""
    _method[0] = "pbkdf2:sha256:1" if name == "cheap" else "scrypt"
    dummy.cache_clear()


def hashed(password: str) -> str:
    """The hash to keep."""
    return generate_password_hash(password, method=_method[0])


def matches(kept: str | None, password: str) -> bool:
    """Whether a password is the kept one; takes the same time when there is none."""
    return check_password_hash(kept or dummy(), password) and bool(kept)


@lru_cache
def dummy() -> str:
    """A hash that nobody's password has."""
    return hashed(secrets.token_urlsafe(16))


@lru_cache
def _commonest() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS
    return frozenset(FREQUENCY_LISTS["passwords"][:10_000])


def check(password: str, username: str, shortest: int = 10) -> None:
    """Raise RuleError (field new_password) when a new password is too weak; `shortest`: characters, never under 8."""
    shortest = max(shortest, SHORTEST)
    if len(password) < shortest:
        raise RuleError(_("The new password needs at least %(n)d characters.", n=shortest), "new_password")
    if password.lower() in _commonest() or len(set(password)) < 4:
        raise RuleError(_("This password is too common; choose another."), "new_password")
    if username and username.lower() in password.lower():
        raise RuleError(_("The password must not contain the user name."), "new_password")


def one_time() -> str:
    """A password to hand over once."""
    return "-".join(secrets.token_hex(2) for _n in range(4))

"""What the business says of tokens: shown once, kept as a hash, never more than their owner's rights of the moment."""
import datetime as dt
import hashlib
import re
import secrets
from dataclasses import replace

from sqlalchemy import select

from app.core import actor, clock, memo, schedule
from app.core.actor import Actor
from app.core.rules import RuleError
from app.core.words import _
from app.security.rules import log

from .models import Answer, ApiToken, TokenUse

FORM = re.compile(r"crm_[A-Za-z0-9_-]{43}")
MOST = 20  # tokens of one person in use


def digest(secret: str) -> str:
    """What is kept of a secret: it is long and random, so a plain hash cannot be turned back."""
    return hashlib.sha256(secret.encode()).hexdigest()


def check_token(session, token) -> None:
    """Not in the past; not more than twenty in use."""
    if token.expires_on and token.expires_on < clock.today():
        raise RuleError(_("This day has passed."), "expires_on")
    mine = select(ApiToken.id).where(ApiToken.owner_id == (token.owner_id or actor.current_id()), ApiToken.revoked_at.is_(None)).limit(MOST)
    if len(session.scalars(mine).all()) >= MOST:
        raise RuleError(_("Revoke one of your tokens first: %(n)d are enough.", n=MOST))


def give_secret(session, token) -> str:
    """Make the token's secret; nobody can read it again."""
    secret = "crm_" + secrets.token_urlsafe(32)
    token.start, token.digest = secret[:9], digest(secret)
    log(session, "token", employee=token.owner, detail=f"{token.start}… made: {token.rights} {token.entities or ''}")
    return secret


def revoke(session, rows):
    """End tokens for good; what was done with them stays."""
    for token in rows:
        token.revoked_at = token.revoked_at or clock.now()
        log(session, "token", employee=token.owner, detail=f"{token.start}… revoked")


def find(session, secret: str) -> ApiToken | None:
    """The living token of a secret."""
    if not FORM.fullmatch(secret):
        return None
    wanted = select(ApiToken).where(ApiToken.digest == digest(secret)).execution_options(everyone=True)
    token = session.scalars(wanted).first()
    return token if token is not None and token.state == "on" else None


def narrowed(session, token, who: Actor) -> Actor:
    """The owner with the rights that the token leaves him; remembered until rights change."""
    def make():
        only = set(token.entities.split(",")) if token.entities else None
        verbs = frozenset(v for v in who.verbs if (only is None or v.split(".")[0] in only) and (
            token.rights == "all" or v.endswith(".read") or v.endswith(".oversee")))
        return replace(who, verbs=verbs, memo={})
    return memo.recall(session, "security", ("token", token.id), make)


def used(session, token_id: int, ip: str) -> None:
    """Note the use of a token, in a session of its own."""
    session.merge(TokenUse(token_id=token_id, at=clock.now(), ip=ip[:45]))


@schedule.daily("api.answers", "03:40")
def forget_answers(session):
    """Answers are kept for two days."""
    for answer in session.scalars(select(Answer).where(Answer.at < clock.now() - dt.timedelta(2))):
        session.delete(answer)

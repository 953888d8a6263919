"""What the interface keeps: tokens by which programs act for a person, and the answers of requests that must not be done twice."""
import datetime as dt

from flask_appbuilder import Model
from sqlalchemy import JSON, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock, fields
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("token_rights", [("read", _l("Read only"), "grey"), ("all", _l("All my rights"), "blue")])
fixed("api_token_state", [("on", _l("In use"), "green"), ("expired", _l("Expired"), "amber"), ("revoked", _l("Revoked"), "grey")])


class ApiToken(Entity, Owned):
    """A secret by which a program acts as its owner, with his rights of the moment or less. Only its hash is kept."""

    stays = True
    personal = True
    memo = "security"
    audited = False  # made and revoked for good, told by the security log; nothing to take back
    name = fields.text(_l("What it is for"), 60, required=True)
    rights = fields.choice(_l("Rights"), "token_rights", required=True, default="read")
    entities = fields.several(_l("Only these records"), "api_entity", size=600)
    expires_on = fields.date(_l("Valid until"), default=lambda: clock.today() + dt.timedelta(365))
    start = fields.text(_l("Begins with"), 12, readonly=True)
    digest: Mapped[str] = mapped_column(String(64), index=True, default="")
    use = relationship("TokenUse", uselist=False, viewonly=True)
    revoked_at = fields.moment(_l("Revoked at"), readonly=True)

    @fields.fact(_l("State"), "choice")
    def state(self):
        """on, expired or revoked."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_on and self.expires_on < clock.today() else "on"

    @fields.fact(_l("Last used"), "moment", loads="use")
    def used_at(self):
        """When a program last came with it, to the minute; UTC."""
        return self.use and self.use.at

    @fields.fact(_l("Last used from"), loads="use")
    def used_from(self):
        """The address it came from."""
        return self.use and self.use.ip


class TokenUse(Model):
    """When a token was used last: not a change of the token."""

    __tablename__ = "api_token_use"
    token_id: Mapped[int] = mapped_column(ForeignKey("api_token.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[dt.datetime]
    ip: Mapped[str] = mapped_column(String(45), default="")


class Answer(Model):
    """What a request with an `Idempotency-Key` was answered: asked again, the same is told and nothing is done. Kept for two days."""

    __tablename__ = "api_answer"
    __table_args__ = (UniqueConstraint("employee_id", "key"), {"extend_existing": True})
    id: Mapped[int] = mapped_column(primary_key=True)
    employee_id: Mapped[int] = mapped_column(Integer, ForeignKey("ab_user.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(80))
    asked: Mapped[str] = mapped_column(String(64))  # sha256 of token, address and body
    status: Mapped[int] = mapped_column(default=0)
    body: Mapped[dict | None] = mapped_column(JSON)
    at: Mapped[dt.datetime] = mapped_column(default=clock.now, index=True)

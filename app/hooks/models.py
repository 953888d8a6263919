"""Web hooks: who is told of what, and everything that is or was to be told (the outbox)."""
import secrets
from base64 import b64encode

from sqlalchemy import JSON, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock, fields
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l

from . import robots

fixed("delivery_state", [("waiting", _l("On its way"), "blue"), ("sent", _l("Delivered"), "green"), ("failed", _l("Given up"), "red"),
                         ("skipped", _l("Withheld"), "grey")])
fixed("hook_format", [("json", _l("Program (signed JSON)"), ""),
                      *((kind, _l("%(name)s group robot", name=name), "") for kind, name in robots.NAMES.items())])


def new_secret() -> str:
    """A secret as the Standard Webhooks specification writes it: 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


class Hook(Entity, Owned):
    """A program elsewhere that is told of changes, with what its owner may see."""

    stays = True
    memo = "hooks"
    unlogged = frozenset({"secret", "robot_key"})
    name = fields.text(_l("Name"), 60, required=True)
    format = fields.choice(_l("Receiver"), "hook_format", default="json",
                           help=_l("A group robot is told a short text; take its address from the settings of the group."))
    address = fields.text(_l("Receiving address"), 400, required=True,
                          help=_l("https://…; only addresses outside the own network, unless the system parameters allow it."))
    events = fields.several(_l("Events"), "hook_event", size=2000, required=True)
    is_on = fields.flag(_l("Switched on"), default=True)
    note = fields.note(_l("Note"))
    secret: Mapped[str] = mapped_column(String(64), default=new_secret)
    robot_key = mapped_column(String(100))  # the signing secret that a robot was given, as 钉钉 and 飞书 show it


class Delivery(Entity):
    """One event for one hook, written in the transaction of the change; `mark` stays the same however often it is sent."""

    audited = soft_delete = False
    __table_args__ = (fields.partial("ix_delivery_waiting", "state = 'waiting'", "due_at id"), {"extend_existing": True})
    hook_id = fields.ref(_l("Web hook"), "hook", required=True, hangs=False)
    hook = fields.related(Hook, hook_id)
    event = fields.text(_l("Event"), 60, required=True)
    entity: Mapped[str] = mapped_column(String(40), default="")
    row_id = fields.whole(_l("Record"))
    state = fields.choice(_l("State"), "delivery_state", required=True, default="waiting")
    attempts = fields.whole(_l("Attempts"), default=0)
    due_at = fields.moment(_l("Next attempt"), default=clock.now)
    sent_at = fields.moment(_l("Last attempt"))
    status = fields.whole(_l("HTTP status"))
    answer = fields.text(_l("What was answered"), 500)
    mark = fields.text(_l("webhook-id"), 40, default=lambda: f"msg_{secrets.token_hex(12)}")
    change = mapped_column(JSON)  # {old, new, at, actor_id} of the change, None for a test
    body = mapped_column(Text)

    def __repr__(self) -> str:
        return f"{self.event} {self.row_id or ''}".strip()

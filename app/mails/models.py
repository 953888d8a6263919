"""E-mails to and from customers."""
import secrets

from sqlalchemy import Index

from app.core import clock, fields
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("mail_direction", [("out", _l("To the customer"), "blue"), ("in", _l("From the customer"), "green")])
fixed("mail_state", [("waiting", _l("On its way"), "blue"), ("sent", _l("Handed over"), "green"), ("failed", _l("Given up"), "red"),
                     ("received", _l("Came in"), "green")])


class Mail(Entity, Owned):
    """One e-mail of a customer. Its files are attachments; `mark` is its Message-ID."""

    stays = True
    scope_parent = "customer"
    audited = False  # it went out or came in: nothing to take back
    __table_args__ = (*fields.sorted_by("mail", "created_at"), fields.partial("ix_mail_waiting", "state = 'waiting'", "due_at id"),
                      Index("ix_mail_customer_created", "customer_id", "created_at"), {"extend_existing": True})
    customer_id = fields.ref(_l("Customer"), "customer", required=True)
    customer = fields.related("Customer", customer_id)
    contact_id = fields.ref(_l("Contact"), "contact", hangs=False)
    contact = fields.related("Contact", contact_id)
    direction = fields.choice(_l("Direction"), "mail_direction", required=True, default="out")
    address = fields.text(_l("E-mail address"), 120, required=True)
    subject = fields.text(_l("Subject"), 300)
    content = fields.note(_l("Text of the e-mail"))
    state = fields.choice(_l("State"), "mail_state", required=True, default="waiting")
    attempts = fields.whole(_l("Attempts"), default=0)
    due_at = fields.moment(_l("Next attempt"), default=clock.now)
    problem = fields.text(_l("What went wrong"), 300)
    mark = fields.text("Message-ID", 200, sole=True, default=lambda: f"<{secrets.token_hex(16)}@crm.local>")

    def __repr__(self) -> str:
        return self.subject or self.address or ""

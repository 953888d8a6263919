"""Daily and weekly reports to the superior (日报/周报)."""
import datetime as dt

from sqlalchemy.orm import relationship

from app.core import choices, clock, fields
from app.core.choices import fixed
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("journal_kind", [("day", _l("Daily report"), "blue"), ("week", _l("Weekly report"), "violet")])
fixed("journal_state", [("draft", _l("Not sent"), "grey"), ("sent", _l("Sent"), "blue"), ("read", _l("Read by the superior"), "green")])


class Journal(Entity, Owned):
    """What a person did on a day or in a week (`day` is then its Monday), and what comes next. Personal: others see it by the
    right 'oversee', or because it was sent to them."""

    stays = True
    personal = True
    kind = fields.choice(_l("Daily or weekly"), "journal_kind", required=True, default="day")
    day = fields.date(_l("Date of the report"), required=True, default=clock.today)
    done = fields.note(_l("What was done"), required=True)
    plan = fields.note(_l("What comes next"))
    state = fields.choice(_l("Report state"), "journal_state", readonly=True, default="draft")
    sent_to_id = fields.ref(_l("Sent to"), "ab_user", readonly=True, hangs=False)
    sent_to = relationship("Employee", foreign_keys=[sent_to_id])
    sent_at = fields.moment(_l("Sent at"), readonly=True)
    read_at = fields.moment(_l("Read at"), readonly=True)
    __table_args__ = (*fields.sorted_by("journal", "day created_at state"), fields.partial(
        "ix_journal_once", "deleted_at IS NULL", "owner_id", "kind", "day", unique=True), {"extend_existing": True})

    def __repr__(self) -> str:
        return f"{choices.label(None, 'journal_kind', self.kind)} {self.day}" + (f" – {self.last:%m-%d}" if self.kind == "week" else "")

    @property
    def last(self) -> dt.date:
        """Its last day."""
        return self.day + dt.timedelta(6 if self.kind == "week" else 0)


class JournalComment(Entity):
    """What somebody says of a report."""

    part_of = "journal"
    journal_id = fields.ref(_l("Report"), "journal", required=True)
    content = fields.note(_l("Comment"), required=True)

"""Tasks and memos (manual 4.2 任务/备忘录)."""
import datetime as dt

from sqlalchemy import DateTime, Index, Text
from sqlalchemy.orm import mapped_column, relationship

from app.core import clock, fields
from app.core.choices import fixed
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l

fixed("task_kind", [("task", _l("Task"), ""), ("memo", _l("Memo"), "violet")])
fixed("task_state", [("open", _l("Not done"), "grey"), ("doing", _l("In progress"), "blue"), ("done", _l("Done"), "green")])
fixed("task_priority", [("p1", _l("High"), "red"), ("p2", _l("Medium"), "amber"), ("p3", _l("Low"), "grey"), ("p4", _l("None"), "")])
fixed("task_late", [("late", _l("Overdue"), "red")])
fixed("task_report", [("waits", _l("To be confirmed"), "amber"), ("confirmed", _l("Confirmed"), "green")])
REMIND = {"0": _l("At the time"), "5": _l("5 minutes before"), "15": _l("15 minutes before"), "30": _l("30 minutes before"),
          "60": _l("1 hour before"), "120": _l("2 hours before"), "1440": _l("1 day before"), "2880": _l("2 days before")}
fixed("task_reminder", list(REMIND.items()))
fixed("task_repeat", [("daily", _l("Every day")), ("workdays", _l("Every working day")), ("weekly", _l("Every week")),
                      ("monthly", _l("Every month")), ("yearly", _l("Every year"))])
WEEKDAYS = {"1": _l("Monday"), "2": _l("Tuesday"), "3": _l("Wednesday"), "4": _l("Thursday"), "5": _l("Friday"), "6": _l("Saturday"),
            "7": _l("Sunday")}
fixed("weekday", list(WEEKDAYS.items()))


def _soon() -> dt.datetime:
    """The next full hour, as naive UTC."""
    return clock.now().replace(minute=0, second=0) + dt.timedelta(hours=1)


class Task(Entity, Owned, Extended):
    """Something to do (任务) or to remember (备忘录). `owner` is its first executor; `helpers` are the other ones and whoever
    handed it out (`created_by`), who share it. An all-day one counts by its days (`first_on`, `last_on`, both included); the
    moments are then those of the first day's beginning and the last day's end.

    A repeating one is a rule; its own times are those of the first occurrence that is still open and has no row of its own
    (`tasks.repeating` keeps them). An occurrence that was finished, moved or changed alone is a row with `series` and `occurs_on`."""

    personal = True
    scope_parent = "customer"
    search_names = ("title",)
    kind = fields.choice(_l("Kind"), "task_kind", required=True, default="task")
    title = fields.text(_l("Title"), 200, required=True)
    is_all_day = fields.flag(_l("All day"))
    starts_at = fields.moment(_l("Starts at"), required=True, default=_soon)
    ends_at = fields.moment(_l("Ends at"), required=True, default=lambda: _soon() + dt.timedelta(hours=1))
    first_on = fields.date(_l("First day"), readonly=True)
    last_on = fields.date(_l("Last day"), readonly=True)
    state = fields.choice(_l("Completion"), "task_state", required=True, default="open")
    priority = fields.choice(_l("Priority"), "task_priority", default="p4")
    reminders = fields.several(_l("Reminders"), "task_reminder")
    customer_id = fields.ref(_l("Related customer"), "customer")
    customer = fields.related("Customer", customer_id)
    contact_id = fields.ref(_l("Contact"), "contact", within="customer", hangs=False)
    contact = fields.related("Contact", contact_id)
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", within="customer", hangs=False)
    opportunity = fields.related("Opportunity", opportunity_id)
    quote_id = fields.ref(_l("Quote"), "quote", within="customer", hangs=False)
    quote = fields.related("Quote", quote_id)
    contract_id = fields.ref(_l("Contract"), "contract", within="customer", hangs=False)
    contract = fields.related("Contract", contract_id)
    note = fields.note(_l("What it is about"))
    repeat = fields.choice(_l("Repeats"), "task_repeat")
    repeat_every = fields.whole(_l("Every how many"), default=1)
    repeat_on = fields.several(_l("On weekdays"), "weekday")
    repeat_until = fields.date(_l("Repeats until"))
    repeat_count = None  # how many times, as a form says it instead of the last day; not kept
    repeat_from = mapped_column(DateTime, active_history=True)  # the first occurrence's start, in the office's own time
    skipped = mapped_column(Text, active_history=True)  # days of the rule that were left out: ISO dates with commas
    series_id = fields.ref(_l("Occurrence of"), "task", readonly=True, hangs=False)
    series = relationship("Task", foreign_keys=[series_id], remote_side="Task.id")
    occurs_on = fields.date(_l("Occurrence"), readonly=True)
    done_at = fields.moment(_l("Done at"), readonly=True)
    confirmed_at = fields.moment(_l("Confirmed at"), readonly=True)
    helpers = relationship("Collaborator", viewonly=True, order_by="Collaborator.id", primaryjoin=(
        "and_(foreign(Collaborator.row_id) == Task.id, Collaborator.entity == 'task', Collaborator.may_write, "
        "Collaborator.deleted_at.is_(None))"))
    __table_args__ = (*fields.sorted_by("task", "created_at starts_at ends_at title state priority"),
                      Index("ix_task_occurrence", "series_id", "occurs_on", unique=True), {"extend_existing": True})

    @classmethod
    def handed(cls):
        """What is still to do."""
        return [cls.state != "done"]

    def __repr__(self) -> str:
        return self.title or ""

    @property
    def team(self) -> list:
        """The executors, the first one first."""
        return [self.owner, *(h.employee for h in self.helpers if h.employee_id not in (self.created_by_id, self.owner_id))]

    @fields.fact(_l("Executors"), loads="owner helpers.employee", column="owner_id")
    def executors(self):
        """Their names."""
        return "、".join(str(person) for person in self.team if person)

    @property
    def is_handed_out(self) -> bool:
        """Somebody else is to do what one person wrote down (下派)."""
        maker = self.created_by_id
        return maker is not None and (self.owner_id != maker or any(h.employee_id != maker for h in self.helpers))

    @property
    def is_late(self) -> bool:
        """Not done though its end has passed; a memo is about its time and is never late."""
        return self.kind == "task" and self.state != "done" and self.ends_at < clock.now()

    @fields.fact(_l("Overdue"), "choice", choices="task_late")
    def lateness(self):
        """The mark of a late task."""
        return "late" if self.is_late else None

    @fields.fact(_l("Handed out"), "choice", choices="task_report", loads="helpers")
    def report(self):
        """Where a done task that was handed out stands: whoever handed it out confirms its end."""
        if self.state != "done" or not self.is_handed_out:
            return None
        return "confirmed" if self.confirmed_at else "waits"

    @fields.fact(_l("Starts"), column="starts_at")
    def starts(self):
        """The start as people read it; a day alone when it is all day."""
        return told(self.starts_at, self.is_all_day)

    @fields.fact(_l("Ends"), column="ends_at")
    def ends(self):
        """The end as people read it; a day alone when it is all day."""
        return told(self.ends_at, self.is_all_day)


def told(moment: dt.datetime, day_only: bool) -> str:
    """A moment as a list tells it, without the year when it is this one."""
    local = clock.to_office(moment)
    return local.strftime(("" if local.year == clock.today().year else "%Y-") + "%m-%d" + ("" if day_only else " %H:%M"))

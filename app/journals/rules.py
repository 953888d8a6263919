"""What a report holds when it is proposed, and how it goes to the superior."""
import datetime as dt

from sqlalchemy import select

from app.contracts.models import Contract
from app.core import actor, clock, workdays
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.customers.models import Customer, Followup
from app.opportunities.models import Opportunity, StageChange
from app.opportunities.rules import stages
from app.payments.models import Payment
from app.quotes.models import Quote
from app.security.models import Employee
from app.tasks.models import Task

from .models import Journal, JournalComment

MOST = 40  # lines of one heading


def monday(day: dt.date) -> dt.date:
    """The Monday of a day's week."""
    return day - dt.timedelta(day.weekday())


def written(session, person: int, kind: str, day: dt.date) -> Journal | None:
    """A person's report of a day or of the week that holds it."""
    first = monday(day) if kind == "week" else day
    return session.scalar(select(Journal).where(Journal.owner_id == person, Journal.kind == kind, Journal.day == first).execution_options(
        everyone=True))


def check_journal(session, journal) -> None:
    """One a person, kind and day; a weekly one counts from its Monday; not of days to come."""
    if journal.kind == "week" and journal.day:
        journal.day = monday(journal.day)
    if journal.day and journal.day > clock.today():
        raise RuleError(_("The day is in the future."), "day")
    with session.no_autoflush:
        twin = written(session, journal.owner_id or actor.current_id(), journal.kind, journal.day)
    if twin and twin.id != journal.id:
        raise RuleError(_("This report is there already: edit it instead."), "day")


def check_change(session, journal) -> None:
    """One's own, until the superior has read it."""
    who = actor.current()
    if who and journal.owner_id != who.id:
        raise RuleError(_("Only who wrote a report changes it."))
    if journal.state == "read":
        raise RuleError(_("The superior has read this report: it stays as it is."))


# ---- the proposal ---------------------------------------------------------------------------------------------
def _span(first: dt.date, last: dt.date):
    return clock.day_start(first), clock.day_start(last + dt.timedelta(1))


def _within(column, first, last):
    low, high = _span(first, last)
    return (column >= low) & (column < high)


def _names(session, model, ids) -> dict:
    # names on one's own rows
    wanted = select(model.id, model.name).where(model.id.in_(sorted(ids))).execution_options(everyone=True)
    return dict(session.execute(wanted).all()) if ids else {}


def done(session, person: int, first: dt.date, last: dt.date) -> list[tuple[str, list[str]]]:
    """[(heading, lines)] of what a person did from the first to the last day: follow-ups, stages moved, quotes, contracts,
    payments, tasks finished; seven statements at most."""
    talks = session.execute(select(Followup.customer_id, Followup.content).where(
        Followup.owner_id == person, _within(Followup.happened_at, first, last)).order_by(Followup.happened_at).limit(MOST)).all()
    moves = session.execute(select(Opportunity.name, StageChange.from_stage, StageChange.to_stage).join(
        Opportunity, Opportunity.id == StageChange.opportunity_id).where(
        StageChange.created_by_id == person, StageChange.from_stage.is_not(None), _within(StageChange.at, first, last)).order_by(
        StageChange.at).limit(MOST)).all()
    quotes = session.execute(select(Quote.number, Quote.name, Quote.amount).where(
        Quote.owner_id == person, Quote.quoted_on.between(first, last)).order_by(Quote.id).limit(MOST)).all()
    contracts = session.execute(select(Contract.number, Contract.name, Contract.amount).where(
        Contract.owner_id == person, Contract.state != "void", Contract.signed_on.between(first, last)).order_by(
        Contract.id).limit(MOST)).all()
    payments = session.execute(select(Payment.customer_id, Payment.amount).where(
        Payment.owner_id == person, Payment.paid_on.between(first, last)).order_by(Payment.id).limit(MOST)).all()
    tasks = session.scalars(select(Task.title).where(
        Task.owner_id == person, Task.state == "done", _within(Task.done_at, first, last)).order_by(Task.done_at).limit(MOST)).all()
    buyers = _names(session, Customer, {row[0] for row in (*talks, *payments)} - {None})
    way = {code: stage.name for code, stage in stages(session).items()}
    found = [
        (_("Follow-ups"), [f"{buyers.get(c, '')}：{' '.join((text or '').split())[:80]}" for c, text in talks]),
        (_("Stages moved"), [f"{name}：{way.get(old, old)} → {way.get(new, new)}" for name, old, new in moves]),
        (_("Quotes"), [f"{number} {name} ¥{_yuan(amount)}" for number, name, amount in quotes]),
        (_("Contracts and orders"), [f"{number} {name} ¥{_yuan(amount)}" for number, name, amount in contracts]),
        (_("Payments"), [f"{buyers.get(c, '')} ¥{_yuan(amount)}" for c, amount in payments]),
        (_("Tasks finished"), list(tasks))]
    return [(heading, lines) for heading, lines in found if lines]


def planned(session, person: int, first: dt.date, last: dt.date) -> list[tuple[str, list[str]]]:
    """[(heading, lines)] of the tasks and calls from the first to the last day."""
    tasks = session.execute(select(Task.title, Task.starts_at, Task.is_all_day).where(
        Task.owner_id == person, Task.state != "done", _within(Task.starts_at, first, last)).order_by(Task.starts_at).limit(MOST)).all()
    calls = session.execute(select(Customer.name, Customer.next_follow_at).where(
        Customer.owner_id == person, _within(Customer.next_follow_at, first, last)).order_by(Customer.next_follow_at).limit(MOST)).all()
    several = first != last

    def at(moment, day_only=False):
        return clock.to_office(moment).strftime(("%m-%d " if several else "") + ("" if day_only else "%H:%M ")).strip()
    found = [(_("Tasks"), [f"{at(moment, day_only)} {title}".strip() for title, moment, day_only in tasks]),
             (_("Calls"), [f"{at(moment)} {name}" for name, moment in calls])]
    return [(heading, lines) for heading, lines in found if lines]


def _yuan(fen) -> str:
    return f"{(fen or 0) / 100:,.2f}".removesuffix(".00")


def text(groups) -> str:
    """【跟进记录 2】 and numbered lines."""
    return "\n".join(line for heading, lines in groups
                     for line in (f"【{heading} {len(lines)}】", *(f"{n}. {line}" for n, line in enumerate(lines, 1))))


def propose(session, person: int, kind: str, day: dt.date) -> tuple[str, str]:
    """(what was done, what comes next) of a day or of the week that holds it."""
    first = monday(day) if kind == "week" else day
    last = first + dt.timedelta(6) if kind == "week" else first
    ahead = (last + dt.timedelta(1), last + dt.timedelta(7)) if kind == "week" else (workdays.shift(session, day, 1),) * 2
    return text(done(session, person, first, last)), text(planned(session, person, *ahead))


def as_text(journal, name: str) -> str:
    """The whole report as plain text, to be pasted into a chat."""
    parts = [f"{journal} {name}", journal.done or "", *([f"{_('What comes next')}\n{journal.plan}"] if journal.plan else [])]
    return "\n\n".join(parts)


# ---- on its way -----------------------------------------------------------------------------------------------
def send(session, rows):
    """To the superior, who may read it wherever his scope ends."""
    for journal in rows:
        check_change(session, journal)
        superior = session.get(Employee, journal.owner_id).superior_id
        if superior is None:
            raise RuleError(_("You have no superior to send it to."))
        journal.state, journal.sent_to_id, journal.sent_at = "sent", superior, clock.now()
        there = session.scalar(select(Collaborator.id).where(
            Collaborator.entity == "journal", Collaborator.row_id == journal.id, Collaborator.employee_id == superior))
        if there is None:
            session.add(Collaborator(entity="journal", row_id=journal.id, employee_id=superior, may_write=False))
    return _("Sent to %(name)s.", name=session.get(Employee, superior))


def mark_read(session, rows):
    """The superior has read it."""
    who = actor.current_id()
    for journal in rows:
        if journal.state == "draft":
            raise RuleError(_("%(name)s was not sent yet.", name=journal))
        if who == journal.owner_id:
            raise RuleError(_("One's own report is read by the superior."))
        journal.state, journal.read_at = "read", clock.now()


def comment(session, journal, content: str) -> JournalComment:
    """A word on a report; the superior's counts as having read it."""
    if not content:
        raise RuleError(_("Write the comment first."), "content")
    made = JournalComment(journal_id=journal.id, content=content)
    session.add(made)
    if actor.current_id() == journal.sent_to_id and journal.state == "sent":
        mark_read(session, [journal])
    return made


def missing(session, who, kind: str, day: dt.date) -> list[dict]:
    """The active people below somebody with their report of a day or week: {id, name, journal or None}, who has not sent first."""
    day = monday(day) if kind == "week" else day
    people = session.execute(select(Employee.id, Employee.name).where(
        Employee.id.in_(sorted(who.subordinates)), Employee.active).order_by(Employee.id)).all()
    # whose reports these are was settled by the tree of superiors
    wanted = select(Journal).where(Journal.kind == kind, Journal.day == day, Journal.state != "draft", Journal.owner_id.in_(
        [key for key, _name in people])).execution_options(everyone=True)
    there = {j.owner_id: j for j in session.scalars(wanted)}
    rows = [{"id": key, "name": name, "journal": there.get(key)} for key, name in people]
    return sorted(rows, key=lambda r: r["journal"] is not None)

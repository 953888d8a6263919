"""What the business says of opportunities (manual 4.4, product.md 4.4). Every change of stage leaves its row."""
import datetime as dt

from sqlalchemy import and_, false, func, inspect, select

from app.core import clock, memo
from app.core.rules import RuleError
from app.core.words import _
from app.customers.models import Contact, Customer
from app.products.rules import check_lines

from .models import Opportunity, OpportunityContact, Stage, StageChange


def stages(session) -> dict[str, Stage]:
    """Every stage by code in order, as plain values remembered until one changes."""
    def load():
        rows = session.scalars(select(Stage).order_by(Stage.position, Stage.id)).all()
        return {s.code: _Plain(s) for s in rows}
    return memo.recall(session, "choices", "stages", load)


class _Plain:
    """A stage without its session."""

    def __init__(self, stage):
        for name in ("code", "name", "name_en", "kind", "rate", "warn_days", "colour", "position", "is_stopped"):
            setattr(self, name, getattr(stage, name))


def codes(session, *kinds) -> list[str]:
    """The codes of the stages of these kinds, in order."""
    return [s.code for s in stages(session).values() if s.kind in kinds]


# ---- named filters --------------------------------------------------------------------------------------------
def of_kind(*kinds):
    """A filter: in a stage of these kinds."""
    return lambda who: Opportunity.stage.in_(select(Stage.code).where(Stage.kind.in_(kinds)))


def is_open():
    """The clause: still on its way."""
    return Opportunity.closed_on.is_(None)


def mine(who):
    """Open ones that I am responsible for."""
    return and_(Opportunity.owner_id == who.id, is_open())


def of_subordinates(who):
    """Open ones of the people below me."""
    return and_(Opportunity.owner_id.in_(sorted(who.subordinates)), is_open()) if who.subordinates else false()


def closing(first: int, last: int):
    """A filter: open and expected to close from `first` to `last` months from now."""
    def rule(who):
        from app.views.conditions import month
        return and_(is_open(), Opportunity.closes_on >= month(clock.today(), first), Opportunity.closes_on < month(clock.today(), last + 1))
    return rule


def late(who):
    """Expected to close before today and still open."""
    return and_(is_open(), Opportunity.closes_on < clock.today())


def idle(days: int):
    """A filter: open, and nobody followed up for so many days."""
    def rule(who):
        return and_(is_open(), func.coalesce(Opportunity.last_follow_at, Opportunity.created_at) < clock.now() - dt.timedelta(days))
    return rule


def stuck(who):
    """Open, and longer than 14 days in its stage."""
    return and_(is_open(), Opportunity.staged_at < clock.now() - dt.timedelta(14))


# ---- stages ---------------------------------------------------------------------------------------------------
def check_stage(session, stage) -> None:
    """Names once; rates 0 to 100; a used stage keeps its kind; won is 100 %, lost and void 0 %."""
    if session.scalar(select(Stage.id).where(Stage.name == stage.name, Stage.id != (stage.id or 0)).limit(1)):
        raise RuleError(_("This stage is there already."), "name")
    if not 0 <= (stage.rate or 0) <= 10_000:
        raise RuleError(_("The win rate is between 0 and 100."), "rate")
    if {"won": 10_000, "lost": 0, "void": 0}.get(stage.kind, stage.rate) != stage.rate:
        raise RuleError(_("A won stage has a win rate of 100, a lost or void one of 0."), "rate")
    kind = inspect(stage).attrs.kind.history
    if stage.id and kind.has_changes() and _is_used(session, stage):
        raise RuleError(_("“%(name)s” is in use: its kind cannot change.", name=stage.name), "kind")
    if not stage.code:
        known = set(session.scalars(select(Stage.code).execution_options(with_trash=True)))
        stage.code = next(f"s{n}" for n in range(len(known) + 2) if f"s{n}" not in known)


def _is_used(session, stage) -> bool:
    return session.scalar(select(Opportunity.id).where(Opportunity.stage == stage.code).limit(1).execution_options(
        everyone=True, with_trash=True)) is not None


def check_delete_stage(session, stage) -> None:
    """A used stage is stopped, not deleted; the last stage of a kind stays."""
    if _is_used(session, stage):
        raise RuleError(_("“%(name)s” is in use: stop it instead of deleting it.", name=stage.name))
    if session.scalar(select(func.count(Stage.id)).where(Stage.kind == stage.kind)) < 2:
        raise RuleError(_("At least one stage of each kind is needed."))


# ---- saving ---------------------------------------------------------------------------------------------------
def check_change(session, opportunity) -> None:
    """A closed one is as it was; reopening needs a reason."""
    if opportunity.closed_on:
        raise RuleError(_("This opportunity is closed. Reopen it to change it."))


def check_opportunity(session, opportunity) -> None:
    """Contact of this customer; rate from the stage unless typed; a closing stage only by its action."""
    if opportunity.contact_id:
        person = session.get(Contact, opportunity.contact_id)
        if person is None or person.customer_id != opportunity.customer_id:
            raise RuleError(_("This contact belongs to another customer."), "contact")
    stage = stages(session)[opportunity.stage]
    state = inspect(opportunity).attrs
    fresh = not inspect(opportunity).persistent
    moved = fresh or state.stage.history.has_changes()
    if stage.kind != "open" and moved and not fresh:
        raise RuleError(_("Use the actions won, lost or void to close an opportunity."), "stage")
    if opportunity.rate is None or (moved and not fresh and not state.rate.history.has_changes()):
        opportunity.rate = stage.rate
    if not 0 <= opportunity.rate <= 10_000:
        raise RuleError(_("The win rate is between 0 and 100."), "rate")
    if (opportunity.amount or 0) < 0:
        raise RuleError(_("This must not be negative."), "amount")
    check_lines(session, opportunity, opportunity.living)
    if moved:
        before = (state.stage.history.deleted or [None])[0] if not fresh else None
        note_move(session, opportunity, before, stage, "")


def note_move(session, opportunity, before, stage, reason) -> None:
    """Write the history row of a move and the marks on the opportunity."""
    now = clock.now()
    since, way = opportunity.staged_at or now, stages(session)
    session.add(StageChange(
        opportunity=opportunity, from_stage=before, to_stage=stage.code, at=now, amount=opportunity.amount, reason=reason or None,
        seconds=int((now - since).total_seconds()) if before else None))
    opportunity.staged_at = now
    opportunity.closed_on = None if stage.kind == "open" else clock.today()
    far = way.get(opportunity.furthest)
    if stage.kind in ("open", "won") and (far is None or stage.position > far.position):
        opportunity.furthest = stage.code


# ---- actions --------------------------------------------------------------------------------------------------
def move(session, rows, stage, reason=None, note=None):
    """Put opportunities into a stage; a lost one needs its reason, and "other" a note (product.md 4.4)."""
    target = stages(session).get(stage)
    if target is None or target.is_stopped:
        raise RuleError(_("Choose one of the list."), "stage")
    if target.kind in ("lost", "void") and not (reason or note):
        raise RuleError(_("Say why it was lost."), "reason")
    if reason == "other" and not note:
        raise RuleError(_("“Other” needs a note."), "note")
    for row in rows:
        if row.closed_on and target.kind != stages(session)[row.stage].kind:
            raise RuleError(_("%(name)s is closed already.", name=row.name))
        if row.stage == stage:
            continue
        before, row.stage, row.rate = row.stage, target.code, target.rate
        row.loss_reason = reason if target.kind in ("lost", "void") else None
        row.closing_note = note
        note_move(session, row, before, target, note or reason)


def close(kind: str):
    """An action: into the first stage of a closing kind."""
    def rule(session, rows, reason=None, note=None):
        move(session, rows, codes(session, kind)[0], reason, note)
    return rule


def advance(session, rows):
    """Into the next open stage."""
    way = [s.code for s in stages(session).values() if s.kind == "open" and not s.is_stopped]
    for row in rows:
        if row.stage not in way or row.stage == way[-1]:
            raise RuleError(_("%(name)s has no further stage; close it as won or lost.", name=row.name))
        move(session, [row], way[way.index(row.stage) + 1])


def reopen(session, rows, reason):
    """A closed opportunity goes on, with a reason, in the stage before."""
    way = codes(session, "open")
    for row in rows:
        if not row.closed_on:
            raise RuleError(_("%(name)s is open.", name=row.name))
        last = session.scalar(select(StageChange.from_stage).where(
            StageChange.opportunity_id == row.id, StageChange.from_stage.in_(way)).order_by(StageChange.id.desc()).limit(1))
        target = stages(session)[last or way[0]]
        before, row.stage, row.rate, row.loss_reason, row.closing_note = row.stage, target.code, target.rate, None, None
        note_move(session, row, before, target, reason)


# ---- around ---------------------------------------------------------------------------------------------------
def customer_figures(session, customer) -> tuple[int, int]:
    """(number, amount in fen) of a customer's open opportunities that the person sees."""
    wanted = select(func.count(), func.coalesce(func.sum(Opportunity.amount), 0)).select_from(Opportunity).where(
        Opportunity.customer_id == customer.id, is_open())
    return tuple(session.execute(wanted).one())


def followed_up(session, followup) -> None:
    """A follow-up with an opportunity writes through to it as well."""
    row = session.get(Opportunity, followup.opportunity_id) if followup.opportunity_id else None
    if row is None:
        return
    if row.customer_id != followup.customer_id:
        raise RuleError(_("This opportunity belongs to another customer."), "opportunity")
    row.last_follow_at = max(row.last_follow_at or followup.happened_at, followup.happened_at)
    if followup.next_follow_at:
        row.next_follow_at = followup.next_follow_at


def buyer(session, opportunity):
    """The customer of an opportunity."""
    return session.get(Customer, opportunity.customer_id)


def add_person(session, rows, contact, role=None):
    """A contact takes part in a deal, with his role (product.md 4.4)."""
    for row in rows:
        person = session.get(Contact, contact)
        if person is None or person.customer_id != row.customer_id:
            raise RuleError(_("This contact belongs to another customer."), "contact")
        found = session.scalar(select(OpportunityContact).where(
            OpportunityContact.opportunity_id == row.id, OpportunityContact.contact_id == contact))
        found = found or OpportunityContact(opportunity_id=row.id, contact_id=contact)
        found.role = role
        session.add(found)

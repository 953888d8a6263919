"""What the business says of opportunities (manual 4.4, product.md 4.4). Every change of stage leaves its row."""
import datetime as dt

from sqlalchemy import and_, case, false, func, inspect, or_, select

from app.core import choices, clock, memo
from app.core.hanging import hanging
from app.core.rules import RuleError
from app.core.words import _
from app.customers.models import Contact, Customer
from app.customers.rules import FOLLOWED, check_future
from app.products.rules import check_lines

from .models import Opportunity, OpportunityContact, OpportunityLine, Stage, StageChange


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
    """The codes of the stages in use of these kinds, in order."""
    return [s.code for s in stages(session).values() if s.kind in kinds and not s.is_stopped]


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


def slow(session):
    """The clause: open, and more whole days in its stage than the stage's days to a warning."""
    now = clock.now()
    since = {s.code: now - dt.timedelta(s.warn_days + 1) for s in stages(session).values() if s.kind == "open" and s.warn_days}
    if not since:
        return false()
    return and_(Opportunity.stage.in_(since), Opportunity.staged_at <= max(since.values()),  # the latest of all: what an index can narrow
                Opportunity.staged_at <= case(since, value=Opportunity.stage))


def lost_at(code: str):
    """The clause: lost or void, and never further than this stage."""
    return and_(Opportunity.furthest == code, Opportunity.stage.in_(select(Stage.code).where(Stage.kind.in_(("lost", "void")))))


def with_product(product_id: int):
    """The clause: a line with this product."""
    return Opportunity.id.in_(select(OpportunityLine.opportunity_id).where(OpportunityLine.product_id == product_id))


# ---- stages ---------------------------------------------------------------------------------------------------
def check_stage(session, stage) -> None:
    """Names once; rates 0 to 100; a used stage keeps its kind; won is 100 %, lost and void 0 %; one of each kind stays in use."""
    if session.scalar(select(Stage.id).where(Stage.name == stage.name, Stage.id != (stage.id or 0)).limit(1)):
        raise RuleError(_("This stage is there already."), "name")
    if not 0 <= (stage.rate or 0) <= 10_000:
        raise RuleError(_("The win rate is between 0 and 100."), "rate")
    if {"won": 10_000, "lost": 0, "void": 0}.get(stage.kind, stage.rate) != stage.rate:
        raise RuleError(_("A won stage has a win rate of 100, a lost or void one of 0."), "rate")
    if (stage.warn_days or 0) < 0:
        raise RuleError(_("This must not be negative."), "warn_days")
    kind = inspect(stage).attrs.kind.history
    if stage.id and kind.has_changes():
        if _is_used(session, stage):
            raise RuleError(_("“%(name)s” is in use: its kind cannot change.", name=stage.name), "kind")
        _check_last(session, stage, kind.deleted[0], "kind")
    if stage.is_stopped:
        _check_last(session, stage, stage.kind, "is_stopped")
    if not stage.code:
        known = set(session.scalars(select(Stage.code).execution_options(with_trash=True)))
        stage.code = next(f"s{n}" for n in range(len(known) + 2) if f"s{n}" not in known)


def _check_last(session, stage, kind, field=None) -> None:
    others = select(func.count(Stage.id)).where(Stage.kind == kind, Stage.id != (stage.id or 0), Stage.is_stopped.is_not(True))
    if not session.scalar(others):
        raise RuleError(_("At least one stage of each kind is needed."), field)


def _is_used(session, stage) -> bool:
    used = or_(Opportunity.stage == stage.code, Opportunity.furthest == stage.code)
    everything = {"everyone": True, "with_trash": True}
    return any(session.scalar(wanted.limit(1).execution_options(**everything)) is not None for wanted in (
        select(Opportunity.id).where(used), select(StageChange.id).where(StageChange.to_stage == stage.code)))


def check_delete_stage(session, stage) -> None:
    """A used stage is stopped, not deleted; the last stage of a kind stays."""
    if _is_used(session, stage):
        raise RuleError(_("“%(name)s” is in use: stop it instead of deleting it.", name=stage.name))
    _check_last(session, stage, stage.kind)


# ---- saving ---------------------------------------------------------------------------------------------------
def check_change(session, opportunity) -> None:
    """A closed one is as it was; reopening needs a reason."""
    if opportunity.closed_on:
        raise RuleError(_("This opportunity is closed. Reopen it to change it."))


def check_opportunity(session, opportunity) -> None:
    """Contact of this customer; rate from the stage unless typed; a closing stage only by its action, or with its reason from the
    start (an imported one)."""
    check_customer_stays(session, opportunity)
    check_future(session, opportunity)
    if opportunity.contact_id:
        person = session.get(Contact, opportunity.contact_id)
        if person is None or person.customer_id != opportunity.customer_id:
            raise RuleError(_("This contact belongs to another customer."), "contact")
    if (opportunity.amount or 0) < 0:
        raise RuleError(_("This must not be negative."), "amount")
    stage = stages(session).get(opportunity.stage)
    state = inspect(opportunity).attrs
    fresh = not inspect(opportunity).persistent
    moved = fresh or state.stage.history.has_changes()
    if stage is None or (moved and stage.is_stopped):
        raise RuleError(_("Choose one of the list."), "stage")
    if stage.kind != "open" and moved and not fresh:
        raise RuleError(_("Use the actions won, lost or void to close an opportunity."), "stage")
    if stage.kind in ("lost", "void") and moved:
        check_reason(session, stage, opportunity.loss_reason, opportunity.closing_note)
    if stage.kind != "open" or opportunity.rate is None or (moved and not fresh and not state.rate.history.has_changes()):
        opportunity.rate = stage.rate
    if not 0 <= opportunity.rate <= 10_000:
        raise RuleError(_("The win rate is between 0 and 100."), "rate")
    check_lines(session, opportunity, opportunity.living)
    if moved:
        before = (state.stage.history.deleted or [None])[0] if not fresh else None
        note_move(session, opportunity, before, stage, "")


def check_customer_stays(session, document) -> None:
    """A document on which others hang stays with its customer."""
    state = inspect(document)
    if state.persistent and state.attrs.customer_id.history.has_changes():
        with session.no_autoflush:
            if hanging(session, document):
                raise RuleError(_("Other documents hang on %(name)s: its customer cannot change.", name=document), "customer")


def check_reason(session, stage, reason, note) -> None:
    """A lost one needs its reason out of the list, "other" a note; a void one a reason or a note (product.md 4.4)."""
    if reason and reason not in dict(choices.options(session, "loss_reason")):
        raise RuleError(_("Choose one of the list."), "reason")
    if not reason and (stage.kind == "lost" or not note):
        raise RuleError(_("Say why it was lost."), "reason")
    if reason == "other" and not note:
        raise RuleError(_("“Other” needs a note."), "note")


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
    if far is not None and far.kind == "won" and stage.kind == "open":
        far = _furthest_open(session, opportunity)  # reopened: it has not come as far as to be won
        opportunity.furthest = far.code if far else stage.code
    if stage.kind in ("open", "won") and (far is None or stage.position > far.position):
        opportunity.furthest = stage.code


def _furthest_open(session, opportunity):
    """The furthest open stage that an opportunity was ever in."""
    been = set(session.scalars(select(StageChange.to_stage).where(StageChange.opportunity_id == opportunity.id)))
    return max((s for s in stages(session).values() if s.kind == "open" and s.code in been), key=lambda s: s.position, default=None)


# ---- actions --------------------------------------------------------------------------------------------------
def move(session, rows, stage, reason=None, note=None):
    """Put opportunities into a stage; a lost one needs its reason, and "other" a note (product.md 4.4)."""
    target = stages(session).get(stage)
    if target is None or target.is_stopped:
        raise RuleError(_("Choose one of the list."), "stage")
    if target.kind in ("lost", "void"):
        check_reason(session, target, reason, note)
    for row in rows:
        if row.closed_on and target.kind != stages(session)[row.stage].kind:
            raise RuleError(_("%(name)s is closed already.", name=row.name))
        if row.stage == stage:
            continue
        before, row.stage, row.rate = row.stage, target.code, target.rate
        row.loss_reason = reason if target.kind in ("lost", "void") else None
        row.closing_note = note[:500] if note and target.kind != "open" else None
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


REOPENING: list = []  # later modules: function(session, opportunity) refuses while something of theirs stands on it


def reopen(session, rows, reason):
    """A closed opportunity goes on, with a reason, in the stage before; not while a contract was made of it."""
    if not reason:
        raise RuleError(_("Say why."), "reason")
    way = codes(session, "open")
    for row in rows:
        if not row.closed_on:
            raise RuleError(_("%(name)s is open.", name=row.name))
        for check in REOPENING:
            check(session, row)
        last = session.scalar(select(StageChange.from_stage).where(
            StageChange.opportunity_id == row.id, StageChange.from_stage.in_(way)).order_by(StageChange.id.desc()).limit(1))
        target = stages(session)[last or way[0]]
        before, row.stage, row.rate, row.loss_reason, row.closing_note = row.stage, target.code, target.rate, None, None
        note_move(session, row, before, target, reason)


# ---- around ---------------------------------------------------------------------------------------------------
def figures_of(customer) -> dict:
    """{deals, deals_amount}: number and fen of a customer's open opportunities, as scalar subqueries."""
    mine = (Opportunity.customer_id == customer.id, is_open())
    return {"deals": select(func.count(Opportunity.id)).where(*mine).scalar_subquery(),
            "deals_amount": select(func.coalesce(func.sum(Opportunity.amount), 0)).where(*mine).scalar_subquery()}


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


FOLLOWED.append(followed_up)


def buyer(session, opportunity):
    """The customer of an opportunity."""
    return session.get(Customer, opportunity.customer_id)


def add_person(session, rows, contact, role=None):
    """A contact takes part in a deal, with his role (product.md 4.4)."""
    for row in rows:
        check_change(session, row)
        person = session.get(Contact, contact)
        if person is None or person.customer_id != row.customer_id:
            raise RuleError(_("This contact belongs to another customer."), "contact")
        found = session.scalar(select(OpportunityContact).where(
            OpportunityContact.opportunity_id == row.id, OpportunityContact.contact_id == contact))
        found = found or OpportunityContact(opportunity_id=row.id, contact_id=contact)
        found.role = role
        session.add(found)

"""Who gets which part of a deal: the rows of `Credit` follow contracts, shares and payments in the same transaction."""
from sqlalchemy import event, func, insert, inspect, literal, select
from sqlalchemy.orm import Session

from app.contracts.models import Contract
from app.contracts.rules import is_valid
from app.core import clock, tally
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.payments.models import Payment, counted
from app.payments.terms import spread
from app.security import handover

from .models import Credit, Share

WHOLE = 10_000


def check_shares(shares: list[tuple[int, int]]) -> None:
    """(person, hundredths of a percent): everybody once, each above zero, together 100 %. Raises RuleError."""
    if len({person for person, _percent in shares}) != len(shares):
        raise RuleError(_("A person stands twice in the split."))
    if any(percent <= 0 for _person, percent in shares) or sum(percent for _person, percent in shares) != WHOLE:
        raise RuleError(_("The shares are above zero and add up to 100 %."))


def split(session, rows, shares: list[tuple[int, int]]):
    """业绩分成: give each person his part of contracts; who is no owner may read them. [] puts everything back to the owner."""
    if shares:
        check_shares(shares)
    for contract in rows:
        for old in session.scalars(select(Share).where(Share.contract_id == contract.id).execution_options(everyone=True)):
            session.delete(old)
        for person, percent in shares:
            session.add(Share(contract_id=contract.id, employee_id=person, percent=percent))
            _let_see(session, contract, person)


def _let_see(session, contract, person) -> None:
    there = session.scalar(select(Collaborator.id).where(
        Collaborator.entity == "contract", Collaborator.row_id == contract.id, Collaborator.employee_id == person))
    if person != contract.owner_id and there is None:
        session.add(Collaborator(entity="contract", row_id=contract.id, employee_id=person, may_write=False))


def keep_earned(session, rows, plan) -> None:
    """A contract that is handed over leaves its credit with whom it has earned it; a split says so, and may be changed like any other."""
    if not plan.keep_credit or not rows or not isinstance(rows[0], Contract):
        return
    ids = [row.id for row in rows]
    everyone = {"execution_options": {"everyone": True}}
    earned = set(session.scalars(select(Credit.contract_id).where(Credit.contract_id.in_(ids), Credit.owner_id == plan.person), **everyone))
    parted = set(session.scalars(select(Share.contract_id).where(Share.contract_id.in_(ids)), **everyone))
    session.add_all(Share(contract_id=i, employee_id=plan.person, percent=WHOLE) for i in sorted(earned - parted))


handover.ALONG.append(keep_earned)


# ---- following ------------------------------------------------------------------------------------------------
SOURCES = {Contract: ("id", ("owner_id", "customer_id", "amount", "signed_on", "state", "approval", "deleted_at")),
           Share: ("contract_id", ("employee_id", "percent", "deleted_at")),
           Payment: ("contract_id", ("contract_id", "amount", "paid_on", "check", "approval", "deleted_at"))}


@event.listens_for(Session, "before_flush")
def _take_along(session, _context, _instances):
    """A contract or payment that an undo removes for good takes its credits along."""
    for row in list(session.deleted):
        if session.info.get("purge") and isinstance(row, (Contract, Payment)):
            key = Credit.contract_id if isinstance(row, Contract) else Credit.payment_id
            for credit in session.scalars(select(Credit).where(key == row.id).execution_options(everyone=True)):
                session.delete(credit)


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    noted = session.info.setdefault("credits", set())
    for rows in (session.new, session.dirty, session.deleted):
        for row in rows:
            key, watch = SOURCES.get(type(row), ("", ()))
            if not key:
                continue
            history = inspect(row).attrs
            if row not in session.dirty or any(history[name].history.has_changes() for name in watch):
                noted.update({getattr(row, key), *(history[key].history.deleted or ())} - {None})


@event.listens_for(Session, "after_rollback")
def _forget(session):
    session.info.pop("credits", None)


def _wanted(contracts, shares, payments) -> dict:
    """(kind, contract, payment, person) -> (day, amount, percent, customer)."""
    parts: dict = {c.id: [(c.owner_id, WHOLE)] for c in contracts.values()}
    for contract_id, found in shares.items():
        parts[contract_id] = [(s.employee_id, s.percent) for s in found]
    asked = [("signed", c, None, c.signed_on, c.amount or 0) for c in contracts.values()]
    asked += [("received", contracts[p.contract_id], p.id, p.paid_on, p.amount) for p in payments]
    found = {}
    for kind, contract, payment_id, day, amount in asked:
        if kind == "signed" and not contract.counts:
            continue
        people = parts[contract.id]
        for (person, percent), fen in zip(people, spread(amount, [percent for _person, percent in people]), strict=True):
            found[kind, contract.id, payment_id, person] = (day, fen, percent, contract.customer_id)
    return found


def _state(session, ids):
    line, t, p, s = session.connection(), Contract.__table__, Payment.__table__, Share.__table__
    counts = is_valid().self_group()
    contracts = {row.id: row for row in line.execute(select(
        t.c.id, t.c.owner_id, t.c.customer_id, t.c.amount, t.c.signed_on, counts.label("counts")).where(
        t.c.id.in_(ids), t.c.deleted_at.is_(None)))}
    payments = line.execute(select(p.c.id, p.c.contract_id, p.c.paid_on, p.c.amount).where(
        p.c.contract_id.in_(list(contracts)), p.c.deleted_at.is_(None), counted(p))).all()
    shares: dict = {}
    for row in line.execute(select(s.c.contract_id, s.c.employee_id, s.c.percent).where(
            s.c.contract_id.in_(list(contracts)), s.c.deleted_at.is_(None)).order_by(s.c.id)):
        shares.setdefault(row.contract_id, []).append(row)
    return contracts, shares, payments


def follow(session) -> None:
    """Bring the credits of the contracts that this transaction touched up to date."""
    ids = sorted(session.info.pop("credits", ()))
    if not ids:
        return
    wanted = _wanted(*_state(session, ids))
    for row in session.scalars(select(Credit).where(Credit.contract_id.in_(ids)).execution_options(everyone=True)):
        said = wanted.pop((row.kind, row.contract_id, row.payment_id, row.owner_id), None)
        if said is None:
            session.delete(row)
        elif said != (row.day, row.amount, row.percent, row.customer_id):
            row.day, row.amount, row.percent, row.customer_id = said
    session.add_all(_new(key, said) for key, said in wanted.items())


def _new(key, said) -> Credit:
    kind, contract_id, payment_id, person = key
    day, amount, percent, customer_id = said
    return Credit(kind=kind, contract_id=contract_id, payment_id=payment_id, owner_id=person, day=day, amount=amount, percent=percent,
                  customer_id=customer_id)


tally.BEFORE.append(follow)


def rebuild(session) -> None:
    """All credits anew: whole ones in two statements, split contracts one by one."""
    line, t, p = session.connection(), Contract.__table__, Payment.__table__
    line.execute(Credit.__table__.delete())
    now = clock.now()
    names = ["kind", "day", "amount", "percent", "contract_id", "customer_id", "payment_id", "owner_id", "version", "created_at",
             "changed_at"]
    stamps = (literal(1), literal(now), literal(now))
    shared = select(Share.contract_id).where(Share.deleted_at.is_(None))
    line.execute(insert(Credit.__table__).from_select(names, select(
        literal("signed"), t.c.signed_on, func.coalesce(t.c.amount, 0), literal(WHOLE), t.c.id, t.c.customer_id,
        literal(None, Credit.payment_id.type), t.c.owner_id, *stamps).where(t.c.deleted_at.is_(None), is_valid(), t.c.id.not_in(shared))))
    line.execute(insert(Credit.__table__).from_select(names, select(
        literal("received"), p.c.paid_on, p.c.amount, literal(WHOLE), t.c.id, t.c.customer_id, p.c.id, t.c.owner_id, *stamps).select_from(
        p.join(t, t.c.id == p.c.contract_id)).where(p.c.deleted_at.is_(None), t.c.deleted_at.is_(None), counted(p), t.c.id.not_in(shared))))
    session.info["credits"] = set(line.execute(shared.distinct()).scalars())
    follow(session)
    session.flush()


tally.REBUILD.append(rebuild)

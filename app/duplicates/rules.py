"""What the business says of duplicates: asking to work along, the whole run. No Flask, no commit."""
from itertools import combinations

from sqlalchemy import case, func, insert, select

from app.core import actor, changes, clock, jobs, mass, parameters, scope
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers import keys, rules, twins
from app.customers.models import Customer
from app.customers.names import compare, take_apart

from .models import DuplicatePair, ShareRequest

parameters.declare("duplicates.mask_names", _l("Duplicates"), _l("Names of similar customers of others are shown in part"), "flag", False,
                   _l("The duplicate check shows of a customer whom one may not see its name, owner and dates, and nothing else."))
GROUP = 20  # more customers under one key say nothing about any two of them


# ---- asking ---------------------------------------------------------------------------------------------------
def ask(session, customer: int, reason: str = "") -> ShareRequest:
    """申请协作: ask the owner of a customer that one may not see."""
    row = session.get(Customer, customer, execution_options={"everyone": True})
    who = actor.current()
    if row is None or row.owner_id is None:
        raise RuleError(_("This customer has no owner; look into the pool."))
    if session.get(Customer, customer, populate_existing=True) is not None:
        raise RuleError(_("You can see this customer already."))
    before = select(ShareRequest.id).where(ShareRequest.customer_id == customer, ShareRequest.asker_id == who.id, waiting(who))
    if session.scalar(before.execution_options(everyone=True)):
        raise RuleError(_("You have asked already; the owner has not decided yet."))
    made = ShareRequest(customer_id=customer, asker_id=who.id, owner_id=row.owner_id, reason=reason or None)
    with changes.operation(session, "add", "share_request", shown_name(row, False, parameters.get(session, "duplicates.mask_names"))):
        session.add(made)
    return made


def decide(session, rows, answer):
    """The owner lets somebody read or edit his customer, or refuses."""
    for row in rows:
        if row.state != "open":
            raise RuleError(_("This was decided already."))
        row.state, row.decided_at = answer, clock.now()
        if answer != "refused":
            customer = session.scalars(select(Customer).where(Customer.id == row.customer_id)).first()
            if customer is None or not scope.may_edit(session, customer, actor.current()):
                raise RuleError(_("This customer has changed hands since: only whoever has it now can let somebody in."))
            rules.share(session, [customer], row.asker_id, answer == "write")


def waiting(who):
    """Requests that nobody has decided yet."""
    return ShareRequest.state == "open"


# ---- the whole database ---------------------------------------------------------------------------------------
@jobs.kind("duplicates")
def find_all(job, session, progress):
    """Every pair in the database that may be one customer: those that share a key and stand the comparison. Dismissed pairs stay so."""
    k = keys.CustomerKey.__table__.c
    pairs = DuplicatePair.__table__
    mass.clear(session, pairs, pairs.c.is_dismissed.is_(False))
    known = {tuple(r) for r in session.connection().execute(select(pairs.c.one_id, pairs.c.other_id))}
    last, found, total = -2**63, 0, session.connection().scalar(select(func.count(func.distinct(k.key))))
    done = 0
    shared = select(k.key).group_by(k.key).having(func.count().between(2, GROUP)).order_by(k.key).limit(keys.CHUNK)
    while some := session.connection().execute(shared.where(k.key > last)).scalars().all():
        groups: dict = {}
        for key, customer in session.connection().execute(select(k.key, k.customer_id).where(k.key.in_(some))):
            groups.setdefault(key, []).append(customer)
        new = {pair for group in groups.values() for pair in combinations(sorted(group), 2)} - known
        rows = _alike(session, new)
        known |= new
        if rows:
            session.connection().execute(insert(pairs), rows)
        session.commit()
        last, found, done = some[-1], found + len(rows), done + len(some)
        progress(done, total)
    return {"text": _("%(n)d pairs found.", n=found), "url": "/duplicate/pairs"}


def _alike(session, pairs) -> list[dict]:
    """Those of some pairs that are alike, with the weightiest reason."""
    ids = sorted({i for pair in pairs for i in pair})
    found = []
    kinds = _kinds(session, ids)
    for one, other in sorted(pairs):
        if one in kinds and other in kinds:
            reason = _reason(kinds[one], kinds[other])
            if reason:
                found.append({"one_id": one, "other_id": other, "reason": reason, "is_dismissed": False, "found_at": clock.now()})
    return found


def _reason(a, b) -> str | None:
    by_name = compare(a[0], b[0])
    return by_name if by_name == "same" else next((kind for kind in ("tax", "phone") if a[1][kind] & b[1][kind]), None) or by_name or \
        ("web" if a[1]["web"] & b[1]["web"] else None)


def _kinds(session, ids) -> dict:
    """{customer: (its name taken apart, {kind: keys})}; contacts' phones count as the customer's."""
    c, p = Customer.__table__.c, keys.Contact.__table__.c
    found: dict = {}
    for at in range(0, len(ids), keys.CHUNK):
        part = ids[at:at + keys.CHUNK]
        for r in session.connection().execute(select(c.id, c.name, c.phone, c.mobile, c.tax_number, c.website, c.email).where(
                c.id.in_(part), c.deleted_at.is_(None))):
            found[r.id] = (take_apart(r.name), {"phone": {keys.phone_key(r.phone), keys.phone_key(r.mobile)} - {""},
                                                "tax": {keys.tax_key(r.tax_number)} - {""},
                                                "web": {keys.domain(r.website), keys.domain(r.email)} - {""}})
        for customer, *numbers in session.connection().execute(select(p.customer_id, p.mobile, p.phone).where(
                p.customer_id.in_(part), p.deleted_at.is_(None))):
            if customer in found:
                found[customer][1]["phone"] |= {keys.phone_key(n) for n in numbers} - {""}
    return found


def last_run(session) -> jobs.Job | None:
    """The newest run that came to its end."""
    done = select(jobs.Job).where(jobs.Job.kind == "duplicates", jobs.Job.state == "done")
    return session.scalars(done.order_by(jobs.Job.id.desc()).limit(1)).first()


def pairs_seen(session, limit: int = 100, offset: int = 0) -> list[tuple]:
    """(pair, one, other) of the last run, those of which the person sees both; same names and tax numbers first."""
    weight = case({reason: n for n, reason in enumerate(twins.REASONS)}, value=DuplicatePair.reason)
    pairs = session.scalars(select(DuplicatePair).where(*_both_seen()).order_by(weight, DuplicatePair.id).limit(limit).offset(offset)).all()
    rows = session.scalars(select(Customer).where(Customer.id.in_({i for p in pairs for i in (p.one_id, p.other_id)})))
    known = {row.id: row for row in rows}
    return [(pair, known[pair.one_id], known[pair.other_id]) for pair in pairs]


def pairs_unseen(session) -> int:
    """How many pairs of the last run wait of which the person does not see both."""
    wanted = select(func.count()).select_from(DuplicatePair).where(*_both_seen())
    return session.scalar(wanted.execution_options(everyone=True)) - session.scalar(wanted)


def _both_seen() -> tuple:
    seen = select(Customer.id)
    return DuplicatePair.is_dismissed.is_(False), DuplicatePair.one_id.in_(seen), DuplicatePair.other_id.in_(seen)


def shown_name(row, seen: bool, mask: bool) -> str:
    """A customer's name for who may see it or not."""
    if seen or not mask or len(row.name) < 5:
        return row.name
    return row.name[:2] + "*" * max(2, len(row.name) - 6) + row.name[-4:]


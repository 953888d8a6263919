"""查重: customers like a name, phone, tax number or web address, over the whole company, in two looks at the index of keys."""
from dataclasses import dataclass

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload

from app.core import actor
from app.core.search import index
from app.core.words import _l

from . import keys
from .models import Customer
from .names import compare, name_key, take_apart

REASONS = {"same": _l("Same name"), "tax": _l("Same tax number"), "phone": _l("Same phone"), "similar": _l("Similar name"),
           "web": _l("Same web domain"), "begins": _l("Begins alike"), "part": _l("Has it in its name")}
ORDER = list(REASONS)
CANDIDATES = 120  # of one look


@dataclass(frozen=True)
class Twin:
    """A customer that may be the same, and why: keys of REASONS, the weightiest first."""

    customer: Customer
    reasons: tuple


def looked_up(session, wanted, limit: int = CANDIDATES) -> list[tuple[int, int]]:
    """(key, customer id) of what the index holds under some keys."""
    t = keys.CustomerKey.__table__.c
    asked = select(t.key, t.customer_id).where(t.key.in_(sorted(wanted))).limit(limit)
    return [tuple(r) for r in session.connection().execute(asked)] if wanted else []


def find(session, name="", phones=(), tax="", webs=(), but: int = 0, limit: int = 10, parts=False) -> list[Twin]:
    """The customers that may be meant, the surest first; foreign ones too: the caller shows of them what everybody may know. With
    `parts` also those that have what is asked somewhere in their name."""
    sure, asked = keys.exact(name, phones, tax, webs), take_apart(name or "")
    near = {keys.number("name", k) for k in asked.asks} - set(sure) if len(asked.core) > 1 and name else set()
    found: dict[int, set] = {}
    for key, customer in looked_up(session, sure):
        found.setdefault(customer, set()).add(sure[key])
    for _key, customer in looked_up(session, near):
        found.setdefault(customer, set()).add("name")
    begun = _begun(session, name, limit) if len(name_key(name or "")) > 1 else ()
    holding = _holding(session, asked.core, limit) if parts and len(asked.core) > 1 else set()
    ids = ({*found, *begun, *holding}) - {but}
    wanted = select(Customer).where(Customer.id.in_(ids)).options(joinedload(Customer.owner)).execution_options(everyone=True)
    rows = session.scalars(wanted) if ids else ()
    twins = [Twin(row, why) for row in rows if (why := _why(row, asked, found.get(row.id, set()), row.id in begun, row.id in holding))]
    return sorted(twins, key=lambda t: (ORDER.index(t.reasons[0]), t.customer.id))[:limit]


def _begun(session, name, limit) -> set[int]:
    """While a name is being typed: names that go on like it."""
    wanted = select(Customer.id).where(and_(*index.begins(Customer.name_key, name_key(name)))).limit(limit)
    return set(session.scalars(wanted.execution_options(everyone=True)))


def _holding(session, core, limit) -> set[int]:
    with actor.acting_as(None):
        return {row.id for _model, rows in index.find(session, core, [Customer], limit) for row in rows}


def _why(row, asked, kinds: set, begun: bool, holding: bool) -> tuple:
    by_name = compare(asked, take_apart(row.name)) if "name" in kinds else None
    reasons = {*(kinds - {"name"}), *([by_name] if by_name else ["begins"] if begun else ["part"] if holding else [])}
    return tuple(sorted(reasons, key=ORDER.index))

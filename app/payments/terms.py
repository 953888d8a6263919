"""The terms of a contract: spread by '30/60/10' or in equal parts, with their days; saved together (product.md 4.7 Create plans)."""
import datetime as dt
import re
from decimal import Decimal

from app.contracts.rules import CLOSED
from app.core.money import half_up
from app.core.rules import RuleError
from app.core.words import _

from .models import PaymentPlan
from .rules import check_plan, last_term, planned_left


def spread(total: int, shares: list[int]) -> list[int]:
    """An amount in fen by shares in percent or parts; the last one takes what rounding left, so that they add up."""
    found, done = [], 0
    for n, _share in enumerate(shares, 1):
        upto = half_up(total * sum(shares[:n]), sum(shares))
        found.append(upto - done)
        done = upto
    return found


def _parts(terms: str) -> list[int]:
    """'30/60/10' or '预付30%，发货60%，质保10%' as shares, '12' as so many equal parts."""
    said = re.findall(r"\d+(?:\.\d{1,2})?", terms or "")
    parts = [int(Decimal(p) * 100) for p in said]
    if len(parts) == 1 and re.fullmatch(r"\d{1,2}", said[0]):
        parts = [1] * int(said[0])
    elif sum(parts) != 10_000:
        parts = []
    if not parts or len(parts) > 60 or not all(parts):
        raise RuleError(_("Give the terms as 30/60/10, which add up to 100, or as a number of equal parts."), "terms")
    return parts


def are_terms(text: str | None) -> bool:
    """Whether a text says terms that `propose` understands."""
    try:
        return bool(_parts(text or ""))
    except RuleError:
        return False


def propose(session, contract, terms, first_on, every="month") -> list[dict]:
    """What is not planned yet of a contract, spread by terms ('30/60/10' or a number of equal parts): [{amount: fen, due_on, remind_days}],
    the first on a day, then every week, month or quarter. Nothing is saved."""
    parts = _parts(terms)
    if contract.state in CLOSED:
        raise RuleError(_("%(name)s is void or archived and cannot be changed.", name=contract))
    left = planned_left(session, contract)
    if left <= 0:
        raise RuleError(_("%(name)s is planned already.", name=contract))
    return [{"amount": amount, "due_on": _later(first_on, n, every), "remind_days": 3}
            for n, amount in enumerate(spread(left, parts)) if amount]


def generate(session, rows, terms, first_on, every="month"):
    """Plans of contracts from terms, as `propose` spreads them. What is planned already stays."""
    made = 0
    for contract in rows:
        for term, proposed in enumerate(propose(session, contract, terms, first_on, every), last_term(session, contract.id) + 1):
            made += 1
            session.add(PaymentPlan(contract_id=contract.id, customer_id=contract.customer_id, owner_id=contract.owner_id, term=term,
                                    received=0, **proposed))
    return _("%(n)d terms planned.", n=made)


def plan(session, contract, terms: list[dict]) -> list[PaymentPlan]:
    """Save the terms of a contract as they were typed, all or none; a refusal names its term: field 'terms-<n>-<field>'."""
    if not terms:
        raise RuleError(_("Give at least one term."), "terms")
    made = []
    for n, one in enumerate(terms):
        row = PaymentPlan(contract_id=contract.id, received=0, **one)
        try:
            check_plan(session, row)
        except RuleError as no:
            raise RuleError(str(no), f"terms-{n}-{no.field}") from no
        session.add(row)
        session.flush()
        made.append(row)
    return made


def _later(day: dt.date, n: int, every: str) -> dt.date:
    """The day n weeks, months or quarters later; the 31st becomes the month's last day."""
    if every == "week":
        return day + dt.timedelta(7 * n)
    months = day.year * 12 + day.month - 1 + n * (3 if every == "quarter" else 1)
    last = (dt.date((months + 1) // 12, (months + 1) % 12 + 1, 1) - dt.timedelta(1)).day
    return dt.date(months // 12, months % 12 + 1, min(day.day, last))

"""What the business says of quotes (manual 4.5, product.md 4.5)."""
import datetime as dt
from difflib import SequenceMatcher

from sqlalchemy import and_, func, select

from app.approvals import rules as approvals
from app.core import clock, parameters
from app.core.changes import Change
from app.core.money import shown
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Contact
from app.opportunities.models import Opportunity
from app.opportunities.rules import check_customer_stays
from app.products.models import Line
from app.products.rules import check_lines

from .models import Quote, QuoteLine

parameters.declare("quote.limit", _l("Quotes"), _l("Largest quote amount"), "money", 10**13,
                   _l("Larger amounts are refused as a typing error."))
OPEN = ("draft", "sent")
WARN_DAYS = dt.timedelta(7)  # before the validity ends
USED: list = []  # later modules: function(session, quote) -> whether something that is not void was made of it
COPIED = ("product_id", "name", "spec", "unit", "quantity", "list_price", "price", "tax_rate", "is_taxed", "cost", "note", "position")


def check_of_customer(session, document) -> None:
    """Contact and opportunity belong to the document's customer."""
    for name, model, said in (("contact", Contact, _("This contact belongs to another customer.")),
                              ("opportunity", Opportunity, _("This opportunity belongs to another customer."))):
        key = getattr(document, f"{name}_id", None)
        row = session.get(model, key) if key else None
        if key and (row is None or row.customer_id != document.customer_id):
            raise RuleError(said, name)


def check_quote(session, quote) -> None:
    """Dates in order, at least one line, sums made anew, not above the limit; where a rule meets it, its approval is needed."""
    check_customer_stays(session, quote)
    check_of_customer(session, quote)
    if quote.valid_until < quote.quoted_on:
        raise RuleError(_("The validity ends before the quote's date."), "valid_until")
    check_lines(session, quote, quote.living, needed=True)
    check_limit(session, quote, "quote.limit", "lines")
    approvals.on_save(session, quote)


def check_holds(session, quote) -> None:
    """A quote that holds: in use, and approved where a rule asks for it; only of such a one a contract is made."""
    if quote.state in ("void", "refused", "replaced"):
        raise RuleError(_("%(name)s is void, refused or replaced: choose the quote that holds.", name=quote), "quote")
    approvals.require(session, quote)


def holds(session, quote) -> bool:
    """What `check_holds` says."""
    try:
        check_holds(session, quote)
    except RuleError:
        return False
    return True


def check_limit(session, document, parameter: str, field: str) -> None:
    """An amount above the limit of the system parameters is a typing error."""
    limit = parameters.get(session, parameter)
    if (document.amount or 0) > limit:
        raise RuleError(_("The amount is above the limit of %(limit)s in the system parameters.", limit=shown(limit)), field)


def check_state(session, quote) -> None:
    """Only drafts are edited, submitted and deleted; what was sent gets a new version."""
    if quote.state != "draft":
        raise RuleError(_("A quote that was sent or closed is not edited: make a new version."))


def check_delete(session, quote) -> None:
    """With a new version gone, the former one is again what it was."""
    former = session.get(Quote, quote.former_id) if quote.former_id else None
    if former is not None and former.state == "replaced":
        former.state = _state_before(session, former)


def _state_before(session, quote) -> str:
    """The state of a replaced quote before it was replaced, out of the log."""
    edits = select(Change).where(Change.entity == "quote", Change.row_id == quote.id, Change.verb == "edit").order_by(Change.id.desc())
    return next((c.old["state"] for c in session.scalars(edits) if c.new.get("state") == "replaced" and c.old.get("state")), "draft")


approvals.STATES["quote"] = check_state
check_change = approvals.check_change


# ---- named filters --------------------------------------------------------------------------------------------
def expiring(who):
    """Open, and the validity ends within 7 days."""
    today = clock.today()
    return and_(Quote.state.in_(OPEN), Quote.valid_until.between(today, today + WARN_DAYS))


def expired(who):
    """Open, and the validity has passed."""
    return and_(Quote.state.in_(OPEN), Quote.valid_until < clock.today())


def in_state(state: str):
    """A filter: shown in this state; an open one whose validity has passed is shown as expired."""
    return lambda who: and_(Quote.state == state, ~expired(who)) if state in OPEN else Quote.state == state


# ---- actions --------------------------------------------------------------------------------------------------
def _from(rows, states, said):
    for quote in rows:
        if quote.state not in states:
            raise RuleError(said)


def send(session, rows):
    """Mark as sent; approval first where it is switched on."""
    _from(rows, ("draft",), _("Only a draft can be sent."))
    for quote in rows:
        approvals.require(session, quote)
        if quote.shown_state == "expired":
            raise RuleError(_("The validity of %(name)s has passed: set a new date first.", name=quote))
        quote.state, quote.sent_at = "sent", clock.now()


def accept(session, rows):
    """The customer accepted."""
    _from(rows, ("sent",), _("Only a sent quote can be accepted or refused."))
    for quote in rows:
        quote.state = "accepted"


def refuse(session, rows, reason):
    """The customer refused, with a reason."""
    check_said(reason)
    _from(rows, ("sent",), _("Only a sent quote can be accepted or refused."))
    for quote in rows:
        quote.state, quote.closing_note = "refused", reason


def void(session, rows, reason):
    """Take a quote out of use, with a reason; not when something was made of it."""
    check_said(reason)
    for quote in rows:
        if quote.state in ("void", "replaced"):
            raise RuleError(_("%(name)s is void or replaced already.", name=quote))
        if quote.approval == "pending":
            raise RuleError(_("%(name)s is in approval: withdraw it first.", name=quote))
        check_unused(session, quote)
        quote.state, quote.closing_note = "void", reason


def check_said(reason) -> None:
    """A reason is given."""
    if not (reason or "").strip():
        raise RuleError(_("Say why."), "reason")


def check_unused(session, quote) -> None:
    """No contract that is not void was made of it."""
    if any(used(session, quote) for used in USED):
        raise RuleError(_("%(name)s is used by a contract.", name=quote))


def copy_lines(lines, kind: type[Line]) -> list:
    """New lines of a kind with everything of the old ones but their document."""
    return [kind(**{name: getattr(line, name) for name in COPIED}) for line in lines]


def new_version(session, rows):
    """A draft with everything of the quote; the quote itself is replaced by it."""
    for quote in rows:
        if quote.state in ("replaced", "void") or quote.approval == "pending":
            raise RuleError(_("%(name)s cannot have a new version.", name=quote))
        check_unused(session, quote)
        base = quote.number.rsplit("-V", 1)[0]
        revision = 1 + max(quote.revision, _last_revision(session, base))
        fresh = Quote(
            **{
                name: getattr(quote, name)
                for name in (
                    "name",
                    "customer_id",
                    "contact_id",
                    "opportunity_id",
                    "discount",
                    "reduction",
                    "fees",
                    "payment_terms",
                    "delivery",
                    "terms",
                    "note",
                    "owner_id",
                    "lines_amount",
                    "tax",
                    "amount",
                    "cost",
                )
            },
            number=f"{base}-V{revision}",
            revision=revision,
            former_id=quote.id,
            state="draft",
            quoted_on=clock.today(),
            valid_until=max(quote.valid_until, clock.today() + dt.timedelta(30)),
        )
        fresh.lines = copy_lines(quote.living, QuoteLine)
        quote.state = "replaced"
        with session.no_autoflush:
            check_quote(session, fresh)
        session.add(fresh)
        session.flush()
    return fresh


def _last_revision(session, base: str) -> int:
    """The highest version of a number, those in the trash included."""
    wanted = select(func.max(Quote.revision)).where(Quote.number.startswith(f"{base}-V", autoescape=True))
    return session.scalar(wanted.execution_options(everyone=True, with_trash=True)) or 1


def difference(old, new) -> list[dict]:
    """What changed between two versions, line by line: {kind: same|changed|gone|added, old, new}."""
    a, b = old.living, new.living
    found, said = [], [_key(line) for line in a]
    matcher = SequenceMatcher(None, said, [_key(line) for line in b], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            found += [
                {"kind": "same" if _values(x) == _values(y) else "changed", "old": x, "new": y}
                for x, y in zip(a[i1:i2], b[j1:j2], strict=True)
            ]
        else:
            found += [{"kind": "gone", "old": x, "new": None} for x in a[i1:i2]] + [
                {"kind": "added", "old": None, "new": y} for y in b[j1:j2]
            ]
    return found


def _key(line):
    return line.product_id or line.name


def _values(line):
    return line.name, line.spec, line.quantity, line.price, line.tax_rate, bool(line.is_taxed), line.note


def customer_figures(session, customer) -> tuple[int, int]:
    """(number, fen) of a customer's valid quotes that the person sees."""
    return tuple(session.execute(select(func.count(), func.coalesce(func.sum(Quote.amount), 0)).select_from(Quote).where(
        Quote.customer_id == customer.id, Quote.state.in_(("draft", "sent", "accepted")))).one())

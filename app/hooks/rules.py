"""What the business says of web hooks: which changes are events, what is written into the outbox, when it is tried again."""
import datetime as dt
import ipaddress
import re
from urllib.parse import urlsplit

from sqlalchemy import insert, inspect, select

from app.core import choices, clock, events, memo, parameters, schedule
from app.core.rules import RuleError
from app.core.words import _, _l

from .models import Delivery, Hook, new_secret

ENTRY = "hooks.send"
WAITS = [dt.timedelta(seconds=s) for s in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)]  # the specification's
KEPT = dt.timedelta(30)
HIDING = [ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "fec0::/10")]  # that lead to inner addresses
TOLD = {"customer": _l("Customers"), "contact": _l("Contact"), "followup": _l("Follow-up"), "opportunity": _l("Opportunity"),
        "quote": _l("Quote"), "contract": _l("Contract"), "paymentplan": _l("Payment plan"), "payment": _l("Payment"),
        "invoice": _l("Invoice"), "expense": _l("Expense"), "product": _l("Product"), "task": _l("Task")}
VERBS = {"add": ("created", _l("created")), "edit": ("changed", _l("changed")), "delete": ("deleted", _l("deleted"))}
NAMED = {  # event: (words, entity, whether a change with (verb, new values) is one)
    "customer.transferred": (_l("Customer handed to somebody else"), "customer", lambda verb, new: verb == "edit" and "owner_id" in new),
    "opportunity.stage_changed": (_l("Opportunity in another stage"), "opportunity", lambda verb, new: verb == "edit" and "stage" in new),
    "quote.accepted": (_l("Quote accepted"), "quote", lambda verb, new: new.get("state") == "accepted"),
    "contract.signed": (_l("Contract signed"), "contract", lambda verb, new: new.get("state") == "signed"),
    "payment.received": (_l("Payment received"), "payment", lambda verb, new: verb == "add"),
    "payment.confirmed": (_l("Payment confirmed by finance"), "payment", lambda verb, new: new.get("check") == "confirmed"),
    "task.done": (_l("Task done"), "task", lambda verb, new: new.get("state") == "done"),
}
choices.fixed("hook_event", [*((key, words) for key, (words, *_rest) in NAMED.items()), *(
    (f"{one}.{told}", _l("%(what)s: %(done)s", what=what, done=done)) for one, what in TOLD.items() for told, done in VERBS.values())])
parameters.declare("hooks.inside", _l("Web hooks"), _l("Hosts in the own network"), "text", "",
                   _l("Host names or addresses that web hooks may reach although they are not outside; divided by blanks."))


def allowed(session) -> frozenset[str]:
    """Hosts that hooks may reach although they lie in the own network."""
    return frozenset(parameters.get(session, "hooks.inside").lower().split())


def is_inside(address: str) -> bool:
    """Whether an IP address is none of the open Internet, or hides another one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return is_inside(str(ip.ipv4_mapped))
        if ip.sixtofour or ip.teredo or any(ip in net for net in HIDING):
            return True
    return not ip.is_global or ip.is_multicast


def check_hook(session, hook) -> None:
    """A whole http(s) address without a password; what is plainly inside the own network is refused at once, names when it is sent."""
    try:
        said = urlsplit(hook.address or "")
        port_fits = said.port is None or said.port > 0
    except ValueError:
        port_fits = False
    if not port_fits or said.scheme not in ("http", "https") or not said.hostname or re.search(r"[\s\\@]", said.netloc + said.path):
        raise RuleError(_("This is not an address like https://example.com/path."), "address")
    host = said.hostname.lower()
    try:
        inside = is_inside(host)
    except ValueError:
        inside = host == "localhost" or "." not in host
    if inside and host not in allowed(session):
        raise RuleError(_("This address lies in the own network; the system parameters can allow it."), "address")


def word_anew(session, hook) -> None:
    """Another receiver reads another format: what still waits is put into words again when it is sent."""
    if inspect(hook).attrs.format.history.deleted:
        for delivery in session.scalars(select(Delivery).where(Delivery.hook_id == hook.id, Delivery.state == "waiting")):
            delivery.body = None


def events_of(row: dict) -> list[str]:
    """The events that a logged change is."""
    entity, new = row["entity"].replace("_", ""), row["new"] or {}
    found = [f"{entity}.{VERBS[row['verb']][0]}"] if row["verb"] in VERBS else []
    return found + [key for key, (_words, of, rule) in NAMED.items() if of == entity and rule(row["verb"], new)]


def _hooks(session) -> list:
    """(id, its events) of the hooks that are on."""
    def load():
        t = Hook.__table__.c
        found = session.connection().execute(select(t.id, t.events).where(t.is_on, t.deleted_at.is_(None))).all()
        return [(key, frozenset(said.split(","))) for key, said in found]
    return memo.recall(session, "hooks", "on", load)


@events.changed.connect
def put_out(session, rows) -> None:
    """Write what hooks want to know into the outbox, in the transaction of the change."""
    found = [{"hook_id": hook, "event": event, "entity": row["entity"], "row_id": row["row_id"],
              "change": {"old": row["old"], "new": row["new"], "at": row["at"].isoformat(), "actor_id": row["actor_id"]}}
             for hook, wanted in _hooks(session) for row in rows for event in events_of(row) if event in wanted]
    if found:
        session.connection().execute(insert(Delivery.__table__), found)
        schedule.ring(session, ENTRY)


def test(session, rows):
    """Send a test event to hooks, whether they are on or off."""
    for hook in rows:
        session.add(Delivery(hook=hook, event="hook.test"))
    schedule.ring(session, ENTRY)
    return _("The test is on its way; the log shows the answer.")


def renew(session, rows):
    """A new secret for a hook; the old one signs no more. Shown this once."""
    told = []
    for hook in rows:
        hook.secret, hook.version = new_secret(), hook.version + 1
        told.append(_("The secret of %(name)s, shown only now: %(secret)s", name=hook, secret=hook.secret))
    return " ".join(told)


def again(session, rows):
    """Send deliveries once more, with the same body and the same webhook-id."""
    for row in rows:
        row.state, row.due_at, row.attempts = "waiting", clock.now(), 0
    schedule.ring(session, ENTRY)


def settle(delivery, status: int, answer: str) -> None:
    """Note how an attempt ended: 2xx is delivered, 410 switches the hook off, all else is tried again, given up after three days."""
    delivery.attempts += 1
    delivery.sent_at, delivery.status, delivery.answer = clock.now(), status or None, answer[:500]
    if 200 <= status < 300:
        delivery.state = "sent"
    elif status == 410 or delivery.attempts > len(WAITS):
        delivery.state, delivery.hook.is_on = "failed", delivery.hook.is_on and status != 410
    else:
        delivery.due_at = clock.now() + WAITS[delivery.attempts - 1]


@schedule.daily("hooks.forget", "03:50")
def forget(session) -> None:
    """What was delivered or given up is kept for thirty days."""
    old = select(Delivery).where(Delivery.state != "waiting", Delivery.created_at < clock.now() - KEPT).limit(5000)
    for delivery in session.scalars(old):
        session.delete(delivery)

"""What an index keeps of every customer so that its twins are found by a few looks and never by a scan: its name with and without each
character, phone numbers (its contacts' too), tax number, web domain. Each is a number of 64 bits made of its kind and its text."""
import re
from hashlib import blake2b

from flask_appbuilder import Model
from sqlalchemy import BigInteger, ForeignKey, Integer, event, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import jobs, mass, rollup

from .models import Contact, Customer
from .names import even, known_words, name_key, take_apart

DIGITS = re.compile(r"\D+")
EVERYBODYS = frozenset(known_words("list")["mail"])  # mail and web houses where everybody has an address
CHUNK = 1000
WATCHED = {Customer: ("name", "phone", "mobile", "tax_number", "website", "email", "deleted_at"),
           Contact: ("mobile", "phone", "email", "customer_id", "deleted_at")}


class CustomerKey(Model):
    """One key of one customer; read by `key` alone."""

    __tablename__ = "customer_key"
    __table_args__ = {"sqlite_with_rowid": False, "extend_existing": True}
    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    customer_id: Mapped[int] = mapped_column(Integer, ForeignKey("customer.id", ondelete="CASCADE"), primary_key=True, index=True)


def number(kind: str, text: str) -> int:
    """The key of a text of a kind (name, phone, tax, web), a signed number of 64 bits."""
    return int.from_bytes(blake2b(f"{kind}:{text}".encode(), digest_size=8).digest(), "big", signed=True)


def phone_key(text: str | None) -> str:
    """The digits of a phone number without the country's code and an extension; '' for less than seven."""
    plain = DIGITS.sub("", re.split(r"转|ext|#|;|/|,", even(text or ""))[0])
    plain = plain.removeprefix("0086") if plain.startswith("0086") else plain[2:] if len(plain) == 13 and plain.startswith("86") else plain
    return plain if len(plain) >= 7 else ""


def tax_key(text: str | None) -> str:
    """A tax number in capital letters; '' for less than eight characters."""
    plain = re.sub(r"[^0-9A-Z]", "", even(text or "").upper())
    return plain if len(plain) >= 8 else ""


def domain(text: str | None) -> str:
    """hengyuan.com of a web or mail address; '' where everybody has one."""
    host = re.sub(r"^[a-z]+://", "", even(text or "").strip()).rpartition("@")[2].partition("/")[0].partition(":")[0]
    host = host.removeprefix("www.")
    return host if "." in host and host not in EVERYBODYS else ""


def exact(name="", phones=(), tax="", webs=()) -> dict[int, str]:
    """{key: kind} of what says by itself that two are the same."""
    found = {number("name", take_apart(name).core): "name"} if len(name_key(name or "")) > 1 else {}
    found |= {number("phone", p): "phone" for text in phones if (p := phone_key(text))}
    found |= {number("tax", t): "tax" for t in (tax_key(tax),) if t}
    return found | {number("web", w): "web" for text in webs if (w := domain(text))}


def of_customer(row, contacts) -> set[int]:
    """All keys of a customer; `contacts`: (mobile, phone, email) of its people."""
    phones = [row.phone, row.mobile, *(p for c in contacts for p in c[:2])]
    return {*exact(row.name, phones, row.tax_number, [row.website, row.email, *(c[2] for c in contacts)]),
            *(number("name", k) for k in take_apart(row.name).keys)}


# ---- keeping --------------------------------------------------------------------------------------------------
def refresh(session, ids, fresh=False) -> None:
    """Write the keys of some customers anew (`fresh`: they have none yet)."""
    line, c, p = session.connection(), Customer.__table__.c, Contact.__table__.c
    ids = sorted(ids)
    people: dict = {}
    for customer, *data in line.execute(select(p.customer_id, p.mobile, p.phone, p.email).where(
            p.customer_id.in_(ids), p.deleted_at.is_(None))):
        people.setdefault(customer, []).append(data)
    rows = line.execute(select(c.id, c.name, c.phone, c.mobile, c.tax_number, c.website, c.email).where(
        c.id.in_(ids), c.deleted_at.is_(None)))
    wanted = {(k, row.id) for row in rows for k in of_customer(row, people.get(row.id, ()))}
    mass.set_pairs(session, CustomerKey.__table__, ids, wanted, fresh)


@event.listens_for(Session, "after_flush")
def _note(session, _context):
    old, fresh = set(), set()
    for rows in (session.new, session.dirty):
        for row in rows:
            names = WATCHED.get(type(row))
            if names and (row in session.new or any(row._sa_instance_state.attrs[n].history.has_changes() for n in names)):
                (fresh if isinstance(row, Customer) and row in session.new else old).add(getattr(row, "customer_id", row.id))
                if isinstance(row, Contact):
                    old |= set(row._sa_instance_state.attrs["customer_id"].history.deleted or ())
    old |= {row.customer_id for row in session.deleted if isinstance(row, Contact)}
    if old or fresh:
        kept = session.info.setdefault("keys", (set(), set()))
        kept[0].update(old - fresh), kept[1].update(fresh)


@event.listens_for(Session, "after_flush_postexec")
def _write(session, _context):
    old, fresh = session.info.pop("keys", ((), ()))
    for ids, new in ((sorted(old), False), (sorted(fresh), True)):
        for at in range(0, len(ids), CHUNK):
            refresh(session, ids[at:at + CHUNK], new)


@event.listens_for(Session, "after_rollback")
def _drop(session):
    session.info.pop("keys", None)


@jobs.kind("keys")
def rebuild(job, session, progress):
    """The keys of every customer anew, after an update that makes them otherwise; commits by the thousand."""
    c, last, done = Customer.__table__.c, 0, 0
    while rows := session.connection().execute(select(c.id, c.name, c.name_key).where(c.id > last).order_by(c.id).limit(CHUNK)).all():
        refresh(session, [r.id for r in rows])
        rollup.write(session, Customer, ("name_key",), {r.id: {"name_key": k} for r in rows if (k := name_key(r.name)) != r.name_key})
        session.commit()
        last, done = rows[-1].id, done + len(rows)
        progress(done)
    return {"customers": done}

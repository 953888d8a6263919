"""What the business says of e-mail: the templates, what waits to go out, whose an incoming one is."""
import datetime as dt
import hashlib
import re
from email.utils import parseaddr
from html import unescape

from sqlalchemy import select

from app.core import clock, parameters, schedule
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.models import Contact, Customer

from .models import Mail

ENTRY = "mail.send"
WAITS = [dt.timedelta(minutes=m) for m in (1, 5, 30, 120, 480)]
GROUP, HELP = _l("E-mail"), _l("{customer}, {contact}, {name}, {number}, {amount}, {day}, {sender} stand for the record's data.")
for _key, _label, _kind, _text in (
        ("quote.subject", _l("Quote: subject"), "text", "报价单 {number} {name}"),
        ("quote.text", _l("Quote: text"), "note",
         "{contact}：\n\n您好！附件是为{customer}准备的报价单 {number}，有效期至 {day}。\n如有疑问请随时与我联系。\n\n{sender}"),
        ("paymentplan.subject", _l("Payment reminder: subject"), "text", "付款提醒：{name}"),
        ("paymentplan.text", _l("Payment reminder: text"), "note",
         "{contact}：\n\n您好！合同「{name}」有一期款项 {amount} 元，计划付款日期 {day}，请安排。\n若已付款，请忽略本邮件。\n\n{sender}")):
    parameters.declare(f"mail.{_key}", GROUP, _label, _kind, _text, HELP)


def filled(session, entity: str, **facts) -> tuple[str, str]:
    """(subject, text) of an entity's template; unknown {words} stay as they are."""
    def fill(text):
        return re.sub(r"\{(\w+)\}", lambda m: str(facts.get(m[1], m[0])), text)
    return fill(parameters.get(session, f"mail.{entity}.subject")), fill(parameters.get(session, f"mail.{entity}.text"))


def receiver(session, row) -> tuple[Contact | None, str]:
    """Whom a mail about a record goes to: its contact, else the customer's first contact, else the customer: (contact, address)."""
    contact = getattr(row, "contact", None) or session.get(Contact, row.customer.primary_contact_id or 0)
    return contact, (contact and contact.email) or row.customer.email or ""


def write(session, row, to: str, subject: str, text: str) -> Mail:
    """Put a mail about a record into the outbox, in this transaction."""
    if not to:
        raise RuleError(_("There is no e-mail address."), "to")
    contact, address = receiver(session, row)
    mail = Mail(customer_id=row.customer_id, contact_id=contact.id if contact and address == to else None, owner_id=row.owner_id,
                address=to, subject=subject, content=text)
    session.add(mail)
    session.flush()
    schedule.ring(session, ENTRY)
    return mail


def settle(mail, problem: str = "") -> None:
    """Note how an attempt ended; after six the mail is given up."""
    mail.attempts, mail.problem = mail.attempts + 1, problem[:300] or None
    if not problem:
        mail.state = "sent"
    elif mail.attempts > len(WAITS):
        mail.state = "failed"
    else:
        mail.due_at = clock.now() + WAITS[mail.attempts - 1]


def _of(session, address: str):
    """(customer, contact) that an address belongs to; the newest when there are several."""
    spelt = {address, address.lower()}
    contact = session.scalars(select(Contact).where(Contact.email.in_(spelt)).order_by(Contact.id.desc()).limit(1)).first()
    if contact:
        return contact.customer, contact
    owner = select(Customer).where(Customer.email.in_(spelt)).order_by(Customer.id.desc()).limit(1)
    return session.scalars(owner).first(), None


def _words(message) -> str:
    """The text of a message, of HTML without its tags."""
    body = message.get_body(("plain", "html"))
    if body is None:
        return ""
    text = body.get_content()
    if body.get_content_subtype() == "html":
        text = _without_tags(text)
    return text.replace("\0", "").strip()[:20_000]


def _without_tags(text: str) -> str:
    """The text of HTML. No pattern here looks beyond the next bracket: from each of a million `<` to the end would take for ever."""
    kept, shown = [], True
    for piece in re.split(r"(</?(?:script|style)\b[^<>]*>)", text, flags=re.I):
        if re.match(r"</?(?:script|style)\b", piece, re.I):
            shown = piece.startswith("</")
        elif shown:
            kept.append(re.sub(r"<[^<>]*>", " ", piece))
    return unescape(" ".join(kept))


def arrive(session, message) -> Mail | None:
    """Keep an incoming message with its customer; None when nobody knows the sender. The same message comes in once."""
    address = parseaddr(str(message.get("From", "")).replace("\0", ""))[1][:120]
    customer, contact = _of(session, address) if address else (None, None)
    if customer is None:
        return None
    mark = str(message.get("Message-ID") or "").replace("\0", "").strip()[:200] or f"<{hashlib.sha256(bytes(message)).hexdigest()}@unnamed>"
    there = session.scalars(select(Mail).where(Mail.mark == mark).execution_options(with_trash=True)).first()
    if there is None:
        subject = " ".join(str(message.get("Subject") or "").replace("\0", "").split())[:300]
        there = Mail(customer_id=customer.id, contact_id=contact and contact.id, owner_id=customer.owner_id, direction="in",
                     state="received", address=address, subject=subject, content=_words(message), mark=mark)
        session.add(there)
    return there

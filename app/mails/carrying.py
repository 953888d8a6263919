"""Carrying e-mails: out of the outbox by SMTP, in from a mailbox by IMAP. `CRM_SMTP_URL`, `CRM_MAIL_FROM`, `CRM_IMAP_URL`."""
import email
import imaplib
import logging
import ssl
from email import policy
from functools import partial
from urllib.parse import unquote, urlsplit

from flask import current_app
from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError

from app.core import mail, outbox, schedule
from app.core.attachments import Attachment
from app.core.database import reading
from app.views import files

from . import rules
from .models import Mail

log = logging.getLogger(__name__)
AT_ONCE, LARGEST = 50, 10_000_000  # messages of one run; bytes of one that is read
STRANGER = "CrmUnknown"  # the keyword of a message whose sender nobody knows: it is left alone


@schedule.every(rules.ENTRY, 1)
def send(session) -> None:
    """Send what is due; a mail that is written rings for it."""
    url, sender = current_app.config["CRM_SMTP_URL"], current_app.config["CRM_MAIL_FROM"]
    if not url:
        return
    for key in outbox.claim(session, Mail, 5):
        with reading():
            told = _told(session, key)
            session.rollback()
        problem = mail.attempt(url, partial(_message, sender, *told))
        rules.settle(session.get(Mail, key), problem)
        session.commit()


def _told(session, key) -> tuple:
    """What a message is made of."""
    row = session.get(Mail, key)
    wanted = select(Attachment.name, Attachment.mime, Attachment.digest).where(Attachment.entity == "mail", Attachment.row_id == key)
    return row.address, row.subject or "", row.content or "", row.mark, session.execute(wanted).all(), str(row.owner or "")


def _message(sender, to, subject, text, mark, kept, owner):
    packed = [(name, mime, files.path_of(digest).read_bytes()) for name, mime, digest in kept]
    return mail.compose(sender, to, subject, text, mark, packed, owner)


@schedule.every("mail.fetch", 2)
def fetch(session) -> None:
    """Keep what customers wrote; what comes from strangers stays unread in the mailbox."""
    url = current_app.config["CRM_IMAP_URL"]
    if not url:
        return
    said = urlsplit(url)
    safe = ssl.create_default_context()
    with (imaplib.IMAP4_SSL(said.hostname, said.port or 993, ssl_context=safe, timeout=20) if said.scheme == "imaps"
          else imaplib.IMAP4(said.hostname, said.port or 143, timeout=20)) as box:
        if said.scheme == "imap" and "STARTTLS" in box.capabilities:
            box.starttls(safe)
        box.login(unquote(said.username or ""), unquote(said.password or ""))
        if box.select(said.path.strip("/") or "INBOX")[0] != "OK":
            raise OSError("the mailbox cannot be opened")
        found = box.uid("SEARCH", "UNSEEN", "UNKEYWORD", STRANGER, "SMALLER", str(LARGEST))[1][0].split()
        for uid in found[:AT_ONCE]:
            _take(session, box, uid)


def _take(session, box, uid) -> None:
    """One message: kept and committed before the mailbox is told that it was read."""
    raw = box.uid("FETCH", uid, "(BODY.PEEK[])")[1][0][1]
    try:
        kept = rules.arrive(session, email.message_from_bytes(raw, policy=policy.default))
        session.commit()
    except (OperationalError, InterfaceError):  # the database is away: the message is read again
        raise
    except Exception:  # whatever anybody in the world may send: it stops no other message
        session.rollback()
        log.warning("a message could not be read")
        kept = None
    box.uid("STORE", uid, "+FLAGS", r"(\Seen)" if kept else f"({STRANGER})")

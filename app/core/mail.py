"""Sending one e-mail by SMTP: the only place that speaks to a mail server to send."""
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

TIMEOUT = 20  # seconds


def compose(sender: str, to: str, subject: str, text: str, mark: str, files=(), name: str = "") -> EmailMessage:
    """A message; `mark` is its Message-ID, `files` (name, mime, bytes), `name` the sender's display name."""
    message = EmailMessage()
    message["From"] = Address(name, addr_spec=sender) if name else sender
    message["To"], message["Subject"], message["Message-ID"] = to, " ".join(subject.split()), mark
    message["Date"] = formatdate(localtime=False)
    message.set_content(text)
    for title, mime, data in files:
        kind, _slash, sub = mime.partition("/")
        message.add_attachment(data, maintype=kind, subtype=sub, filename=title)
    return message


def send(url: str, message: EmailMessage) -> None:
    """Hand a message to the server `smtps://user:password@host:465`, or `smtp://…:587`, where a password goes only through TLS.
    Raises OSError (smtplib's errors are such)."""
    said = urlsplit(url)
    host, safe = said.hostname or "localhost", ssl.create_default_context()
    line = smtplib.SMTP_SSL(host, said.port or 465, timeout=TIMEOUT, context=safe) if said.scheme == "smtps" \
        else smtplib.SMTP(host, said.port or 25, timeout=TIMEOUT)
    with line:
        if said.scheme == "smtp" and (said.username or line.has_extn("starttls")):
            line.starttls(context=safe)
        if said.username:
            line.login(unquote(said.username), unquote(said.password or ""))
        line.send_message(message)


def attempt(url: str, make) -> str:
    """Make a message and send it; what went wrong in words, '' for nothing. A text that makes no message stops no other one."""
    try:
        send(url, make())
    except (OSError, ValueError) as broken:
        return f"{type(broken).__name__}: {broken}"
    return ""

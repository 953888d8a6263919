"""E-mail over real servers: a quote goes out with its PDF by SMTP, an answer comes in by IMAP and stands in the customer's timeline."""
import contextlib
import datetime as dt
import email
import io
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from email import policy
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from pypdf import PdfReader
from sqlalchemy import select

from app.core import clock
from app.core import mail as post
from app.mails import carrying, rules
from app.mails.models import Mail
from app.quotes.models import QuoteLine


class Postbox:
    """What a real SMTP server was handed; `refuse`: answers that it gives instead of taking a mail."""

    def __init__(self):
        self.got, self.refuse = [], []

    async def handle_DATA(self, _server, _session, envelope):
        """Keep the message."""
        if self.refuse:
            return self.refuse.pop(0)
        self.got.append(email.message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return line.getsockname()[1]


@pytest.fixture
def smtp(app):
    """A real SMTP server that the app sends through."""
    box = Postbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port())
    server.start()
    app.config.update(CRM_SMTP_URL=f"smtp://127.0.0.1:{server.port}", CRM_MAIL_FROM="sales@crm.example.com")
    yield box
    app.config["CRM_SMTP_URL"] = ""
    server.stop(no_assert=True)


@pytest.fixture
def imap(app):
    """A real IMAP server (dovecot) with one mailbox; `imap(bytes)` delivers a message into it; `imap.flags()` are the files' names."""
    if not shutil.which("dovecot"):
        pytest.skip("no dovecot on this machine")
    folder = Path(tempfile.mkdtemp(prefix="crm-dovecot-"))
    folder.chmod(0o755)  # its own person must get through
    word, port, who = secrets.token_hex(8), free_port(), "mail" if os.geteuid() == 0 else str(os.geteuid())
    box = folder / "box"
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir(parents=True)
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "mail:mail", str(box)], check=True)
    (folder / "dovecot.conf").write_text(f"""
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{box}
mail_uid = {who}
mail_gid = {who}
first_valid_uid = 1
passdb {{
  driver = static
  args = password={word}
}}
userdb {{
  driver = static
  args = uid={who} gid={who} home={folder}
}}
service imap-login {{
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
""")
    process = subprocess.Popen(["dovecot", "-F", "-c", str(folder / "dovecot.conf")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.1)

    def deliver(raw: bytes):
        path = box / "new" / f"{time.time_ns()}.M{secrets.token_hex(4)}.host"
        path.write_bytes(raw)
        if os.geteuid() == 0:
            shutil.chown(path, "mail", "mail")
    deliver.seen = lambda: sum("S" in p.name.partition(":2,")[2] for p in (box / "cur").iterdir())
    app.config["CRM_IMAP_URL"] = f"imap://crm:{word}@127.0.0.1:{port}/INBOX"
    yield deliver
    app.config["CRM_IMAP_URL"] = ""
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def quote(make, session):
    """A quote of one line for a customer whose contact has an address."""
    customer = make.customer(name="恒远机械")
    contact = make.contact(name="顾明", customer_id=customer.id, email="gu@hengyuan.example.com")
    customer.primary_contact_id = contact.id
    row = make.quote(name="驱动器报价", customer_id=customer.id, contact_id=contact.id, amount=113_00, valid_until=clock.today() + dt.timedelta(30))
    session.add(QuoteLine(quote_id=row.id, name="驱动器", quantity=1000, price=100_00, tax_rate=1300, is_taxed=False, position=0))
    session.commit()
    return row


def mails(session) -> list[Mail]:
    """All mails, oldest first."""
    session.expire_all()
    return list(session.scalars(select(Mail).order_by(Mail.id)))


def test_a_quote_goes_out_with_its_pdf(login, session, quote, smtp):
    browser = login("li")
    dialog = browser.get(f"/quote/action_form/mail?ids={quote.id}").text
    assert f"报价单 {quote.number} 驱动器报价" in dialog and "gu@hengyuan.example.com" in dialog and "顾明：" in dialog and "李雨桐" in dialog
    sent = {"action": "mail", "rowid": str(quote.id), "to": "gu@hengyuan.example.com", "subject": "报价", "text": "请看附件"}
    browser.post("/quote/action_post", data={**sent, "to": "kein"})
    assert mails(session) == []
    browser.post("/quote/action_post", data=sent)
    carrying.send(session)
    (message,) = smtp.got
    assert message["To"] == "gu@hengyuan.example.com" and message["Subject"] == "报价" and "sales@crm.example.com" in message["From"]
    assert message.get_body(("plain",)).get_content().strip() == "请看附件"
    (pdf,) = message.iter_attachments()
    assert pdf.get_filename() == f"{quote.number}.pdf"
    (row,) = mails(session)
    assert row.state == "sent" and row.contact.name == "顾明" and quote.state == "sent"
    with contextlib.closing(PdfReader(io.BytesIO(pdf.get_content()))) as paper:
        assert "驱动器" in paper.pages[0].extract_text()
    assert "发出邮件至 gu@hengyuan.example.com" in browser.get(f"/customer/show/{quote.customer_id}").text
    assert "报价" in browser.get(f"/customer/show/{quote.customer_id}?tab=mail").text
    stranger = login("zhao")
    assert stranger.post("/quote/action_post", data=sent).status_code == 404 and stranger.get(f"/mail/show/{row.id}").status_code == 404
    assert "恒远" not in stranger.get(f"/quote/action_form/mail?ids={quote.id}").text


def test_a_reminder_of_a_payment_and_what_an_unapproved_quote_may_not(login, session, make, quote, smtp):
    contract = make.contract(name="驱动器合同", customer_id=quote.customer_id)
    plan = make.payment_plan(contract_id=contract.id, amount=3_000_00)
    browser = login("li")
    dialog = browser.get(f"/paymentplan/action_form/mail?ids={plan.id}").text
    assert "付款提醒：驱动器合同" in dialog and "3,000.00" in dialog
    browser.post("/paymentplan/action_post", data={"action": "mail", "rowid": str(plan.id), "to": "a@b.example", "subject": "提醒\r\nBcc: x@y.example", "text": "您好"})
    carrying.send(session)
    assert smtp.got[0]["Subject"] == "提醒 Bcc: x@y.example" and smtp.got[0]["Bcc"] is None, "a line break makes no head"
    quote.approval = "pending"
    session.commit()
    browser.post("/quote/action_post", data={"action": "mail", "rowid": str(quote.id), "to": "a@b.example", "subject": "报价", "text": "x"})
    assert len(mails(session)) == 1


def test_a_server_that_is_away_is_asked_again_and_given_up_in_the_end(session, quote, smtp, app):
    rules.write(session, quote, "gu@hengyuan.example.com", "报价", "x")
    session.commit()
    smtp.refuse = ["451 later"]
    carrying.send(session)
    (row,) = mails(session)
    assert row.state == "waiting" and row.attempts == 1 and "451" in row.problem
    carrying.send(session)
    assert smtp.got == [], "not before its time"
    with clock.frozen(clock.now() + dt.timedelta(minutes=2)):
        carrying.send(session)
    assert mails(session)[0].state == "sent" and len(smtp.got) == 1
    rules.write(session, quote, "gu@hengyuan.example.com", "报价", "x")
    session.commit()
    app.config["CRM_SMTP_URL"], now = f"smtp://127.0.0.1:{free_port()}", clock.now()
    for _n in range(len(rules.WAITS) + 1):
        now += dt.timedelta(1)
        with clock.frozen(now):
            carrying.send(session)
    assert mails(session)[1].state == "failed" and "Refused" in mails(session)[1].problem


def letter(sender, subject, text, mark) -> bytes:
    """A message as a mail server keeps it."""
    return post.compose(sender, "sales@crm.example.com", subject, text, mark).as_bytes()


def test_an_answer_comes_to_its_customer_once_and_strangers_are_left_alone(login, session, quote, imap):
    imap(letter("Gu@hengyuan.example.com".lower(), "关于报价", "价格可以，请寄合同。", "<1@hengyuan>"))
    imap(letter("nobody@elsewhere.example.com", "广告", "买一送一", "<2@else>"))
    imap(b"From: gu@hengyuan.example.com\r\nSubject: =?utf-8?b?5LqM?=\r\nMessage-ID: <3@hengyuan>\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
         + "<p>第二封<script>alert(1)</script></p>".encode())
    imap(b"From: gu@hengyuan.example.com\r\nMessage-ID: <4@hengyuan>\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff\xfe")
    carrying.fetch(session)
    assert [(m.subject, m.content) for m in mails(session)][:2] == [("关于报价", "价格可以，请寄合同。"), ("二", "第二封")]
    assert {m.customer_id for m in mails(session)} == {quote.customer_id} and {m.direction for m in mails(session)} == {"in"}
    kept, seen = len(mails(session)), imap.seen()
    assert seen == kept, "a stranger's message stays unread"
    carrying.fetch(session)
    imap(letter("gu@hengyuan.example.com", "关于报价", "再寄一次", "<1@hengyuan>"))
    carrying.fetch(session)
    assert len(mails(session)) == kept
    page = login("li").get(f"/customer/show/{quote.customer_id}").text
    assert "收到邮件：gu@hengyuan.example.com" in page and "关于报价" in page
    assert "关于报价" not in login("zhao").get("/mail/list/").text


def test_without_a_server_nothing_is_tried(session, quote):
    rules.write(session, quote, "gu@hengyuan.example.com", "报价", "x")
    session.commit()
    carrying.send(session)
    carrying.fetch(session)
    assert mails(session)[0].attempts == 0

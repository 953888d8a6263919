"""E-mails on the screens: written from a quote or a payment plan, listed with the customer and in the timeline."""
from flask import request
from flask_appbuilder.forms import DynamicForm
from markupsafe import escape
from wtforms import StringField, TextAreaField
from wtforms.validators import Length

from app.approvals import rules as approvals
from app.core import actor, money, undo
from app.core.attachments import Attachment
from app.core.rules import RuleError
from app.core.words import _, _l
from app.customers.views import CustomerView
from app.extensions import db
from app.payments.views import PaymentPlanView
from app.printing import papers
from app.quotes import rules as quotes
from app.quotes.views import QuoteView
from app.views import cells, files, forms, happenings
from app.views.declare import Action, Section
from app.views.entity_view import EntityView

from . import carrying, rules  # noqa: F401  the schedule
from .models import Mail


class MailView(EntityView):
    """What was written to and by customers; read only."""

    model = Mail
    title, tab_label = _l("E-mails"), _l("E-mails")
    parents = {CustomerView: "customer"}
    list_columns = "created_at direction subject address customer contact state owner"
    conditions = "direction state customer created_at"
    head = "direction state customer owner"
    sections = [Section(_l("E-mail"), "subject address contact content"), Section(_l("System data"), "state attempts problem created_at")]
    importable = exportable = False
    include_route_methods = EntityView.include_route_methods - {"add", "edit", "delete", "quick", "export"}

    @classmethod
    def verbs(cls):
        """Read only: mails are written from documents."""
        return ["read"]


def _facts(row) -> dict:
    """What the templates may speak of."""
    contact, _address = rules.receiver(db.session, row)
    about, day = (row, row.valid_until) if row.__tablename__ == "quote" else (row.contract, row.due_on)
    amount = row.amount if row.__tablename__ == "quote" else row.outstanding
    return {"customer": row.customer, "contact": contact or row.customer, "name": about.name, "number": about.number or "",
            "amount": money.shown(amount or 0), "day": cells.day(day) if day else "", "sender": actor.current().name}


def _mail_form(view):
    """The form of a mail, filled from the template and the record that the dialog was opened for."""
    def make():
        chosen = request.args.get("ids", "")
        row = db.session.get(view.model, int(chosen)) if chosen.isdecimal() and len(chosen) < 16 else None
        title, words = rules.filled(db.session, view.entity, **_facts(row)) if row else ("", "")
        address = rules.receiver(db.session, row)[1] if row else ""

        class MailForm(DynamicForm):
            to = StringField(_l("Mail to"), [forms.Required(), forms.Shaped("email"), Length(max=120)], default=address)
            subject = StringField(_l("Subject"), [forms.Required(), Length(max=300)], filters=[forms.clean], default=title)
            text = TextAreaField(_l("Text of the e-mail"), [forms.Required(), Length(max=20_000)], filters=[forms.clean], default=words)
        return MailForm
    return make


def send_quote(session, rows, to, subject, text):
    """Mail a quote with its PDF; a draft counts as sent then."""
    for row in rows:
        if not approvals.is_settled(row):
            raise RuleError(_("%(name)s needs its approval first.", name=row))
        mail = rules.write(session, row, to, subject, text)
        from app.printing import pdf  # its library loads at the first use
        data = pdf.make(papers.paper(session, row, str(QuoteView.paper_title), QuoteView.paper_facts, QuoteView.paper_terms,
                                     signs=[str(s) for s in QuoteView.paper_signs]))
        session.add(Attachment(entity="mail", row_id=mail.id, name=f"{row.number or row.id}.pdf", size=len(data), mime="application/pdf",
                               digest=files.keep(data)))
        if row.state == "draft":
            quotes.send(session, [row])
    return _("The e-mail is on its way.")


def send_reminder(session, rows, to, subject, text):
    """Remind of a payment that is due."""
    for row in rows:
        rules.write(session, row, to, subject, text)
    return _("The e-mail is on its way.")


for _view, _rule, _shown in ((QuoteView, send_quote, lambda row: row.state in ("draft", "sent") and approvals.is_settled(row)),
                             (PaymentPlanView, send_reminder, lambda row: row.state in ("open", "part", "late"))):
    _view.actions_declared.append(Action("mail", _l("Send by e-mail"), _rule, form=_mail_form(_view), icon="mail-forward",
                                         many=False, shown=_shown))
    undo.FINAL |= {(_view.model.__tablename__, "mail")}
happenings.SOURCES.append(happenings.Source(
    "mail", "follow", "mail", Mail, Mail.created_at, Mail.owner_id, {"customer": Mail.customer_id},
    lambda row: (_("E-mail from %(who)s", who=row.code) if row.more == "in" else _("E-mail to %(who)s", who=row.code), escape(row.text)),
    icon="mail", tone="b", code=Mail.address, text=Mail.subject, more=Mail.direction))

"""The customer's timeline: the follow-up box first, then what happened, newest first, grouped by day."""
from itertools import groupby

from flask import abort, flash, redirect, render_template
from markupsafe import Markup
from sqlalchemy import select

from app.core import actor, choices, clock, scope
from app.core.attachments import Attachment
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.views import acting, cells, forms, saving
from app.views.files import keep_uploads

from . import rules
from .models import Contact, Customer, Followup

BOX = "method content contact happened_at next_follow_at next_plan"


def box_form():
    """The form class of the follow-up box."""
    from .views import FollowupView
    return forms.make_form("FollowBox", [FollowupView.fields[n] for n in BOX.split()])


def render_timeline(view, customer) -> Markup:
    """The tab: composer and entries with their attachments (three statements)."""
    rows = rules.timeline(db.session, customer)
    files: dict = {}
    for one in db.session.scalars(select(Attachment).where(
            Attachment.entity == "followup", Attachment.row_id.in_([r.id for r in rows]))) if rows else ():
        files.setdefault(one.row_id, []).append(one)
    form = box_form()(data={"happened_at": clock.now(), "method": "call"})
    form.contact.url += f"?customer={customer.id}"
    days = [(day, list(entries)) for day, entries in groupby(rows, lambda r: clock.to_office(r.happened_at).date())]
    return Markup(render_template("customers/timeline.html", view=view, item=customer, form=form, days=days, files=files,
                                  fields=_fields(), may_write=may_follow(customer),
                                  contacts=rules.contacts_of(db.session, customer), contact_fields=describe(Contact),
                                  phrases=choices.options(db.session, "follow_phrase", english=cells.english())))


def _fields():
    from .views import FollowupView
    return FollowupView.fields


def composer(view, customer):
    """Save the box; the refused text comes back on the page."""
    from .views import FollowupView
    if not may_follow(customer):
        abort(403)
    form = box_form()()
    here = f"/customer/show/{customer.id}?tab=timeline"
    if saving.saved_before(form):
        return redirect(here)
    if not form.validate():
        flash(forms.errors_text(form), "danger")
        return render_template("customers/refused.html", view=view, item=customer, form=form)
    row = Followup(customer_id=customer.id, owner_id=actor.current_id())
    try:
        saving.fill(form, row, [FollowupView.fields[n] for n in BOX.split()])
        rules.check_followup(db.session, row)
        db.session.add(row)
        db.session.flush()
        rules.followed_up(db.session, row)
        keep_uploads(row)
        saving.remember(form, row)
        db.session.commit()
    except RuleError as no:
        db.session.rollback()
        flash(str(no), "danger")
        return render_template("customers/refused.html", view=view, item=customer, form=form)
    acting.say_done(_("Follow-up written."))
    return redirect(here)


def render_similar(found) -> str:
    """The help beside the form: similar customers, only what nobody minds."""
    ids = [row.id for row in found]
    mine = set(db.session.scalars(select(Customer.id).where(Customer.id.in_(ids)))) if ids else set()
    return render_template("customers/similar.html", found=found, mine=mine)


def may_follow(customer) -> bool:
    """Who may add a follow-up: who holds the right and may edit the customer."""
    who = actor.current()
    return who.may("followup", "add") and scope.may_edit(db.session, customer, who)

"""The customer's timeline: the follow-up box first, then what happened, newest first, grouped by day."""
from itertools import groupby

from flask import abort, flash, redirect, render_template, request
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core import actor, choices, clock, scope
from app.core.attachments import Attachment
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.words import _
from app.extensions import db
from app.views import acting, cells, forms, happenings, record, saving
from app.views.files import keep_uploads
from app.views.page import local

from . import rules, twins
from .models import Contact, Customer, Followup

BOX = "method content contact opportunity happened_at next_follow_at next_plan"
METHOD_ICONS = {"call": "phone", "visit": "walk", "wechat": "brand-wechat", "mail": "mail", "sms": "message"}
CONTACTS: list = []  # later modules: function(row) -> [(contact, role label)] of a record that has people of its own, or None


happenings.SOURCES.append(happenings.Source(
    "followup", "follow", "followup", Followup, Followup.happened_at, Followup.owner_id,
    {"customer": Followup.customer_id, "opportunity": Followup.opportunity_id}, lambda row: ("", ""), icon="message-dots", tone="b"))


def box_fields() -> list:
    """The fields of the follow-up box; own fields of follow-ups among them."""
    known = describe(Followup)
    return [known[n] for n in BOX.split()] + [one for one in known.values() if "custom" in one.info]


def box_form():
    """The form class of the follow-up box."""
    return forms.make_form("FollowBox", box_fields())


def box(customer, **about):
    """The empty box of a customer's page; `about`: ids of the contact and the opportunity that it is about."""
    form = box_form()(formdata=None, data={"happened_at": clock.now(), **about,
                                           "method": choices.default(db.session, "follow_method") or "call",
                                           "next_follow_at": rules.next_call(db.session),
                                           **{one.name: one.first() for one in box_fields() if "custom" in one.info}})
    return within(form, customer)


def within(form, customer):
    """The box offers people and opportunities of its customer."""
    for field in (form.contact, form.opportunity):
        field.url += f"?customer={customer.id}"
    return form


def _followups_by_id(ids) -> dict:
    """Follow-ups with their people and files (two statements)."""
    wanted = select(Followup).where(Followup.id.in_(ids)).options(*rules.followup_loads())
    rows = {f.id: f for f in db.session.scalars(wanted)} if ids else {}
    for row in rows.values():
        row.files = []
    for one in db.session.scalars(select(Attachment).where(Attachment.entity == "followup", Attachment.row_id.in_(rows))) if rows else ():
        rows[one.row_id].files.append(one)
    return rows


def render_timeline(view, row, customer) -> Markup:
    """The tab of a record of a customer: the box, what happened, and beside them facts and contacts."""
    show, deal = request.args.get("show", ""), row if row.__tablename__ == "opportunity" else None
    if show not in dict(happenings.GROUPS):
        abort(400)
    entries, more = happenings.read(view, row, show, happenings.STEPS["more" in request.args])
    found = _followups_by_id([e["id"] for e in entries if e["key"] == "followup"])
    days = [(day, list(those)) for day, those in groupby(entries, lambda e: e["day"])]
    people = next((people for other in CONTACTS if (people := other(row)) is not None), None)
    if people is None:
        people = [(c, None) for c in rules.contacts_of(db.session, customer)]
    return Markup(render_template(
        "customers/timeline.html", view=view, item=row, customer=customer, deal=deal, form=box(customer, opportunity=deal and deal.id),
        days=days, found=found, more=more, show=show, groups=happenings.GROUPS, icons=METHOD_ICONS, fields=describe(Followup),
        may_write=may_follow(customer), people=people, today=clock.today(), contact_fields=describe(Contact),
        facts=record.lines(view, row, view.beside_timeline),
        phrases=choices.options(db.session, "follow_phrase", english=cells.english())))


def composer(view, customer):
    """Save the box; the refused text comes back on the page."""
    if not may_follow(customer):
        abort(403)
    form = box_form()()
    here = local(request.form.get("back"), f"/customer/show/{customer.id}?tab=timeline")
    if saving.saved_before(form):
        return redirect(here)
    if not write(form, customer):
        return render_template("customers/follow.html", customer=customer, form=within(form, customer), action=request.path, back=here)
    return redirect(here)


def write(form, customer, also=lambda: None) -> bool:
    """Save the box as one follow-up of a customer and do what belongs to it (`also`); False, and a sentence, when it was refused."""
    if not form.validate():
        flash(forms.errors_text(form), "danger")
        return False
    row = Followup(customer_id=customer.id, owner_id=actor.current_id())
    try:
        saving.fill(form, row, box_fields())
        rules.check_followup(db.session, row)
        db.session.add(row)
        db.session.flush()
        rules.followed_up(db.session, row)
        keep_uploads(row)
        also()
        saving.remember(form, row)
        db.session.commit()
    except (RuleError, IntegrityError, StaleDataError) as no:
        db.session.rollback()
        flash(acting.refused(no), "danger")
        return False
    acting.say_done(_("Follow-up written."))
    return True


def render_similar(found) -> str:
    """The help beside the form: twins, only what nobody minds."""
    ids = [one.customer.id for one in found]
    mine = set(db.session.scalars(select(Customer.id).where(Customer.id.in_(ids)))) if ids else set()
    return render_template("customers/similar.html", found=found, mine=mine, reasons=twins.REASONS)


def may_follow(customer) -> bool:
    """Who may add a follow-up: who holds the right and may edit the customer."""
    who = actor.current()
    return who.may("followup", "add") and scope.may_edit(db.session, customer, who)

"""What the business says of customers, contacts and follow-ups (manual 4.3, product.md 4.3). No Flask, no commit."""
import datetime as dt
import re

from sqlalchemy import and_, false, func, inspect, select
from sqlalchemy.orm import joinedload

from app.core import clock, parameters, scope, workdays
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _, _l

from .models import Contact, Customer, Followup
from .names import name_key

parameters.declare("duplicates.name_stops", _l("Duplicates"), _l("A name that is there already is refused"), "flag", True,
                   _l("Otherwise the form only shows who has it."))
parameters.declare("duplicates.mobile_stops", _l("Duplicates"), _l("A mobile that another customer has is refused"), "flag", False,
                   _l("It holds for customers and contacts; otherwise the form only shows who has it."))
parameters.declare("customer.follow_days", _l("Customers"), _l("Days until the next follow-up"), "whole", 0,
                   _l("A new follow-up proposes 9:00 of the working day so many days ahead; 0 proposes nothing."), low=0, high=365)
parameters.declare("customer.idle_days", _l("Customers"), _l("Steps of how long nobody followed up"), "text", "7,15,30,90,180",
                   _l("Five numbers of days, rising; quick filters of customers and the work desktop count by them."),
                   check=lambda values, key: _check_steps(values[key], key))
IDLE = (7, 15, 30, 90, 180)  # the names of the five steps in addresses, whatever days they have


# ---- named filters --------------------------------------------------------------------------------------------
def mine(who):
    """Customers I am responsible for: what the list opens with (manual 4.3)."""
    return Customer.owner_id == who.id


def shared(who):
    """Customers that others shared with me."""
    return and_(Customer.owner_id != who.id, Customer.id.in_(scope.shared_with(Customer, who)))


def of_subordinates(who):
    """Customers of the people below me."""
    return Customer.owner_id.in_(sorted(who.subordinates)) if who.subordinates else false()


def to_call(who):
    """Promised for today or earlier."""
    return Customer.next_follow_at < clock.day_start(clock.today() + dt.timedelta(1))


def to_call_today(who):
    """Promised for today."""
    return and_(Customer.next_follow_at >= clock.day_start(clock.today()), to_call(who))


def later_today(who):
    """Promised for later today."""
    return and_(Customer.next_follow_at >= clock.now(), to_call(who))


def overdue(who):
    """Promised and not done."""
    return Customer.next_follow_at < clock.now()


def _steps(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.split(r"[,，、\s]+", text.strip()))


def _check_steps(text, key) -> None:
    """Five rising numbers of days, ten years at most."""
    try:
        days = _steps(text)
    except ValueError:
        days = ()
    if len(days) != len(IDLE) or list(days) != sorted(set(days)) or not 0 < days[0] <= days[-1] <= 3650:
        raise RuleError(_("Give five rising numbers of days, as 7,15,30,90,180."), key)


def idle_days(session) -> dict[int, int]:
    """{name of a step: its days}."""
    return dict(zip(IDLE, _steps(parameters.get(session, "customer.idle_days")), strict=True))


def span(days: int) -> str:
    """So many days in words; from three whole months on in months."""
    return _("%(n)s months", n=days // 30) if days >= 90 and days % 30 == 0 else _("%(n)s days", n=days)


def idle(days: int):
    """Nobody followed up for so many days."""
    return func.coalesce(Customer.last_follow_at, Customer.created_at) < clock.now() - dt.timedelta(days)


def new_this_month(who):
    """Made since the first of this month."""
    return Customer.created_at >= clock.day_start(clock.today().replace(day=1))


def won(who):
    """Has bought (成交)."""
    return Customer.is_won.is_(True)


def not_won(who):
    """Has not bought yet."""
    return Customer.is_won.is_(False)


def contact_birthday(who):
    """Birthday in this month."""
    return and_(Contact.birthday.is_not(None), func.extract("month", Contact.birthday) == clock.today().month)


# ---- saving ---------------------------------------------------------------------------------------------------
def check_future(session, row, field="next_follow_at") -> None:
    """A promised call is in the future when it is entered; an import brings past ones along."""
    if session.info.get("importing"):
        return
    history = inspect(row).attrs[field].history
    value = getattr(row, field)
    if value and history.has_changes() and value < clock.now():
        raise RuleError(_("The next follow-up must be in the future."), field)


def check_customer(session, customer) -> None:
    """The name is there only once (normalised), unless the office lets it; the promised call is in the future. Who keeps his name is
    not asked again."""
    before, customer.name_key = customer.id and customer.name_key, name_key(customer.name)
    fresh = customer.name_key != before and parameters.get(session, "duplicates.name_stops")
    with session.no_autoflush:
        twin = fresh and session.scalar(select(Customer.id).where(
            Customer.name_key == customer.name_key, Customer.id != (customer.id or 0)).limit(1).execution_options(everyone=True))
    if twin:
        raise RuleError(_("A customer of this name is there already."), "name")
    _check_mobile(session, customer, customer.id)
    check_future(session, customer)


def _check_mobile(session, row, customer: int | None) -> None:
    """No other customer has this mobile, nor its people, where the office wants it so. Who keeps his is not asked again."""
    if not row.mobile or not inspect(row).attrs.mobile.history.has_changes() or not parameters.get(session, "duplicates.mobile_stops"):
        return
    with session.no_autoflush:
        taken = any(session.scalar(select(model.id).where(model.mobile == row.mobile, whose != (customer or 0)).limit(1).execution_options(
            everyone=True)) for model, whose in ((Customer, Customer.id), (Contact, Contact.customer_id)))
    if taken:
        raise RuleError(_("Another customer has this mobile already."), "mobile")


def check_contact(session, contact) -> None:
    """The superior belongs to the same customer and is not oneself; nobody else has the mobile; the promised call is in the future."""
    if contact.superior_id:
        above = session.get(Contact, contact.superior_id)
        if contact.superior_id == contact.id or above is None or above.customer_id != contact.customer_id:
            raise RuleError(_("The superior must be another contact of the same customer."), "superior")
    _check_mobile(session, contact, contact.customer_id)
    check_future(session, contact)


def check_followup(session, followup) -> None:
    """The contact belongs to the customer; the next call is in the future."""
    if followup.contact_id:
        person = session.get(Contact, followup.contact_id)
        if person is None or person.customer_id != followup.customer_id:
            raise RuleError(_("This contact belongs to another customer."), "contact")
    check_future(session, followup)


def next_call(session) -> dt.datetime | None:
    """The moment (naive UTC) that a new follow-up proposes for the next one, None where the office proposes none."""
    days = parameters.get(session, "customer.follow_days")
    day = days and workdays.shift(session, clock.today() + dt.timedelta(days - 1), 1)
    return clock.to_utc(dt.datetime.combine(day, dt.time(9))) if day else None


def followed_up(session, followup) -> None:
    """A follow-up writes through to its customer: last and next time (product.md 跟进记录)."""
    customer = session.get(Customer, followup.customer_id)
    if customer.last_follow_at is None or followup.happened_at >= customer.last_follow_at:
        customer.last_follow_at, customer.last_follow_text = followup.happened_at, followup.content[:200]
    if followup.next_follow_at or (customer.next_follow_at and customer.next_follow_at <= clock.now()):
        customer.next_follow_at = followup.next_follow_at
    for more in FOLLOWED:
        more(session, followup)


FOLLOWED: list = []  # later modules: function(session, followup) writes through to what else it was about


def check_delete_contact(session, contact) -> None:
    """The first contact of a customer gives up that place."""
    customer = session.get(Customer, contact.customer_id)
    if customer and customer.primary_contact_id == contact.id:
        customer.primary_contact_id = None


def first_contact(session, contact) -> None:
    """A customer's first contact becomes the primary one."""
    customer = session.get(Customer, contact.customer_id)
    if customer and customer.primary_contact_id is None:
        customer.primary_contact_id = contact.id


# ---- actions --------------------------------------------------------------------------------------------------
def transfer(session, rows, owner, contacts=True, keep=""):
    """Give customers to another person; their contacts along when asked; the former owner may stay as collaborator
    (`keep`: '', 'read' or 'write'). History and stage stay as they are (must-have 5)."""
    for customer in rows:
        former = customer.owner_id
        customer.owner_id = owner
        if contacts:
            for person in session.scalars(select(Contact).where(
                    Contact.customer_id == customer.id, Contact.owner_id == former).execution_options(everyone=True)):
                person.owner_id = owner
        if keep and former and former != owner:
            share(session, [customer], former, keep == "write")


def share(session, rows, employee, may_write=False, until=None):
    """Make a person collaborator of records, or change what he may (product.md 协作人)."""
    for row in rows:
        if row.owner_id == employee:
            raise RuleError(_("The owner needs no sharing."), "employee")
        found = session.scalar(select(Collaborator).where(
            Collaborator.entity == row.__tablename__, Collaborator.row_id == row.id, Collaborator.employee_id == employee))
        found = found or Collaborator(entity=row.__tablename__, row_id=row.id, employee_id=employee)
        found.may_write, found.until = bool(may_write), until
        session.add(found)


def unshare(session, rows, employee):
    """Take a collaborator off records."""
    for row in rows:
        for found in session.scalars(select(Collaborator).where(
                Collaborator.entity == row.__tablename__, Collaborator.row_id == row.id, Collaborator.employee_id == employee)):
            session.delete(found)


def lock(session, rows):
    """A locked customer does not fall into the pool."""
    for check in LOCKING:
        check(session, rows)
    for row in rows:
        row.is_locked = True


LOCKING: list = []  # later modules: function(session, rows) refuses a lock


def unlock(session, rows):
    """Take the lock off."""
    for row in rows:
        row.is_locked = False


def put_off(session, rows, day) -> None:
    """The promised call is made on another day, at the same time of day."""
    for customer in rows:
        at = clock.to_office(customer.next_follow_at or clock.now()).time()
        customer.next_follow_at = clock.to_utc(dt.datetime.combine(day, at))


def set_status(session, rows, status):
    """Change the status of customers."""
    for row in rows:
        row.status = status


def make_primary(session, rows):
    """Make a contact the first one to call of its customer."""
    for contact in rows:
        session.get(Customer, contact.customer_id).primary_contact_id = contact.id


def transfer_contacts(session, rows, owner):
    """Give contacts to another person."""
    for contact in rows:
        contact.owner_id = owner


def followup_loads():
    """Eager loads of a timeline."""
    return joinedload(Followup.customer), joinedload(Followup.contact), joinedload(Followup.owner)


def latest(who):
    """SELECT of the newest follow-ups of the person and those whose records he sees; read in the order of an index."""
    wanted = select(Followup).order_by(Followup.happened_at.desc(), Followup.id.desc())
    return wanted if who.reach is None else wanted.where(Followup.owner_id.in_(sorted(who.reach)))


def due_today(model):
    """The promised call of a row is today."""
    first = clock.day_start(clock.today())
    return and_(model.next_follow_at >= first, model.next_follow_at < first + dt.timedelta(1))


def contacts_of(session, customer, limit: int = 12) -> list[Contact]:
    """A customer's contacts, the primary one first."""
    return list(session.scalars(select(Contact).where(Contact.customer_id == customer.id).order_by(
        (Contact.id == customer.primary_contact_id).desc(), Contact.id).limit(limit)))

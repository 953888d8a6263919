"""Several customers become one: a choice for each field, everything that hangs on the others moves, the others go to the trash. One
operation, so that its undo is the un-merge: every row gets back what it had."""
from sqlalchemy import select

from app.core import entity, search, undo
from app.core.attachments import Attachment
from app.core.describe import describe
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.customers.models import Customer
from app.customers.names import name_key

MOST = 5
undo.TOGETHER.add("merge")


def fields_of(rows) -> list:
    """The fields in which some customers differ, own fields among them."""
    known = [f for f in describe(Customer).values() if f.stored and not f.readonly and not f.system and f.kind != "number"]
    return [f for f in known if len({_plain(getattr(r, f.key)) for r in rows}) > 1]


def _plain(value):
    return None if value in ("", False) else value


def suggested(field, keep, rows) -> int:
    """Whose value is proposed: the kept one's, else the first that has one; of notes nothing is lost by hand."""
    full = [r for r in (keep, *rows) if _plain(getattr(r, field.key)) is not None]
    return (full or [keep])[0].id


def merge(session, keep, others, choices: dict):
    """Make `keep` out of itself and the others; `choices`: {field name: id of the customer whose value holds}."""
    rows = {r.id: r for r in (keep, *others)}
    if not others or len(rows) > MOST or len(rows) != len(others) + 1:
        raise RuleError(_("Choose two to %(n)d customers.", n=MOST))
    for field in fields_of(list(rows.values())):
        chosen = rows.get(choices.get(field.name, keep.id))
        if chosen is None:
            raise RuleError(_("Choose one of the list."), field.name)
        value = getattr(chosen, field.key)
        if getattr(keep, field.key) != value:
            setattr(keep, field.key, value)
    keep.name_key = name_key(keep.name)
    _latest(keep, others)
    ids = [r.id for r in others]
    moved = sum(_move(session, model, column, ids, keep.id) for model, column in pointers())
    moved += _move_shares(session, ids, keep)
    moved += _move_rows(session, Attachment, ids, keep.id)
    for row in others:
        session.delete(row)
    session.flush()
    search.index.renew(session, Customer, [keep.id])
    return moved


def _latest(keep, others) -> None:
    """The last follow-up and the earliest promised call of all."""
    last = max((r for r in (keep, *others) if r.last_follow_at), key=lambda r: r.last_follow_at, default=None)
    if last is not None and last is not keep:
        keep.last_follow_at, keep.last_follow_text = last.last_follow_at, last.last_follow_text
    if keep.primary_contact_id is None:
        keep.primary_contact_id = next((r.primary_contact_id for r in others if r.primary_contact_id), None)
    keep.is_locked = keep.is_locked or any(r.is_locked for r in others)


def pointers() -> list[tuple]:
    """(entity, column) of everything that belongs to a customer."""
    return [(model, column) for model in entity.entities() for column in model.__table__.columns
            if model is not Customer and any(key.column.table is Customer.__table__ for key in column.foreign_keys)]


def _move(session, model, column, ids, to: int) -> int:
    rows = session.scalars(select(model).where(column.in_(ids)).execution_options(everyone=True, with_trash=True)).all()
    for row in rows:
        setattr(row, column.name, to)
    return len(rows)


def _move_rows(session, model, ids, to: int) -> int:
    wanted = select(model).where(model.entity == "customer", model.row_id.in_(ids)).execution_options(everyone=True, with_trash=True)
    rows = session.scalars(wanted).all()
    for row in rows:
        row.row_id = to
    return len(rows)


def _move_shares(session, ids, keep) -> int:
    """Who worked along goes on, once; the kept customer's owner needs no sharing; a former owner may still edit."""
    wanted = select(Collaborator).where(Collaborator.entity == "customer").execution_options(everyone=True)
    have = {c.employee_id for c in session.scalars(wanted.where(Collaborator.row_id == keep.id))} | {keep.owner_id}
    rows = session.scalars(wanted.where(Collaborator.row_id.in_(ids))).all()
    for row in rows:
        if row.employee_id in have:
            session.delete(row)
        else:
            row.row_id = keep.id
            have.add(row.employee_id)
    return len(rows)

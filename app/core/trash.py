"""回收站: what was deleted over all entities, by whom and when, and the two ways out of it: restored, or removed for good.

The change log tells what lies in the trash: the newest `delete` of a row that is still marked as deleted. Statements over the tables
of all entities, each narrowed to what the person sees; restoring sets the mark back by the log, as an undo does.
"""
from dataclasses import dataclass, field

from sqlalchemy import exists, false, func, literal_column, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased
from sqlalchemy.orm.exc import StaleDataError

from . import changes, hanging, scope, undo
from .attachments import Attachment
from .changes import Batch, Change
from .describe import describe
from .entity import Owned, by_name, entities
from .rules import RuleError
from .scope import Collaborator
from .words import _

CAP = 10_001  # more are told as 10,000+
DELETED = Change.verb == literal_column("'delete'")  # the very words of the index ix_change_deleted
EVERYTHING = {"with_trash": True, "everyone": True}


@dataclass
class Outcome:
    """What became of the chosen rows by an operation of this kind: their names; `left`: (name, why) of those that stayed; `since`:
    names of the restored ones that were changed while they lay in the trash; `digests` of files that went with removed rows."""

    kind: str = ""
    done: list[str] = field(default_factory=list)
    left: list[tuple[str, str]] = field(default_factory=list)
    since: list[str] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)


def name_of(model) -> str:
    """The name of an entity's rights and address."""
    return model.__tablename__.replace("_", "")


def kinds(who) -> list[type]:
    """The entities whose deleted rows a person may look through: those he may read, and files; parts lie within their whole."""
    hidden = {"collaborator", "parameter"}  # live on the pages of other records
    found = [m for m in entities() if m.soft_delete and m.audited and not getattr(m, "part_of", None) and m.__tablename__ not in hidden]
    return [m for m in found if who is None or m is Attachment or who.may(name_of(m), "read")]


def _texts(model, who):
    known = [f for f in describe(model).values() if f.kind in ("text", "number") and f.column is not None]
    return [f for f in known if not (who and f.hidden_from(who))]


def _lying(model, who, q):
    """The clause "this change deleted a row of the model that lies in the trash, that the person sees and that has this text"."""
    c = model.__table__.c
    clauses = [c.id == Change.row_id, c.deleted_at.is_not(None)]
    if issubclass(model, Owned):
        clauses.append(scope.visible(model, who, columns=c))
    if q:
        clauses.append(or_(false(), *(c[f.column.name].contains(q, autoescape=True) for f in _texts(model, who))))
    found = (Change.entity == model.__tablename__) & exists(select(literal_column("1")).select_from(model.__table__).where(*clauses))
    if model is Attachment and who is not None and who.reach is not None:
        found &= Change.actor_id == who.id  # whose record it was on is not known by it alone
    return found


def found(who, models, q: str = ""):
    """SELECT of the changes by which the rows in the trash came there, unordered."""
    later = aliased(Change)
    again = exists().where(later.entity == Change.entity, later.row_id == Change.row_id, later.id > Change.id, later.verb == "delete")
    return select(Change).where(DELETED, ~again, or_(false(), *(_lying(m, who, q) for m in models)))


def count(session, wanted) -> int:
    """How many a statement of `found` has, CAP at most."""
    return session.scalar(select(func.count()).select_from(wanted.with_only_columns(Change.id).limit(CAP).subquery()))


def rows_of(session, picked) -> dict:
    """(entity, id) -> the row of each change; one statement an entity."""
    told: dict = {}
    for name in {c.entity for c in picked}:
        model = by_name(name)
        wanted = select(model).where(model.id.in_({c.row_id for c in picked if c.entity == name}))
        told |= {(name, r.id): r for r in session.scalars(wanted.execution_options(**EVERYTHING)).unique()}
    return told


# ---- restored ---------------------------------------------------------------------------------------------------
def may_restore(session, change, row, who) -> bool:
    """Who deleted it himself, or holds the right; he must be allowed to delete such records and to change this one."""
    if who is None:
        return True
    named = change.entity.replace("_", "")
    if isinstance(row, Attachment):
        named, row = row.entity.replace("_", ""), session.get(by_name(row.entity), row.row_id)
    its_own = change.actor_id == who.id or who.may("trash", "restore")
    verb = "edit" if change.entity == "attachment" else "delete"
    return bool(its_own and row is not None and who.may(named, verb) and scope.may_edit(session, row, who))


def _above(session, row) -> list:
    """The records without which a row cannot be: what its required references lead to."""
    if isinstance(row, Attachment):
        return [session.get(by_name(row.entity), row.row_id, execution_options=EVERYTHING)]
    tables = {m.__table__: m for m in entities()}
    keys = [(tables.get(next(iter(c.foreign_keys)).column.table), getattr(row, c.key, None))
            for c in row.__table__.columns if c.foreign_keys and not c.nullable]
    return [session.get(model, key, execution_options=EVERYTHING) for model, key in keys if model is not None and key]


def _origin(session, change) -> str:
    """The kind of operation that deleted a row; behind an undo of an undo the first one."""
    batch = session.get(Batch, change.batch_id)
    while batch is not None and batch.undoes_id:
        batch = session.get(Batch, batch.undoes_id)
    return batch.kind if batch is not None else ""


def _restore(session, change, row, outcome, who) -> None:
    if not may_restore(session, change, row, who):
        raise RuleError(_("Only who deleted it, or who may restore for others, restores it."))
    if _origin(session, change) in undo.TOGETHER:
        raise RuleError(_("It went into another record when they were merged; undo that operation instead."))
    for above in _above(session, row):
        if above is None or getattr(above, "deleted_at", None):
            raise RuleError(_("“%(name)s” lies in the trash too; restore that first.", name=above if above is not None else "?"))
    if row.version == change.version:
        for name, old in change.old.items():
            changes.put_back(row, name, old)
    else:
        outcome.since.append(str(row))
        row.deleted_at = None


def restore(session, picked, who) -> Outcome:
    """Take rows out of the trash as one operation; those that cannot come back stay, with the reason. Flushed, not committed."""
    order = sorted(picked, key=lambda c: -c.id)  # a record goes after what hangs on it, so it comes back before
    session.info["restoring"] = True
    try:
        return _each(session, order, "restore", lambda change, row, outcome: _restore(session, change, row, outcome, who))
    finally:
        session.info.pop("restoring", None)


# ---- removed for good -------------------------------------------------------------------------------------------
def _remove(session, row, outcome, titles) -> None:
    if held := hanging.pointing(session, row):
        what = "、".join(_("%(n)d × %(what)s", n=n, what=titles.get(model.__tablename__, model.__name__)) for model, n in held)
        raise RuleError(_("%(what)s still lead to it, in the trash or not.", what=what))
    for part in (m for m in entities() if getattr(m, "part_of", None) == row.__tablename__):
        column = getattr(part, f"{part.part_of}_id")
        for one in session.scalars(select(part).where(column == row.id).execution_options(**EVERYTHING)):
            session.delete(one)
    for model in (Attachment, Collaborator):
        wanted = select(model).where(model.entity == row.__tablename__, model.row_id == row.id)
        for one in session.scalars(wanted.execution_options(**EVERYTHING)):
            outcome.digests |= {one.digest} if model is Attachment else set()
            session.delete(one)
    outcome.digests |= {row.digest} if isinstance(row, Attachment) else set()
    session.flush()
    session.delete(row)


def remove(session, picked, titles: dict) -> Outcome:
    """Remove rows of the trash for good, parts and files along; there is no way back. What other records lead to stays. `titles`:
    table -> what its records are called. Flushed, not committed; the caller forgets the files once that is done."""
    session.info["purge"] = True
    try:
        return _each(session, sorted(picked, key=lambda c: c.id), "purge", lambda _c, row, outcome: _remove(session, row, outcome, titles))
    finally:
        session.info.pop("purge", None)


def _each(session, picked, kind, do) -> Outcome:
    """Do something with each row behind a savepoint, in one operation."""
    outcome, rows = Outcome(kind), rows_of(session, picked)
    names = {key: str(row) for key, row in rows.items()}
    only = {c.entity for c in picked}
    with changes.operation(session, kind, only.pop() if len(only) == 1 else "", changes.named(list(rows.values()))):
        changes.batch_id(session, kind, "", "")  # before the first savepoint: it must outlive a refusal
        for change in picked:
            row, name = rows.get((change.entity, change.row_id)), names.get((change.entity, change.row_id), f"#{change.row_id}")
            try:
                if row is None or row.deleted_at is None:
                    raise RuleError(_("It is not in the trash any more."))
                with session.begin_nested():
                    do(change, row, outcome)
                    session.flush()
                outcome.done.append(name)
            except RuleError as no:
                outcome.left.append((name, str(no)))
            except (IntegrityError, StaleDataError):
                outcome.left.append((name, _("Other records stand in its way by now.")))
    return outcome


"""Taking operations back: a batch's changes are undone from the last to the first.

An added row is removed for good, an edited one gets its old values, a deleted one is restored, one that an undo removed is
made again. Left alone and listed:
a row that changed since, a part of a document that changed since, and an added row on which something hangs by now.
"""
from sqlalchemy import exists, select, update
from sqlalchemy.orm import aliased

from . import actor, changes, clock, entity, hanging, numbering
from .changes import Batch, Change
from .rules import RuleError
from .words import _

PAGE = 500
TOGETHER: set[str] = set()  # kinds of operations whose rows come back only together, by the undo of the whole
FOREVER = {"purge"}  # kinds of operations without a way back
FINAL: set[tuple[str, str]] = set()  # (entity, kind) of operations with a way back of their own (an approval is withdrawn or released)


def _row(session, model, row_id):
    return session.scalars(select(model).where(model.id == row_id).execution_options(with_trash=True, everyone=True)).first()


def _wholes(row) -> list[tuple[str, int]]:
    """(table, id) of the records that a row is a part of, or is undone with (`undo_with`: names of foreign keys)."""
    names = [*getattr(row, "undo_with", ()), *([f"{row.part_of}_id"] if getattr(row, "part_of", None) else [])]
    columns = row.__table__.c
    return [(next(iter(columns[n].foreign_keys)).column.table.name, getattr(row, n)) for n in names if getattr(row, n)]


def _later(session, page, rows) -> dict:
    """(entity, id) -> [(change id, operation, the one that it takes back)], newest first, of what changed the rows of a page of changes,
    and the records that they are parts of, after its first change; this very undoing aside. One statement an entity."""
    own, first = (page[0].batch_id, session.info.get("batch", 0)), min(change.id for change in page)
    asked, found = {}, {}
    removed = (as_it_was(change) for change in page if change.verb == "purge")
    for table, key in {*rows, *(whole for row in (*rows.values(), *removed) for whole in _wholes(row))}:
        asked.setdefault(table, set()).add(key)
    for table, keys in asked.items():
        wanted = select(Change.row_id, Change.id, Batch.id, Batch.undoes_id).join(Batch, Batch.id == Change.batch_id).where(
            Change.entity == table, Change.row_id.in_(keys), Change.id > first, Batch.id.not_in(own))
        for row_id, *later in session.execute(wanted.order_by(Batch.id.desc(), Change.id.desc())):
            found.setdefault((table, row_id), []).append(tuple(later))
    return found


def _since(later, change, key) -> dict[int, int | None]:
    """{operation: the one that it takes back} of those that changed a record after a change; newest first."""
    return {batch_id: undoes_id for change_id, batch_id, undoes_id in later.get(key, ()) if change_id > change.id}


def _stand(known) -> bool:
    """Whether one of these operations was not taken back by another of them that stands."""
    back: set[int] = set()
    for batch_id, undoes_id in known.items():
        if batch_id not in back:
            if undoes_id not in known:
                return True
            back.add(undoes_id)
    return False


def _changed_since(later, change, row) -> bool:
    """Whether a row is not as a change left it; a change without a log is one as well."""
    if row.version == change.version:
        return False
    known = _since(later, change, (change.entity, change.row_id))
    return not known or _stand(known)


def _moved_on(later, change, row) -> bool:
    """Whether the whole that a row belongs to was changed by a later operation (other than by this very undoing)."""
    return any(_stand(_since(later, change, key)) for key in _wholes(row))


def _rows(session, page) -> dict:
    """(entity, id) -> the row, living or in the trash, of a page of changes; one statement an entity."""
    found: dict = {}
    for name in {c.entity for c in page}:
        model = entity.by_name(name)
        wanted = select(model).where(model.id.in_({c.row_id for c in page if c.entity == name}))
        found |= {(name, r.id): r for r in session.scalars(wanted.execution_options(with_trash=True, everyone=True)).unique()}
    return found


def _take_back(session, change, seen, rows, later) -> bool:
    """Undo one change; False when the row or its whole was changed since."""
    key = (change.entity, change.row_id)
    row = rows.get(key)
    if change.verb == "purge":
        if row is None:
            rows[key] = _made_again(session, change)
            seen.add(key)
        return row is None
    if row is None or (key not in seen and _changed_since(later, change, row)) or _moved_on(later, change, row):
        return False
    seen.add(key)
    if change.verb == "add":
        session.delete(row)
    else:
        for name, old in change.old.items():
            changes.put_back(row, name, old)
    return True


def as_it_was(change):
    """A row with the values that it had when it was removed; not in any session."""
    row = entity.by_name(change.entity)(id=change.row_id)
    for name, old in change.old.items():
        if name not in ("id", "version"):
            changes.put_back(row, name, old)
    return row


def _made_again(session, change):
    """The row that an undo removed, there again with its id, number and all its values."""
    row = as_it_was(change)
    session.add(row)
    return row


def left_alone(session, batch) -> list[tuple[str, int]]:
    """(entity, id) of at most 200 rows that the undo of an operation did not touch, because they had changed since."""
    back, undone = aliased(Change), aliased(Batch)
    touched = exists().where(undone.undoes_id == batch.id, back.batch_id == undone.id, back.entity == Change.entity,
                             back.row_id == Change.row_id)
    wanted = select(Change.entity, Change.row_id).where(Change.batch_id == batch.id, ~touched).distinct().limit(200)
    return [tuple(row) for row in session.execute(wanted)] if batch.undone_at else []


def is_final(entity: str, kind: str) -> bool:
    """Whether an operation has no way back here."""
    return kind in FOREVER or (entity, kind) in FINAL


def may_take_back(batch: Batch, who) -> bool:
    """One's own operations; the administrator's right 'batch.undo' covers everybody's; not those with a way back of their own."""
    return not is_final(batch.entity, batch.kind) and (who is None or batch.actor_id == who.id or who.may("batch", "undo"))


def take_back(session, batch_id: int, progress=None) -> list[tuple[str, int]]:
    """Undo a batch inside the session's transaction; returns (entity, id) of the rows that were left alone.

    Raises RuleError when it was taken back before, belongs to somebody else, or every row would be left alone.
    """
    batch = session.get(Batch, batch_id)
    if batch is not None and batch.kind in FOREVER:
        raise RuleError(_("What was removed for good does not come back."))
    if batch is not None and (batch.entity, batch.kind) in FINAL:
        raise RuleError(_("An approval is not undone here: withdraw it or take it back on the document."))
    if batch is None or not may_take_back(batch, actor.current()):
        raise RuleError(_("This operation is not yours to take back."))
    if batch.undone_at:
        raise RuleError(_("This operation was taken back already."))
    conflicts, seen, models, last, total = [], set(), set(), None, 0
    session.info["purge"] = session.info["restoring"] = True
    try:
        with changes.operation(session, "undo", batch.entity, batch.label, undoes_id=batch.id):
            while page := _page(session, batch_id, last):
                conflicts += _page_back(session, page, seen, models)
                last, total = page[-1].id, total + len(page)
                session.flush()
                if progress:
                    progress(len(page))
    finally:
        session.info.pop("purge", None), session.info.pop("restoring", None)
    if conflicts and len(conflicts) == total:
        raise RuleError(_("Nothing was taken back: changed since, or other records hang on it: %(names)s. The operation can still be "
                          "taken back when that is out of the way.", names=_named(session, conflicts)))
    for name in models:
        numbering.give_back(session, entity.by_name(name))
    session.execute(update(Batch).where(Batch.id == batch_id).values(undone_at=clock.now()))
    return conflicts


def _named(session, keys) -> str:
    """Some rows in one short label, by name where the person sees them."""
    found = list(dict.fromkeys(reversed(keys)))
    for n, (name, key) in enumerate(found[:3]):
        model = entity.by_name(name)
        seen = session.scalars(select(model).where(model.id == key).execution_options(with_trash=True)).unique().first()
        found[n] = str(seen or f"#{key}")
    return changes.named(found)


def _page_back(session, page, seen, models) -> list[tuple[str, int]]:
    """Undo a page of changes, each entity's run flushed before the next one's; returns the rows left alone, adds to `models` whose
    rows were removed."""
    kept, rows, left = _kept(session, page), _rows(session, page), []
    later = _later(session, page, rows)
    for change, before in zip(page, [page[0], *page], strict=False):
        if change.entity != before.entity:
            session.flush()
        with session.no_autoflush:  # a flush a row would take longer with each row
            done = (change.entity, change.row_id) not in kept and _take_back(session, change, seen, rows, later)
        if not done:
            left.append((change.entity, change.row_id))
        elif change.verb == "add":
            models.add(change.entity)
    return left


def _kept(session, page) -> set[tuple[str, int]]:
    """The rows added by a page of changes that cannot go: rows of other operations point to them."""
    added: dict[str, set[int]] = {}
    for change in page:
        if change.verb == "add":
            added.setdefault(change.entity, set()).add(change.row_id)
    found = {(name, i) for name, ids in added.items() for i in hanging.held(session, entity.by_name(name), ids, page[0].batch_id)}
    parts = {c.entity for c in page if (m := entity.by_name(c.entity)) and (getattr(m, "part_of", None) or getattr(m, "undo_with", None))}
    return found | _parts_of(session, found, parts, page)


def _parts_of(session, kept, parts, page) -> set[tuple[str, int]]:
    """What belongs to a kept row stays with it."""
    rows = [(c, _row(session, entity.by_name(c.entity), c.row_id)) for c in page if c.entity in parts] if kept else []
    return {(c.entity, c.row_id) for c, row in rows if row is not None and kept & set(_wholes(row))}


def _page(session, batch_id, last):
    wanted = select(Change).where(Change.batch_id == batch_id).order_by(Change.id.desc()).limit(PAGE)
    return session.scalars(wanted.where(Change.id < last) if last else wanted).all()

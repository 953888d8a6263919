"""Taking operations back: a batch's changes are undone from the last to the first.

An added row is removed for good, an edited one gets its old values, a deleted one is restored. A row that changed
since is left alone and listed.
"""
from sqlalchemy import select, update

from . import actor, changes, clock, entity, numbering
from .changes import Batch, Change
from .rules import RuleError
from .words import _

PAGE = 500


def _row(session, model, row_id):
    return session.scalars(select(model).where(model.id == row_id).execution_options(with_trash=True, everyone=True)).first()


def _take_back(session, change, seen) -> bool:
    """Undo one change; False when the row was changed since."""
    model = entity.by_name(change.entity)
    row = _row(session, model, change.row_id)
    key = (change.entity, change.row_id)
    if row is None or (key not in seen and row.version != change.version):
        return False
    seen.add(key)
    if change.verb == "add":
        session.delete(row)
    else:
        for name, old in change.old.items():
            setattr(row, name, changes.from_json(model.__table__.c[name], old))
    return True


def may_take_back(batch: Batch, who) -> bool:
    """One's own operations; the administrator's right 'batch.undo' covers everybody's."""
    return who is None or batch.actor_id == who.id or who.may("batch", "undo")


def take_back(session, batch_id: int, progress=None) -> list[tuple[str, int]]:
    """Undo a batch inside the session's transaction; returns (entity, id) of the rows that changed since.

    Raises RuleError when it was taken back before or belongs to somebody else.
    """
    batch = session.get(Batch, batch_id)
    if batch is None or not may_take_back(batch, actor.current()):
        raise RuleError(_("This operation is not yours to take back."))
    if batch.undone_at:
        raise RuleError(_("This operation was taken back already."))
    conflicts, seen, models, last = [], set(), set(), None
    session.info["purge"] = session.info["restoring"] = True
    try:
        with changes.operation(session, "undo", batch.entity, batch.label, undoes_id=batch.id):
            while page := _page(session, batch_id, last):
                for change in page:
                    if not _take_back(session, change, seen):
                        conflicts.append((change.entity, change.row_id))
                    elif change.verb == "add":
                        models.add(change.entity)
                last = page[-1].id
                session.flush()
                if progress:
                    progress(len(page))
    finally:
        session.info.pop("purge", None), session.info.pop("restoring", None)
    for name in models:
        numbering.give_back(session, entity.by_name(name))
    session.execute(update(Batch).where(Batch.id == batch_id).values(undone_at=clock.now()))
    return conflicts


def _page(session, batch_id, last):
    wanted = select(Change).where(Change.batch_id == batch_id).order_by(Change.id.desc()).limit(PAGE)
    return session.scalars(wanted.where(Change.id < last) if last else wanted).all()

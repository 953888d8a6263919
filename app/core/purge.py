"""Purging the operation log: what is older than a day goes for good; what somebody may still want to take back stays."""
import datetime as dt

from sqlalchemy import and_, delete, exists, func, select

from . import clock, trash
from .changes import Batch, Change
from .rules import RuleError
from .words import _

UNDO_DAYS = 30  # as long as the undo center shows operations
CHUNK = 2000  # operations of one transaction


def _old(before: dt.date):
    """Operations from before a day, and their changes but for those that tell what lies in the trash."""
    if before > clock.today() - dt.timedelta(UNDO_DAYS):
        raise RuleError(_("Operations of the last %(n)d days can still be taken back; choose an earlier day.", n=UNDO_DAYS))
    return Batch.at < clock.day_start(before)


def _going(*clauses):
    lying = trash.found(None, trash.kinds(None)).with_only_columns(Change.id).correlate(None)
    return and_(Change.batch_id.in_(select(Batch.id).where(*clauses)), Change.id.not_in(lying))


def figure(session, before: dt.date) -> int:
    """How many changed rows the log would forget."""
    return session.scalar(select(func.count()).select_from(Change).where(_going(_old(before)))) or 0


def purge(session, before: dt.date):
    """Forget them, some operations at a time: yields how many changed rows went, for the caller to commit."""
    old, last = _old(before), 0
    while ids := session.scalars(select(Batch.id).where(old, Batch.id > last).order_by(Batch.id).limit(CHUNK)).all():
        these = (old, Batch.id > last, Batch.id <= ids[-1])
        gone = session.execute(delete(Change).where(_going(*these)).execution_options(synchronize_session=False)).rowcount
        left = exists().where(Change.batch_id == Batch.id)
        session.execute(delete(Batch).where(*these, ~left).execution_options(synchronize_session=False))
        last = ids[-1]
        yield gone

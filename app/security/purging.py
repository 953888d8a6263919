"""`crm purge`: the only way that a log grows shorter; what was purged, by whom and how much stands in the log itself."""
import datetime as dt

from sqlalchemy import delete, func, select

from app.core import clock, purge

from . import rules
from .models import SecurityEvent

DATA, KEPT = ("export", "import"), ("purge",)  # results of the export log; of no log that may be purged
KINDS = {"operations": "operation log", "logins": "login log", "exports": "export and import log"}


def _events(kind: str, before: dt.date):
    result = SecurityEvent.result
    of_kind = result.in_(DATA) if kind == "exports" else result.not_in((*DATA, *KEPT))
    return of_kind, SecurityEvent.at < clock.day_start(before)


def figure(session, kind: str, before: dt.date) -> int:
    """How many lines of a log are older than a day. RuleError for operations that can still be taken back."""
    if kind == "operations":
        return purge.figure(session, before)
    return session.scalar(select(func.count()).select_from(SecurityEvent).where(*_events(kind, before))) or 0


def run(session, kind: str, before: dt.date) -> int:
    """Purge a log, in transactions of a bearable size; the last one writes what was done. Commits. Returns how many lines went."""
    gone = 0
    if kind == "operations":
        for part in purge.purge(session, before):
            gone += part
            session.commit()
    else:
        gone = session.execute(delete(SecurityEvent).where(*_events(kind, before)).execution_options(synchronize_session=False)).rowcount
    rules.log(session, "purge", detail=f"{kind} before {before}: {gone}")
    session.commit()
    return gone

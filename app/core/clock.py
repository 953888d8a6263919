"""One clock: moments are naive UTC in the database and the office's zone on screen; days are the office's."""
import datetime as dt
from contextlib import contextmanager
from contextvars import ContextVar
from zoneinfo import ZoneInfo

_zone = ZoneInfo("Asia/Shanghai")
_frozen: ContextVar[dt.datetime | None] = ContextVar("frozen", default=None)


def set_zone(name: str) -> None:
    """Set the office's time zone (an IANA name); raises ZoneInfoNotFoundError for an unknown one."""
    global _zone
    _zone = ZoneInfo(name)


def now() -> dt.datetime:
    """This moment, naive UTC, to the second."""
    return _frozen.get() or dt.datetime.now(dt.timezone.utc).replace(tzinfo=None, microsecond=0)


def today() -> dt.date:
    """The office's calendar day."""
    return to_office(now()).date()


def zoned(moment: dt.datetime) -> dt.datetime:
    """Naive UTC to the office's time with its offset, for what leaves the house."""
    return moment.replace(tzinfo=dt.timezone.utc).astimezone(_zone)


def to_office(moment: dt.datetime) -> dt.datetime:
    """Naive UTC to naive office time."""
    return moment.replace(tzinfo=dt.timezone.utc).astimezone(_zone).replace(tzinfo=None)


def to_utc(local: dt.datetime) -> dt.datetime:
    """Naive office time to naive UTC."""
    return local.replace(tzinfo=_zone).astimezone(dt.timezone.utc).replace(tzinfo=None)


def day_start(day: dt.date) -> dt.datetime:
    """The office day's first moment, naive UTC; a day is [day_start(d), day_start(d + 1))."""
    return to_utc(dt.datetime.combine(day, dt.time.min))


@contextmanager
def frozen(moment: dt.datetime):
    """Hold the clock at a naive UTC moment."""
    token = _frozen.set(moment)
    try:
        yield
    finally:
        _frozen.reset(token)

"""Working days of the office: the State Council's yearly arrangement (法定节假日 and 调休) as lunar_python keeps it; for a year not
arranged yet the public holidays by law (全国年节及纪念日放假办法, 2024) without moved days; the administrator's table wins over both."""
import datetime as dt
from functools import lru_cache

from lunar_python import Lunar, LunarYear, Solar
from lunar_python.util import HolidayUtil
from sqlalchemy import extract, select

from . import fields, memo
from .choices import fixed
from .entity import Entity
from .words import _l

fixed("office_day", [("off", _l("Day off"), "red"), ("work", _l("Working day"), "blue")])
BY_LAW = [  # (lunar?, month, first day, how many days, name)
    (False, 1, 1, 1, "元旦"), (True, 1, 1, 3, "春节"), (False, 5, 1, 2, "劳动节"), (True, 5, 5, 1, "端午节"), (True, 8, 15, 1, "中秋节"),
    (False, 10, 1, 3, "国庆节")]
LunarYear.fromYear = lru_cache(64)(LunarYear)  # the library keeps one year only: at a turn of years it computed each anew


class OfficeDay(Entity):
    """A day that the office works or rests otherwise than the calendar says; kept by the administrator."""

    memo = "days"
    day = fields.date(_l("Date"), required=True, unique=True, index=True)
    kind = fields.choice(_l("Kind of day"), "office_day", required=True, default="off")
    name = fields.text(_l("Occasion"), 40)

    def __repr__(self) -> str:
        return f"{self.day} {self.name or ''}".strip()


def _solar(lunar: bool, year: int, month: int, day: int) -> dt.date:
    if not lunar:
        return dt.date(year, month, day)
    found = Lunar.fromYmd(year, month, day).getSolar()
    return dt.date(found.getYear(), found.getMonth(), found.getDay())


def by_law(year: int) -> dict[dt.date, tuple[bool, str]]:
    """The public holidays of a year by law: day -> (False, name)."""
    found = {_solar(lunar, year, month, first) + dt.timedelta(n): (False, name)
             for lunar, month, first, days, name in BY_LAW for n in range(days)}
    found[_solar(True, year, 1, 1) - dt.timedelta(1)] = (False, "除夕")
    tomb = Lunar.fromYmd(year, 1, 1).getJieQiTable()["清明"]
    found[dt.date(tomb.getYear(), tomb.getMonth(), tomb.getDay())] = (False, "清明节")
    return found


def arranged(year: int) -> dict[dt.date, tuple[bool, str]]:
    """The published arrangement of a year, {} when there is none yet: day -> (works, name)."""
    return {dt.date.fromisoformat(h.getDay()): (h.isWork(), h.getName()) for h in HolidayUtil.getHolidays(year) or ()}


def special(session, year: int) -> dict[dt.date, tuple[bool, str]]:
    """The days of a year that are not what their weekday says: day -> (works, name)."""
    def load():
        kept = session.execute(select(OfficeDay.day, OfficeDay.kind, OfficeDay.name).where(extract("year", OfficeDay.day) == year)).all()
        return (arranged(year) or by_law(year)) | {day: (kind == "work", name or "") for day, kind, name in kept}
    return memo.recall(session, "days", year, load)


def is_workday(session, day: dt.date) -> bool:
    """Whether the office works on a day."""
    found = special(session, day.year).get(day)
    return found[0] if found else day.weekday() < 5


def count(session, first: dt.date, last: dt.date) -> int:
    """How many working days there are from `first` to `last`, both included."""
    return sum(is_workday(session, first + dt.timedelta(n)) for n in range((last - first).days + 1))


def shift(session, day: dt.date, n: int) -> dt.date:
    """The n-th working day after a day (before it when n is negative)."""
    step = dt.timedelta(1 if n > 0 else -1)
    while n:
        day += step
        if is_workday(session, day):
            n -= step.days
    return day


def lunar(day: dt.date) -> Lunar:
    """The day in the Chinese calendar (农历)."""
    return Solar.fromYmd(day.year, day.month, day.day).getLunar()


@lru_cache(4096)
def lunar_label(day: dt.date) -> str:
    """What a calendar's cell says: the festival, the solar term, 冬月 on a month's first day, else 初二 … 三十."""
    found = lunar(day)
    festival = next(iter(found.getFestivals()), "") or found.getJieQi()
    return festival or (f"{found.getMonthInChinese()}月" if found.getDay() == 1 else found.getDayInChinese())

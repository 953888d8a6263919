"""Working days: the published arrangement, the law beyond it, the administrator's table over both (调休)."""
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import workdays
from app.core.rules import RuleError
from app.core.workdays import OfficeDay
from app.settings import rules

D = dt.date


def test_the_published_year_knows_moved_days(session):
    """2026 by the State Council's notice: rest on a Monday, work on a Sunday."""
    rests = [D(2026, 1, 2), D(2026, 2, 16), D(2026, 2, 23), D(2026, 4, 6), D(2026, 5, 5), D(2026, 6, 19), D(2026, 9, 25), D(2026, 10, 7)]
    works = [D(2026, 1, 4), D(2026, 2, 14), D(2026, 2, 28), D(2026, 5, 9), D(2026, 9, 20), D(2026, 10, 10)]
    assert not any(workdays.is_workday(session, day) for day in rests) and all(workdays.is_workday(session, day) for day in works)
    assert workdays.count(session, D(2026, 1, 1), D(2026, 12, 31)) == 248, "365 days less 104 weekend days, 19 weekdays off, plus 6 weekend days worked"


def test_a_year_that_is_not_published_yet_has_the_holidays_of_the_law(session):
    assert not workdays.arranged(2028)
    found = {day for day, (works, _name) in workdays.special(session, 2028).items() if not works}
    assert found == {D(2028, 1, 1), D(2028, 1, 25), D(2028, 1, 26), D(2028, 1, 27), D(2028, 1, 28), D(2028, 4, 4), D(2028, 5, 1), D(2028, 5, 2),
                     D(2028, 5, 28), D(2028, 10, 1), D(2028, 10, 2), D(2028, 10, 3)}, "中秋 of 2028 falls on 3 October"


def test_the_administrators_table_wins_and_works_at_once(session):
    assert workdays.is_workday(session, D(2027, 2, 10)) and not workdays.is_workday(session, D(2027, 2, 14))
    rules.paste_days(session, "2027-02-05~2027-02-11 休 春节\n2027年2月14日\t班\t春节调休")
    session.commit()
    assert not workdays.is_workday(session, D(2027, 2, 10)) and workdays.is_workday(session, D(2027, 2, 14))
    assert workdays.shift(session, D(2027, 2, 4), 1) == D(2027, 2, 12) and workdays.shift(session, D(2027, 2, 12), -1) == D(2027, 2, 4)
    rules.paste_days(session, "2027/2/14 休 不调了")
    session.commit()
    assert session.scalar(select(func.count(OfficeDay.id))) == 8, "a day stands once"
    assert workdays.special(session, 2027)[D(2027, 2, 14)] == (False, "不调了")


@pytest.mark.parametrize("text", ["", "春节放假七天", "2027-02-30 休", "2027-02-05 歇", "2027-02-05~2027-06-11 休", "2027-02-11~2027-02-05 休"])
def test_what_is_not_understood_is_named_and_nothing_is_written(session, text):
    with pytest.raises(RuleError):
        rules.paste_days(session, "2027-02-01 休\n" + text if text else text)
    session.rollback()
    assert session.scalar(select(func.count(OfficeDay.id))) == 0


def test_only_the_administrator_changes_the_offices_days(login, session):
    assert login("li").post("/officeday/paste", data={"text": "2027-02-05 休"}).status_code == 403
    admin = login("admin")
    page = admin.get("/officeday/paste").text
    assert "国务院办公厅" in page and "仅为法定节假日" in page
    assert admin.post("/officeday/paste", data={"text": "2027-02-05 休 春节"}).status_code == 302
    assert admin.post("/officeday/add", data={"day": "2027-02-05", "kind": "work"}).status_code == 200, "twice"
    assert session.scalars(select(OfficeDay)).one().name == "春节"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=st.dates(D(2024, 1, 1), D(2030, 12, 31)), n=st.integers(1, 30))
def test_going_on_and_back_by_working_days_meets_again(session, day, n):
    there = workdays.shift(session, day, n)
    assert workdays.is_workday(session, there) and workdays.count(session, day + dt.timedelta(1), there) == n
    if workdays.is_workday(session, day):
        assert workdays.shift(session, there, -n) == day


def test_the_lunar_day_as_a_calendar_shows_it():
    assert [workdays.lunar_label(D(2026, 2, d)) for d in (15, 16, 17, 19)] == ["廿八", "除夕", "春节", "初三"]
    assert workdays.lunar_label(D(2026, 12, 22)) == "冬至" and workdays.lunar_label(D(2025, 7, 25)) == "闰六月"

"""What a running or finished period is compared with."""
import datetime as dt

import pytest

from app.core import periods

DAY = dt.date.fromisoformat


@pytest.mark.parametrize(("key", "today", "first", "last"), [
    ("this_month", "2026-12-01", "2026-11-01", "2026-11-01"), ("this_month", "2026-12-31", "2026-11-01", "2026-11-30"),
    ("this_month", "2026-11-30", "2026-10-01", "2026-10-30"), ("this_month", "2026-03-31", "2026-02-01", "2026-02-28"),
    ("this_month", "2028-03-30", "2028-02-01", "2028-02-29"), ("this_month", "2026-01-15", "2025-12-01", "2025-12-15"),
    ("this_quarter", "2026-10-01", "2026-07-01", "2026-07-01"), ("this_quarter", "2026-05-31", "2026-01-01", "2026-02-28"),
    ("this_quarter", "2028-05-31", "2028-01-01", "2028-02-29"), ("this_quarter", "2026-12-31", "2026-07-01", "2026-09-30"),
    ("this_quarter", "2026-02-10", "2025-10-01", "2025-11-10"), ("this_year", "2028-02-29", "2027-01-01", "2027-02-28"),
    ("this_year", "2029-02-28", "2028-01-01", "2028-02-28"), ("this_year", "2026-12-31", "2025-01-01", "2025-12-31"),
    ("this_week", "2026-11-30", "2026-11-23", "2026-11-23"), ("this_week", "2026-12-06", "2026-11-23", "2026-11-29"),
    ("this_week", "2027-01-01", "2026-12-21", "2026-12-25"),
    # what is over is compared whole
    ("last_month", "2026-12-01", "2026-10-01", "2026-10-31"), ("last_month", "2028-04-30", "2028-02-01", "2028-02-29"),
    ("last_quarter", "2026-05-31", "2025-10-01", "2025-12-31"), ("last_year", "2028-02-29", "2026-01-01", "2026-12-31"),
    ("last_week", "2026-12-02", "2026-11-16", "2026-11-22")])
def test_a_running_period_is_compared_with_the_same_days_and_a_finished_one_whole(key, today, first, last):
    assert periods.compared(key, DAY(today)) == (DAY(first), DAY(last))


def test_only_weeks_months_quarters_and_years_are_compared():
    for key in ("today", "past_7", "next_month", "2026-01-01~2026-01-31"):
        with pytest.raises(KeyError):
            periods.compared(key)

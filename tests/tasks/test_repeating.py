"""Repeating tasks: the rule, its exceptions, the three scopes of a change, undo (product.md 4.2)."""
import datetime as dt

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import changes, clock, undo, workdays
from app.core.rules import RuleError
from app.tasks import repeating, rules
from app.tasks.models import Task
from tests.tasks.test_tasks import typed

D = dt.date
MONDAY = D(2026, 11, 2)


@pytest.fixture
def repeat(session, people):
    """`repeat("weekly", repeat_on="1,3")`: a task of 李's from Monday 2026-11-02 09:00 to 10:00 on."""
    def make(rule, start=dt.datetime(2026, 11, 2, 9), minutes=60, count=None, **over):
        begin = clock.to_utc(start)
        task = Task(**{"kind": "task", "title": "周会", "state": "open", "starts_at": begin, "ends_at": begin + dt.timedelta(minutes=minutes), "repeat": rule,
                       "owner_id": people["li"], "created_by_id": people["li"], **over})
        task.repeat_count = count
        rules.check_task(session, task)
        session.add(task)
        session.commit()
        return task
    return make


def open_days(session, task, last=D(2027, 12, 31)):
    return [day for _task, day in repeating.occurrences(session, [task], D(2020, 1, 1), last)]


def days(*texts):
    return [D(2026, *map(int, text.split("-"))) for text in texts]


def done(session):
    return session.scalar(select(func.count(Task.id)).where(Task.state == "done", Task.repeat.is_(None)))


@pytest.mark.parametrize("rule,more,first", [
    ("daily", {"repeat_every": 3}, days("11-2", "11-5", "11-8")),
    ("weekly", {"repeat_on": "1,3"}, days("11-2", "11-4", "11-9")),
    ("weekly", {"repeat_on": "2", "repeat_every": 2}, days("11-3", "11-17", "12-1")),
    ("weekly", {}, days("11-2", "11-9", "11-16")),
    ("monthly", {"start": dt.datetime(2026, 8, 31, 9)}, days("8-31", "9-30", "10-31")),
    ("yearly", {"start": dt.datetime(2024, 2, 29, 9)}, [D(2024, 2, 29), D(2025, 2, 28), D(2026, 2, 28), D(2027, 2, 28), D(2028, 2, 29)]),
    ("workdays", {"start": dt.datetime(2026, 9, 18, 9)}, days("9-18", "9-20", "9-21")),  # the 20th is a Sunday that is worked
    ("workdays", {"start": dt.datetime(2026, 9, 30, 9)}, days("9-30", "10-8", "10-9", "10-10", "10-12"))])
def test_rules_give_their_days(session, repeat, rule, more, first):
    task = repeat(rule, **more)
    found = [day for _task, day in repeating.occurrences(session, [task], D(2020, 1, 1), first[-1])]
    assert found == first


def test_a_number_of_times_becomes_the_last_day(session, repeat):
    task = repeat("monthly", start=dt.datetime(2026, 10, 31, 9), count=5)
    assert task.repeat_until == D(2027, 2, 28) and len(open_days(session, task)) == 5
    for bad in ({"count": 0}, {"count": 3, "repeat_until": D(2026, 12, 1)}, {"repeat_until": D(2026, 11, 1)}, {"repeat_every": 0}, {"state": "done"}):
        with pytest.raises(RuleError):
            repeat("weekly", **bad) if bad != {"repeat_every": 0} else repeat("weekly", repeat_every=400)
        session.rollback()


def test_each_occurrence_is_finished_by_itself(session, repeat, as_):
    task = repeat("weekly", count=4)
    with as_("li"):
        rules.finish(session, [task], on=D(2026, 11, 16))
        session.commit()
        assert open_days(session, task) == days("11-2", "11-9", "11-23") and repeating.current(task) == MONDAY
        rules.finish(session, [task])
        session.commit()
        assert repeating.current(task) == D(2026, 11, 9), "the row stands for the next open one"
        with pytest.raises(RuleError):
            rules.finish(session, [task], on=D(2026, 11, 16))
        rules.finish(session, [task])
        rules.finish(session, [task])
        session.commit()
        assert done(session) == 4 and task.state == "done" and open_days(session, task) == []
        assert {t.starts_at for t in session.scalars(select(Task).where(Task.series_id == task.id))} == {
            clock.to_utc(dt.datetime(2026, 11, d, 9)) for d in (2, 9, 16, 23)}


def test_undoing_an_earlier_finish_brings_just_that_occurrence_back(session, repeat, as_):
    task = repeat("daily", count=4)
    batches = []
    with as_("li"):
        for _n in range(3):
            with changes.operation(session, "finish", "task"):
                rules.finish(session, [task])
            session.commit()
            batches.append(session.info["last_batch"])
        assert open_days(session, task) == days("11-5")
        assert undo.take_back(session, batches[0]) == []
        session.commit()
        assert open_days(session, task) == days("11-2", "11-5") and repeating.current(task) == MONDAY and done(session) == 2
        undo.take_back(session, batches[2])
        session.commit()
    assert open_days(session, task) == days("11-2", "11-4", "11-5")


def test_left_out_deleted_and_moved_occurrences_do_not_come_back(session, repeat, as_):
    task = repeat("daily", count=5)
    with as_("li"):
        rules.skip(session, [task], on=D(2026, 11, 3))
        rules.put_off(session, [task], "day", D(2026, 12, 24), on=D(2026, 11, 4))
        session.commit()
        moved = session.scalars(select(Task).where(Task.series_id == task.id)).one()
        assert clock.to_office(moved.starts_at) == dt.datetime(2026, 12, 24, 9) and open_days(session, task) == days("11-2", "11-5", "11-6")
        rules.deleted(session, moved)
        session.delete(moved)
        session.commit()
        session.info["purge"] = True
        session.delete(session.scalars(select(Task).where(Task.id == moved.id).execution_options(with_trash=True)).one())
        session.commit()
        session.info.pop("purge")
        assert open_days(session, task) == days("11-2", "11-5", "11-6"), "also when the trash was emptied"
        rules.end(session, [task], on=D(2026, 11, 6))
        session.commit()
    assert open_days(session, task) == days("11-2", "11-5") and task.repeat_until == D(2026, 11, 5)


def edit(client, task, **over):
    """The edit form of a repeating task as a browser posts it."""
    body = typed(title=task.title, repeat=task.repeat, repeat_every=str(task.repeat_every), repeat_on=(task.repeat_on or "").split(","),
                 version=str(task.version), starts_at="2026-11-16 09:00", ends_at="2026-11-16 10:00", on="2026-11-16")
    body = {**body, **over}
    answer = client.post(f"/task/edit/{task.id}", data={k: v for k, v in body.items() if v != [""]})
    assert answer.status_code == 302, answer.text
    return int(answer.location.rsplit("/", 1)[1])


def test_a_change_for_this_one_only(session, repeat, login):
    task = repeat("weekly", count=4)
    client = login("li")
    assert 'value="2026-11-16 09:00"' in client.get(f"/task/edit/{task.id}?on=2026-11-16").text
    row = session.get(Task, edit(client, task, scope="this", title="改到下午", starts_at="2026-11-17 14:00", ends_at="2026-11-17 15:00"))
    session.expire_all()
    assert (row.title, row.occurs_on, row.repeat) == ("改到下午", D(2026, 11, 16), None)
    assert open_days(session, task) == days("11-2", "11-9", "11-23") and task.title == "周会"


def test_a_follow_up_finishes_the_occurrence_whose_page_it_began_at(session, repeat, login, make):
    task = repeat("weekly", count=4, customer_id=make.customer(owner="li").id)
    client, here = login("li"), f"/task/show/{task.id}?on=2026-11-16"
    assert f'/task/{task.id}/follow?on=2026-11-16&amp;back=%2Ftask%2Fshow%2F{task.id}%3Fon%3D2026-11-16' in client.get(here).text
    form = client.get(f"/task/{task.id}/follow?on=2026-11-16&back=%2Ftask%2Fshow%2F{task.id}%3Fon%3D2026-11-16").text
    assert f'action="/task/{task.id}/follow?on=2026-11-16' in form and f'value="{here}"' in form
    client.post(f"/task/{task.id}/follow?on=2026-11-16", data={
        "method": "call", "content": "说好了", "happened_at": "2026-11-16 10:00", "finish": "1", "back": here})
    assert open_days(session, task) == days("11-2", "11-9", "11-23")


def test_a_change_for_this_and_the_later_ones(session, repeat, login, as_):
    task = repeat("weekly", count=4)
    with as_("li"):
        rules.finish(session, [task], on=D(2026, 11, 23))
        session.commit()
    key = edit(login("li"), task, scope="later", title="新周会", starts_at="2026-11-16 15:00", ends_at="2026-11-16 16:00", repeat_until="2026-11-30")
    session.expire_all()
    row = session.get(Task, key)
    assert key != task.id and (task.title, row.title) == ("周会", "新周会")
    assert open_days(session, task) == days("11-2", "11-9") and open_days(session, row) == days("11-16", "11-30"), "the 23rd was done already"
    assert repeating.times(row, D(2026, 11, 30))["starts_at"] == clock.to_utc(dt.datetime(2026, 11, 30, 15))


def test_a_change_for_all_keeps_the_earlier_open_ones_and_the_31st(session, repeat, login):
    task = repeat("weekly", count=4)
    assert edit(login("li"), task, scope="all", title="都改", starts_at="2026-11-17 10:00", ends_at="2026-11-17 11:30", repeat_on=["2"],
                repeat_until="2026-12-31") == task.id
    session.expire_all()
    assert task.title == "都改" and open_days(session, task, D(2026, 11, 30)) == days("11-3", "11-10", "11-17", "11-24")
    last = repeat("monthly", start=dt.datetime(2026, 8, 31, 9))
    edit(login("li"), last, scope="all", starts_at="2026-09-30 10:00", ends_at="2026-09-30 11:00", on="2026-09-30", title="月底")
    session.expire_all()
    assert open_days(session, last, D(2026, 12, 31)) == days("8-31", "9-30", "10-31", "11-30", "12-31")


def test_a_plain_task_begins_and_stops_to_repeat(session, login, as_):
    client = login("li")
    client.post("/task/add", data=typed(repeat="weekly", repeat_on=["3", "5"], repeat_count="3", title="例会"))
    task = session.scalars(select(Task)).one()
    assert open_days(session, task) == days("11-25", "11-27", "12-2"), "begins on the first day of the rule"
    page = client.get(f"/task/show/{task.id}").text
    assert "每周" in page and "周三、周五" in page and "11-27" in page
    edit(client, task, scope="all", repeat="", repeat_on=[""], on="2026-11-25", starts_at="2026-11-25 09:00", ends_at="2026-11-25 18:00")
    session.expire_all()
    assert task.repeat is None and task.starts_at == clock.to_utc(dt.datetime(2026, 11, 25, 9))


def test_the_buttons_of_an_occurrence(session, repeat, login):
    task = repeat("daily", count=5)
    client = login("li")
    for key, on in (("finish", "2026-11-03"), ("skip", "2026-11-04"), ("end", "2026-11-06")):
        assert client.post(f"/task/row/{task.id}/{key}", data={"on": on}).status_code == 302
    session.expire_all()
    assert open_days(session, task) == days("11-2", "11-5") and done(session) == 1
    assert client.post(f"/task/row/{task.id}/finish", data={"on": "zzz"}).status_code == 400
    assert login("wang").post(f"/task/row/{task.id}/finish", data={"on": "2026-11-05"}).status_code == 404


RULES = st.fixed_dictionaries({
    "rule": st.sampled_from(["daily", "workdays", "weekly", "monthly", "yearly"]), "repeat_every": st.integers(1, 5),
    "repeat_on": st.sampled_from([None, "1", "2,4", "6,7", "1,2,3,4,5"]), "count": st.integers(1, 8),
    "start": st.datetimes(dt.datetime(2024, 1, 1), dt.datetime(2028, 12, 31)).map(lambda t: t.replace(second=0, microsecond=0))})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=RULES, presses=st.lists(st.tuples(st.sampled_from(["finish", "skip", "move", "undo"]), st.integers(0, 7)), max_size=6))
def test_whatever_is_done_every_occurrence_is_there_once(session, repeat, as_, said, presses):
    """Open, finished, moved and left out ones together are the rule's days; the row stands for the first open one."""
    task = repeat(**said)
    whole = open_days(session, task, D(2080, 1, 1))
    assert len(whole) == said["count"] and whole == sorted(set(whole))
    assert all(clock.to_office(repeating.times(task, day)["starts_at"]) == dt.datetime.combine(day, said["start"].time()) for day in whole)
    left, batches = dict.fromkeys(whole, "open"), []
    with as_("li"):
        for what, n in presses:
            day = whole[n % len(whole)]
            if what == "undo":
                if batches:
                    batch, old = batches.pop()
                    left = old if undo.take_back(session, batch) == [] else left  # two changes of the rule are taken back once
                    session.commit()
                continue
            rule = {"finish": rules.finish, "skip": rules.skip, "move": lambda s, r, on: rules.put_off(s, r, "day", D(2030, 1, 1), on=on)}[what]
            if left[day] != "open":
                with pytest.raises(RuleError):
                    rule(session, [task], on=day)
                session.rollback()
                continue
            with changes.operation(session, what, "task"):
                rule(session, [task], on=day)
            session.commit()
            batches.append((session.info["last_batch"], dict(left)))
            left[day] = what
    still = [day for day, state in left.items() if state == "open"]
    assert open_days(session, task, D(2080, 1, 1)) == still
    assert task.state == ("open" if still else "done") and (not still or repeating.current(task) == still[0])
    rows = session.execute(select(Task.occurs_on, Task.state).where(Task.series_id == task.id)).all()
    assert {tuple(r) for r in rows} == {(day, "done" if state == "finish" else "open") for day, state in left.items() if state in ("finish", "move")}
    assert workdays.is_workday(session, whole[0]) or said["rule"] != "workdays"

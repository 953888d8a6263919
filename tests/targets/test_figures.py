"""Pace, roll-up and split deals by hand-computed tables; kept figures equal their rows under any history (manual 4.2)."""
import datetime as dt
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.core import actor, clock, tally
from app.core.rules import RuleError
from app.payments.rules import left_of, planned_left
from app.targets import credits, figures, matrix, pace, rules
from app.targets.models import Credit, Share, Target

NOON = dt.datetime(2026, 11, 24, 4)  # 12:00 in the office, a Tuesday

PACE = [  # first, last, today -> working days, left with today, gone %
    ((2026, 11, 1), (2026, 11, 30), (2026, 11, 24), 21, 5, 76.2),  # 2 to 30 November: 21; 24, 25, 26, 27, 30 are left
    ((2026, 11, 1), (2026, 11, 30), (2026, 11, 1), 21, 21, 0.0),  # a Sunday, nothing is gone
    ((2026, 11, 1), (2026, 11, 30), (2026, 12, 1), 21, 0, 100.0),
    ((2026, 11, 1), (2026, 11, 30), (2026, 10, 31), 21, 21, 0.0),  # not begun
    ((2028, 2, 1), (2028, 2, 29), (2028, 2, 29), 21, 1, 95.2),  # a leap day is the last one
    ((2026, 10, 1), (2026, 12, 31), (2026, 11, 24), 62, 28, 54.8),  # National Day 1 to 7 October off, 10 October worked: 18 + 21 + 23
    ((2026, 2, 1), (2026, 2, 28), (2026, 2, 24), 16, 5, 68.8),  # Spring Festival 15 to 23 off, 14 and 28 worked
    ((2026, 11, 7), (2026, 11, 8), (2026, 11, 7), 0, 0, 0.0)]  # a weekend


@pytest.mark.parametrize(("first", "last", "today", "days", "left", "gone"), PACE)
def test_pace_by_working_days(session, first, last, today, days, left, gone):
    first, last, today = dt.date(*first), dt.date(*last), dt.date(*today)
    assert pace.working_days(session, first, last) == days
    assert pace.left(session, first, last, today) == left
    assert round(100 * pace.gone(session, first, last, today), 1) == gone


FIGURES = [  # goal, actual, pace, days left -> rate, gap, each day, mood   (hand-computed, in hundredths)
    (1_200_000_00, 846_500_00, 0.762, 5, 70.5, 353_500_00, 70_700_00, "y"), (800_000_00, 752_300_00, 0.762, 5, 94.0, 47_700_00, 9_540_00, "g"),
    (100_00, 150_00, 0.5, 10, 150.0, -50_00, None, "g"), (100_00, 0, 1.0, 0, 0.0, 100_00, None, "r"), (None, 500, 0.5, 3, None, None, None, ""),
    (0, 500, 0.5, 3, None, -500, None, ""), (100_00, 0, 0.0, 20, 0.0, 100_00, 5_00, ""), (100_00, 1_00, 0.0, 20, 1.0, 99_00, 4_95, "g")]


@pytest.mark.parametrize(("goal", "actual", "gone", "days", "rate", "gap", "a_day", "mood"), FIGURES)
def test_completion_gap_and_daily_need(goal, actual, gone, days, rate, gap, a_day, mood):
    found = figures.Figure(None, None, goal, actual, gone, days)
    assert (found.rate, found.gap, found.a_day, found.mood) == (rate, gap, a_day, mood)


def test_completion_uses_the_superiors_target_if_present_else_the_own(session, people, make):
    make.target(owner="li", year=2026, month=11, own=100_00, assigned=120_00)
    make.target(owner="li", year=2026, month=12, own=90_00)
    periods = figures.columns(2026, None, [], str)
    found = figures.table(session, {people["li"]}, periods)["signed"]
    assert (found[10].own, found[10].assigned, found[10].goal) == (100_00, 120_00, 120_00)
    assert (found[11].own, found[11].assigned, found[11].goal) == (90_00, None, 90_00)
    assert found[0].goal is None


def test_a_split_deal_counts_once_in_every_roll_up(make, session, people):
    """李 60 %, 王 40 % of 100,000.01 yuan signed in November; 30,000.01 of it received in December."""
    with clock.frozen(NOON):
        deal = make.contract(owner="li", amount=100_000_01, signed_on=dt.date(2026, 11, 10))
        make.contract(owner="wang", amount=50_000_00, signed_on=dt.date(2026, 11, 12))
        credits.split(session, [deal], [(people["li"], 6000), (people["wang"], 4000)])
        session.commit()
        make.payment(contract_id=deal.id, amount=30_000_01, paid_on=dt.date(2026, 12, 1), owner="li")
    hand = {("signed", "2026-11", "li"): 60_000_01, ("signed", "2026-11", "wang"): 40_000_00 + 50_000_00,  # 60,000.006 rounds up
            ("received", "2026-12", "li"): 18_000_01, ("received", "2026-12", "wang"): 12_000_00}
    done = figures.reached(session, None, "2026-11", "2026-12", "both")
    assert {key: value for key, value in done.items() if key[0] != "customers"} == {
        (kind, people[who], slot): fen for (kind, slot, who), fen in hand.items()}
    for (kind, slot, who), fen in hand.items():
        assert figures.reached(session, {people[who]}, slot, slot)[kind, slot] == fen
    team = figures.reached(session, {people["li"], people["wang"]}, "2026-11", "2026-12")
    company = figures.reached(session, None, "2026-11", "2026-12")
    assert team["signed", "2026-11"] == company["signed", "2026-11"] == 150_000_01
    assert team["received", "2026-12"] == company["received", "2026-12"] == 30_000_01


def test_shares_add_up_to_a_hundred_percent(make, session, people):
    deal = make.contract(owner="li")
    for bad in ([(people["li"], 6000)], [(people["li"], 5000), (people["li"], 5000)], [(people["li"], 11_000), (people["wang"], -1000)]):
        with pytest.raises(RuleError):
            credits.split(session, [deal], bad)
    credits.split(session, [deal], [(people["li"], 3333), (people["wang"], 3333), (people["zhao"], 3334)])
    session.commit()
    assert session.scalar(select(func.sum(Credit.amount)).where(Credit.contract_id == deal.id)) == deal.amount
    credits.split(session, [deal], [])
    session.commit()
    assert [(c.owner_id, c.amount) for c in session.scalars(select(Credit))] == [(people["li"], deal.amount)]


def test_what_does_not_count_has_no_credit(make, session, people):
    """Void, rejected and waiting contracts; payments sent back."""
    for over in ({"state": "void"}, {"approval": "pending"}, {"approval": "rejected"}):
        make.contract(owner="li", signed_on=dt.date(2026, 11, 2), **over)
    good = make.contract(owner="li", amount=900_00, signed_on=dt.date(2026, 11, 2))
    make.payment(contract_id=good.id, amount=100_00, paid_on=dt.date(2026, 11, 3), check="refused")
    make.payment(contract_id=good.id, amount=200_00, paid_on=dt.date(2026, 11, 3), check="confirmed")
    done = figures.reached(session, {people["li"]}, "2026-11", "2026-11")
    assert (done["signed", "2026-11"], done["received", "2026-11"]) == (900_00, 200_00)
    good.state = "void"
    session.commit()
    assert figures.reached(session, {people["li"]}, "2026-11", "2026-11")["signed", "2026-11"] == 0


def test_taking_back_takes_the_figures_back(make, session, people, login):
    """A split and a whole contract are taken back; the figures follow."""
    from app.core import undo
    deal = make.contract(owner="li", amount=1000_00, signed_on=dt.date(2026, 11, 2))
    client = login("li")
    client.post("/contract/action_post", data={"action": "split", "rowid": str(deal.id), "person1": str(people["li"]), "percent1": "60",
                                                        "person2": str(people["wang"]), "percent2": "40"})
    assert "撤销" in client.get(f"/contract/show/{deal.id}").text
    assert figures.reached(session, {people["wang"]}, "2026-11", "2026-11")["signed", "2026-11"] == 400_00
    assert login("wang").get(f"/contract/show/{deal.id}").status_code == 200, "who has a part may read the contract"
    assert login("zhao").get(f"/contract/show/{deal.id}").status_code == 404
    from app.core.changes import Batch
    for batch in session.scalars(select(Batch.id).order_by(Batch.id.desc())).all():
        undo.take_back(session, batch)
        session.commit()
    assert session.scalars(select(Credit)).all() == [] and session.scalars(select(Share)).all() == []
    assert figures.reached(session, None, "2026-01", "2026-12").get(("signed", "2026-11"), 0) == 0



@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**11), st.lists(st.integers(0, 1000), min_size=12, max_size=12), st.dictionaries(st.integers(1, 11), st.integers(0, 10**6), max_size=4))
def test_a_spread_year_adds_up_exactly(total, shares, kept):
    total += sum(kept.values())
    found = rules.spread_year(total, shares, kept)
    assert sum(found.values()) == total and set(found) == set(range(1, 13)) and all(found[m] == v for m, v in kept.items())
    assert all(v % 100 == 0 for m, v in found.items() if m not in kept and m != 12)


def test_seasons_are_last_years_results_of_the_person_else_of_the_department(make, session, people):
    make.contract(owner="wang", amount=300_00, signed_on=dt.date(2025, 3, 5))
    make.contract(owner="wang", amount=100_00, signed_on=dt.date(2025, 9, 5))
    assert rules.seasons(session, people["wang"], {people["li"]}, 2026, "signed")[2] == 300_00
    assert rules.seasons(session, people["li"], {people["li"], people["wang"]}, 2026, "signed")[8] == 100_00
    assert rules.seasons(session, people["zhao"], {people["zhao"]}, 2026, "signed") == [1] * 12
    found = rules.spread_year(4000_00, rules.seasons(session, people["wang"], (), 2026, "signed"))
    assert (found[3], found[9], found[1]) == (3000_00, 1000_00, 0)


OWNERS = ("li", "wang", "zhao")
START = dt.date(2026, 1, 15)


def _made(make, what, owner, day, amount, contract):
    on = START + dt.timedelta(day)
    makers = {
        "contract": lambda: make.contract(owner=owner, amount=amount, signed_on=on),
        "customer": lambda: make.customer(owner=owner, created_at=clock.day_start(on)),
        "followup": lambda: make.followup(owner=owner, happened_at=clock.day_start(on) - dt.timedelta(seconds=1)),
        "contact": lambda: make.contact(owner=owner, created_at=clock.day_start(on)),
        "deal": lambda: make.opportunity(owner=owner, amount=amount, rate=day * 10, created_at=clock.day_start(on))}
    if contract:
        paid, planned = left_of(make.session, contract), planned_left(make.session, contract)
        makers |= {"payment": lambda: make.payment(owner=owner, contract_id=contract.id, amount=min(amount, paid), paid_on=on) if paid > 0 else None,
                   "plan": lambda: make.payment_plan(owner=owner, contract_id=contract.id, amount=min(amount, planned), due_on=on,
                                                     received=0) if planned > 0 else None}
    return makers[what]() if what in makers else None


@pytest.mark.parametrize("seed", range(8))
def test_kept_figures_equal_a_fresh_count_after_any_history(make, session, people, seed):
    """Whatever is made, moved, voided, split or deleted: every cell is what counting its rows anew would give."""
    dice, made = random.Random(seed), []
    for _step in range(25):
        what = dice.choice(("contract", "contract", "payment", "payment", "plan", "customer", "contact", "followup", "deal", "move", "void", "split", "delete"))
        contracts = [row for row in made if row.__tablename__ == "contract" and row.deleted_at is None]
        contract, owner = dice.choice(contracts) if contracts else None, dice.choice(OWNERS)
        if row := _made(make, what, owner, dice.randrange(300), dice.randrange(1, 90_000), contract):
            made.append(row)
        elif what == "move" and made:
            dice.choice(made).owner_id = people[owner]
        elif what == "void" and contract:
            contract.state = "void"
        elif what == "split" and contract:
            credits.split(session, [contract], [(people["li"], 2500), (people["wang"], 7500)])
        elif what == "delete" and made:
            session.delete(dice.choice(made))
        session.commit()
    kept = _cells(session)
    tally.rebuild(session)
    session.commit()
    assert kept == _cells(session) != {}


def test_a_kind_that_a_new_version_keeps_is_counted_from_the_rows_that_are_there(make, session, people):
    make.contract(owner="li", signed_on=START)
    make.contact(owner="wang")
    kept, t = _cells(session), tally.Cell.__table__
    session.execute(t.delete().where(t.c.kind.in_(("contacts", "contracts"))))
    session.execute(t.update().where(t.c.kind == "signed").values(n=7))
    tally.fill(session)
    found = _cells(session)
    signed = ("signed", people["li"], f"{START:%Y-%m}")
    assert found.pop(signed)[0] == 7 != kept.pop(signed)[0], "what is kept already stays"
    assert found == kept and {"contacts", "contracts"} <= {kind for kind, _owner, _slot in kept}


def _cells(session):
    t = tally.Cell.__table__.c
    rows = session.execute(select(t.kind, t.owner_id, t.slot, t.n, t.amount, t.more)).all()
    return {(k, o, s): (n, int(a), int(m)) for k, o, s, n, a, m in rows if n or a or m}


def test_roll_up_by_department_and_company_is_the_sum_of_its_people(make, session, as_, people):
    for who, goal, signed in (("li", 100_00, 40_00), ("wang", 300_00, 60_00), ("zhao", 50_00, 50_00), ("qian", 10_00, 0)):
        make.target(owner=who, year=2026, month=11, assigned=goal, own=None)
        if signed:
            make.contract(owner=who, amount=signed, signed_on=dt.date(2026, 11, 3))
    with as_("chen"), clock.frozen(NOON):
        made = matrix.make(session, actor.current(), 2026, "signed", None)
        found = {r["name"]: r["figures"][0] for r in matrix.results(session, made, 2026, "signed")}
    assert (found["华东部"].goal, found["华东部"].actual) == (410_00, 100_00)
    assert (found["华南部"].goal, found["华南部"].actual) == (50_00, 50_00)
    assert (found["全公司"].goal, found["全公司"].actual, found["全公司"].rate) == (460_00, 150_00, 32.6)
    assert session.scalar(select(func.count(Target.id))) == 4

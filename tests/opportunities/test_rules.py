"""Opportunities: stages, history, closing, reopening, settings (manual 4.4, product.md 4.4)."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.core import changes, clock, undo
from app.customers.rules import followed_up
from app.opportunities import funnel, rules
from app.opportunities.models import Opportunity, OpportunityLine, Stage, StageChange
from tests.story import line, refused, save

DAY = dt.timedelta(1)


@pytest.fixture
def deal(session, make, people):
    """`deal(stage=…)`: an opportunity saved by the rules."""
    def made(**over):
        values = {"name": "三号车间改造", "customer_id": None, "stage": "s1", "amount": 420_000_00, "owner_id": people["li"], **over}
        values["customer_id"] = values["customer_id"] or make.customer().id
        return save(session, rules.check_opportunity, Opportunity(**values))
    return made


def _way(session, row):
    return [(c.from_stage, c.to_stage) for c in session.scalars(
        select(StageChange).where(StageChange.opportunity_id == row.id).order_by(StageChange.id))]


def test_the_stage_gives_the_win_rate_unless_it_is_typed(session, deal):
    row = deal(stage="s2")
    assert row.rate == 3000 and row.weighted == 126_000_00
    row.stage = "s3"
    save(session, rules.check_opportunity, row)
    assert row.rate == 5000
    row.stage, row.rate = "s4", 6500
    save(session, rules.check_opportunity, row)
    assert row.rate == 6500, "typed with the stage: kept"
    for bad in (10_001, -1):
        row.rate = bad
        with refused("100", "rate", session):
            save(session, rules.check_opportunity, row)
    assert deal(stage="s1", rate=2500).rate == 2500


def test_every_move_leaves_one_row_of_history_with_who_when_and_how_long(session, deal, as_, people):
    start = clock.now()
    with clock.frozen(start - 10 * DAY):
        row = deal()
    with clock.frozen(start - 4 * DAY), as_("wang"):
        rules.move(session, [row], "s3")
        session.commit()
    row.name = "改了名字"
    with clock.frozen(start):
        save(session, rules.check_opportunity, row)  # no move, no row
        rules.move(session, [row], "s3")  # where it is already: no row
        rules.move(session, [row], "s2")
        session.commit()
    assert _way(session, row) == [(None, "s1"), ("s1", "s3"), ("s3", "s2")]
    moves = session.scalars(select(StageChange).order_by(StageChange.id)).all()
    assert [m.seconds for m in moves] == [None, 6 * 86400, 4 * 86400] and moves[1].created_by_id == people["wang"]
    assert row.furthest == "s3", "going back does not undo how far it came"
    assert row.days_in_stage == 0 and moves[2].amount == row.amount
    with changes.operation(session, "move", "opportunity"):
        rules.move(session, [row], "s5")
    session.commit()
    assert undo.take_back(session, session.info["last_batch"]) == []
    session.commit()
    assert (row.stage, row.furthest, len(_way(session, row))) == ("s2", "s3", 3), "taken back with its history"


def test_a_lost_deal_needs_its_reason_out_of_the_list(session, deal):
    row = deal(stage="s4")
    for reason, note, field in ((None, None, "reason"), (None, "说不清", "reason"), ("zzz", None, "reason"), ("other", None, "note")):
        with refused("", field):
            rules.move(session, [row], "lost", reason, note)
    with refused("", "reason"):
        rules.close("void")(session, [row])
    for stage in ("lost", "void", "won"):
        row.stage = stage
        with refused("赢单", "stage", session):  # by the form: only by the action
            save(session, rules.check_opportunity, row)
    rules.close("lost")(session, [row], "price", None)
    session.commit()
    assert (row.stage, row.rate, row.loss_reason, row.closed_on, row.furthest) == ("lost", 0, "price", clock.today(), "s4")
    assert _way(session, row)[-1] == ("s4", "lost")
    with refused("原因", "reason", session):
        deal(stage="lost")
    assert deal(stage="lost", loss_reason="other", closing_note="客户停产").closed_on, "an imported one brings its reason"
    assert deal(stage="won", rate=100).rate == 10_000


def test_a_closed_deal_stays_as_it_is_until_it_is_reopened_with_a_reason(session, deal, make, people):
    row = deal(stage="s3")
    rules.move(session, [row], "s5")
    rules.close("won")(session, [row])
    session.commit()
    assert row.furthest == "won"
    with refused("重新打开"):
        rules.check_change(session, row)
    with refused(""):
        rules.move(session, [row], "s4")
    with refused(""):
        rules.close("lost")(session, [row], "price")
    with refused("重新打开"):
        rules.add_person(session, [row], make.contact(customer_id=row.customer_id).id)
    with refused("", "reason"):
        rules.reopen(session, [row], "")
    contract = make.contract(customer_id=row.customer_id, opportunity_id=row.id, state="signed")
    with refused("作废"):
        rules.reopen(session, [row], "客户加购")
    contract.state = "void"
    session.commit()
    rules.reopen(session, [row], "客户加购")
    session.commit()
    assert (row.stage, row.rate, row.closed_on, row.furthest) == ("s5", 9000, None, "s5")
    assert session.scalars(select(StageChange.reason).order_by(StageChange.id.desc())).first() == "客户加购"
    with refused(""):
        rules.reopen(session, [row], "再来")


def test_the_next_stage_ends_before_closing(session, deal):
    row = deal(stage="s4")
    rules.advance(session, [row])
    assert row.stage == "s5"
    with refused("赢单"):
        rules.advance(session, [row])


def test_a_transfer_keeps_stage_history_and_follow_ups(session, deal, make, people):
    row = deal(stage="s3", note="谈过三次", needs="两台驱动器")
    note = make.followup(customer_id=row.customer_id, opportunity_id=row.id, next_follow_at=clock.now() + DAY)
    followed_up(session, note)
    session.commit()
    assert row.last_follow_at == note.happened_at and row.next_follow_at == note.next_follow_at
    kept = [getattr(row, n) for n in ("stage", "rate", "note", "needs", "last_follow_at", "staged_at", "furthest")]
    from app.security.rules import give
    give(session, [row], people["wang"])
    session.commit()
    assert row.owner_id == people["wang"] and kept == [
        getattr(row, n) for n in ("stage", "rate", "note", "needs", "last_follow_at", "staged_at", "furthest")]
    assert note.owner_id == people["li"] and len(_way(session, row)) == 1
    gone = session.get(type(row).owner.property.mapper.class_, people["zhao"])
    gone.active = False
    with refused("停用", "owner", session):
        give(session, [row], people["zhao"])


def test_contacts_and_follow_ups_are_of_the_deals_customer(session, deal, make):
    row = deal()
    own, other = make.contact(customer_id=row.customer_id), make.contact()
    row.contact_id = other.id
    with refused("其他客户", "contact", session):
        save(session, rules.check_opportunity, row)
    with refused("其他客户", "contact"):
        rules.add_person(session, [row], other.id)
    rules.add_person(session, [row], own.id, "decider")
    rules.add_person(session, [row], own.id, "user")
    session.commit()
    session.expire_all()
    assert [(p.contact_id, p.role) for p in row.roles] == [(own.id, "user")]
    stray = make.followup(opportunity_id=row.id)
    with refused("其他客户", "opportunity", session):
        followed_up(session, stray)


def test_a_deal_that_others_hang_on_keeps_its_customer(session, deal, make):
    row, free, to = deal(), deal(), make.customer()
    make.quote(customer_id=row.customer_id, opportunity_id=row.id)
    row.customer_id = to.id
    with refused("更换客户", "customer", session):
        save(session, rules.check_opportunity, row)
    free.customer_id = to.id
    save(session, rules.check_opportunity, free)


def test_lines_make_the_amount_and_another_total_goes_into_the_reduction(session, deal):
    row = deal(amount=None, lines=[line(OpportunityLine, 100_00, 3000), line(OpportunityLine, 50_00)])
    assert (row.amount, row.lines_amount) == (350_00, 350_00)
    row.amount = 333_00
    save(session, rules.check_opportunity, row)
    assert (row.amount, row.reduction, row.fees) == (333_00, 17_00, 0)
    row.amount = 360_00
    save(session, rules.check_opportunity, row)
    assert (row.amount, row.reduction, row.fees) == (360_00, 0, 10_00)
    row.lines[0].quantity = 1000
    row.changed_at = clock.now()
    save(session, rules.check_opportunity, row)
    assert row.amount == 160_00, "an amount that nobody typed follows its lines"
    row.amount = -1
    with refused("", "amount", session):
        save(session, rules.check_opportunity, row)


def test_stages_are_kept_by_the_administrator(session, deal):
    row = deal(stage="s2")
    by = {s.code: s for s in session.scalars(select(Stage))}

    def change(code, **over):
        for name, value in over.items():
            setattr(by[code], name, value)
        return save(session, rules.check_stage, by[code])
    for code, over, field in (("s1", {"name": "需求确认"}, "name"), ("s1", {"rate": 10_001}, "rate"), ("won", {"rate": 9000}, "rate"),
                              ("lost", {"rate": 100}, "rate"), ("s2", {"kind": "won", "rate": 10_000}, "kind"), ("s1", {"warn_days": -1}, "warn_days"),
                              ("won", {"is_stopped": True}, "is_stopped"), ("won", {"kind": "lost", "rate": 0}, "kind")):
        with refused("", field, session):
            change(code, **over)
    for code in ("s2", "won"):
        with refused(""):
            rules.check_delete_stage(session, by[code])
    rules.check_delete_stage(session, by["s4"])
    try:
        change("s4", is_stopped=True)
        with refused("", "stage"):
            rules.move(session, [row], "s4")
        row.stage = "s4"
        with refused("", "stage", session):
            save(session, rules.check_opportunity, row)
        rules.move(session, [row], "s3")
        rules.advance(session, [row])
        session.commit()
        assert row.stage == "s5", "a stopped stage is passed over"
        made = save(session, rules.check_stage, Stage(name="招投标", kind="open", rate=6000, position=3))
        assert made.code and made.code not in by
        session.info["purge"] = True
        session.delete(made)
        session.commit()
    finally:
        session.info.pop("purge", None)
        change("s4", is_stopped=False)


def test_the_funnel_counts_how_far_every_deal_ever_came(session, deal):
    for stage in ("s1", "s1", "s2", "s4"):
        deal(stage=stage, amount=100_00)
    lost = deal(stage="s3", amount=100_00)
    rules.close("lost")(session, [lost], "price")
    won = deal(stage="s5", amount=100_00)
    rules.close("won")(session, [won])
    session.commit()
    read = funnel.read(session, [])
    steps = {s["stage"].code: s for s in funnel.steps(session, [], read)}
    way = ("s1", "s2", "s3", "s4", "s5")
    assert [steps[c]["now"].n for c in way] == [2, 1, 0, 1, 0], "where they stand"
    assert [steps[c]["came"].n for c in way] == [6, 4, 3, 2, 1], "how far they came, lost and won ones too"
    assert [steps[c]["lost"].n for c in way] == [0, 0, 1, 0, 0]
    assert [steps[c]["onward"] for c in way] == [67, 75, 67, 50, 100]
    assert [(reason, sums.n) for reason, sums in funnel.losses(read)] == [("price", 1)]

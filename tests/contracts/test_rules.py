"""Contracts and orders: sums, states, what they win and lose for their customer (manual 4.6, product.md 4.6)."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.approvals import rules as approvals
from app.approvals.models import Approval, ApprovalRule
from app.contracts import rules
from app.contracts.models import Contract, ContractLine
from app.core import changes, clock, parameters, undo
from app.core.money import half_up
from app.payments import rules as payments
from app.payments.models import PaymentPlan
from tests.story import line, refused, save

DAY = dt.timedelta(1)


@pytest.fixture
def contract(session, make, people):
    """`contract(amount=…)`: saved by the rules and signed, as the form does it."""
    def made(**over):
        values = {"name": "驱动器合同", "customer_id": over.pop("customer_id", None) or make.customer().id, "amount": 1000_00,
                  "signed_on": clock.today(), "owner_id": people["li"], **over}
        row = save(session, rules.check_contract, Contract(**values))
        rules.signed(session, row)
        session.commit()
        return row
    return made


def test_number_dates_and_amount_make_sense(session, make, contract):
    row = contract(number="HT-2026-7", starts_on=clock.today(), ends_on=clock.today())
    with refused("已存在", "number", session):
        contract(number="HT-2026-7")
    session.delete(row)
    session.commit()
    with refused("已存在", "number", session):
        contract(number="HT-2026-7")  # also what lies in the trash
    with refused("", "ends_on", session):
        contract(starts_on=clock.today(), ends_on=clock.today() - DAY)
    parameters.put(session, "contract.limit", 5_000_00)
    session.commit()
    for bad in (None, 0, -1, 5_000_01):
        with refused("", "amount", session):
            contract(amount=bad)
    assert contract(amount=5_000_00).number[:2] == "HT"
    with refused("其他客户", "contact", session):
        contract(contact_id=make.contact().id)
    with refused("其他客户", "quote", session):
        contract(quote_id=make.quote().id)
    with refused("其他客户", "opportunity", session):
        contract(opportunity_id=make.opportunity().id)


def test_a_number_given_by_hand_never_stops_the_numbering(session, contract):
    first = contract()
    taken = first.number[:-4] + f"{int(first.number[-4:]) + 1:04d}"
    contract(number=taken)
    assert contract().number == first.number[:-4] + f"{int(first.number[-4:]) + 2:04d}"


def test_the_amount_is_the_sum_of_the_lines_and_may_be_overwritten(session, contract):
    """product.md 4.6: default = sum of rows × whole discount, may be overwritten; 5.2: discount and total stay consistent."""
    def lines():
        return [line(ContractLine, 1280_00, 3000), line(ContractLine, 99_99)]
    row = contract(amount=None, lines=lines(), discount=9000)
    assert (row.lines_amount, row.amount) == (3939_99, 3545_99)
    typed = contract(amount=3500_00, lines=lines(), discount=9000)
    assert (typed.amount, typed.reduction, typed.fees) == (3500_00, 45_99, 0)
    typed.amount = 3600_00
    save(session, rules.check_contract, typed)
    assert (typed.amount, typed.reduction, typed.fees) == (3600_00, 0, 54_01)
    typed.lines[1].quantity = 2000
    save(session, rules.check_contract, typed)
    assert typed.amount == 3689_99, "(3840.00 + 199.98) × 0.9 + 54.01"
    for one in (row, typed):
        assert one.amount == half_up(one.lines_amount * one.discount, 10_000) - one.reduction + one.fees, "whatever was typed, it adds up"


def test_a_signed_contract_wins_its_customer_and_a_void_or_deleted_one_gives_him_back(session, make, contract):
    customer = make.customer(status="interested")
    deal = make.opportunity(customer_id=customer.id, stage="s5", furthest="s5")
    quote = make.quote(customer_id=customer.id, state="sent")
    with clock.frozen(clock.now() - 20 * DAY):
        first = contract(customer_id=customer.id, signed_on=clock.today())
    session.refresh(customer)
    assert (customer.is_won, customer.won_at, customer.status) == (True, first.signed_on, "won")
    second = contract(customer_id=customer.id, opportunity_id=deal.id, quote_id=quote.id)
    session.expire_all()
    assert customer.won_at == first.signed_on, "the first day counts"
    assert (deal.stage, deal.closed_on, quote.state) == ("won", clock.today(), "accepted")
    with changes.operation(session, "void", "contract"):
        rules.void(session, [first], "客户取消")
    session.commit()
    batch = session.info["last_batch"]
    assert (customer.is_won, customer.won_at, customer.status) == (True, second.signed_on, "won")
    with refused("", "reason"):
        rules.void(session, [second], "")
    rules.no_longer_won(session, second)
    session.delete(second)
    session.commit()
    assert (customer.is_won, customer.won_at, customer.status) == (False, None, "interested")
    undo.take_back(session, batch)
    session.commit()
    assert (customer.is_won, customer.won_at) == (True, first.signed_on), "the wrong key is taken back"


def test_what_is_still_to_be_signed_wins_nobody(session, contract, people):
    row = contract(signed_on=clock.today() + 3 * DAY)
    assert row.state == "unsigned" and not row.customer.is_won
    for action in ("running", "done"):
        with refused("状态"):
            rules.to_state(action)(session, [row])
    rules.to_state("signed")(session, [row])
    session.commit()
    session.expire_all()
    assert row.customer.is_won and row.customer.won_at == row.signed_on


def test_the_way_of_a_contract_goes_forward_only(session, contract):
    row = contract()
    assert row.state == "signed"
    with refused("状态"):
        rules.to_state("signed")(session, [row])
    with refused(""):
        rules.archive(session, [row])
    rules.to_state("running")(session, [row])
    rules.to_state("done")(session, [row])
    for state in ("signed", "running"):
        with refused("状态"):
            rules.to_state(state)(session, [row])
    rules.check_change(session, row)
    rules.archive(session, [row])
    session.commit()
    with refused("归档"):
        rules.check_change(session, row)
    for action, args in ((rules.void, ("错",)), (rules.to_state("done"), ()), (rules.archive, ())):
        with refused(""):
            action(session, [row], *args)
    assert row.state == "archived"


def test_a_void_contract_is_closed_with_everything_on_it(session, make, contract, people):
    row = contract()
    plan = save(session, payments.check_plan, PaymentPlan(contract_id=row.id, amount=400_00, due_on=clock.today() - DAY))
    assert (row.outstanding, plan.state) == (1000_00, "late")
    rules.void(session, [row], "客户取消")
    session.commit()
    assert (row.outstanding, plan.state, row.void_reason) == (0, "void", "客户取消")
    assert session.scalars(select(PaymentPlan.id).where(payments.open_plans())).all() == []
    assert session.scalars(select(Contract.id).where(rules.unpaid(None))).all() == []
    assert session.execute(select(*rules.figures_of(row.customer).values())).one() == (0, 0, 0)
    for action, args in ((rules.void, ("再次",)), (rules.transfer, (people["wang"],)), (rules.to_state("running"), ())):
        with refused(""):
            action(session, [row], *args)
    with refused("作废"):
        rules.check_change(session, row)


def test_a_transfer_takes_the_open_terms_along(session, contract, make, people):
    row = contract()
    own = save(session, payments.check_plan, PaymentPlan(contract_id=row.id, amount=400_00, due_on=clock.today()))
    others = make.payment_plan(contract_id=row.id, amount=100_00, owner_id=people["qian"])
    rules.transfer(session, [row], people["wang"])
    session.commit()
    assert (row.owner_id, own.owner_id, others.owner_id, row.state) == (people["wang"], people["wang"], people["qian"], "signed")


def test_a_contract_that_others_hang_on_keeps_its_customer(session, make, contract):
    row = contract()
    make.payment_plan(contract_id=row.id, amount=100_00)
    row.customer_id = make.customer().id
    with refused("更换客户", "customer", session):
        save(session, rules.check_contract, row)


def test_a_quote_that_does_not_hold_makes_no_contract(session, make, contract):
    customer = make.customer()
    for state in ("void", "refused", "replaced"):
        with refused("有效的报价单", "quote", session):
            contract(customer_id=customer.id, quote_id=make.quote(customer_id=customer.id, state=state).id)
    for approval in ("needed", "rejected", "withdrawn", "pending"):
        session.add(ApprovalRule(entity="quote", least=0, approver="superior", is_on=True))
        session.commit()
        with refused("审批", session=session):
            contract(customer_id=customer.id, quote_id=make.quote(customer_id=customer.id, approval=approval).id)


def test_an_approved_contract_is_valid_only_from_then_on(session, make, contract, as_, people):
    session.add(ApprovalRule(entity="contract", least=500_00, approver="superior", is_on=True))
    session.commit()
    small, big = contract(amount=499_99), contract(amount=500_00, opportunity_id=None)
    assert (small.approval, small.state, big.approval, big.state) == ("none", "signed", "needed", "unsigned")
    assert not big.customer.is_won
    assert session.scalars(select(Contract.id).where(rules.is_valid())).all() == [small.id]
    with refused("审批"):
        rules.to_state("signed")(session, [big])
    with as_("li"):
        approvals.submit(session, [big])
        session.commit()
    with refused("撤回"):
        rules.void(session, [big], "不签了")
    with as_("qian"):
        approvals.approve(session, [session.scalar(select(Approval))])
        session.commit()
    session.expire_all()
    assert (big.approval, big.state, big.customer.is_won) == ("approved", "signed", True)
    with refused("审批"):
        rules.check_change(session, big)
    rules.to_state("running")(session, [big])
    rules.void(session, [big], "客户取消")  # approved ones must be void first (悟空 2014)
    session.commit()
    assert not big.customer.is_won


def test_contracts_that_end_soon_are_found_as_the_parameter_says(session, contract):
    today = clock.today()
    soon, _later, past = (contract(ends_on=today + n * DAY) for n in (10, 11, -1))
    assert session.scalars(select(Contract.id).where(rules.ending(10))).all() == [soon.id]
    assert session.scalars(select(Contract.id).where(rules.ended(None))).all() == [past.id]
    rules.to_state("done")(session, [past])
    session.commit()
    assert session.scalars(select(Contract.id).where(rules.ended(None))).all() == []

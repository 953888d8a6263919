"""Expenses, claims, profit (manual 4.8, product.md 4.8)."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.approvals import rules as approvals
from app.approvals.models import Approval, ApprovalRule
from app.contracts.models import Contract
from app.core import changes, clock, undo
from app.expenses import rules
from app.expenses.models import Claim, Expense
from app.payments.models import Payment
from app.payments.rules import check_payment
from tests.story import refused, save


@pytest.fixture
def expense(session, people):
    """`expense(300_00)`: spent today by 李, saved by the rules."""
    def made(amount=300_00, owner="li", **over):
        return save(session, rules.check_expense, Expense(**{"kind": "trip", "amount": amount, "spent_on": clock.today(), "reason": "拜访客户",
                                                             "owner_id": people[owner], "state": "open", **over}))
    return made


def test_an_expense_is_above_zero_not_in_the_future_and_of_one_customer(session, make, expense):
    for bad in (0, -1):
        with refused("大于零", "amount", session):
            expense(bad)
    with refused("", "spent_on", session):
        expense(spent_on=clock.today() + dt.timedelta(1))
    with refused("", "slips", session):
        expense(slips=-1)
    contract, other = make.contract(state="signed"), make.customer()
    for name, row in (("contract", contract), ("contact", make.contact()), ("opportunity", make.opportunity())):
        with refused("其他客户", name, session):
            expense(customer_id=other.id, **{f"{name}_id": row.id})
    assert expense(contract_id=contract.id).customer_id == contract.customer_id, "a contract brings its customer along"
    assert expense(1).customer_id is None


def test_expenses_and_profit_of_a_contract(session, make, expense, people):
    contract = make.contract(state="signed", amount=1000_00)
    save(session, check_payment, Payment(contract_id=contract.id, amount=700_00, paid_on=clock.today(), owner_id=people["li"]))
    first, second = expense(200_00, contract_id=contract.id), expense(50_00, contract_id=contract.id)
    expense(999_00, customer_id=contract.customer_id)
    session.refresh(contract)
    assert (contract.spent, contract.profit) == (250_00, 450_00)
    assert contract.margin is None, "without a cost of goods there is no margin"
    contract.cost, contract.tax = 400_00, 115_04
    assert contract.margin == 1000_00 - 115_04 - 400_00 - 250_00
    assert session.scalar(select(*rules.figures_of(contract.customer).values())) == 1249_00
    session.delete(first)
    second.approval = "rejected"
    session.commit()
    assert (contract.spent, contract.profit) == (0, 700_00)


def test_a_claim_gathers_ones_own_open_expenses(session, expense, as_, people):
    one, two, others = expense(100_00), expense(50_50), expense(owner="wang")
    with as_("li"):
        with refused("自己", session=session):
            rules.gather(session, [one, others], "差旅")
        with refused("", "name", session):
            rules.gather(session, [one], " ")
        with changes.operation(session, "claim", "expense"):
            claim = rules.gather(session, [one, two], "十一月差旅")
        session.commit()
        batch = session.info["last_batch"]
        assert (claim.amount, claim.number[:2], one.state, two.claim_id) == (150_50, "BX", "claimed", claim.id)
        with refused("报销单"):
            rules.check_change(session, one)
        for action, args in ((rules.gather, ("再报",)), (rules.transfer, (people["wang"],))):
            with refused("报销单", session=session):
                action(session, [one], *args)
        assert undo.take_back(session, batch) == []
        session.commit()
        assert (one.state, one.claim_id, session.scalar(select(Claim.id))) == ("open", None, None)
        rules.transfer(session, [one], people["wang"])
        assert one.owner_id == people["wang"]


def test_a_claim_is_paid_once_and_then_closed(session, expense, as_):
    with as_("li"):
        claim = rules.gather(session, [expense(100_00)], "差旅")
        session.commit()
        apart = rules.gather(session, [expense(30_00)], "再议")
        session.commit()
        rules.dissolve(session, [apart])
        session.commit()
    assert session.scalars(select(Expense.state).where(Expense.amount == 30_00)).one() == "open" and apart.deleted_at
    with refused("没有费用"):
        rules.pay(session, [save(session, rules.check_claim_state, Claim(name="空", state="draft", amount=0, approval="none"))])
    rules.pay(session, [claim])
    session.commit()
    assert (claim.state, claim.paid_on) == ("paid", clock.today()) and session.scalars(
        select(Expense.state).where(Expense.claim_id == claim.id)).one() == "paid"
    for action in (rules.pay, rules.dissolve):
        with refused("", session=session):
            action(session, [claim])
    with refused(""):
        rules.check_change(session, claim)


def test_where_claims_need_approval_they_are_paid_after_it_and_nothing_falls_out_of_them(session, expense, as_):
    session.add(ApprovalRule(entity="claim", least=100_00, approver="superior", is_on=True))
    session.commit()
    with as_("li"):
        small = rules.gather(session, [expense(99_99)], "小额")
        with changes.operation(session, "claim", "expense"):
            claim = rules.gather(session, [expense(100_00)], "大额")
        session.commit()
        batch = session.info["last_batch"]
        assert (small.approval, claim.approval) == ("none", "needed")
        with refused("审批", session=session):
            rules.pay(session, [claim])
        approvals.submit(session, [claim])
        session.commit()
        with refused("审批", session=session):
            rules.dissolve(session, [claim])
        with refused("没有撤销", session=session):
            undo.take_back(session, batch)
    with as_("qian"):
        approvals.approve(session, [session.scalar(select(Approval))])
        session.commit()
    rules.pay(session, [claim, small])
    session.commit()
    assert claim.state == small.state == "paid"
    with as_("qian"), refused("", session=session):
        approvals.release(session, [claim])


@pytest.fixture
def approved(session, as_):
    """`approved(row)`: 钱 approves what waits; from then on the spender cannot change it."""
    def decide(row):
        with as_("qian"):
            approvals.approve(session, [session.scalar(select(Approval))])
            session.commit()
        with as_("li"), refused("审批"):
            rules.check_change(session, row)
    return decide


def test_where_expenses_need_approval_only_approved_ones_are_claimed(session, expense, approved, as_):
    session.add(ApprovalRule(entity="expense", least=0, approver="superior", is_on=True))
    session.commit()
    row = expense(100_00)
    with as_("li"):
        with refused("审批", session=session):
            rules.gather(session, [row], "差旅")
        approvals.submit(session, [row])
        session.commit()
        with refused("审批"):
            rules.check_change(session, row)
    approved(row)
    with as_("li"):
        claim = rules.gather(session, [row], "差旅")
        session.commit()
    assert claim.amount == 100_00
    with as_("qian"), refused("报销单", session=session):
        approvals.release(session, [row])


def test_an_approved_expense_is_changed_again_after_its_approval_was_taken_back(session, expense, approved, as_):
    session.add(ApprovalRule(entity="expense", least=0, approver="superior", is_on=True))
    session.commit()
    row = expense(100_00)
    with as_("li"):
        approvals.submit(session, [row])
        session.commit()
    approved(row)
    with as_("li"), refused("", session=session):
        approvals.release(session, [row])  # 取消审核 is not the spender's
    with as_("qian"):
        approvals.release(session, [row])
        session.commit()
    with as_("li"):
        rules.check_change(session, row)
        row.amount = 120_00
        save(session, rules.check_expense, row)
        assert row.approval == "withdrawn", "it is handed in again before it is claimed"


def test_the_share_of_expenses_in_contracts(session, make, expense):
    contract = make.contract(state="signed", amount=1000_00)
    assert rules.share(session) == 0
    expense(123_00, contract_id=contract.id)
    assert rules.share(session) == 12.3
    contract.state = "void"
    session.commit()
    assert rules.share(session) is None and session.scalar(select(Contract.spent)) == 123_00

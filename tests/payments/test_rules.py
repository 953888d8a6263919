"""Plans, payments, refunds, invoices (manual 4.7, product.md 4.7)."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.approvals import rules as approvals
from app.approvals.models import Approval, ApprovalRule
from app.contracts import rules as contracts
from app.core import changes, clock, undo
from app.payments import receivables, rules
from app.payments import terms as spreading
from app.payments.models import Invoice, Payment, PaymentPlan
from tests.story import refused, save

DAY = dt.timedelta(1)


@pytest.fixture
def contract(make):
    """`contract(amount=…)`: a signed contract of 李's over 1,000 yuan."""
    return lambda **over: make.contract(**{"amount": 1000_00, "state": "signed", "signed_on": clock.today(), **over})


@pytest.fixture
def pay(session, people):
    """`pay(contract, 300_00)`: a payment saved by the rules."""
    def made(contract, amount, **over):
        return save(session, rules.check_payment, Payment(**{
            "contract_id": contract.id, "amount": amount, "paid_on": clock.today(), "owner_id": people["li"], **over}))
    return made


@pytest.fixture
def plan(session):
    """`plan(contract, 300_00, days)`: a term due in so many days."""
    def made(contract, amount, days=10, **over):
        return save(session, rules.check_plan, PaymentPlan(contract_id=contract.id, amount=amount, due_on=clock.today() + days * DAY, **over))
    return made


# ---- plans ----------------------------------------------------------------------------------------------------
def test_all_terms_together_are_not_above_the_contract(session, contract, plan):
    row = contract()
    first, second = plan(row, 300_00), plan(row, 600_00)
    assert (first.term, second.term, first.owner_id, first.customer_id) == (1, 2, row.owner_id, row.customer_id)
    for bad, words in ((0, "大于零"), (-1, "大于零"), (100_01, "100.00")):
        with refused(words, "amount", session):
            plan(row, bad)
    plan(row, 100_00)
    first.amount = 300_01
    with refused("300.00", "amount", session):
        save(session, rules.check_plan, first)
    second.deleted_at = clock.now()
    first.amount = 900_00
    save(session, rules.check_plan, first)
    for state, words in (("void", "作废"), ("archived", "归档")):
        with refused(words, "contract", session):
            plan(contract(state=state), 100_00)


@pytest.mark.parametrize(("terms", "amounts"), [
    ("30/60/10", [300_00, 600_00, 100_00]), ("预付30%，发货60%，质保10%", [300_00, 600_00, 100_00]), ("3", [333_33, 333_34, 333_33]),
    ("33.3/33.3/33.4", [333_00, 333_00, 334_00]), ("1", [1000_00]), ("100%", [1000_00])])
def test_a_plan_is_made_from_terms(session, contract, terms, amounts):
    row = contract()
    spreading.generate(session, [row], terms, dt.date(2026, 1, 31), "month")
    session.commit()
    plans = session.scalars(select(PaymentPlan).order_by(PaymentPlan.term)).all()
    assert [p.amount for p in plans] == amounts and sum(amounts) == row.amount
    days = [dt.date(2026, 1, 31), dt.date(2026, 2, 28), dt.date(2026, 3, 31)]
    assert [p.due_on for p in plans] == days[:len(plans)] and {p.owner_id for p in plans} == {row.owner_id}


@pytest.mark.parametrize("terms", ["", "30/60", "30/60/20", "0/100", "61", "abc", "30/-30/100"])
def test_terms_that_do_not_add_up_are_refused(session, contract, terms):
    with refused("100", "terms", session):
        spreading.generate(session, [contract()], terms, clock.today())


def test_only_what_is_not_planned_yet_is_spread(session, contract, plan):
    row = contract()
    plan(row, 100_00)
    spreading.generate(session, [row], "2", dt.date(2026, 12, 31), "quarter")
    session.commit()
    plans = session.scalars(select(PaymentPlan).order_by(PaymentPlan.term)).all()
    assert [(p.term, p.amount) for p in plans] == [(1, 100_00), (2, 450_00), (3, 450_00)] and plans[2].due_on == dt.date(2027, 3, 31)
    with refused("已"):
        spreading.generate(session, [row], "2", clock.today())
    with refused("作废"):
        spreading.generate(session, [contract(state="void")], "2", clock.today())
    tiny = contract(amount=2)
    spreading.generate(session, [tiny], "3", clock.today(), "week")
    session.commit()
    assert session.scalars(select(PaymentPlan.amount).where(PaymentPlan.contract_id == tiny.id)).all() == [1, 1], "no term of nothing"


def test_the_state_of_a_term_is_read_not_stored(session, contract, plan, pay):
    row = contract()
    late, soon, paid = plan(row, 300_00, -1), plan(row, 400_00, 0), plan(row, 300_00, -3)
    pay(row, 100_00, plan_id=soon.id)
    pay(row, 300_00, plan_id=paid.id)
    assert [(p.state, p.outstanding, p.days_late) for p in (late, soon, paid)] == [
        ("late", 300_00, 1), ("part", 300_00, None), ("done", 0, None)]
    with clock.frozen(clock.now() + 2 * DAY):
        assert (soon.state, soon.days_late) == ("late", 2)
        assert sorted(session.scalars(select(PaymentPlan.id).where(rules.late(None)))) == [late.id, soon.id]
    assert session.scalars(select(PaymentPlan.id).where(rules.part(None))).all() == [soon.id]
    assert session.scalars(select(PaymentPlan.id).where(rules.done(None))).all() == [paid.id]
    row.approval = "pending"
    session.commit()
    assert late.state == "later" and session.scalars(select(PaymentPlan.id).where(rules.open_plans())).all() == []


def test_what_comes_in_fills_the_terms_in_order(session, contract, plan, pay):
    """A payment on a term counts there; what is above, or names no term, goes to the oldest open ones: the terms lack what the contract lacks."""
    row = contract()
    terms = [plan(row, 300_00, 30), plan(row, 600_00, -5), plan(row, 100_00, 60)]

    def received():
        session.expire_all()
        assert sum(p.outstanding for p in terms) == row.outstanding
        return [p.received for p in terms]
    first = pay(row, 200_00)
    assert received() == [0, 200_00, 0], "the term due first"
    pay(row, 350_00, plan_id=terms[0].id)
    assert received() == [300_00, 250_00, 0], "50 above its term"
    rules.refund(session, [first], 120_00, clock.today(), "多付")
    session.commit()
    assert received() == [300_00, 130_00, 0]
    pay(row, 570_00)
    assert received() == [300_00, 600_00, 100_00]
    session.delete(session.scalars(select(Payment).order_by(Payment.id.desc())).first())
    session.commit()
    assert received() == [300_00, 130_00, 0]


def test_a_term_with_payments_is_neither_edited_nor_deleted(session, contract, plan, pay):
    row = contract()
    paid, free = plan(row, 300_00), plan(row, 300_00)
    payment = pay(row, 100_00, plan_id=paid.id)
    with refused("回款"):
        rules.check_plan_change(session, paid)
    rules.check_plan_change(session, free)
    rules.send_back(session, [payment], "查无此款")
    session.commit()
    rules.check_plan_change(session, paid)


# ---- payments -------------------------------------------------------------------------------------------------
def test_a_payment_above_the_rest_is_refused_and_the_sentence_names_the_rest(session, contract, pay):
    row = contract()
    first = pay(row, 999_99)
    for bad, words in ((0, "大于零"), (-1, "大于零"), (2, "0.01")):
        with refused(words, "amount", session):
            pay(row, bad)
    pay(row, 1)
    assert (row.received, row.outstanding, row.progress) == (1000_00, 0, 10_000)
    first.amount = 1000_00
    with refused("999.99", "amount", session):
        save(session, rules.check_payment, first)
    first.amount = 500_00
    save(session, rules.check_payment, first)
    session.refresh(row)
    assert (row.received, row.outstanding, row.progress) == (500_01, 499_99, 5000)
    other = contract()
    term = save(session, rules.check_plan, PaymentPlan(contract_id=other.id, amount=1_00, due_on=clock.today()))
    for over, field in (({"paid_on": clock.today() + DAY}, "paid_on"), ({"kind": "refund"}, "kind"), ({"plan_id": term.id}, "plan"),
                        ({"customer_id": other.customer_id}, "contract")):
        with refused("", field, session):
            pay(row, 1_00, **over)


def test_no_payment_on_a_void_or_unapproved_contract(session, contract, pay):
    with refused("作废", "contract", session):
        pay(contract(state="void"), 1_00)
    archived = contract(state="archived")
    assert pay(archived, 1_00).id, "money that arrives late is still money"
    session.add(ApprovalRule(entity="contract", least=0, approver="superior", is_on=True))
    session.commit()
    for state in ("needed", "pending", "rejected", "withdrawn"):
        with refused("审批", session=session):
            pay(contract(approval=state), 1_00)
    for state in ("approved", "none"):
        assert pay(contract(approval=state), 1_00).id, "approved, or older than the rule"


def test_the_confirmation_locks_and_a_payment_sent_back_counts_no_more(session, contract, pay):
    row = contract()
    payment = pay(row, 600_00)
    rules.confirm(session, [payment])
    session.commit()
    with refused("锁定"):
        rules.check_payment_change(session, payment)
    for action, args in ((rules.confirm, ()), (rules.send_back, ("查无此款",))):
        with refused("待确认"):
            action(session, [payment], *args)
    rules.unconfirm(session, [payment])
    rules.check_payment_change(session, payment)
    with refused("", "reason"):
        rules.send_back(session, [payment], "")
    rules.send_back(session, [payment], "查无此款")
    session.commit()
    session.expire_all()
    assert (payment.check, row.received, payment.note) == ("refused", 0, "查无此款")
    for action, args in ((rules.confirm, ()), (rules.unconfirm, ()), (rules.send_back, ("再次",)), (rules.refund, (1_00, clock.today(), "退"))):
        with refused(""):
            action(session, [payment], *args)
    pay(row, 500_00)
    with refused("500.00", "amount", session):  # its place was taken meanwhile
        payment.note = "改好了"
        save(session, rules.check_payment, payment)
    payment.amount = 500_00
    save(session, rules.check_payment, payment)
    session.expire_all()
    assert (payment.check, row.received) == ("new", 1000_00), "mended, it waits for its confirmation again"


def test_a_refund_is_at_most_what_came_in(session, contract, pay, plan):
    row = contract()
    term = plan(row, 700_00)
    payment = pay(row, 600_00, plan_id=term.id)
    for bad in (0, -1, 600_01):
        with refused("600.00", "amount", session):
            rules.refund(session, [payment], bad, clock.today(), "退货")
    with refused("", "reason", session):
        rules.refund(session, [payment], 1_00, clock.today(), "")
    with refused("", "paid_on", session):
        rules.refund(session, [payment], 1_00, clock.today() + DAY, "退货")
    back = rules.refund(session, [payment], 250_00, clock.today(), "退货")
    session.commit()
    session.expire_all()
    assert (back.amount, row.received, term.received, row.outstanding) == (-250_00, 350_00, 350_00, 650_00)
    with refused("350.00", "amount", session):
        rules.refund(session, [payment], 350_01, clock.today(), "退货")
    with refused("", session=session):
        rules.refund(session, [back], 1_00, clock.today(), "退款的退款")
    for bad in (1_00, -600_01, 0):
        back.amount = bad
        with refused("", "amount", session):
            save(session, rules.check_payment, back)
    back.contract_id = contract(customer_id=row.customer_id).id
    with refused("原回款", "contract", session):
        save(session, rules.check_payment, back)
    payment.amount = 249_99
    with refused("250.00", "amount", session):
        save(session, rules.check_payment, payment)
    payment.contract_id = contract(customer_id=row.customer_id).id
    with refused("退款", "contract", session):
        save(session, rules.check_payment, payment)
    with refused("退款"):
        rules.send_back(session, [payment], "查无此款")
    with refused("退款"):
        contracts.void(session, [row], "客户取消")
    rules.refund(session, [payment], 350_00, clock.today(), "全退")
    session.commit()
    contracts.void(session, [row], "客户取消")
    assert row.state == "void"
    with refused("作废"):
        rules.check_payment_delete(session, payment)


def test_one_receipt_pays_several_contracts_or_none(session, contract, make, people, as_):
    customer = make.customer()
    one, two, other = contract(customer_id=customer.id), contract(customer_id=customer.id, amount=500_00), contract()
    with as_("li"):
        for shares, words in (({}, "至少"), ({one.id: 0}, "至少"), ({one.id: 900_00, two.id: 500_01}, "500.00"), ({one.id: -1}, "大于零"),
                              ({one.id: 100_00, other.id: 100_00}, "其他客户")):
            with refused(words, session=session):
                rules.receive(session, customer.id, shares, paid_on=clock.today())
        with refused("", "method", session):
            rules.receive(session, customer.id, {one.id: 1}, paid_on=clock.today(), method="zzz")
        assert session.scalars(select(Payment.id)).all() == [], "nothing is half written"
        with changes.operation(session, "receipt", "payment"):
            made = rules.receive(session, customer.id, {one.id: 900_00, two.id: 500_00}, paid_on=clock.today(), method="wire", payer="恒远")
        session.commit()
        batch = session.info["last_batch"]
        assert [(p.contract_id, p.amount, p.receipt) for p in made] == [
            (one.id, 900_00, made[0].number), (two.id, 500_00, made[0].number)]
        assert (one.received, two.received) == (900_00, 500_00)
        assert undo.take_back(session, batch) == []
        session.commit()
    session.expire_all()
    assert (one.received, two.received) == (0, 0)


def test_a_payment_that_needs_approval_counts_when_it_has_it(session, contract, pay, as_):
    row = contract()
    session.add(ApprovalRule(entity="payment", least=500_00, approver="superior", is_on=True))
    session.commit()
    pay(row, 100_00)
    payment = pay(row, 500_00)
    session.refresh(row)
    assert (payment.approval, row.received, rules.left_of(session, row)) == ("needed", 100_00, 400_00), "it counts not, but its place is taken"
    with refused("审批"):
        rules.confirm(session, [payment])
    with as_("li"):
        approvals.submit(session, [payment])
        session.commit()
    with refused("审批"):
        rules.send_back(session, [payment], "x")
    with as_("qian"):
        approvals.reject(session, [session.scalar(select(Approval))], "查一下")
        session.commit()
    assert rules.left_of(session, row) == 900_00, "refused: its place is free"
    other = pay(row, 450_00)
    with as_("li"), refused("450.00", "amount", session):
        approvals.submit(session, [payment])  # the place was taken meanwhile
    session.delete(other)
    session.commit()
    with as_("li"):
        approvals.submit(session, [payment])
        session.commit()
    with as_("qian"):
        approvals.approve(session, [session.scalar(select(Approval).where(Approval.state == "pending"))])
        session.commit()
    session.refresh(row)
    assert row.received == 600_00
    rules.confirm(session, [payment])
    session.commit()
    with as_("qian"), refused("锁定"):
        approvals.release(session, [payment])


def test_a_refund_that_waits_for_approval_gives_no_room(session, contract, pay, as_):
    row = contract()
    payment = pay(row, 1000_00)
    session.add(ApprovalRule(entity="payment", least=0, approver="superior", is_on=True))
    session.commit()
    back = rules.refund(session, [payment], 400_00, clock.today(), "退货")
    session.commit()
    session.refresh(row)
    assert (back.approval, row.received, rules.left_of(session, row)) == ("needed", 1000_00, 0)
    with refused("600.00", "amount", session):
        rules.refund(session, [payment], 600_01, clock.today(), "退货")
    with as_("li"):
        approvals.submit(session, [back])
        session.commit()
    with as_("qian"):
        approvals.approve(session, [session.scalar(select(Approval))])
        session.commit()
    session.refresh(row)
    assert (row.received, rules.left_of(session, row)) == (600_00, 400_00)


def test_no_undo_brings_a_contract_over_its_amount(session, contract, pay, as_):
    row = contract()
    with as_("li"):
        with changes.operation(session, "edit", "contract"):
            row.amount = 1500_00
            save(session, contracts.check_contract, row)
        raised = session.info["last_batch"]
        gone = pay(row, 900_00)
        with changes.operation(session, "delete", "payment"):
            session.delete(gone)
        session.commit()
        deleted = session.info["last_batch"]
        pay(row, 1200_00)
        for batch in (raised, deleted):
            with refused("超过", session=session):
                undo.take_back(session, batch)
        assert session.refresh(row) is None and (row.amount, row.received) == (1500_00, 1200_00)


def test_a_new_payment_is_not_undone_from_under_its_refund(session, contract, pay, as_):
    row = contract()
    with as_("li"):
        payment = pay(row, 500_00)
        batch = session.info["last_batch"]
        rules.refund(session, [payment], 100_00, clock.today(), "退货")
        session.commit()
        with refused(str(payment), session=session):
            undo.take_back(session, batch)
        session.refresh(row)
        assert row.received == 400_00


# ---- invoices -------------------------------------------------------------------------------------------------
def test_invoices_are_not_above_the_contract_and_hold_it(session, contract, people):
    row = contract()

    def bill(amount, number):
        return save(session, rules.check_invoice, Invoice(
            contract_id=row.id, amount=amount, number=number, issued_on=clock.today(), owner_id=people["li"]))
    bill(600_00, "0001")
    for bad in (0, -1, 400_01):
        with refused("400.00", "amount", session):
            bill(bad, "0002")
    with refused("已存在", "number", session):
        bill(1_00, "0001")
    session.refresh(row)
    assert (row.invoiced, row.uninvoiced) == (600_00, 400_00)
    row.amount = 599_99
    with refused("600.00", "amount", session):
        save(session, contracts.check_contract, row)
    with refused("开票"):
        contracts.void(session, [row], "客户取消")
    row.amount = 600_00
    save(session, contracts.check_contract, row)


def test_the_amount_of_a_contract_covers_what_hangs_on_it(session, contract, pay, plan):
    row = contract()
    plan(row, 800_00)
    pay(row, 700_00)
    for bad, words in ((699_99, "700.00"), (799_99, "800.00")):
        row.amount = bad
        with refused(words, "amount", session):
            save(session, contracts.check_contract, row)
    row.amount = 800_00
    save(session, contracts.check_contract, row)


def test_receivables_age_and_expect(session, contract, plan, pay):
    row = contract(amount=10_000_00)
    for n, days in enumerate((-1, -30, -31, -60, -61, -90, -91, 0, 5, 40)):
        plan(row, (n + 1) * 100_00, days)
    pay(row, 50_00, plan_id=session.scalars(select(PaymentPlan.id).where(PaymentPlan.amount == 100_00)).one())
    found = receivables.total(session)
    assert [found[f"aged{n}"] for n in range(4)] == [250_00, 700_00, 1100_00, 700_00], "0–30, 31–60, 61–90, over 90 days"
    assert found["coming"] == 2700_00 and found["open"] == 5450_00 and found["n"] == 10
    assert found["contracts"] == 9950_00
    for group in receivables.GROUPS:
        rows = receivables.by(session, group)
        assert len(rows) == 1 and {k: v for k, v in rows[0].items() if k in found} == {k: v for k, v in found.items() if k != "contracts"}

"""Approval: who must, in which order, and that nobody gets around it (product.md must-have 6)."""
import pytest
from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select

from app.approvals import rules
from app.approvals.models import Approval, ApprovalRule
from app.core import actor, changes, clock, undo
from app.core.rules import RuleError
from app.products.models import Product
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from app.security.models import Employee, RolePolicy
from tests.story import line, refused, save


@pytest.fixture
def rule(session):
    """`rule(least=…, approver=…)`: a switched-on rule for quotes."""
    def made(**over):
        return save(session, rules.check_rule, ApprovalRule(**{
            "entity": "quote", "least": 0, "approver": "superior", "is_on": True, "position": 0, **over}))
    return made


@pytest.fixture
def quote(session, make, people):
    """`quote(price=…)`: 李's draft of one line, saved by the rules."""
    def made(price=1000_00, owner="li", lines=None, **over):
        values = {"name": "驱动器报价", "customer_id": make.customer(owner=owner).id, "quoted_on": clock.today(), "valid_until": clock.today(),
                  "owner_id": people[owner], "state": "draft", **over}
        return save(session, quotes.check_quote, Quote(**values, lines=lines or [line(QuoteLine, price)]))
    return made


def _role(session, key) -> str:
    return str(session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == key)))


@pytest.fixture
def do(session, as_):
    """`do("li", rules.submit, row)`: an action of a person, committed; a refusal changes nothing."""
    def act(name, action, row, *args, **values):
        with as_(name):
            try:
                with changes.operation(session, action.__name__, row.__tablename__):
                    action(session, [row], *args, **values)
                session.commit()
            except RuleError:
                session.rollback()
                raise
        return session.scalar(select(Approval).order_by(Approval.id.desc()).limit(1))
    return act


def test_without_a_rule_nothing_is_asked(session, quote, do):
    row = quote()
    assert row.approval == "none" and not rules.may_submit(row)
    with refused("不需要审批"):
        do("li", rules.submit, row)
    quotes.send(session, [row])
    assert row.state == "sent"


def test_a_rule_is_complete(session, rule):
    for over, field in (({"approver": "person"}, "person"), ({"approver": "role"}, "role"), ({"least": -1}, "least")):
        with refused("", field, session):
            rule(**over)


def test_the_amount_decides_and_the_first_fen_counts(rule, quote):
    rule(least=1000_00)
    assert (quote(price=999_99).approval, quote(price=1000_00).approval) == ("none", "needed")


@pytest.mark.parametrize(("line_price", "discount", "reduction", "taxed", "cheap"), [
    (900_00, 10_000, 0, True, False), (899_99, 10_000, 0, True, True),  # lowest price 900
    (1000_00, 9_000, 0, True, False), (1000_00, 8_999, 0, True, True),  # the discount on the whole quote counts
    (1000_00, 10_000, 100_00, True, False), (1000_00, 10_000, 100_01, True, True),  # so does the reduction
    (800_00, 10_000, 0, False, False), (790_00, 10_000, 0, False, True)])  # 800 without tax are 904 with it, 790 are 892.70
def test_selling_below_the_lowest_price_is_seen_through_every_discount(rule, quote, make, line_price, discount, reduction, taxed, cheap):
    product = make.product(price=1000_00, lowest=900_00)
    rule(only_below=True)
    row = quote(discount=discount, reduction=reduction, lines=[line(QuoteLine, line_price, product_id=product.id, is_taxed=taxed)])
    assert row.approval == ("needed" if cheap else "none")
    assert isinstance(product, Product)


def test_the_superior_approves_and_only_in_his_turn(session, rule, quote, do, people):
    rule()
    rule(approver="person", person_id=people["chen"], position=1)
    row = quote()
    with refused("审批"):
        quotes.send(session, [row])
    approval = do("li", rules.submit, row)
    assert [s.approver_id for s in approval.steps] == [people["qian"], people["chen"]] and row.approval == "pending"
    for name in ("li", "wang", "chen", "admin"):
        with refused("不由您审批"):
            do(name, rules.approve, approval)
    for action in (quotes.send, quotes.new_version):
        with refused(""):
            action(session, [row])
    with refused("审批中"):
        quotes.void(session, [row], "不要了")
    with refused("审批"):
        rules.check_change(session, row)
    with refused("审批"):
        do("li", rules.submit, row)
    do("qian", rules.approve, approval)
    assert row.approval == "pending"
    with refused("不由您审批"):
        do("qian", rules.approve, approval)
    do("chen", rules.approve, approval, words="可以")
    assert (row.approval, approval.state, approval.steps[1].words) == ("approved", "approved", "可以")
    with refused("审批"):
        rules.check_change(session, row)
    quotes.send(session, [row])
    assert row.state == "sent"


def test_what_waits_for_me_is_what_i_may_decide_on_now_whatever_else_waits_for_others(session, rule, quote, do, people, as_):
    rule()
    rule(approver="person", person_id=people["chen"], position=1)
    first, second = do("li", rules.submit, quote()), do("li", rules.submit, quote())

    def waiting(name):
        with as_(name):
            return set(session.scalars(select(Approval.id).where(rules.waiting_for_me(_actor(session, people[name])))))
    assert (waiting("qian"), waiting("chen")) == ({first.id, second.id}, set())
    do("qian", rules.approve, first)
    assert (waiting("qian"), waiting("chen")) == ({second.id}, {first.id})


def test_a_refusal_needs_words_and_the_document_can_be_mended(session, rule, quote, do):
    rule()
    row = quote()
    approval = do("li", rules.submit, row)
    with refused("", "words"):
        do("qian", rules.reject, approval, words="")
    do("qian", rules.reject, approval, words="折扣太大")
    assert (row.approval, approval.state) == ("rejected", "rejected")
    rules.check_change(session, row)
    with refused("审批"):
        quotes.send(session, [row])
    row.lines[0].price = 2000_00
    save(session, quotes.check_quote, row)
    assert row.approval == "rejected", "mended is not approved"
    again = do("li", rules.submit, row)
    assert again.id != approval.id and again.amount == 2000_00
    do("qian", rules.approve, again)
    assert row.approval == "approved"


def test_withdrawing_is_for_who_submitted_and_releasing_for_who_approved(session, rule, quote, do, people):
    rule()
    row = quote()
    with refused(""):
        do("li", rules.withdraw, row)
    do("li", rules.submit, row)
    with refused("提交"):
        do("qian", rules.withdraw, row)
    do("li", rules.withdraw, row)
    assert row.approval == "withdrawn"
    with refused("不由您审批"):
        do("qian", rules.approve, session.scalar(select(Approval)))
    approval = do("li", rules.submit, row)
    do("admin", rules.withdraw, row)  # the administrator of the rules may, when who submitted has left
    approval = do("li", rules.submit, row)
    do("qian", rules.approve, approval)
    for name in ("li", "chen"):
        with refused("审批人"):
            do(name, rules.release, row)
    do("qian", rules.release, row)
    assert row.approval == "withdrawn"
    rules.check_change(session, row)
    approval = do("li", rules.submit, row)
    do("qian", rules.approve, approval)
    quotes.send(session, [row])
    session.commit()
    with refused("新版本"):
        do("qian", rules.release, row)


def test_nobody_approves_his_own_by_role(session, rule, quote, do, people):
    rule(approver="role", role=_role(session, "manager"))
    row = quote(owner="li")
    with refused("角色"):
        do("qian", rules.submit, row)  # 钱 is the only manager: nobody else could decide
    second = session.scalar(select(Employee).where(Employee.username == "wang"))
    kept = list(second.roles)
    second.roles = [session.get(Role, int(_role(session, "manager")))]
    session.commit()
    try:
        approval = do("qian", rules.submit, row)
        with refused("不由您审批"):
            do("qian", rules.approve, approval)
        assert session.scalar(select(Approval.id).where(rules.waiting_for_me(_actor(session, people["qian"])))) is None
        assert session.scalar(select(Approval.id).where(rules.waiting_for_me(_actor(session, people["wang"])))) == approval.id
        do("wang", rules.approve, approval)
        assert row.approval == "approved" and approval.steps[0].approver_id == people["wang"]
    finally:
        second.roles = kept
        session.commit()


def _actor(session, i):
    from app.security.people import actor_for
    return actor_for(session, i)


def test_a_manager_who_submits_himself_is_decided_on_by_his_superior(session, rule, quote, do, people):
    first = rule()
    approval = do("qian", rules.submit, quote(owner="li"))
    assert [s.approver_id for s in approval.steps] == [people["chen"]]
    with refused("上级"):
        do("chen", rules.submit, quote(owner="chen"))
    rule(approver="person", person_id=people["chen"])
    first.is_on = False
    session.commit()
    named = do("chen", rules.submit, quote(owner="chen"))
    do("chen", rules.approve, named)  # the rule names him in person


def test_a_stopped_approver_is_found_out_before_the_document_waits_for_ever(session, rule, quote, do, people):
    rule(approver="person", person_id=people["zhao"])
    session.get(Employee, people["zhao"]).active = False
    session.commit()
    row = quote()
    with refused("停用"):
        do("li", rules.submit, row)
    assert row.approval == "needed"


def test_one_more_approver_decides_after_the_present_one(session, rule, quote, do, people):
    rule()
    row = quote()
    approval = do("li", rules.submit, row)
    with refused("不由您审批"):
        do("wang", rules.add_approver, approval, people["chen"])
    for bad in ("li", "qian"):
        with refused("", "employee"):
            do("qian", rules.add_approver, approval, people[bad])
    do("qian", rules.add_approver, approval, people["wang"])
    with refused("", "employee"):
        do("qian", rules.add_approver, approval, people["wang"])
    do("qian", rules.approve, approval)
    assert row.approval == "pending"
    with actor.acting_as(_actor(session, people["wang"])):
        assert session.scalar(select(Quote.id)) == row.id, "he may read what he decides on"
    do("wang", rules.approve, approval)
    assert row.approval == "approved"


def test_a_rule_switched_on_later_leaves_what_is_there_until_its_amount_changes(session, rule, quote, do):
    row = quote()
    wanted = rule()
    quotes.send(session, [row])
    row.state = "draft"
    row.note = "只改备注"
    save(session, quotes.check_quote, row)
    assert row.approval == "none"
    row.lines[0].price = 3000_00
    save(session, quotes.check_quote, row)
    assert row.approval == "needed"
    wanted.is_on = False
    session.commit()
    do("li", rules.submit, row)
    assert row.approval == "none", "switched off again: it is free"
    assert session.scalar(select(Approval.id)) is None


def test_no_undo_gets_around_an_approval(session, rule, quote, do, as_):
    row = quote()
    rule()
    with as_("li"):
        with changes.operation(session, "edit", "quote"):
            row.lines[0].price = 500_00
            row.lines[0].version += 0
            with session.no_autoflush:
                quotes.check_quote(session, row)
            row.changed_at = clock.now()
        session.commit()
        edit = session.info["last_batch"]
    approval = do("li", rules.submit, row)
    submitted = session.info["last_batch"]
    do("qian", rules.approve, approval)
    approved = session.info["last_batch"]
    with as_("li"):
        with refused("撤回", session=session):
            undo.take_back(session, submitted)
        with refused("没有撤销", session=session):
            undo.take_back(session, edit)
    session.expire_all()
    assert (row.lines[0].price, row.amount, row.approval) == (500_00, 500_00, "approved"), "lines stay with their document"
    with as_("qian"), refused("撤回", session=session):
        undo.take_back(session, approved)

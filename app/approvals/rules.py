"""Who must approve what, and how a submission goes its way. Approved and waiting documents are read-only."""
from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased, object_session

from app.core import actor, clock
from app.core.entity import by_name
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _
from app.products.rules import below_lowest
from app.security.models import Employee

from .models import Approval, ApprovalRule, ApprovalStep

FROZEN = ("pending", "approved")
APPROVED: dict = {}  # table name -> function(session, row), called when the last step has approved


def check_rule(session, rule) -> None:
    """A named person or a role is named."""
    if rule.approver == "person" and not rule.person_id:
        raise RuleError(_("Choose the person."), "person")
    if rule.approver == "role" and not rule.role:
        raise RuleError(_("Choose the role."), "role")


def matching(session, row) -> list[ApprovalRule]:
    """The rules that a document meets, in order."""
    found = session.scalars(select(ApprovalRule).where(ApprovalRule.entity == row.__tablename__, ApprovalRule.is_on).order_by(
        ApprovalRule.position, ApprovalRule.id)).all()
    amount = abs(getattr(row, "amount", 0) or 0)
    cheap = bool(found) and bool(below_lowest(session, getattr(row, "living", [])))
    return [r for r in found if amount >= (r.least or 0) and (cheap or not r.only_below)]


def require(session, row) -> None:
    """Refuse to go on with a document that still needs its approval."""
    if row.approval == "pending" or (row.approval != "approved" and matching(session, row)):
        raise RuleError(_("%(name)s needs approval first.", name=row))


def check_change(session, row) -> None:
    """What waits for approval or has it cannot be changed."""
    if row.approval in FROZEN:
        raise RuleError(_("%(name)s is in approval or approved and cannot be changed.", name=row))


def counts(model):
    """The clause "counts for money": not rejected, not waiting, not withdrawn."""
    return or_(model.approval.is_(None), model.approval.in_(("none", "approved")))


def may_submit(row) -> bool:
    """Whether the page offers 提交审批."""
    return row.approval not in FROZEN and bool(matching(object_session(row), row))


# ---- the way of a submission ----------------------------------------------------------------------------------
def submit(session, rows):
    """Hand documents in for approval; the first approver sees them at once."""
    for row in rows:
        if row.approval in FROZEN:
            raise RuleError(_("%(name)s is in approval or approved already.", name=row))
        rules = matching(session, row)
        if not rules:
            raise RuleError(_("%(name)s needs no approval.", name=row))
        approval = Approval(
            entity=row.__tablename__,
            kind=row.__tablename__,
            row_id=row.id,
            title=_title(row),
            amount=getattr(row, "amount", None),
            reason=_("below the lowest price") if any(r.only_below for r in rules) else None,
        )
        approval.steps = [_step(session, row, rule, n) for n, rule in enumerate(rules)]
        session.add(approval)
        session.flush()
        for step in approval.steps:
            _let_see(session, approval, step)
        row.approval = "pending"


def _title(row) -> str:
    number = getattr(row, "number", None)
    return f"{number} {row}"[:200] if number and number != str(row) else str(row)[:200]


def _step(session, row, rule, place) -> ApprovalStep:
    if rule.approver == "role":
        return ApprovalStep(role=rule.role, position=place, decision="waiting")
    if rule.approver == "person":
        return ApprovalStep(approver_id=rule.person_id, position=place, decision="waiting")
    owner = session.get(Employee, row.owner_id)
    if owner is None or owner.superior_id is None:
        raise RuleError(_("%(name)s has no superior who could approve.", name=owner or row))
    return ApprovalStep(approver_id=owner.superior_id, position=place, decision="waiting")


def _holders(session, role: str) -> list[int]:
    return list(session.scalars(select(assoc_user_role.c.user_id).where(assoc_user_role.c.role_id == int(role))))


def _let_see(session, approval, step) -> None:
    """The approver may read the submission and its document, wherever his scope ends."""
    for person in [step.approver_id] if step.approver_id else _holders(session, step.role):
        for entity, row_id in (("approval", approval.id), (approval.entity, approval.row_id)):
            there = session.scalar(select(Collaborator.id).where(
                Collaborator.entity == entity, Collaborator.row_id == row_id, Collaborator.employee_id == person))
            if there is None:
                session.add(Collaborator(entity=entity, row_id=row_id, employee_id=person, may_write=False))


def document(session, approval):
    """The submitted document."""
    return session.scalars(select(by_name(approval.entity)).where(by_name(approval.entity).id == approval.row_id)
                           .execution_options(everyone=True)).first()


def turn(session, approval) -> ApprovalStep | None:
    """The step whose turn it is."""
    return next((s for s in approval.steps if s.decision == "waiting"), None) if approval.state == "pending" else None


def may_decide(session, approval, who) -> bool:
    """Whether it is this person's turn; nobody approves what he submitted himself unless he is its only approver by name."""
    step = turn(session, approval)
    if step is None or who is None:
        return False
    return step.approver_id == who.id if step.approver_id else who.id in _holders(session, step.role)


def _decide(session, approval, decision, words):
    if not may_decide(session, approval, actor.current()):
        raise RuleError(_("It is not your turn to decide on %(name)s.", name=approval))
    step = turn(session, approval)
    step.decision, step.words, step.decided_at, step.approver_id = decision, words, clock.now(), actor.current_id()
    return document(session, approval)


def approve(session, rows, words=None):
    """The acting approver agrees; after the last step the document is approved."""
    for approval in rows:
        row = _decide(session, approval, "approved", words)
        if turn(session, approval) is None:
            approval.state = row.approval = "approved"
            if after := APPROVED.get(approval.entity):
                after(session, row)


def reject(session, rows, words):
    """The acting approver refuses, with words; the document can be changed again."""
    for approval in rows:
        row = _decide(session, approval, "rejected", words)
        for step in approval.steps:
            step.decision = "off" if step.decision == "waiting" else step.decision
        approval.state = row.approval = "rejected"


def withdraw(session, rows):
    """Who submitted a document takes it back while it waits."""
    for row in rows:
        approval = session.scalar(select(Approval).where(
            Approval.entity == row.__tablename__, Approval.row_id == row.id, Approval.state == "pending").order_by(Approval.id.desc()))
        if row.approval != "pending" or approval is None:
            raise RuleError(_("%(name)s does not wait for approval.", name=row))
        if actor.current_id() not in (approval.owner_id, None):
            raise RuleError(_("Only who submitted it can withdraw it."))
        for step in approval.steps:
            step.decision = "off" if step.decision == "waiting" else step.decision
        approval.state = row.approval = "withdrawn"


def add_approver(session, rows, employee):
    """The acting approver asks one more person, who decides after him (加签)."""
    for approval in rows:
        if not may_decide(session, approval, actor.current()):
            raise RuleError(_("It is not your turn to decide on %(name)s.", name=approval))
        if any(s.approver_id == employee for s in approval.steps):
            raise RuleError(_("This person decides already."), "employee")
        place = turn(session, approval).position
        for step in approval.steps:
            if step.position > place:
                step.position += 1
        step = ApprovalStep(approver_id=employee, position=place + 1, decision="waiting", approval_id=approval.id)
        session.add(step)
        session.flush()
        session.refresh(approval, ["steps"])
        _let_see(session, approval, step)


def release(session, rows):
    """取消审核: an approved document can be changed again; whoever approved it, or an administrator."""
    for row in rows:
        approval = session.scalar(select(Approval).where(
            Approval.entity == row.__tablename__, Approval.row_id == row.id, Approval.state == "approved").order_by(Approval.id.desc()))
        who = actor.current()
        if row.approval != "approved" or approval is None:
            raise RuleError(_("%(name)s is not approved.", name=row))
        if who and not who.may("approvalrule", "edit") and who.id not in [s.approver_id for s in approval.steps]:
            raise RuleError(_("Only an approver can take the approval back."))
        approval.state = row.approval = "withdrawn"


def waiting_for_me(who):
    """The clause of 待我审批: the first waiting step is mine, by name or by role."""
    first = aliased(ApprovalStep)
    roles = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == who.id)
    mine = or_(ApprovalStep.approver_id == who.id, and_(ApprovalStep.approver_id.is_(None), ApprovalStep.role.in_(
        select(roles.subquery().c.role_id.cast(ApprovalStep.role.type)))))
    earlier = exists().where(first.approval_id == Approval.id, first.decision == "waiting", first.position < ApprovalStep.position)
    return and_(Approval.state == "pending", exists().where(
        ApprovalStep.approval_id == Approval.id, ApprovalStep.decision == "waiting", mine, ~earlier))

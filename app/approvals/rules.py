"""Who must approve what, and how a submission goes its way. Approved and waiting documents are read-only."""
from flask_appbuilder.security.sqla.models import assoc_user_role
from sqlalchemy import and_, exists, func, inspect, or_, select
from sqlalchemy.orm import aliased, object_session

from app.core import actor, choices, clock, memo, undo
from app.core.entity import by_name
from app.core.rules import RuleError
from app.core.scope import Collaborator
from app.core.words import _, _l
from app.products.rules import below_lowest
from app.security.handover import DUTIES, Duty, named_in
from app.security.models import Employee
from app.security.people import superior_of

from .models import Approval, ApprovalRule, ApprovalStep

FROZEN = ("pending", "approved")
OPEN = ("needed", "rejected", "withdrawn")  # needs its approval and has none
APPROVED: dict = {}  # entity -> function(session, row), called when a document has its approval or needs none any more
STATES: dict = {}  # entity -> function(session, row) that refuses a document whose own state lets nobody change it
READY: dict = {}  # entity -> function(session, row) that refuses to submit a document that breaks a rule
UNDONE_ELSEWHERE = ("submit", "withdraw", "release")
undo.FINAL.update((entity, kind) for entity, _label in choices.FIXED["approvable"] for kind in UNDONE_ELSEWHERE)
undo.FINAL.update(("approval", kind) for kind in ("approve", "reject", "more"))


def check_rule(session, rule) -> None:
    """A named person or a role is named; the amount is not negative."""
    if rule.approver == "person" and not rule.person_id:
        raise RuleError(_("Choose the person."), "person")
    if rule.approver == "role" and not rule.role:
        raise RuleError(_("Choose the role."), "role")
    if (rule.least or 0) < 0:
        raise RuleError(_("This must not be negative."), "least")


def are_asked(session, entity: str) -> bool:
    """Whether any rule asks for the approval of a kind of document."""
    return session.scalar(select(ApprovalRule.id).where(ApprovalRule.entity == entity, ApprovalRule.is_on).limit(1)) is not None


def matching(session, row) -> list[ApprovalRule]:
    """The rules that a document meets, in order."""
    found = session.scalars(select(ApprovalRule).where(ApprovalRule.entity == row.__tablename__, ApprovalRule.is_on).order_by(
        ApprovalRule.position, ApprovalRule.id)).all()
    amount = abs(getattr(row, "amount", 0) or 0)
    cheap = any(r.only_below for r in found) and bool(below_lowest(session, row))
    return [r for r in found if amount >= (r.least or 0) and (cheap or not r.only_below)]


def on_save(session, row) -> None:
    """A new document, or one whose amount has changed, needs its approval when a rule meets it (待提交). What was saved before a
    rule was switched on goes on without."""
    if row.approval in FROZEN:
        return
    state = inspect(row)
    if not matching(session, row):
        row.approval = "none"
    elif row.approval in (None, "none") and (not state.persistent or state.attrs.amount.history.has_changes()):
        row.approval = "needed"


def require(session, row) -> None:
    """Refuse to go on with a document that still needs its approval."""
    if row.approval == "pending" or (row.approval in OPEN and matching(session, row)):
        raise RuleError(_("%(name)s needs approval first.", name=row))


def check_change(session, row) -> None:
    """What waits for approval or has it cannot be changed, nor what its own state has closed."""
    if row.approval in FROZEN:
        raise RuleError(_("%(name)s is in approval or approved and cannot be changed.", name=row))
    if closed := STATES.get(row.__tablename__):
        closed(session, row)


def counts(model):
    """The clause "counts for money": approved, or needs no approval."""
    return or_(model.approval.is_(None), model.approval.in_(("none", "approved")))


def is_settled(row) -> bool:
    """What `counts` says, of one row."""
    return row.approval in (None, "none", "approved")


def may_submit(row) -> bool:
    """Whether the page offers 提交审批."""
    session = object_session(row)
    try:
        check_change(session, row)
    except RuleError:
        return False
    return row.approval in OPEN or bool(matching(session, row))


# ---- the way of a submission ----------------------------------------------------------------------------------
def submit(session, rows):
    """Hand documents in for approval; the first approver sees them at once. One that no rule meets any more is free."""
    for row in rows:
        if row.approval in FROZEN:
            raise RuleError(_("%(name)s is in approval or approved already.", name=row))
        for check in (STATES.get(row.__tablename__), READY.get(row.__tablename__)):
            if check:
                check(session, row)
        rules = matching(session, row)
        if rules:
            _start(session, row, rules)
        elif row.approval in OPEN:
            _settle(session, row, "none")
        else:
            raise RuleError(_("%(name)s needs no approval.", name=row))
    return _("Handed in: %(n)d to be approved.", n=sum(1 for row in rows if row.approval == "pending"))


def _start(session, row, rules) -> None:
    cheap = any(r.only_below for r in rules)
    approval = Approval(entity=row.__tablename__, kind=row.__tablename__, row_id=row.id, title=_title(row), state="pending",
                        amount=getattr(row, "amount", None), reason=_("below the lowest price") if cheap else None)
    for rule in rules:
        approver, role = _approver(session, row, rule)
        if not approver or approver not in [s.approver_id for s in approval.steps]:
            approval.steps.append(ApprovalStep(approver_id=approver, role=role, position=len(approval.steps), decision="waiting"))
    session.add(approval)
    session.flush()
    for step in approval.steps:
        _let_see(session, approval, step)
    row.approval = "pending"


def _settle(session, row, approval: str) -> None:
    """The document has its approval, or needs none."""
    row.approval = approval
    if after := APPROVED.get(row.__tablename__):
        after(session, row)


def _title(row) -> str:
    number = getattr(row, "number", None)
    return f"{number} {row}"[:200] if number and number != str(row) else str(row)[:200]


def _approver(session, row, rule) -> tuple[int | None, str | None]:
    """(person, role) of a rule for a document; refuses when nobody could decide."""
    if rule.approver == "person":
        person = session.get(Employee, rule.person_id)
        if not person.active:
            raise RuleError(_("%(name)s approves by the rules but is stopped: ask the administrator.", name=person))
        return person.id, None
    own = {actor.current_id(), row.owner_id}
    if rule.approver == "role":
        if not set(_holders(session, rule.role)) - own:
            raise RuleError(_("Nobody else holds the role that approves this: ask the administrator."))
        return None, rule.role
    above = superior_of(session, row.owner_id, own) if row.owner_id else None
    if above is None:
        raise RuleError(_("%(name)s has no superior who could approve.", name=session.get(Employee, row.owner_id) if row.owner_id else row))
    return above, None


def _holders(session, role: str) -> list[int]:
    link = assoc_user_role.c
    return list(session.scalars(select(link.user_id).join(Employee, Employee.id == link.user_id).where(
        link.role_id == int(role), Employee.active)))


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


def asked(session, approval) -> set[int]:
    """Ids of whoever may decide now; what somebody submitted himself he decides only where the rule names him in person."""
    step = turn(session, approval)
    if step is None:
        return set()
    if step.approver_id:
        return {step.approver_id}
    return set(_holders(session, step.role)) - {approval.owner_id, document(session, approval).owner_id}


def may_decide(session, approval, who) -> bool:
    """Whether it is this person's turn."""
    return who is not None and who.id in asked(session, approval)


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
            approval.state = "approved"
            _settle(session, row, "approved")


def reject(session, rows, words):
    """The acting approver refuses, with words; the document can be changed again."""
    if not words:
        raise RuleError(_("Say why."), "words")
    for approval in rows:
        _end(approval, _decide(session, approval, "rejected", words), "rejected")


def _end(approval, row, state: str) -> None:
    """No further step is asked."""
    for step in approval.steps:
        step.decision = "off" if step.decision == "waiting" else step.decision
    approval.state = row.approval = state


def _latest(session, row, state: str):
    wanted = select(Approval).where(Approval.entity == row.__tablename__, Approval.row_id == row.id, Approval.state == state)
    return session.scalar(wanted.order_by(Approval.id.desc()).limit(1).execution_options(everyone=True))


def withdraw(session, rows):
    """Who submitted a document takes it back while it waits; so may the administrator of the rules."""
    for row in rows:
        approval, who = _latest(session, row, "pending"), actor.current()
        if row.approval != "pending" or approval is None:
            raise RuleError(_("%(name)s does not wait for approval.", name=row))
        if who and who.id != approval.owner_id and not who.may("approvalrule", "edit"):
            raise RuleError(_("Only who submitted it can withdraw it."))
        _end(approval, row, "withdrawn")


def add_approver(session, rows, employee):
    """The acting approver asks one more person, who decides after him (加签)."""
    for approval in rows:
        if not may_decide(session, approval, actor.current()):
            raise RuleError(_("It is not your turn to decide on %(name)s.", name=approval))
        person = session.get(Employee, employee)
        if employee == approval.owner_id or person is None or not person.active:
            raise RuleError(_("Who submitted it, or has left, cannot approve it."), "employee")
        if employee == actor.current_id() or any(s.approver_id == employee for s in approval.steps):
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
    """取消审核: an approved document can be changed again; whoever approved it, or an administrator of the rules. Not once its own
    state has closed it (sent, confirmed, paid out)."""
    for row in rows:
        approval, who = _latest(session, row, "approved"), actor.current()
        if row.approval != "approved" or approval is None:
            raise RuleError(_("%(name)s is not approved.", name=row))
        if who and not who.may("approvalrule", "edit") and who.id not in [s.approver_id for s in approval.steps]:
            raise RuleError(_("Only an approver can take the approval back."))
        if closed := STATES.get(row.__tablename__):
            closed(session, row)
        approval.state = row.approval = "withdrawn"


def latest(session, row) -> Approval | None:
    """The last submission of a document."""
    wanted = select(Approval).where(Approval.entity == row.__tablename__, Approval.row_id == row.id)
    return session.scalar(wanted.order_by(Approval.id.desc()).limit(1).execution_options(everyone=True))


def how_many_wait(session, who) -> int:
    """How many submissions wait for a person; counted once for each change of any, or of his rights."""
    number, kept = memo.revision(session, "approvals"), who.memo.get("waiting")
    if kept is None or kept[0] != number:
        wanted = select(func.count()).select_from(Approval).where(waiting_for_me(who))
        kept = who.memo["waiting"] = (number, session.scalar(wanted))
    return kept[1]


def waiting_for_me(who):
    """The clause of 待我审批: the first waiting step is mine, by name or by role."""
    first = aliased(ApprovalStep)
    roles = select(assoc_user_role.c.role_id).where(assoc_user_role.c.user_id == who.id)
    mine = or_(ApprovalStep.approver_id == who.id, and_(
        ApprovalStep.approver_id.is_(None), Approval.owner_id != who.id,
        ApprovalStep.role.in_(select(roles.subquery().c.role_id.cast(ApprovalStep.role.type)))))
    earlier = exists().where(first.approval_id == ApprovalStep.approval_id, first.decision == "waiting",
                             first.position < ApprovalStep.position)
    return and_(Approval.state == "pending", exists().where(
        ApprovalStep.approval_id == Approval.id, ApprovalStep.decision == "waiting", mine, ~earlier))


# ---- whoever leaves -------------------------------------------------------------------------------------------
def _steps_of(session, person) -> list:
    """What waits for a person by name, now or after others."""
    return list(session.scalars(select(ApprovalStep).join(Approval, Approval.id == ApprovalStep.approval_id).where(
        Approval.state == "pending", ApprovalStep.decision == "waiting", ApprovalStep.approver_id == person).order_by(ApprovalStep.id)
        .execution_options(everyone=True)))


def _ask_another(session, rows, to, person):
    """Another decides; nobody decides what he submitted or holds, and nobody twice."""
    for step in rows:
        approval = session.get(Approval, step.approval_id, execution_options={"everyone": True})
        if to in {approval.owner_id, document(session, approval).owner_id, *(one.approver_id for one in approval.steps if one is not step)}:
            raise RuleError(_("%(name)s was submitted, is held or is decided already by whoever would decide it now: give the approvals to "
                              "another person.", name=approval))
        step.approver_id = to
        _let_see(session, approval, step)


DUTIES["approval_step"] = Duty(_l("Approvals that wait for him"), _steps_of, _ask_another, "approvalrule.edit")
DUTIES["approval_rule"] = named_in(_l("Approval rules that name him"), ApprovalRule.person_id, "approvalrule.edit")

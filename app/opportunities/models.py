"""Sales opportunities, their stages and what happened to them (manual 4.4)."""
from sqlalchemy import Index, select
from sqlalchemy.orm import relationship

from app.core import choices, clock, fields
from app.core.choices import declare, fixed, table
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l
from app.products.models import Line, Priced

declare("opportunity_source", _l("Opportunity source"), [
    ("referral", "转介绍", "Referral"), ("search", "搜索引擎", "Search engine"), ("fair", "展会", "Trade fair"),
    ("call", "电话咨询", "Phone inquiry"), ("cold", "陌拜", "Cold visit"), ("again", "老客户", "Known customer")])
declare("opportunity_kind", _l("Opportunity type"), [
    ("new", "新业务", "New business", "blue"), ("more", "老客户增购", "More for a customer", "cyan")])
declare("loss_reason", _l("Reason of loss"), [
    ("rival", "竞争失败", "Lost to a competitor"), ("budget", "没有预算", "No budget"), ("silence", "没有回应", "No answer"),
    ("price", "价格因素", "Price"), ("change", "需求变化", "Needs have changed"), ("other", "其他", "Other")])
fixed(
    "stage_kind", [("open", _l("Open"), "blue"), ("won", _l("Won"), "green"), ("lost", _l("Lost"), "amber"), ("void", _l("Void"), "grey")]
)
FIRST_STAGES = [  # code, zh, en, kind, win rate, colour, days to warning
    ("s1", "初步接触", "First contact", "open", 1000, "grey", 14), ("s2", "需求确认", "Needs confirmed", "open", 3000, "cyan", 14),
    ("s3", "方案报价", "Proposal and quote", "open", 5000, "blue", 14), ("s4", "商务谈判", "Negotiation", "open", 7000, "violet", 14),
    ("s5", "签订合同", "Signing", "open", 9000, "blue", 7), ("won", "赢单", "Won", "won", 10_000, "green", 0),
    ("lost", "输单", "Lost", "lost", 0, "amber", 0), ("void", "无效", "Void", "void", 0, "grey", 0)]


class Stage(Entity):
    """A step on the way to a deal; reports go by its kind, never by its name."""

    memo = "choices"
    code = fields.text(_l("Code"), 40, readonly=True, unique=True)
    name = fields.text(_l("Stage name"), 40, required=True)
    name_en = fields.text(_l("English name"), 60)
    kind = fields.choice(_l("Stage kind"), "stage_kind", required=True, default="open")
    rate = fields.percent(_l("Win rate"), required=True, default=0)
    warn_days = fields.whole(_l("Warn after days"), default=14)
    colour = fields.choice(_l("Colour"), "colour")
    position = fields.whole(_l("Position"), default=0)
    is_stopped = fields.flag(_l("Stopped"))


def _stages(session):
    rows = session.scalars(select(Stage).order_by(Stage.position, Stage.id)).all()
    return {s.code: (s.name, s.name_en, s.colour, n == 0, s.is_stopped) for n, s in enumerate(rows)}


table("stage", _stages)


class Opportunity(Entity, Owned, Priced, Extended):
    """A deal that may come (manual 4.4 机会列表)."""

    scope_parent = "customer"
    search_names = ("name",)
    search_codes = ("number",)
    number = fields.numbered(_l("Opportunity number"), "JH{day:%Y%m%d}-{seq:04d}", import_names=("机会编号", "商机编号"))
    name = fields.text(_l("Opportunity name"), 120, required=True, import_names=("机会名称", "商机名称", "销售机会", "名称"))
    customer_id = fields.ref(_l("Customer"), "customer", required=True, import_names=("客户名称", "客户", "公司名称"))
    customer = fields.related("Customer", customer_id)
    contact_id = fields.ref(_l("Contact"), "contact", within="customer", hangs=False)
    contact = fields.related("Contact", contact_id)
    amount = fields.money(_l("Expected amount"), import_names=("预计金额", "商机金额", "金额"))
    closes_on = fields.date(_l("Expected closing"), import_names=("预计成交日期", "预计签单日期"))
    stage = fields.choice(_l("Stage"), "stage", required=True, import_names=("销售阶段", "阶段"))
    rate = fields.percent(_l("Win rate"), import_names=("赢单率", "赢单率%"))
    source = fields.choice(_l("Opportunity source"), "opportunity_source", import_names=("机会来源", "商机来源", "来源"))
    kind = fields.choice(_l("Opportunity type"), "opportunity_kind", import_names=("机会类型", "商机类型", "类型"))
    rivals = fields.text(_l("Competitors"), 200, import_names=("竞争对手",))
    needs = fields.note(_l("Needs"), import_names=("客户需求", "需求"))
    loss_reason = fields.choice(_l("Reason of loss"), "loss_reason", readonly=True)
    closing_note = fields.text(_l("Closing note"), 500, readonly=True)
    closed_on = fields.date(_l("Closed on"), readonly=True)
    furthest = fields.choice(_l("Furthest stage"), "stage", readonly=True)
    staged_at = fields.moment(_l("In this stage since"), readonly=True, default=clock.now)
    next_follow_at = fields.moment(_l("Next follow-up"), future=True, import_names=("下次跟进时间",))
    last_follow_at = fields.moment(_l("Last follow-up"), readonly=True)
    note = fields.note(_l("Note"), import_names=("备注",))
    lines = relationship("OpportunityLine", order_by="OpportunityLine.position", primaryjoin=(
        "and_(OpportunityLine.opportunity_id == Opportunity.id, OpportunityLine.deleted_at.is_(None))"))
    roles = relationship("OpportunityContact", primaryjoin=(
        "and_(OpportunityContact.opportunity_id == Opportunity.id, OpportunityContact.deleted_at.is_(None))"))
    __table_args__ = (*fields.sorted_by("opportunity", "created_at name amount closes_on stage staged_at next_follow_at"),
                      fields.partial("ix_opportunity_open_own", "deleted_at IS NULL AND closed_on IS NULL", "owner_id", "staged_at"),
                      fields.partial("ix_opportunity_open_all", "deleted_at IS NULL AND closed_on IS NULL", "staged_at"),
                      *(fields.partial(f"ix_opportunity_{name}", "deleted_at IS NULL", columns) for name, columns in (
                          # what board and funnel sum is read from these alone, so deleted_at is in them, too: SQLite asks for it
                          ("cube", "owner_id stage furthest loss_reason amount rate deleted_at"),
                          ("waiting", "stage staged_at amount rate owner_id customer_id id deleted_at"),
                          ("cycle", "stage closed_on created_at owner_id customer_id deleted_at"))),
                      fields.partial("ix_opportunity_ahead", "deleted_at IS NULL AND closed_on IS NULL",
                                     "closes_on amount rate deleted_at"),
                      Index("ix_opportunity_stage_owner", "stage", "owner_id"), {"extend_existing": True})

    @classmethod
    def handed(cls):
        """The open ones; won and lost ones are somebody's result."""
        return [cls.closed_on.is_(None)]

    @property
    def living(self) -> list:
        """The lines that were not taken out, in order."""
        return sorted((line for line in self.lines if line.deleted_at is None), key=lambda line: line.position or 0)

    @fields.fact(_l("Weighted amount"), "money")
    def weighted(self):
        """Amount × win rate, in fen, rounded half up."""
        from app.core.money import half_up
        return half_up(self.amount * (self.rate or 0), 10_000) if self.amount is not None else None

    @fields.fact(_l("Days in stage"), "whole", column="staged_at")
    def days_in_stage(self):
        """Whole days since the last change of stage."""
        return (clock.now() - self.staged_at).days if self.staged_at and not self.closed_on else None


class OpportunityLine(Line):
    """A product that the customer may buy."""

    part_of = "opportunity"
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", required=True)


class OpportunityContact(Entity):
    """A person at the customer with his part in this decision."""

    part_of = "opportunity"
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", required=True)
    contact_id = fields.ref(_l("Contact"), "contact", required=True)
    contact = fields.related("Contact", contact_id)
    role = fields.choice(_l("Role in buying"), "contact_role")


class StageChange(Entity):
    """When an opportunity went from where to where, who moved it and how long it had stood there (days are computed)."""

    part_of = "opportunity"
    audited = True
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", required=True)
    opportunity = fields.related("Opportunity", opportunity_id)
    from_stage = fields.choice(_l("From"), "stage")
    to_stage = fields.choice(_l("To"), "stage", required=True)
    at = fields.moment(_l("Moved at"), required=True, default=clock.now)
    seconds = fields.whole(_l("Seconds in the stage before"))
    amount = fields.money(_l("Amount"))
    reason = fields.text(_l("Reason"), 500)


def seed_stages(session) -> None:
    """The first stages (product.md 4.4); nothing when there are any."""
    if session.scalar(select(Stage.id).limit(1).execution_options(with_trash=True)):
        return
    for place, (code, zh, en, kind, rate, colour, days) in enumerate(FIRST_STAGES):
        session.add(
            Stage(code=code, name=zh, name_en=en, kind=kind, rate=rate, colour=colour, warn_days=days, position=place, is_stopped=False)
        )


choices.SEEDERS.append(seed_stages)

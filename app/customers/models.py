"""Customers, their contacts and the follow-ups (manual 4.3)."""
from sqlalchemy import Index, String
from sqlalchemy.orm import mapped_column, relationship

from app.core import clock, fields
from app.core.custom import Extended
from app.core.entity import Entity, Owned
from app.core.words import _l

from . import choices  # noqa: F401  declares the choice lists


class Customer(Entity, Owned, Extended):
    """A company we sell to, or hope to (manual 4.3 客户列表)."""

    handed_by = ("level", "region")
    search_names = ("name", "short_name", "short_code")
    search_codes = ("number", "phone", "mobile", "tax_number")
    unlogged = frozenset({"is_won", "won_at", "pool_at"})  # kept by the contracts and the pools
    number = fields.numbered(_l("Customer number"), "KH{day:%Y%m%d}-{seq:04d}", sole=False, import_names=("客户编号", "编号"))
    name = fields.text(_l("Customer name"), 255, required=True, import_names=(
        "客户名称", "公司名称", "单位名称", "企业名称", "单位", "公司", "客户", "客户名"))
    name_key = mapped_column(String(255), default="")
    short_name = fields.text(_l("Short name"), 60, import_names=("客户简称", "简称"))
    short_code = fields.text(_l("Memory code"), 30, import_names=("助记码", "拼音首字母"))
    kind = fields.choice(_l("Customer type"), "customer_type", import_names=("客户类型", "类型"))
    level = fields.choice(_l("Level"), "customer_level", import_names=("客户级别", "级别", "客户等级", "等级"))
    status = fields.choice(_l("Status"), "customer_status", import_names=("客户状态", "状态", "客户阶段", "阶段"))
    source = fields.choice(_l("Source"), "customer_source", import_names=("客户来源", "来源", "来源渠道"))
    industry = fields.choice(_l("Industry"), "industry", import_names=("所属行业", "行业", "客户行业"))
    size = fields.choice(_l("Company size"), "company_size", import_names=("企业规模", "人员规模", "规模"))
    ownership = fields.choice(_l("Kind of owner"), "ownership", import_names=("企业性质", "公司性质", "性质"))
    phone = fields.text(_l("Phone"), 32, masked=True, format="phone",
                         import_names=("电话", "公司电话", "联系电话", "座机", "固定电话"))
    mobile = fields.text(_l("Mobile"), 20, masked=True, format="mobile", import_names=("手机", "手机号", "手机号码", "移动电话"))
    fax = fields.text(_l("Fax"), 32, import_names=("传真",))
    email = fields.text(_l("E-mail"), 120, format="email", import_names=("邮箱", "电子邮箱", "电子邮件", "Email", "E-mail"))
    website = fields.text(_l("Website"), 200, format="url", import_names=("网址", "网站", "公司网址", "主页"))
    region = fields.text(_l("Region"), 60, import_names=("地区", "省市", "省市区", "所在地区", "省份", "城市"))
    address = fields.text(_l("Address"), 200, import_names=("详细地址", "地址", "公司地址", "联系地址"))
    postcode = fields.text(_l("Postcode"), 10, import_names=("邮编", "邮政编码"))
    invoice_title = fields.text(_l("Invoice title"), 120, import_names=("开票抬头", "发票抬头"))
    tax_number = fields.text(_l("Tax number"), 30, import_names=("纳税人识别号", "税号", "统一社会信用代码", "信用代码"))
    bank = fields.text(_l("Bank"), 120, import_names=("开户行", "开户银行"))
    bank_account = fields.text(_l("Bank account"), 40, masked=True, import_names=("开户账号", "银行账号", "账号"))
    invoice_address = fields.text(_l("Invoice address"), 200, import_names=("开票地址",))
    invoice_phone = fields.text(_l("Invoice phone"), 32, import_names=("开票电话",))
    next_follow_at = fields.moment(_l("Next follow-up"), future=True, import_names=("下次跟进时间", "下次联系时间", "下次跟进"))
    last_follow_at = fields.moment(_l("Last follow-up"), readonly=True)
    last_follow_text = fields.text(_l("Last follow-up record"), 200, readonly=True)
    is_won = fields.flag(_l("Won"), readonly=True)
    won_at = fields.date(_l("Won on"), readonly=True)
    is_locked = fields.flag(_l("Locked"), readonly=True)
    pool_at = fields.moment(_l("Until the pool"), readonly=True, counts_down=True)
    pool_id = fields.ref(_l("Pool"), "pool", readonly=True)
    pool = fields.related("Pool", pool_id)
    pooled_at = fields.moment(_l("In the pool since"), readonly=True)
    former_owner_id = fields.ref(_l("Former owner"), "ab_user", readonly=True, hangs=False)
    former_owner = fields.related("Employee", former_owner_id)
    note = fields.note(_l("Note"), import_names=("备注", "说明", "描述"))
    primary_contact_id = mapped_column(fields.Integer, fields.ForeignKey(
        "contact.id", use_alter=True, ondelete="SET NULL", name="fk_customer_primary_contact"), index=True, active_history=True,
        info={"kind": "ref", "label": _l("Primary contact"), "target": "contact", "readonly": True, "hangs": False})
    primary_contact = relationship("Contact", foreign_keys=[primary_contact_id], post_update=True)
    __table_args__ = (*fields.sorted_by(
        "customer", "created_at name next_follow_at last_follow_at level status industry source is_won pool_at",
        idle="coalesce(last_follow_at, created_at)"), Index("ix_customer_mobile", "mobile"), Index("ix_customer_phone", "phone"),
        Index("ix_customer_name_key", "name_key", postgresql_ops={"name_key": "text_pattern_ops"}),
        {"extend_existing": True})

    @fields.fact(_l("Contact's phone"), loads="primary_contact")
    def primary_phone(self):
        """Mobile or office phone of the primary contact."""
        return self.primary_contact and (self.primary_contact.mobile or self.primary_contact.phone)

    @fields.fact(_l("Department"), loads="owner")
    def department(self):
        """The department of the owner."""
        return self.owner and self.owner.department and self.owner.department.name

    @property
    def is_overdue(self) -> bool:
        """The promised follow-up is late."""
        return bool(self.next_follow_at and self.next_follow_at < clock.now())


class Contact(Entity, Owned, Extended):
    """A person at a customer (manual 4.3 联系人列表)."""

    scope_parent = "customer"
    search_names = ("name",)
    search_codes = ("mobile", "phone", "wechat", "qq")
    name = fields.text(_l("Contact name"), 60, required=True, import_names=("姓名", "联系人", "联系人姓名", "联系人名称"))
    customer_id = fields.ref(_l("Customer"), "customer", required=True, import_names=("客户名称", "所属客户", "公司名称", "单位名称"))
    customer = fields.related("Customer", customer_id)
    gender = fields.choice(_l("Gender"), "gender", import_names=("性别",))
    salutation = fields.text(_l("Salutation"), 20, import_names=("称谓", "称呼"))
    department = fields.text(_l("Contact's department"), 60, import_names=("部门", "所在部门"))
    title = fields.text(_l("Job title"), 60, import_names=("职务", "职位", "岗位"))
    role = fields.choice(_l("Role in buying"), "contact_role", import_names=("角色关系", "角色"))
    is_key = fields.flag(_l("Key decision maker"), import_names=("是否关键决策人", "关键决策人", "决策人"))
    mobile = fields.text(_l("Mobile"), 20, masked=True, format="mobile",
                         import_names=("手机", "手机号", "手机号码", "移动电话", "联系人手机"))
    phone = fields.text(_l("Office phone"), 32, masked=True, format="phone",
                         import_names=("办公电话", "电话", "联系人电话", "座机"))
    fax = fields.text(_l("Fax"), 32, import_names=("传真",))
    email = fields.text(_l("E-mail"), 120, format="email", import_names=("邮箱", "电子邮箱", "联系人邮箱"))
    wechat = fields.text(_l("WeChat"), 40, import_names=("微信", "微信号"))
    qq = fields.text(_l("QQ"), 20, import_names=("QQ", "QQ号"))
    superior_id = fields.ref(_l("Direct superior"), "contact", within="customer", hangs=False)
    superior = relationship("Contact", foreign_keys=[superior_id], remote_side="Contact.id")
    birthday = fields.date(_l("Birthday"), import_names=("生日", "出生日期"))
    hobbies = fields.text(_l("Hobbies"), 120, import_names=("爱好", "兴趣爱好"))
    address = fields.text(_l("Address"), 200, import_names=("地址", "联系地址"))
    postcode = fields.text(_l("Postcode"), 10, import_names=("邮编",))
    next_follow_at = fields.moment(_l("Next follow-up"), future=True, import_names=("下次跟进时间", "下次联系时间"))
    note = fields.note(_l("Note"), import_names=("备注", "联系人备注"))
    __table_args__ = (*fields.sorted_by("contact", "created_at name next_follow_at"), Index("ix_contact_mobile", "mobile"),
                      fields.partial("ix_contact_birthday", "deleted_at IS NULL AND birthday IS NOT NULL", "owner_id", "birthday"),
                      {"extend_existing": True})

    @fields.fact(_l("Primary contact"), "flag", loads="customer")
    def is_primary(self):
        """Whether the customer names this person as the first one to call."""
        return bool(self.customer and self.customer.primary_contact_id == self.id)


class Followup(Entity, Owned, Extended):
    """What was said and done with a customer, and when to call again (跟进记录)."""

    stays = True
    scope_parent = "customer"
    customer_id = fields.ref(_l("Customer"), "customer", required=True, import_names=("客户名称",))
    customer = fields.related("Customer", customer_id)
    method = fields.choice(_l("Method"), "follow_method", required=True, import_names=("跟进方式", "方式"))
    content = fields.note(_l("Content"), required=True, import_names=("跟进内容", "内容"))
    contact_id = fields.ref(_l("Contact"), "contact", within="customer", hangs=False)
    contact = fields.related("Contact", contact_id)
    opportunity_id = fields.ref(_l("Opportunity"), "opportunity", within="customer", hangs=False)
    opportunity = fields.related("Opportunity", opportunity_id)
    happened_at = fields.moment(_l("Followed up at"), required=True, default=clock.now, import_names=("跟进时间",))
    next_follow_at = fields.moment(_l("Next follow-up"), future=True, import_names=("下次跟进时间",))
    next_plan = fields.text(_l("Plan for next time"), 200, import_names=("下次跟进内容",))
    __table_args__ = (Index("ix_followup_customer_happened", "customer_id", "happened_at"),
                      *fields.sorted_by("followup", "happened_at next_follow_at"), {"extend_existing": True})

    def __repr__(self) -> str:
        return (self.content or "")[:40]

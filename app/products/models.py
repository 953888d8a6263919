"""Products, their categories and price lists (manual 4.9.2, 4.9.3), and what a document's line is."""
from sqlalchemy import Index
from sqlalchemy.orm import declared_attr, relationship

from app.core import fields
from app.core.choices import declare, fixed
from app.core.custom import Extended
from app.core.entity import Entity
from app.core.words import _l

declare("product_unit", _l("Unit"), [(f"u{n}", zh, en) for n, (zh, en) in enumerate((
    ("个", "pcs"), ("块", "block"), ("只", "piece"), ("把", "handful"), ("枚", "coin"), ("瓶", "bottle"), ("盒", "box"), ("台", "set"),
    ("吨", "ton"), ("千克", "kg"), ("米", "m"), ("箱", "case"), ("套", "suite"), ("项", "item")), 1)])
fixed("product_state", [("on", _l("On sale"), "green"), ("off", _l("Off sale"), "grey")])


class ProductCategory(Entity):
    """A branch of the product tree (manual 4.9.2)."""

    name = fields.text(_l("Category name"), 60, required=True, import_names=("类别名称", "产品类别", "类别", "分类"))
    above_id = fields.ref(_l("Category above"), "product_category", import_names=("上级类别", "上级分类"))
    above = relationship("ProductCategory", foreign_keys=[above_id], remote_side="ProductCategory.id")
    code = fields.text(_l("Code"), 30, import_names=("编码", "类别编码"))
    position = fields.whole(_l("Position"), default=0, import_names=("排序",))
    note = fields.note(_l("Note"), import_names=("备注",))


class Product(Entity, Extended):
    """What we sell (manual 4.9.3)."""

    search_names = ("name",)
    search_codes = ("code", "spec")
    code = fields.text(_l("Product code"), 40, required=True, unique=True, import_names=("产品编码", "编码", "产品编号", "货号"))
    name = fields.text(_l("Product name"), 120, required=True, import_names=("产品名称", "名称", "品名", "商品名称"))
    category_id = fields.ref(_l("Product category"), "product_category", required=True, linked=False, tree="above_id", import_names=(
        "产品类别", "类别", "产品类型", "分类"))
    category = fields.related("ProductCategory", category_id)
    spec = fields.text(_l("Specification"), 80, import_names=("规格型号", "规格", "型号"))
    unit = fields.choice(_l("Unit"), "product_unit", import_names=("单位", "计量单位"))
    price = fields.money(_l("Standard price"), required=True, import_names=("价格", "标准价", "单价", "售价"))
    cost = fields.money(_l("Cost"), masked=True, import_names=("成本价", "成本", "进价"))
    lowest = fields.money(_l("Lowest price"), import_names=("最低售价", "最低价", "底价"))
    tax_rate = fields.percent(_l("Tax rate"), default=1300, import_names=("税率", "税率%"))
    state = fields.choice(_l("Sale state"), "product_state", required=True, default="on", import_names=("状态", "是否上下架", "上下架"))
    note = fields.note(_l("Description"), import_names=("产品描述", "描述", "备注"))
    __table_args__ = (Index("ix_product_code", "code"), Index("ix_product_name", "name"), {"extend_existing": True})

    def __repr__(self) -> str:
        return f"{self.name} {self.spec}" if self.spec else self.name or ""


class PriceList(Entity):
    """A product's price for customers of one level, for a time."""

    product_id = fields.ref(_l("Product"), "product", required=True, import_names=("产品", "产品名称", "产品编码"))
    product = fields.related("Product", product_id)
    level = fields.choice(_l("Customer level"), "customer_level", required=True, import_names=("客户级别", "级别"))
    price = fields.money(_l("Price"), required=True, import_names=("价格", "单价"))
    starts_on = fields.date(_l("Valid from"), import_names=("生效日期", "开始日期"))
    ends_on = fields.date(_l("Valid until"), import_names=("失效日期", "结束日期", "有效期至"))

    def __repr__(self) -> str:
        return str(self.product or "")


class Line(Entity):
    """A line of a document: what its product was called and cost on that day (product.md 4.9.3: changing the price does
    not change old documents). `amount` = price × quantity, `tax` is contained in it or comes on top, see `amounts`."""

    __abstract__ = True
    product_id = fields.ref(_l("Product"), "product", linked=False, import_names=("产品", "产品编码", "产品编号", "货号"))

    @declared_attr
    def product(cls):
        return relationship("Product", foreign_keys=[cls.product_id])

    name = fields.text(_l("Line name"), 120, required=True, import_names=("产品名称", "品名", "商品名称", "名称"))
    spec = fields.text(_l("Specification"), 80, import_names=("规格型号", "规格", "型号"))
    unit = fields.choice(_l("Unit"), "product_unit", import_names=("单位",))
    quantity = fields.quantity(_l("Quantity"), required=True, default=1000, import_names=("数量",))
    list_price = fields.money(_l("List price"), readonly=True, import_names=("标准价", "标准单价"))
    price = fields.money(_l("Price"), required=True, import_names=("单价", "售价", "报价"))
    discount = fields.percent(_l("Discount %"), readonly=True)
    tax_rate = fields.percent(_l("Tax rate"), default=1300, import_names=("税率", "税率%"))
    is_taxed = fields.flag(_l("Tax included"), default=True, import_names=("含税", "是否含税"))
    amount = fields.money(_l("Line amount"), readonly=True, import_names=("小计", "金额", "合计"))
    tax = fields.money(_l("Of which tax"), readonly=True)
    cost = fields.money(_l("Cost"), masked=True, readonly=True)
    note = fields.text(_l("Line note"), 200, import_names=("备注", "行备注"))
    position = fields.whole(_l("Position"), default=0, readonly=True)


class Priced:
    """What a document of lines adds up to. `discount` on all lines, `reduction` taken off after it, `fees` on top; its
    `amount` is the total."""

    discount = fields.percent(_l("Whole discount %"), default=10_000, import_names=("整单折扣", "整单折扣%"))
    reduction = fields.money(_l("Reduction"), default=0, import_names=("优惠金额", "抹零"))
    fees = fields.money(_l("Other fees"), default=0, import_names=("其他费用", "运费"))
    lines_amount = fields.money(_l("Sum of lines"), readonly=True, default=0)
    tax = fields.money(_l("Tax"), readonly=True, default=0)
    cost = fields.money(_l("Cost of goods"), masked=True, readonly=True)

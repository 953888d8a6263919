"""Players of the manual's chapters from the deal to the money: opportunities, quotes, contracts, payments, expenses, approvals, reports."""
import datetime as dt
import re

from playwright.sync_api import expect

from app.core import clock
from tests.browser.manual_first import BOSS, his, name_of, one, plays, soon

SALES: dict = {}
MONEY = "demo22"  # of the finance department


def sale(key, who="demo05"):
    """A player of these chapters."""
    return plays(SALES, key, who)


def customer_of(office, who="demo05") -> str:
    """The name of one of his customers."""
    return name_of(office, "customer", his(office, "customer", who=who))


def pick_products(r, n=2):
    """The dialog 「选产品」: so many lines of one piece each."""
    r.press("选产品")
    rows = r.page.locator("#k-dialog tbody tr:has(input.form-control)")
    expect(r.page.locator("#k-dialog tbody")).to_have_text(re.compile(r"\S"))
    for at in range(n):
        rows.nth(at).locator("input.form-control").fill("2")
    r.page.locator("#k-dialog [data-k-take-all]").click()
    expect(r.page.locator("[data-k-line]").nth(n - 1)).to_be_visible()


@sale("08-opportunities/新建机会")
def new_deal(r, office):
    r.go("销售机会", "机会列表")
    r.press("新建机会")
    r.fill("机会名称", "装配线改造")
    r.choose("客户名称", customer_of(office))
    r.choose("销售阶段", "需求确认")
    r.fill("预计金额", "120000")
    r.fill("预计成交日期", f"{clock.today() + dt.timedelta(60)}")
    r.page.locator(".k-bar h1").click()  # the field is left, its list closes
    r.page.wait_for_load_state("networkidle")
    pick_products(r, 1)
    r.press("保存", ".k-bar")
    r.title("装配线改造")


@sale("08-opportunities/推进阶段")
def next_stage(r, office):
    deal = his(office, "opportunity", "stage IN ('s1', 's2', 's3')")
    r.open("opportunity", deal)
    r.page.locator("button[name=stage]", has_text=r.met("商务谈判")).click()
    r.told("")
    assert soon(lambda: one(office, "SELECT stage FROM opportunity WHERE id = ?", deal) == "s4")
    r.press("撤销", ".k-flash")
    r.told("已撤销")


@sale("08-opportunities/结束机会")
def lose(r, office):
    deal = his(office, "opportunity", "stage IN ('s1', 's2', 's3')")
    r.open("opportunity", deal)
    r.press("更多")
    r.press("输单")
    r.choose("输单原因", "价格因素")
    r.press("输单", "#k-dialog .modal-footer")
    r.told("")
    assert soon(lambda: one(office, "SELECT stage FROM opportunity WHERE id = ?", deal) == "lost")


@sale("08-opportunities/看销售漏斗")
def funnel(r, _office):
    r.go("销售机会", "销售漏斗")
    r.press("本年度")
    r.press("重置")
    r.press("按金额")
    expect(r.page.locator(".k-bigfun").first).to_be_visible()


@sale("09-quotes/发送报价")
def send_quote(r, office):
    quote = his(office, "quote", "state = 'draft'")
    r.open("quote", quote)
    r.press("打印")
    with r.page.expect_download() as got:
        r.page.locator(".dropdown-menu.show a", has_text=re.compile("^Excel$")).click()
    assert got.value.suggested_filename.endswith(".xlsx")
    r.page.keyboard.press("Escape")
    r.press("标记已发送")
    r.page.wait_for_load_state("networkidle")
    r.told("")
    assert soon(lambda: one(office, "SELECT state FROM quote WHERE id = ?", quote) == "sent")


@sale("09-quotes/修改已发送的报价")
def new_version(r, office):
    quote = his(office, "quote", "state = 'sent'")
    r.open("quote", quote)
    r.press("新版本")
    r.page.wait_for_url(lambda url: "/quote/show/" in url and not url.endswith(f"/{quote}"))
    r.press("编辑")
    r.page.locator("[data-k-line] [name$=-quantity]").first.fill("7")
    r.press("保存", ".k-bar")
    r.press("版本差异", "nav.k-tabs")
    expect(r.page.locator("tr[data-kind=changed]")).to_have_count(1)


@sale("10-contracts/由报价转合同")
def to_contract(r, office):
    quote = his(office, "quote", "state = 'sent'")
    r.open("quote", quote)
    r.press("转合同")
    r.page.wait_for_url("**/contract/add*")
    r.see("合同名称")
    r.see("签订日期")
    r.press("保存", ".k-bar")
    r.page.wait_for_url("**/contract/show/*")
    assert soon(lambda: one(office, "SELECT state FROM quote WHERE id = ?", quote) == "accepted")


@sale("10-contracts/作废合同")
def void(r, office):
    contract = his(office, "contract", "state NOT IN ('void', 'done') AND received = 0 AND id NOT IN (SELECT contract_id FROM payment WHERE deleted_at IS NULL)"
                   " AND id NOT IN (SELECT contract_id FROM invoice WHERE deleted_at IS NULL)")
    r.open("contract", contract)
    r.press("更多")
    r.press("作废")
    r.page.locator("#k-dialog textarea, #k-dialog input[type=text]").first.fill("客户取消项目")
    r.press("作废", "#k-dialog .modal-footer")
    r.told("")
    assert soon(lambda: one(office, "SELECT state FROM contract WHERE id = ?", contract) == "void")


def new_one(office) -> int:
    """A contract without terms, in the salesperson's hands."""
    return his(office, "contract", "state NOT IN ('void', 'done') AND amount > 0 AND id NOT IN (SELECT contract_id FROM payment_plan WHERE deleted_at IS NULL)")


@sale("11-payments/登记回款", "demo06")
def pay(r, office):
    contract = his(office, "contract", "state IN ('signed', 'running') AND approval IN ('none', 'approved') AND id IN "
                   "(SELECT contract_id FROM payment_plan WHERE received = 0 AND deleted_at IS NULL)", who="demo06")
    r.open("contract", contract)
    r.press("登记回款", "#plans tbody tr:has(a:text('登记回款'))")
    r.page.wait_for_url("**/payment/add*")
    r.see("回款日期")
    r.see("回款金额")
    r.choose("付款方式", "网上转账")
    r.press("保存", ".k-bar")
    r.page.wait_for_url("**/payment/show/*")


@sale("11-payments/查看应收款")
def receivables(r, _office):
    r.go("回款管理", "应收款")
    r.press("按合同")
    r.page.wait_for_url("**by=contract*")
    r.press("按负责人")
    expect(r.page.locator("table.k-table").first).to_be_visible()


@sale("12-expenses/新建费用")
def new_expense(r, office):
    r.go("费用管理", "费用列表")
    r.press("新建费用")
    r.choose("费用类型", "交通费")
    r.fill("费用金额", "86.5")
    r.fill("发生日期", f"{clock.today()}")
    r.page.keyboard.press("Escape")
    r.fill("事由", "拜访客户")
    r.press("保存", ".k-bar")
    r.page.wait_for_url("**/expense/show/*")
    r.see("附件")


@sale("32-approvals/设定审批规则（管理员）", "admin")
def rule(r, _office):
    r.go("系统管理", "审批规则")
    r.press("新建规则")
    r.choose("单据类型", "费用")
    r.fill("起始金额", "90000")
    r.choose("审批人", "直属上级")
    box = r._field("启用")
    if not box.is_checked():
        box.check()
    r.press("保存", ".k-bar")
    r.told("")


@sale("32-approvals/提交审批")
def submit(r, office):
    r.page.goto("/expense/add")
    r.page.select_option("#kind", label="其他")
    r.page.fill("#amount", "95000")
    r.page.fill("#reason", "展会")
    r.press("保存并提交", ".k-bar")
    r.see("审批中")


@sale("32-approvals/审批单据", BOSS)
def approve(r, office):
    r.go("工作桌面", "审批")
    key = one(office, "SELECT max(id) FROM expense WHERE approval = 'pending'")
    r.open("expense", key)
    r.see("驳回")
    r.see("加签")
    r.press("通过")
    if r.page.locator("#k-dialog .btn-primary:visible").count():
        r.page.locator("#k-dialog .btn-primary").click()
    r.told("")
    assert soon(lambda: one(office, "SELECT approval FROM expense WHERE id = ?", key) == "approved")


@sale("30-reports/查看报表")
def report(r, _office):
    r.go("工作桌面", "报表")
    r.press("合同/订单", "#k-content")
    r.choose("时间", "本年度")
    r.see("范围")
    r.press("查询")
    with r.page.expect_download() as got:
        r.press("导出 xlsx")
    assert got.value.suggested_filename.endswith(".xlsx")


@sale("31-journals/写报告", "demo11")
def journal(r, _office):
    r.go("工作桌面", "日报/周报")
    r.press("写报告")
    r.fill("完成工作", "拜访两家客户，确认方案")
    r.fill("下一步计划", "周五报价")
    r.press("保存", ".k-bar")
    r.press("发送给上级")
    r.told("已发送给")


@sale("31-journals/阅读和批注（上级）", BOSS)
def read_journal(r, _office):
    r.go("工作桌面", "日报/周报")
    with r.page.expect_navigation():
        r.press("发给我的")
    r.page.locator("td.main a").first.click()
    r.page.fill("[data-k-journal] [name=content]", "价格底线守住")
    r.press("批注", "[data-k-journal]")
    expect(r.page.locator("[data-k-journal]")).to_contain_text("价格底线守住")

"""Players of the manual's chapters on money and on who answers for it: payments, expenses, reports, journals, approvals."""
import datetime as dt
import re

from playwright.sync_api import expect

from app.core import clock
from tests.browser.reader import BOSS, MONEY, his, one, plays, soon


@plays("11-payments/做回款计划")
def plan(r, office):
    contract = his(office, "contract", "state <> 'void' AND amount > 0 AND id NOT IN (SELECT contract_id FROM payment_plan WHERE deleted_at IS NULL)")
    r.open("contract", contract)
    r.press("生成回款计划")
    r.fill("首期日期", f"{clock.today() + dt.timedelta(10)}")
    r.page.keyboard.press("Escape")
    r.press("生成各期")
    expect(r.page.locator("#k-terms [data-k-line]")).to_have_count(3)
    r.see("余额计入末期")
    r.press("保存", ".k-bar")
    r.told("")
    assert one(office, "SELECT count(*) FROM payment_plan WHERE contract_id = ?", contract) == 3


@plays("11-payments/查看回款计划", "demo06")
def plans(r, _office):
    r.go("回款管理", "回款计划")
    r.see("我负责的")
    r.press("未回款", "#k-content")
    r.page.wait_for_url("**quick=open*")
    r.press("全部逾期", "#k-content")
    r.page.wait_for_url("**quick=late*")


@plays("11-payments/登记回款", "demo06")
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


@plays("11-payments/一笔款付几个合同", "demo06")
def one_for_several(r, office):
    contract = his(office, "contract", "state IN ('signed', 'running') AND received < amount", "demo06")
    r.go("回款管理", "多合同回款")
    r.choose("客户名称", one(office, "SELECT c.name FROM customer c JOIN contract k ON k.customer_id = c.id WHERE k.id = ?", contract))
    r.page.wait_for_url("**customer=*")
    r.fill("到账金额", "10")
    r.press("按签订先后分配")
    r.press("保存", ".k-bar")
    r.told("")


@plays("11-payments/确认回款（财务）", MONEY)
def confirm(r, office):
    r.go("回款管理", "回款记录")
    r.press("待确认", "#k-content")
    r.page.wait_for_url("**quick=new*")
    r.first()
    r.press("确认到账")
    r.told("")
    payment = int(re.search(r"\d+$", r.page.url.split("?")[0])[0])
    assert one(office, "SELECT \"check\" FROM payment WHERE id = ?", payment) == "confirmed"


@plays("11-payments/退款", MONEY)
def refund(r, office):
    r.open("payment", one(office, "SELECT max(id) FROM payment WHERE amount > 100 AND \"check\" = 'confirmed' AND deleted_at IS NULL"))
    r.press("退款")
    r.fill("退款金额", "1")
    r.fill("原因", "多付一元")
    r.finish("退款")
    r.told("")
    assert one(office, "SELECT min(amount) FROM payment WHERE note LIKE '%多付一元%'") == -100


@plays("11-payments/开发票（财务）", MONEY)
def invoice(r, office):
    r.open("contract", one(office, "SELECT max(id) FROM contract WHERE state = 'running' AND invoiced < amount AND deleted_at IS NULL"))
    r.press("新建发票")
    r.page.wait_for_url("**/invoice/add*")
    r.see("金额")
    r.see("开票日期")
    r.fill("发票号码", "24312000000012345678")
    r.press("保存", ".k-bar")
    r.page.wait_for_url("**/invoice/show/*")
    r.go("回款管理", "发票")
    expect(r.page.locator("tbody", has_text="24312000000012345678")).to_be_visible()


@plays("11-payments/查看应收款")
def receivables(r, _office):
    r.go("回款管理", "应收款")
    r.press("按合同")
    r.page.wait_for_url("**by=contract*")
    r.press("按负责人")
    expect(r.page.locator("table.k-table").first).to_be_visible()


@plays("12-expenses/新建费用")
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


@plays("12-expenses/报销", "demo06")
def claim(r, _office):
    r.go("费用管理", "费用列表")
    r.press("未报销", "#k-content")
    r.page.wait_for_url("**quick=open*")
    r.tick(2)
    r.press("生成报销单", "[data-k-bulk]")
    r.fill("报销单", "十一月差旅")
    r.finish("生成报销单")
    r.told("")
    r.go("费用管理", "报销单")
    expect(r.page.locator("tbody", has_text="十一月差旅")).to_be_visible()


@plays("12-expenses/支付报销单（财务）", MONEY)
def pay_claim(r, office):
    r.go("费用管理", "报销单")
    r.press("未支付", "#k-content")
    r.page.wait_for_url("**quick=unpaid*")
    r.first()
    r.press("已支付")
    r.told("")
    assert one(office, "SELECT state FROM claim WHERE name = '十一月差旅'") == "paid"


@plays("32-approvals/设定审批规则（管理员）", "admin")
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


@plays("32-approvals/提交审批")
def submit(r, office):
    r.page.goto("/expense/add")
    r.page.select_option("#kind", label="其他")
    r.page.fill("#amount", "95000")
    r.page.fill("#reason", "展会")
    r.press("保存并提交", ".k-bar")
    r.see("审批中")


@plays("32-approvals/审批单据", BOSS)
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


@plays("30-reports/查看报表")
def report(r, _office):
    r.go("工作桌面", "报表")
    r.press("合同/订单", "#k-content")
    r.choose("时间", "本年度")
    r.see("范围")
    r.press("查询")
    with r.page.expect_download() as got:
        r.press("导出 xlsx")
    assert got.value.suggested_filename.endswith(".xlsx")


@plays("31-journals/写报告", "demo11")
def journal(r, _office):
    r.go("工作桌面", "日报/周报")
    r.press("写报告")
    r.fill("完成工作", "拜访两家客户，确认方案")
    r.fill("下一步计划", "周五报价")
    r.press("保存", ".k-bar")
    r.press("发送给上级")
    r.told("已发送给")


@plays("31-journals/阅读和批注（上级）", BOSS)
def read_journal(r, _office):
    r.go("工作桌面", "日报/周报")
    with r.page.expect_navigation():
        r.press("发给我的")
    r.page.locator("td.main a").first.click()
    r.page.fill("[data-k-journal] [name=content]", "价格底线守住")
    r.press("批注", "[data-k-journal]")
    expect(r.page.locator("[data-k-journal]")).to_contain_text("价格底线守住")

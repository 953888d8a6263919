"""Players of the manual's chapters on customers: customers, contacts, the pool, duplicates, pasting, e-mail."""
import datetime as dt
import re

from playwright.sync_api import expect

from app.core import clock
from tests.browser.reader import BOSS, his, name_of, one, plays, soon

OLD = "name NOT LIKE '苏州恒远%'"  # the one that 「新建客户」 made has nothing yet: it may be deleted


@plays("06-customers/新建客户")
def new_customer(r, _office):
    r.go("客户管理", "客户列表")
    r.press("新建客户")
    r.fill("客户名称", "苏州恒远自动化设备有限公司")
    r.see("查重")
    r.choose("客户级别", "A(重点客户)")
    r.choose("客户来源", "转介绍")
    r.fill("电话", "0512-66778899")
    r.press("保存", ".k-bar")
    r.title("苏州恒远")


@plays("06-customers/修改客户")
def edit_customer(r, office):
    customer = his(office, "customer")
    r.open("customer", customer)
    r.press("编辑")
    r.page.fill("#fax", "0512-1234567")
    r.press("保存", ".k-bar")
    r.told("")
    r.press("撤销", ".k-flash")
    r.told("已撤销")
    assert soon(lambda: one(office, "SELECT coalesce(fax, '') FROM customer WHERE id = ?", customer) != "0512-1234567")


@plays("06-customers/写跟进")
def follow(r, office):
    r.go("客户管理", "客户列表")
    r.open("customer", his(office, "customer", OLD))
    r.press("见面拜访", "#follow")
    r.page.fill("#content", "看了新车间，下月要货")
    r.fill("下次跟进时间", f"{clock.today() + dt.timedelta(3)} 10:00")
    r.page.keyboard.press("Escape")
    r.press("写跟进", "#follow")
    expect(r.page.locator("[data-followup]").first).to_contain_text("看了新车间")


@plays("06-customers/转移客户")
def transfer(r, office):
    customer = his(office, "customer", OLD)
    r.open("customer", customer)
    r.press("转移")
    r.choose("新负责人", "杨思远")
    r.see("原负责人")
    r.finish("转移")
    r.told("")
    assert soon(lambda: one(office, "SELECT u.username FROM customer c JOIN ab_user u ON u.id = c.owner_id WHERE c.id = ?", customer) == "demo06")


@plays("06-customers/共享客户")
def share(r, office):
    customer = his(office, "customer")
    r.open("customer", customer)
    r.press("更多")
    r.press("共享")
    r.choose("协作人", "杨思远")
    r.press("可编辑")
    r.finish("共享")
    r.told("")
    r.press("更多")
    r.press("取消共享")
    r.choose("协作人", "杨思远")
    r.finish("取消共享")
    r.told("")
    r.page.goto("/customer/list/")
    r.see("我协作的")


@plays("06-customers/删除与恢复客户")
def delete(r, office):
    customer = his(office, "customer", "name LIKE '苏州恒远%'")
    r.open("customer", customer)
    r.press("更多")
    r.press("删除")
    r.agree()
    r.page.wait_for_url("**/customer/list/**")
    r.press("撤销", ".k-flash")
    r.told("已撤销")
    assert soon(lambda: one(office, "SELECT deleted_at FROM customer WHERE id = ?", customer) is None)


@plays("07-contacts/新建联系人")
def new_contact(r, office):
    customer = his(office, "customer")
    r.go("客户管理", "客户列表")
    r.open("customer", customer)
    r.press("联系人", "nav.k-tabs")
    r.press("新建联系人")
    r.fill("姓名", "顾明辉")
    r.fill("职务", "设备部经理")
    r.fill("手机", "13912345678")
    r.press("关键决策人")
    r.press("保存", ".k-bar")
    r.title("顾明辉")


@plays("07-contacts/设为首要联系人")
def primary(r, office):
    contact = his(office, "contact", "id NOT IN (SELECT primary_contact_id FROM customer WHERE primary_contact_id IS NOT NULL)")
    r.go("客户管理", "联系人列表")
    r.open("contact", contact)
    r.press("设为首要联系人")
    r.told("")
    assert soon(lambda: one(office, "SELECT count(*) FROM customer WHERE primary_contact_id = ?", contact) == 1)


@plays("07-contacts/查看跟进记录")
def followups(r, _office):
    r.go("客户管理", "跟进记录")
    r.choose("跟进方式", "见面拜访")
    r.press("查询")
    r.page.wait_for_url("**method=*")
    r.first()
    expect(r.page).to_have_url(re.compile("/followup/show/"))


@plays("17-pool/领取客户", "demo12")
def claim(r, _office):
    r.go("客户管理", "公海")
    r.press("领取", "tbody")
    r.page.wait_for_url("**/customer/show/*")
    r.page.fill("#content", "重新联系，有新项目")
    r.press("写跟进", "#follow")
    expect(r.page.locator("[data-followup]").first).to_contain_text("有新项目")


@plays("17-pool/分配客户（主管）", BOSS)
def assign(r, _office):
    r.go("客户管理", "公海")
    r.tick(1)
    r.press("分配", "[data-k-bulk]")
    r.choose("新负责人", "陈雅婷")
    r.finish("分配")
    r.told("1")


@plays("17-pool/公海规则（管理员）", "admin")
def pool_rule(r, _office):
    r.go("系统管理", "公海设置")
    r.press("新建公海")
    r.fill("公海名称", "华北公海")
    r.press("保存", ".k-bar")
    r.title("华北公海")
    r.press("规则", "nav.k-tabs")
    r.press("新建规则")
    r.choose("条件", "未跟进")
    r.fill("天数", "900")
    r.fill("生效日期", f"{clock.today() + dt.timedelta(60)}")
    r.page.keyboard.press("Escape")
    r.press("保存", ".k-bar")
    r.told("")


@plays("17-pool/放入公海")
def give_back(r, office):
    customer = his(office, "customer", "pool_id IS NULL")
    r.go("客户管理", "客户列表")
    r.open("customer", customer)
    r.press("更多")
    r.press("放入公海")
    r.see("公海")
    r.finish("放入公海")
    r.told("已将 1 个客户放入公海")


@plays("18-duplicates/查重")
def duplicates(r, _office):
    r.go("客户管理", "查重")
    r.fill("客户名称", "平安银行")
    r.press("查重", "#k-content form")
    expect(r.page.locator("[data-found]")).to_be_visible()


@plays("18-duplicates/申请协作", "demo12")
def ask(r, office):
    r.go("客户管理", "查重")
    r.fill("客户名称", name_of(office, "customer", his(office, "customer", who="demo06")))
    r.press("查重", "#k-content form")
    r.press("申请协作", "[data-found]")
    r.told("")


@plays("18-duplicates/处理协作申请", "demo06")
def answer(r, office):
    r.go("客户管理", "协作申请")
    r.first()
    r.press("处理")
    r.page.locator("#k-dialog select").select_option(label="同意（只读）")
    r.finish("处理")
    r.told("")
    assert soon(lambda: one(office, "SELECT count(*) FROM share_request WHERE state = 'read'") == 1)


@plays("18-duplicates/合并", BOSS)
def merge(r, _office):
    r.go("客户管理", "客户列表")
    r.page.goto("/customer/list/?quick=all")
    r.tick(2)
    r.press("合并", "[data-k-bulk]")
    r.page.wait_for_url("**/duplicate/merge**")
    r.press("合并", ".k-bar")
    r.told("")
    expect(r.page).to_have_url(re.compile("/customer/show/"))


@plays("18-duplicates/全库查重", "admin")
def whole_database(r, _office):
    r.go("客户管理", "查重")
    r.press("全库查重")
    r.press("开始全库查重")
    r.page.wait_for_url("**/job/*")
    expect(r.page).to_have_url(re.compile("/duplicate/pairs"))
    r.see("合并")
    before = r.page.locator("[data-pair]").count()
    r.press("不是重复", "[data-pair]")
    expect(r.page.locator("[data-pair]")).to_have_count(before - 1)


@plays("19-paste/由文字建立客户")
def paste(r, _office):
    r.go("客户管理", "客户列表")
    r.press("粘贴识别")
    r.page.fill("[name=text]", "昆山广泽自动化科技有限公司\n陆文博 技术总监\n手机：13812345670\n地址：江苏省昆山市前进东路88号")
    r.press("识别", ".k-bar")
    expect(r.page.locator("[name=contact-mobile]")).to_have_value("13812345670")
    r.press("保存", ".k-bar")
    r.title("昆山广泽")


@plays("23-mail/发送报价单")
def mail_quote(r, office):
    quote = his(office, "quote", "state = 'draft'")
    r.open("quote", quote)
    r.press("更多")
    r.press("发送邮件")
    r.fill("收件地址", "gu@example.com")
    r.see("主题")
    r.see("邮件内容")
    r.finish("发送邮件")
    r.told("")
    expect(r.page.locator(".k-dh")).to_contain_text(r.met("已发送"))


@plays("23-mail/付款提醒", "demo06")
def remind(r, office):
    plan = his(office, "payment_plan", "received < amount", "demo06")
    r.open("paymentplan", plan)
    r.press("更多")
    r.press("发送邮件")
    r.fill("收件地址", "gu@example.com")
    r.see("邮件内容")
    r.finish("发送邮件")
    r.told("")
    r.open("customer", one(office, "SELECT customer_id FROM payment_plan WHERE id = ?", plan))
    r.press("邮件", "nav.k-tabs")
    expect(r.page.locator("tbody tr").first).to_contain_text("gu@example.com")

"""Players of the manual's first chapters: login, lists, desktop, tasks, targets, customers, contacts."""
import datetime as dt
import re
import time

import pyotp
from playwright.sync_api import expect

from app.core import clock
from app.demo.company import PASSWORD as EVERYBODYS

FIRST: dict = {}
SELLER, BOSS = "demo05", "demo02"


def plays(book, key, who=SELLER):
    """Register the player of a section and say who plays it."""
    def keep(play):
        book[key] = (who, play)
        return play
    return keep


def one(office, sql, *values):
    """The first cell of an answer."""
    return office.ask(sql, *values)[0][0]


def soon(true) -> bool:
    """Whether it comes true within the time that an answer may take."""
    until = time.monotonic() + 15
    while not true() and time.monotonic() < until:
        time.sleep(0.1)
    return true()


def his(office, entity, where="1 = 1", who=SELLER) -> int:
    """The youngest of a person's records."""
    return one(office, f"SELECT max(id) FROM {entity} WHERE owner_id = (SELECT id FROM ab_user WHERE username = ?) AND deleted_at IS NULL AND {where}", who)


def name_of(office, entity, key) -> str:
    """Its name."""
    return one(office, f"SELECT name FROM {entity} WHERE id = ?", key)


def first(key, who=SELLER):
    """A player of these chapters."""
    return plays(FIRST, key, who)


def leave(r):
    """Log out by the menu under the person's name."""
    r.page.wait_for_load_state("networkidle")
    r.page.locator(".k-top .dropdown:has([form=k-logout]) [data-bs-toggle=dropdown]").click()
    r.page.locator(".k-top [form=k-logout]").click()
    r.page.wait_for_url("**/login/**")


@first("01-login/登录系统", "")
def login(r, office):
    r.page.goto(office.url)
    r.fill("用户名", "demo06")
    r.fill("密码", EVERYBODYS)
    r.press("登录")
    r.see("工作桌面")
    leave(r)


@first("01-login/登录时更改密码", "")
def login_with_a_new_password(r, office):
    r.page.goto("/login/")
    r.fill("用户名", "demo07")
    r.fill("密码", EVERYBODYS)
    r.press("更改密码")
    r.fill("新密码", "plum-Blossom-7302")
    r.fill("确认新密码", "plum-Blossom-7302")
    r.press("登录")
    expect(r.page).to_have_url(office.url + "/")
    leave(r)


@first("01-login/解锁账户（管理员）", "admin")
def unlock(r, office):
    office.change("UPDATE ab_user SET locked_at = ? WHERE username = 'demo08'", "2026-01-01 08:00:00")
    r.go("系统管理", "用户管理")
    r.press("已锁定")
    r.page.locator("td.main a").first.click()
    r.press("解锁")
    r.told("")
    assert soon(lambda: one(office, "SELECT locked_at FROM ab_user WHERE username = 'demo08'") is None)


@first("01-login/启用两步验证", "demo09")
def second_factor(r, _office):
    r.page.click(".k-me")
    r.press("两步验证")
    secret = r.page.locator("[data-k-secret]").inner_text()
    r.fill("密码", EVERYBODYS)
    r.fill("代码", pyotp.TOTP(secret.replace(" ", "")).now())
    r.press("启用")
    expect(r.page.locator("code, .k-codes").first).to_be_visible()


@first("02-lists/查找与条件查询")
def find(r, _office):
    r.go("客户管理", "客户列表")
    r.press("我负责的")
    total = int(r.page.locator("[data-total]").get_attribute("data-total"))
    r.fill("查找", "科技")
    r.choose("客户级别", "B(普通客户)")
    r.press("查询")
    r.page.wait_for_url("**q=*")
    assert 0 < int(r.page.locator("[data-total]").get_attribute("data-total")) < total
    r.press("重置")
    expect(r.page.locator("#k-q")).to_have_value("")


@first("02-lists/存为我的过滤")
def keep_a_filter(r, _office):
    r.go("客户管理", "客户列表")
    r.page.fill("#k-q", "股份")
    r.press("查询")
    r.page.wait_for_url("**q=*")
    r.press("存为我的过滤")
    r.page.fill("#k-keep", "上市公司")
    r.press("放到左侧菜单")
    r.press("保存", ".k-keep")
    expect(r.page.locator("[data-k-views]")).to_contain_text("上市公司")
    r.see("常用视图")


@first("02-lists/选择显示的列")
def columns(r, _office):
    r.page.goto("/customer/list/")
    r.press("列设置")
    r.page.locator("#k-dialog li label", has_text="客户编号").click()
    r.press("保存")
    expect(r.page.locator("thead", has_text="客户编号")).to_be_visible()


@first("02-lists/批量操作", BOSS)
def many_at_once(r, _office):
    r.page.goto("/customer/list/?quick=all")
    for n in range(2):
        r.page.locator("[data-k-row]").nth(n).check()
    r.press("转移", "[data-k-bulk]")
    dialog_choose(r, "owner", "陈雅婷")
    r.page.locator("#k-dialog .btn-primary").click()
    r.told("2")
    r.press("撤销", ".k-flash")
    r.told("已撤销")


def dialog_choose(r, name, value):
    """A long drop-down of the dialog."""
    r.page.locator(f"#k-dialog #{name} + .ts-wrapper").click()
    r.page.keyboard.type(value)
    r.page.locator(".ts-dropdown:visible .option", has_text=value).first.click()
    r.page.locator("#k-dialog .modal-title").click()


@first("02-lists/导出")
def export(r, _office):
    r.page.goto("/customer/list/?quick=mine")
    r.press("导出")
    with r.page.expect_download() as got:
        r.page.click("text=xlsx")
    assert got.value.suggested_filename.endswith(".xlsx")


@first("03-desktop/查看业绩")
def results(r, _office):
    r.go("工作桌面", "业务看板")
    r.press("本年度")
    figure = r.page.locator("[data-card=keys] [data-figure=signed]")
    expect(figure).to_contain_text(r.met("签单额"))
    figure.click()
    r.page.wait_for_url("**/credit/list/**")


@first("03-desktop/处理今日待办", "demo10")
def what_is_due(r, office):
    customer = his(office, "customer", who="demo10")
    office.change("UPDATE customer SET next_follow_at = ? WHERE id = ?", f"{dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=20):%Y-%m-%d %H:%M:%S}", customer)
    r.go("工作桌面", "业务看板")
    r.see("今日待办")
    row = r.page.locator("[data-row^=call-]").first
    key = row.get_attribute("data-row")
    expect(row).to_contain_text(r.met("联系"))
    r.press("写跟进", f"[data-row={key}]")
    row.locator("[name=content]").fill("报价已确认")
    row.locator("[name=next_follow_at]").fill(f"{clock.today() + dt.timedelta(4)} 10:00")
    r.page.keyboard.press("Escape")
    r.press("保存", f"[data-row={key}]")
    expect(r.page.locator(f"[data-row={key}]")).to_have_count(0)
    r.press("撤销", ".k-toast")
    expect(r.page.locator(f"[data-row={key}]")).to_have_count(1)


@first("03-desktop/自定义看板", "demo10")
def own_board(r, _office):
    r.go("工作桌面", "业务看板")
    r.press("自定义")
    r.page.locator("#k-dialog li", has_text="遗忘提醒").locator("input").uncheck()
    r.press("保存")
    expect(r.page.locator("[data-card=forgotten]")).to_have_count(0)


@first("04-tasks/新建任务或备忘录")
def new_task(r, _office):
    day = clock.today() + dt.timedelta(1)
    r.go("工作桌面", "任务/备忘录")
    r.press("新建")
    r.choose("类别", "任务")
    r.fill("标题", "准备投标文件")
    r.fill("开始时间", f"{day} 09:00")
    r.fill("结束时间", f"{day} 10:00")
    r.choose("优先级", "高")
    r.press("保存", ".k-bar")
    r.title("准备投标文件")


@first("04-tasks/完成任务")
def finish_task(r, office):
    task = his(office, "task", "state = 'open'")
    r.go("工作桌面", "任务/备忘录")
    r.press("未完成")
    r.open("task", task)
    r.press("编辑")
    r.choose("完成状态", "完成")
    r.press("保存", ".k-bar")
    r.told("")
    assert soon(lambda: one(office, "SELECT state FROM task WHERE id = ?", task) == "done")


@first("05-targets/设定本人目标")
def own_target(r, office):
    r.go("工作桌面", "销售指标设定")
    r.see("本人目标")
    cell = r.page.locator("#k-content table input:visible").last
    cell.fill("12")
    r.press("保存")
    r.told("")


@first("06-customers/新建客户")
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


@first("06-customers/修改客户")
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


@first("06-customers/共享客户")
def share(r, office):
    customer = his(office, "customer")
    r.open("customer", customer)
    r.press("更多")
    r.press("共享")
    r.page.locator("#k-dialog .ts-control").first.click()
    r.page.keyboard.type("杨思远")
    r.page.locator(".ts-dropdown:visible .option", has_text="杨思远").first.click()
    r.page.locator("#k-dialog .modal-title").click()
    r.press("共享", "#k-dialog .modal-footer")
    r.told("")
    r.page.goto("/customer/list/")
    r.see("我协作的")


@first("06-customers/删除与恢复客户")
def delete(r, office):
    customer = his(office, "customer")
    r.open("customer", customer)
    r.press("更多")
    r.press("删除")
    r.agree()
    r.page.wait_for_url("**/customer/list/**")
    r.press("撤销", ".k-flash")
    r.told("已撤销")
    assert soon(lambda: one(office, "SELECT deleted_at FROM customer WHERE id = ?", customer) is None)


@first("07-contacts/新建联系人")
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


@first("07-contacts/设为首要联系人")
def primary(r, office):
    contact = his(office, "contact", "id NOT IN (SELECT primary_contact_id FROM customer WHERE primary_contact_id IS NOT NULL)")
    r.go("客户管理", "联系人列表")
    r.open("contact", contact)
    r.press("设为首要联系人")
    r.told("")
    assert soon(lambda: one(office, "SELECT count(*) FROM customer WHERE primary_contact_id = ?", contact) == 1)


@first("17-pool/放入公海")
def give_back(r, office):
    customer = his(office, "customer", "pool_id IS NULL")
    r.go("客户管理", "客户列表")
    r.open("customer", customer)
    r.press("更多")
    r.press("放入公海")
    r.page.locator("#k-dialog .ts-control").click()
    r.page.locator(".ts-dropdown:visible .option", has_text="销售公海").click()
    r.page.locator("#k-dialog .modal-title").click()
    r.press("放入公海", "#k-dialog .modal-footer")
    r.told("已将 1 个客户放入公海")


@first("18-duplicates/查重")
def duplicates(r, _office):
    r.go("客户管理", "查重")
    r.fill("客户名称", "平安银行")
    r.press("查重", "#k-content form")
    expect(r.page.locator("[data-found]")).to_be_visible()


@first("18-duplicates/合并", BOSS)
def merge(r, _office):
    r.go("客户管理", "客户列表")
    r.page.goto("/customer/list/?quick=all")
    for n in range(2):
        r.page.locator("[data-k-row]").nth(n).check()
    r.press("合并", "[data-k-bulk]")
    r.page.wait_for_url("**/duplicate/merge**")
    r.press("合并", ".k-bar")
    r.told("")
    expect(r.page).to_have_url(re.compile("/customer/show/"))

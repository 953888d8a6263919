"""Players of the manual's first chapters: login, lists, desktop, tasks, targets."""
import datetime as dt
import re

import pyotp
from playwright.sync_api import expect

from app.core import clock
from app.demo.company import PASSWORD as EVERYBODYS
from tests.browser.reader import BOSS, his, one, plays, soon


def leave(r):
    """Log out by the menu under the person's name."""
    r.page.wait_for_load_state("networkidle")
    r.page.click(".k-me")
    r.page.locator(".k-top [form=k-logout]", has_text="退出").click()
    r.page.wait_for_url("**/login/**")


@plays("01-login/登录系统", "")
def login(r, office):
    r.page.goto(office.url)
    r.fill("用户名", "demo06")
    r.fill("密码", EVERYBODYS)
    r.press("登录")
    r.see("工作桌面")
    leave(r)
    r.met("退出")


@plays("01-login/登录时更改密码", "")
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


@plays("01-login/解锁账户（管理员）", "admin")
def unlock(r, office):
    office.change("UPDATE ab_user SET locked_at = ? WHERE username = 'demo08'", "2026-01-01 08:00:00")
    r.go("系统管理", "用户管理")
    r.press("已锁定")
    r.page.locator("td.main a").first.click()
    r.press("解锁")
    r.told("")
    assert soon(lambda: one(office, "SELECT locked_at FROM ab_user WHERE username = 'demo08'") is None)


@plays("01-login/重置密码（管理员）", "admin")
def new_password(r, office):
    r.go("系统管理", "用户管理")
    r.open("user", one(office, "SELECT id FROM ab_user WHERE username = 'demo24'"))
    r.press("更多")
    r.press("重置密码")
    r.finish("重置密码")
    r.told("demo24")


@plays("01-login/启用两步验证", "demo09")
def second_factor(r, _office):
    r.page.click(".k-me")
    r.press("两步验证")
    secret = r.page.locator("[data-k-secret]").inner_text()
    r.fill("密码", EVERYBODYS)
    r.fill("代码", pyotp.TOTP(secret.replace(" ", "")).now())
    r.press("启用")
    expect(r.page.locator("code, .k-codes").first).to_be_visible()


@plays("02-lists/查找与条件查询")
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


@plays("02-lists/存为我的过滤")
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


@plays("02-lists/选择显示的列")
def columns(r, _office):
    r.page.goto("/customer/list/")
    r.press("列设置")
    r.page.locator("#k-dialog li label", has_text="客户编号").click()
    r.press("保存")
    expect(r.page.locator("thead", has_text="客户编号")).to_be_visible()


@plays("02-lists/批量操作", BOSS)
def many_at_once(r, _office):
    r.page.goto("/customer/list/?quick=all")
    r.tick(2)
    r.press("转移", "[data-k-bulk]")
    r.choose("新负责人", "陈雅婷")
    r.finish("转移")
    r.told("2")
    r.press("撤销", ".k-flash")
    r.told("已撤销")


@plays("02-lists/批量修改")
def change_many(r, _office):
    r.go("客户管理", "客户列表")
    r.tick(2)
    r.press("批量修改", "[data-k-bulk]")
    r.choose("要修改的字段", "客户来源")
    r.choose("客户来源", "转介绍")
    r.page.locator("#k-dialog .modal-footer .btn-primary", has_text="修改 2 条").click()
    r.told("已更新")
    r.press("撤销", ".k-flash")
    r.told("已撤销")


@plays("02-lists/全局搜索")
def find_anything(r, _office):
    r.page.keyboard.press("Control+k")
    r.page.locator("[data-k-pal-input]").fill("科技")
    r.page.locator("[data-k-pal-out] [role=option]").first.click()
    r.page.wait_for_url("**/show/*")


@plays("02-lists/查看帮助")
def read_the_help(r, _office):
    r.press("在线帮助", "aside.k-side")
    r.page.locator(".k-anchor a", has_text="回款").first.click()
    r.fill("在帮助中查找", "回款计划")
    r.press("搜索", "form[role=search]")
    r.page.locator(".k-hit a").first.click()
    expect(r.page).to_have_url(re.compile(r"/help/\d\d-\w+#"))


@plays("02-lists/导出")
def export(r, _office):
    r.page.goto("/customer/list/?quick=mine")
    r.press("导出")
    with r.page.expect_download() as got:
        r.page.click("text=xlsx")
    assert got.value.suggested_filename.endswith(".xlsx")


@plays("03-desktop/查看业绩")
def results(r, _office):
    r.go("工作桌面", "业务看板")
    r.press("本年度")
    figure = r.page.locator("[data-card=keys] [data-figure=signed]")
    expect(figure).to_contain_text(r.met("签单额"))
    figure.click()
    r.page.wait_for_url("**/credit/list/**")


@plays("03-desktop/处理今日待办", "demo10")
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


@plays("03-desktop/自定义看板", "demo10")
def own_board(r, _office):
    r.go("工作桌面", "业务看板")
    r.press("自定义")
    r.page.locator("#k-dialog li", has_text="遗忘提醒").locator("input").uncheck()
    r.press("保存")
    expect(r.page.locator("[data-card=forgotten]")).to_have_count(0)


@plays("04-tasks/新建任务或备忘录")
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


@plays("04-tasks/完成任务")
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


@plays("04-tasks/过滤与分组")
def groups(r, _office):
    r.go("工作桌面", "任务/备忘录")
    for way in ("按优先级", "按客户", "不分组", "按日期"):
        with r.page.expect_navigation():
            r.press(way, "#k-content")
        expect(r.page.locator("#k-content .k-seg .active", has_text=way)).to_be_visible()
    r.press("日历视图")
    r.page.wait_for_url("**/calendar/**")


@plays("05-targets/设定本人目标")
def own_target(r, office):
    r.go("工作桌面", "销售指标设定")
    r.see("本人目标")
    cell = r.page.locator("#k-content table input:visible").last
    cell.fill("12")
    r.press("保存")
    r.told("")


@plays("05-targets/查询与对比")
def compare(r, _office):
    r.go("工作桌面", "销售指标设定")
    r.choose("年份", f"{clock.today().year - 1}")
    r.press("查询", ".k-actions")
    expect(r.page.locator("[data-k-targets] thead")).to_contain_text("12月")
    r.choose("年份", "不限")
    r.choose("月份", "3")
    r.press("查询", ".k-actions")
    expect(r.page.locator(".k-card-h", has_text="同月历年对比")).to_be_visible()


@plays("05-targets/下派指标（上级）", BOSS)
def hand_out(r, office):
    r.go("工作桌面", "销售指标设定")
    r.press("下派给下属")
    year, december = r.page.locator("[data-k-person] input[name^=year-]").last, r.page.locator("[data-k-person] input[name$='-12']").last
    before = december.input_value()
    year.fill("3600000")
    r.met("全年")
    r.press("全年平均分摊")
    expect(december).not_to_have_value(before)
    wanted = december.input_value()
    r.press("保存")
    r.told("")
    assert one(office, "SELECT count(*) FROM target WHERE month = 12 AND assigned = ?", round(float(wanted) * 100)) >= 1


@plays("05-targets/业绩分成")
def split(r, office):
    contract = his(office, "contract", "state = 'done'")
    r.open("contract", contract)
    r.press("更多")
    r.press("业绩分成")
    r.choose("人员 1", "陈雅婷")
    r.fill("分成比例%", "60")
    r.choose("人员 2", "杨思远")
    r.page.fill("#percent2", "40")
    r.finish("业绩分成")
    r.told("")
    r.go("合同/订单", "业绩明细")
    assert soon(lambda: one(office, "SELECT count(*) FROM credit WHERE contract_id = ? AND percent = 6000", contract) >= 1)

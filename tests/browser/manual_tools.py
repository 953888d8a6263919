"""Players of the manual's chapters on tailoring, import, the ways to other programs, calendar, notices and the way back."""
import datetime as dt
import io
import re

import openpyxl
from playwright.sync_api import expect

from app.core import clock
from tests.browser.reader import his, one, plays, soon


@plays("14-quick-filters/新建快速过滤", "admin")
def quick_filter(r, _office):
    r.go("系统管理", "快速过滤")
    r.press("客户", "#k-content")
    r.press("新建过滤")
    r.fill("名称", "深圳的客户")
    with r.page.expect_response("**/filter/row?**"):
        r.page.select_option("[name=c0-field]", "region")
    r.page.locator("[data-k-cond='0'] .k-cv input").fill("深圳")
    r.see("加条件")
    r.see("命中预览")
    r.press("保存")
    r.told("")


@plays("15-own-fields/增加字段", "admin")
def own_field(r, _office):
    r.go("系统管理", "自定义字段")
    r.press("新建字段")
    r.choose("记录", "客户")
    r.choose("字段类型", "单选")
    r.fill("字段名称", "包装方式")
    r.fill("可选值", "纸箱\n木箱")
    r.choose("分组", "补充信息")
    r.press("保存", ".k-bar")
    r.told("")
    r.page.goto("/customer/add")
    expect(r.page.locator("label", has_text="包装方式")).to_be_visible()


@plays("16-import/导入数据", "admin")
def import_sheet(r, _office):
    r.go("客户管理", "数据导入")
    r.choose("导入到", "客户")
    text = "客户名称,客户级别\n手册测试一有限公司,A\n手册测试二有限公司,B\n"
    r.page.set_input_files("input[type=file]", files=[{"name": "客户.csv", "mimeType": "text/csv", "buffer": text.encode()}])
    r.press("下一步：对应列")
    r.press("下一步：校验")
    r.page.wait_for_url("**?check=1")
    r.see("重新校验")
    r.page.locator("button[name=run]").click()
    expect(r.page.locator("[data-figure=created]")).to_have_text("2")
    r.press("撤销导入")
    r.agree()
    expect(r.page.locator("text=该次导入已撤销")).to_be_visible()


@plays("16-import/导出后再导入", "demo05")
def out_and_in(r, _office):
    r.go("客户管理", "客户列表")
    r.press("导出")
    with r.page.expect_download() as got:
        r.page.click("text=xlsx")
    book = openpyxl.load_workbook(io.BytesIO(got.value.path().read_bytes()))
    cell = book.active.cell(2, [head.value for head in book.active[1]].index("客户来源") + 1)
    cell.value = "广告" if cell.value != "广告" else "促销"
    changed = io.BytesIO()
    book.save(changed)
    r.go("客户管理", "数据导入")
    r.page.set_input_files("input[type=file]", files=[{"name": "客户.xlsx", "mimeType": "application/octet-stream", "buffer": changed.getvalue()}])
    r.press("下一步：对应列")
    r.choose("处理方式", r.met("覆盖系统原有数据"))
    r.press("下一步：校验")
    r.page.wait_for_url("**?check=1")
    r.page.locator("button[name=run]").click()
    expect(r.page.locator("[data-figure=updated]")).to_have_text("1")


@plays("20-interface/访问令牌", "admin")
def token(r, office):
    r.page.click(".k-me")
    r.press("访问令牌")
    r.press("新建令牌")
    r.fill("用途", "报表工具")
    r.choose("权限", "只读")
    r.press("保存", ".k-bar")
    shown = re.search(r"crm_[\w-]{20,}", r.page.locator("text=/crm_[\\w-]{20,}/").first.inner_text())[0]
    assert r.page.request.get(f"{office.url}/api/v1/customer/", headers={"Authorization": f"Bearer {shown}"}).ok


@plays("21-hooks/新建网络钩子", "admin")
def hook(r, _office):
    r.go("系统管理", "网络钩子")
    r.press("新建网络钩子")
    r.fill("名称", "ERP")
    r.fill("接收地址", "https://hooks.example.com/crm")
    r.press("收到回款")
    r.press("保存", ".k-bar")
    expect(r.page.locator("text=/whsec_/").first).to_be_visible()
    r.press("发送测试")
    r.told("")
    r.press("日志", "nav.k-tabs")
    expect(r.page.locator("tbody tr").first).to_be_visible()


@plays("22-calendar/生成订阅链接", "demo05")
def feed(r, _office):
    r.page.click(".k-me")
    r.press("日历订阅")
    r.press("生成链接")
    expect(r.page.locator("input[value*='/calendar/'], code").first).to_be_visible()


@plays("24-calendar-page/查看和改期", "demo12")
def calendar(r, office):
    task, day = his(office, "task", "state = 'open' AND repeat IS NULL", "demo12"), clock.today().replace(day=15)
    office.change("UPDATE task SET starts_at = ?, ends_at = ? WHERE id = ?", f"{day} 02:00:00", f"{day} 03:00:00", task)
    r.go("工作桌面", "日历")
    r.press("周", "#k-content")
    r.press("月", "#k-content")
    event = r.page.locator(f"td[data-date='{day}'] .fc-event").first
    event.drag_to(r.page.locator(f"td[data-date='{day + dt.timedelta(2)}']").first)
    r.press("撤销", ".k-toast")
    r.told("")


@plays("25-notices/查看提醒", "demo17")
def notices(r, office):
    r.press("提醒", ".k-top")
    r.page.locator("[data-notices] a").first.click()
    expect(r.page).not_to_have_url(re.compile("/notice/$"))
    r.press("提醒", ".k-top")
    r.press("全部标为已读")
    assert soon(lambda: one(office, "SELECT count(*) FROM notice WHERE read_at IS NULL AND employee_id = (SELECT id FROM ab_user WHERE username = 'demo17')") == 0)


@plays("25-notices/设定提醒方式", "demo17")
def how_to_be_told(r, _office):
    r.press("提醒", ".k-top")
    r.see("提醒方式")
    r.page.locator("[name=on-mail]").first.click()
    r.fill("免打扰从", "22:00")
    r.page.fill("#quiet_to", "07:00")
    r.press("保存")
    r.told("")


@plays("33-safety/撤销一次操作", "demo13")
def undo(r, office):
    customer, fax = his(office, "customer", who="demo13"), "SELECT coalesce(fax, '') FROM customer WHERE id = ?"
    r.change("customer", customer, fax="0512-1111111")
    r.press("撤销", ".k-flash")
    r.told("已撤销")
    r.change("customer", customer, fax="0512-2222222")
    r.go("工作桌面", "撤销中心")
    r.first()
    r.see("修改前")
    r.see("修改后")
    r.press("撤销", "#k-content")
    r.agree()
    assert soon(lambda: one(office, fax, customer) == "")


@plays("33-safety/只恢复一个字段", "demo13")
def put_back(r, office):
    customer = his(office, "customer", who="demo13")
    r.change("customer", customer, fax="0512-3333333", note="春节前回访")
    r.press("操作记录", "nav.k-tabs")
    r.press("恢复此值")
    r.agree()
    r.told("")
    fax, note = office.ask("SELECT fax, note FROM customer WHERE id = ?", customer)[0]
    assert (fax is None) != (note is None), "one of both"


@plays("33-safety/回收站", "demo13")
def trash(r, office):
    task = his(office, "task", who="demo13")
    r.open("task", task)
    r.page.locator(".k-bar .dropdown button", has_text="更多").click()
    r.page.locator(".k-bar .dropdown-item", has_text="删除").click()
    r.agree()
    r.page.wait_for_url("**/task/list/**")
    r.go("工作桌面", "回收站")
    r.fill("查找", one(office, "SELECT title FROM task WHERE id = ?", task))
    r.press("查询")
    expect(r.page.locator("[data-total='1']")).to_be_visible()
    r.press("恢复", "tbody")
    r.told("")
    assert soon(lambda: one(office, "SELECT deleted_at FROM task WHERE id = ?", task) is None)


@plays("33-safety/日志", "admin")
def logs(r, _office):
    r.go("系统管理", "操作日志")
    r.choose("操作", "修改")
    r.press("查询")
    r.page.wait_for_url("**kind=*")
    r.first()
    for log, head in (("登录日志", "IP地址"), ("导出日志", "行数")):
        r.go("系统管理", log)
        expect(r.page.locator("thead")).to_contain_text(head)

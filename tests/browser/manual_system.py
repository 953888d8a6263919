"""Players of the manual's chapters on the administrator's work, import, interface, calendar, notices and the way back."""
import datetime as dt
import re

from playwright.sync_api import expect

from app.core import clock
from tests.browser.manual_first import his, one, plays, soon

SYSTEM: dict = {}


def system(key, who="admin"):
    """A player of these chapters."""
    return plays(SYSTEM, key, who)


@system("13-system/新建用户")
def new_user(r, _office):
    r.go("系统管理", "用户管理")
    r.press("新建用户")
    r.fill("用户名", "newcomer")
    r.fill("姓名", "沈一鸣")
    r.choose("部门", "华东组")
    r.choose("直属上级", "王浩然")
    r.page.get_by_label("销售员").press("Space")
    r.press("保存", ".k-bar")
    r.title("沈一鸣")
    r.told("")


@system("13-system/部门")
def new_department(r, _office):
    r.go("系统管理", "部门管理")
    r.press("新建部门")
    r.fill("部门", "西南组")
    r.choose("上级部门", "销售部")
    r.see("部门负责人")
    r.press("保存", ".k-bar")
    r.title("西南组")


@system("13-system/角色与权限")
def role(r, office):
    r.go("系统管理", "角色")
    r.press("销售员")
    for scope in ("本人", "本部门", "本部门及下属部门", "全部"):
        r.see(scope)
    r.press("本人及下属")
    r.press("保存")
    r.told("")


@system("13-system/产品类别与产品")
def product(r, _office):
    r.go("系统管理", "产品类别")
    r.press("新建类别")
    r.fill("类别名称", "减速机")
    r.press("保存", ".k-bar")
    r.title("减速机")
    r.go("系统管理", "产品")
    r.press("新建产品")
    r.fill("产品编码", "RD-900")
    r.fill("产品名称", "行星减速机")
    r.choose("产品类别", "减速机")
    for name, value in (("标准价", "3200"), ("最低售价", "2800"), ("成本价", "1900"), ("税率", "13")):
        r.fill(name, value)
    r.press("保存", ".k-bar")
    r.title("行星减速机")


@system("13-system/下拉选项")
def choice(r, _office):
    r.go("系统管理", "下拉选项")
    r.press("新建选项")
    r.choose("列表", "客户来源")
    r.fill("名称", "行业协会")
    r.choose("颜色", "绿")
    r.press("保存", ".k-bar")
    r.told("")


@system("13-system/系统参数")
def parameter(r, office):
    r.go("系统管理", "系统参数")
    r.fill("公司名称", "北辰自动化有限公司")
    r.press("保存")
    r.told("")
    assert soon(lambda: one(office, "SELECT count(*) FROM parameter WHERE value LIKE ?", "%北辰自动化%") == 1)
    r.see("修改历史")


@system("13-system/备份与恢复")
def backup(r, office):
    r.go("系统管理", "备份与恢复")
    r.press("立即备份")
    r.page.wait_for_url("**/job/*")
    expect(r.page.locator("[data-k-job], .c-green").first).to_be_visible()
    assert soon(lambda: one(office, "SELECT count(*) FROM job WHERE kind LIKE '%backup%'") >= 1)


@system("14-quick-filters/新建快速过滤")
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


@system("15-own-fields/增加字段")
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


@system("16-import/导入数据")
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


@system("20-interface/访问令牌")
def token(r, office):
    r.page.click(".k-me")
    r.press("访问令牌")
    r.press("新建令牌")
    r.fill("用途", "报表工具")
    r.choose("权限", "只读")
    r.press("保存", ".k-bar")
    shown = re.search(r"crm_[\w-]{20,}", r.page.locator("text=/crm_[\\w-]{20,}/").first.inner_text())[0]
    assert r.page.request.get(f"{office.url}/api/v1/customer/", headers={"Authorization": f"Bearer {shown}"}).ok


@system("21-hooks/新建网络钩子")
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


@system("22-calendar/生成订阅链接", "demo05")
def feed(r, _office):
    r.page.click(".k-me")
    r.press("日历订阅")
    r.press("生成链接")
    expect(r.page.locator("input[value*='/calendar/'], code").first).to_be_visible()


@system("24-calendar-page/查看和改期", "demo12")
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

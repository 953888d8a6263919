"""Players of the manual's chapter on the administrator's work."""
import base64

from playwright.sync_api import expect

from tests.browser.reader import his, one, plays, soon

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="  # a picture of one dot


@plays("13-system/新建用户", "admin")
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


@plays("13-system/离职交接", "admin")
def hand_over(r, office):
    leaver = one(office, "SELECT id FROM ab_user WHERE username = 'demo20'")
    r.go("系统管理", "离职交接")
    r.choose("移交人", one(office, "SELECT name || ' ' || username FROM ab_user WHERE id = ?", leaver))
    r.page.wait_for_url("**who=*")
    r.choose("接手人", "杨思远")
    r.press("预览分配")
    expect(r.page.locator("[data-k-preview]")).to_be_visible()
    r.press("离职交接", "#k-content")
    r.agree()
    assert soon(lambda: one(office, "SELECT count(*) FROM customer WHERE owner_id = ? AND deleted_at IS NULL", leaver) == 0)


@plays("13-system/部门", "admin")
def new_department(r, _office):
    r.go("系统管理", "部门管理")
    r.press("新建部门")
    r.fill("部门", "西南组")
    r.choose("上级部门", "销售部")
    r.see("部门负责人")
    r.press("保存", ".k-bar")
    r.title("西南组")


@plays("13-system/角色与权限", "admin")
def role(r, office):
    r.go("系统管理", "角色")
    r.press("销售员")
    for scope in ("本人", "本部门", "本部门及下属部门", "全部"):
        r.see(scope)
    r.press("本人及下属")
    r.press("保存")
    r.told("")


@plays("13-system/产品类别与产品", "admin")
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


@plays("13-system/产品图片", "admin")
def picture(r, _office):
    r.go("系统管理", "产品")
    r.first()
    r.see("图片")
    r.see("添加图片")
    r.page.set_input_files("#pictures input[type=file]", files=[{"name": "驱动器.png", "mimeType": "image/png", "buffer": base64.b64decode(DOT)}])
    r.press("上传", "#pictures")
    expect(r.page.locator("#pictures [data-picture]")).to_have_count(1)


@plays("13-system/价格表", "admin")
def price(r, _office):
    r.go("系统管理", "价格表")
    r.press("新建价格")
    r.choose("产品", "行星减速机")
    r.choose("客户级别", "A(重点客户)")
    r.fill("单价", "2999")
    r.press("保存", ".k-bar")
    r.told("")


@plays("13-system/下拉选项", "admin")
def choice(r, _office):
    r.go("系统管理", "下拉选项")
    r.press("新建选项")
    r.choose("列表", "客户来源")
    r.fill("名称", "行业协会")
    r.choose("颜色", "绿")
    r.press("保存", ".k-bar")
    r.told("")


@plays("13-system/节假日与调休", "admin")
def days(r, office):
    line = "2027-02-05~2027-02-11 休 春节"
    r.go("系统管理", "节假日与调休")
    r.press("粘贴日期")
    r.page.fill("[name=text]", r.met(line))
    r.press("保存", ".k-bar")
    r.told("7")
    assert one(office, "SELECT count(*) FROM office_day WHERE name = '春节'") == 7


@plays("13-system/打印模板", "admin")
def template(r, _office):
    r.go("系统管理", "打印模板")
    with r.page.expect_download() as got:
        r.press("下载起始模板")
    quote = "[data-template=quote]"
    r.met("选择 Word 文件（docx）")
    r.page.set_input_files(f"{quote} input[type=file]", files=[{"name": "报价.docx", "mimeType": "", "buffer": got.value.path().read_bytes()}])
    r.press("预览", quote)
    expect(r.page.locator("[data-preview]")).to_be_visible()
    r.press("启用", quote)
    r.press("恢复内置版式", quote)
    expect(r.page.locator(quote)).to_contain_text("内置版式")


@plays("13-system/系统状态", "admin")
def state(r, _office):
    r.go("系统管理", "系统状态")
    r.see("运行状况")
    r.see("正常")


@plays("13-system/谁能看到", "demo05")
def who_sees(r, office):
    r.open("customer", his(office, "customer"))
    r.press("更多")
    r.press("谁能看到")
    expect(r.page.locator("[data-seat]").first).to_be_visible()


@plays("13-system/以该用户身份查看", "admin")
def look(r, office):
    r.go("系统管理", "用户管理")
    r.open("user", one(office, "SELECT id FROM ab_user WHERE username = 'demo08'"))
    r.press("更多")
    r.press("以该用户身份查看")
    r.fill("原因（记入日志）", "他说找不到一个客户")
    r.press("开始查看")
    expect(r.page.locator("[data-k-looking]")).to_be_visible()
    r.press("返回本人")
    expect(r.page.locator("[data-k-looking]")).to_have_count(0)


@plays("13-system/我的权限", "demo05")
def rights(r, _office):
    r.page.click(".k-me")
    r.press("我的权限")
    expect(r.page.locator("[data-scope]")).to_be_visible()


@plays("13-system/系统参数", "admin")
def parameter(r, office):
    r.go("系统管理", "系统参数")
    r.fill("公司名称", "北辰自动化有限公司")
    r.press("保存")
    r.told("")
    assert soon(lambda: one(office, "SELECT count(*) FROM parameter WHERE value LIKE ?", "%北辰自动化%") == 1)
    r.see("修改历史")


@plays("13-system/备份与恢复", "admin")
def backup(r, office):
    r.go("系统管理", "备份与恢复")
    r.press("立即备份")
    r.page.wait_for_url("**/job/*")
    expect(r.page.locator("[data-k-job], .c-green").first).to_be_visible()
    assert soon(lambda: one(office, "SELECT count(*) FROM job WHERE kind LIKE '%backup%'") >= 1)

"""Players of the manual's chapters from the deal to the contract: opportunities, quotes, contracts."""
import datetime as dt
import re

from playwright.sync_api import expect

from app.core import clock
from tests.browser.conftest import drag_deal
from tests.browser.reader import BOSS, his, name_of, one, plays, soon


def customer_of(office, who="demo05") -> str:
    """The name of one of his customers."""
    return name_of(office, "customer", his(office, "customer", who=who))


def pick_products(r, n=2):
    """The dialog 「选产品」: so many lines of one piece each."""
    r.page.locator(".k-bar h1").click()  # the field is left, its list closes
    r.page.wait_for_load_state("networkidle")
    r.press("选产品")
    rows = r.page.locator("#k-dialog tbody tr:has(input.form-control)")
    expect(r.page.locator("#k-dialog tbody")).to_have_text(re.compile(r"\S"))
    for at in range(n):
        rows.nth(at).locator("input.form-control").fill("2")
    r.page.locator("#k-dialog [data-k-take-all]").click()
    expect(r.page.locator("[data-k-line]").nth(n - 1)).to_be_visible()


@plays("08-opportunities/新建机会")
def new_deal(r, office):
    r.go("销售机会", "机会列表")
    r.press("新建机会")
    r.fill("机会名称", "装配线改造")
    r.choose("客户名称", customer_of(office))
    r.choose("销售阶段", "需求确认")
    r.fill("预计金额", "120000")
    r.fill("预计成交日期", f"{clock.today() + dt.timedelta(60)}")
    pick_products(r, 1)
    r.press("保存", ".k-bar")
    r.title("装配线改造")


@plays("08-opportunities/推进阶段")
def next_stage(r, office):
    deal = his(office, "opportunity", "stage IN ('s1', 's2', 's3')")
    r.open("opportunity", deal)
    r.page.locator("button[name=stage]", has_text=r.met("商务谈判")).click()
    r.told("")
    assert soon(lambda: one(office, "SELECT stage FROM opportunity WHERE id = ?", deal) == "s4")
    r.press("撤销", ".k-flash")
    r.told("已撤销")


@plays("08-opportunities/用看板推进")
def board(r, office):
    deal = his(office, "opportunity", "stage IN ('s1', 's2', 's3')")
    r.go("销售机会", "机会看板")
    drag_deal(r.page, deal, "s4")
    there = r.page.locator(f"[data-stage=s4] .k-opp[data-id='{deal}']")
    expect(there).to_be_visible()
    r.press("撤销", ".k-toast")
    expect(there).to_have_count(0)


@plays("08-opportunities/结束机会")
def lose(r, office):
    deal = his(office, "opportunity", "stage IN ('s1', 's2', 's3')")
    r.open("opportunity", deal)
    r.press("更多")
    r.press("输单")
    r.choose("输单原因", "价格因素")
    r.press("输单", "#k-dialog .modal-footer")
    r.told("")
    assert soon(lambda: one(office, "SELECT stage FROM opportunity WHERE id = ?", deal) == "lost")
    r.press("更多")
    r.press("重新打开")
    r.page.fill("#k-dialog textarea", "客户又来询价")
    r.finish("重新打开")
    r.told("")
    assert soon(lambda: one(office, "SELECT closed_on FROM opportunity WHERE id = ?", deal) is None)


@plays("08-opportunities/看销售漏斗")
def funnel(r, _office):
    r.go("销售机会", "销售漏斗")
    r.press("本年度")
    r.press("重置")
    r.press("按金额")
    expect(r.page.locator(".k-bigfun").first).to_be_visible()


@plays("08-opportunities/销售阶段（管理员）", "admin")
def stage(r, _office):
    r.go("系统管理", "销售阶段")
    r.first()
    r.press("编辑")
    r.see("阶段名称")
    r.see("赢单率")
    r.fill("停留提醒天数", "12")
    r.press("保存", ".k-bar")
    r.told("")


@plays("09-quotes/由机会转报价")
def deal_to_quote(r, office):
    r.open("opportunity", his(office, "opportunity", "closed_on IS NULL AND id IN (SELECT opportunity_id FROM opportunity_line)"))
    r.press("转报价")
    r.page.wait_for_url("**/quote/add*")
    r.see("报价名称")
    r.press("保存", ".k-bar")
    r.page.wait_for_url("**/quote/show/*")


@plays("09-quotes/新建报价")
def new_quote(r, office):
    r.go("报价管理", "报价列表")
    r.press("新建报价")
    r.fill("报价名称", "伺服驱动报价")
    r.choose("客户名称", customer_of(office))
    pick_products(r)
    for word in ("从 Excel 粘贴", "整单折扣%", "其他费用"):
        r.see(word)
    r.fill("优惠金额", "100")
    r.press("保存", ".k-bar")
    r.title("伺服驱动报价")


@plays("09-quotes/发送报价")
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


@plays("09-quotes/修改已发送的报价")
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


@plays("09-quotes/记下客户的答复", BOSS)
def answers(r, office):
    for word, state in (("已接受", "accepted"), ("被拒绝", "refused")):
        quote = his(office, "quote", f"state = 'sent' AND valid_until >= '{clock.today()}'", BOSS)
        r.open("quote", quote)
        r.press(word)
        if state == "refused":
            r.page.fill("#k-dialog textarea", "价格偏高")
            r.finish(word)
        r.told("")
        assert one(office, "SELECT state FROM quote WHERE id = ?", quote) == state


@plays("10-contracts/由报价转合同")
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


@plays("10-contracts/新建合同")
def new_contract(r, office):
    r.go("合同/订单", "合同列表")
    r.press("新建合同")
    r.fill("合同名称", "伺服驱动年度合同")
    r.fill("签订日期", f"{clock.today() + dt.timedelta(5)}")
    r.choose("客户名称", customer_of(office))
    pick_products(r)
    r.see("保存并做回款计划")
    r.press("保存", ".k-bar")
    r.title("伺服驱动年度合同")


@plays("10-contracts/签署与履行")
def fulfil(r, office):
    contract = his(office, "contract", "name = '伺服驱动年度合同'")
    r.open("contract", contract)
    for word, state in (("标记已签署", "signed"), ("开始履行", "running"), ("履行完毕", "done")):
        if state != "signed":
            r.press("更多")
        r.press(word)
        r.told("")
        assert one(office, "SELECT state FROM contract WHERE id = ?", contract) == state


@plays("10-contracts/作废合同")
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

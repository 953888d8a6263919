"""Pool, duplicate check, merge and paste in real Chromium, on the made-up company."""
import re

from playwright.sync_api import expect

CARD = "深圳市华测电子科技有限公司 | 销售总监 | 李思远\nM: +86 139-2876-5432  T: 0755-26881234-802\nE: lisy@huace-tech.com\nAdd: 深圳市南山区科技园南路12号A座1801室"


def name_of(row) -> str:
    """The customer's name in a table row."""
    return row.locator("td.main").inner_text()


def test_claimed_from_the_pool_and_given_back(colleague):
    """「公海」: a customer that nobody has is claimed with one press; its page has the phone that the pool hides; it is put back."""
    page = colleague("demo05").page
    page.goto("/pool/")
    total = int(page.locator("[data-total]").get_attribute("data-total"))
    assert total > 50
    row = page.locator("tbody tr[data-id]:has(button:text('领取'))").first
    name = name_of(row)
    row.locator("text=领取").click()
    expect(page.locator("h1.k-title")).to_have_text(name)
    expect(page.locator("text=已领取 1 个客户")).to_be_visible()
    page.locator("nav.k-tabs >> text=负责人记录").click()
    expect(page.locator("tbody tr").first).to_contain_text("领取")
    page.goto("/pool/")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", str(total - 1))
    expect(page.locator("[data-left]")).to_contain_text("9 个")
    page.goto(f"/customer/list/?q={name}")
    page.locator("[data-k-row]").first.check()
    page.locator("[data-k-bulk] >> text=放入公海").click()
    page.locator("#k-dialog .ts-control").click()
    page.locator(".ts-dropdown:visible .option", has_text="销售公海").click()
    page.locator("#k-dialog .btn-primary").click()
    expect(page.locator("text=已将 1 个客户放入公海")).to_be_visible()


def test_the_manager_assigns_and_takes_back(colleague):
    """Chosen by check box, given to a salesperson in the dialog, taken back by 撤销 in the toast."""
    page = colleague("demo02").page
    page.goto("/pool/?sort=name.asc")
    name = name_of(page.locator("tbody tr[data-id]").first)
    page.locator("[data-k-row]").first.check()
    page.locator("[data-k-bulk] >> text=分配").click()
    page.locator("#k-dialog .ts-control").click()
    with page.expect_response("**/user/choose?q=**"):
        page.keyboard.type("陈雅婷")
    page.locator(".ts-dropdown:visible .option", has_text="陈雅婷").click()
    page.locator("#k-dialog .modal-title").click()
    page.locator("#k-dialog .btn-primary").click()
    expect(page.locator("text=已分配 1 个客户")).to_be_visible()
    expect(page.locator("tbody tr[data-id] td.main").first).not_to_have_text(name)
    page.locator("form[action^='/undo/'] button").first.click()
    expect(page.locator("text=已撤销")).to_be_visible()
    page.goto("/pool/?sort=name.asc")
    expect(page.locator("tbody tr[data-id] td.main").first).to_have_text(name)


def test_a_rule_made_by_the_administrator_counts_down_at_once(colleague):
    """「公海设置」: the new rule is reckoned by the worker; the list counts down, the desk warns."""
    admin = colleague("admin").page
    admin.goto("/pool/list/")
    admin.locator("tbody tr[data-id] a").first.click()
    admin.locator("nav.k-tabs >> text=规则").click()
    admin.locator("text=新建规则").click()
    admin.fill("#days", "365")
    admin.locator("#model_form").evaluate("f => f.requestSubmit()")
    expect(admin.locator("text=保存成功").or_(admin.locator("text=已保存")).first).to_be_visible()
    sales = colleague("demo05").page
    sales.goto("/customer/list/?quick=all")
    for _n in range(60):  # the worker reckons two thousand customers
        if re.search(r"\d+ 天", " ".join(sales.locator("td[data-label=距进入公海]").all_inner_texts())):
            break
        sales.wait_for_timeout(500)
        sales.reload()
    else:
        raise AssertionError("no countdown")


def test_checked_while_typing_and_on_the_page(colleague):
    """查重: beside the form while the name is typed in another width and form; on the page with a request to work along."""
    page = colleague("demo06").page
    page.goto("/customer/add")
    page.fill("#name", "平安銀行（集团）")
    expect(page.locator("[data-k-similar]")).to_contain_text("平安银行股份有限公司")
    expect(page.locator("[data-k-similar]")).to_contain_text("名称重复")
    page.goto("/duplicate/")
    page.fill("#d-name", "平安因行股份有限公司")
    page.locator(".k-sec .btn-primary").click()
    expect(page.locator("[data-found]")).to_contain_text("平安银行股份有限公司")
    if page.locator("text=申请协作 >> nth=-1").is_visible() and page.locator("tr[data-id] button").count():
        page.locator("tr[data-id] button").first.click()
        expect(page.locator("text=已向负责人发出申请")).to_be_visible()
        expect(page.locator("tr[data-id]")).to_contain_text("已申请")


def test_merged_with_a_choice_per_field_and_taken_apart(colleague):
    """合并: chosen on the list, a value of the other one, one record; 撤销 makes two of it again."""
    page = colleague("demo01").page
    page.goto("/customer/list/?quick=all&_oc_CustomerView=name&_od_CustomerView=asc")
    rows = page.locator("tbody tr[data-id]")
    names = [name_of(rows.nth(n)) for n in (2, 3)]
    for n in (2, 3):
        rows.nth(n).locator("[data-k-row]").check()
    page.locator("[data-k-bulk] >> text=合并").click()
    page.locator("input[name=keep]").first.check()
    page.locator("tr[data-field=phone] input").nth(1).check()
    phone = page.locator("tr[data-field=phone] td").nth(2).inner_text().strip()
    page.locator(".k-bar .btn-primary").click()
    expect(page.locator("text=已将 2 个客户合并为一个")).to_be_visible()
    assert phone in page.content()
    page.locator("form[action^='/undo/'] button").first.click()
    expect(page.locator("text=已撤销")).to_be_visible()
    for name in names:
        page.goto(f"/customer/list/?quick=all&q={name}")
        expect(page.locator("tbody tr[data-id] td.main", has_text=name).first).to_be_visible()


def test_the_whole_database_in_the_background(colleague):
    """全库查重: started, its progress, its pairs."""
    page = colleague("demo01").page
    page.goto("/duplicate/pairs")
    page.click("text=开始全库查重 >> nth=0")
    page.wait_for_url("**/duplicate/pairs", timeout=60_000)
    expect(page.locator(".k-bar h1")).to_have_text("全库查重")


def test_a_card_pasted_into_the_search_box(colleague):
    """粘贴识别: Ctrl+K, paste; looked at; customer, contact and follow-up by one press."""
    page = colleague("demo05").page
    page.goto("/")
    page.keyboard.press("Control+k")
    box = page.locator("[data-k-pal-input]")
    expect(box).to_be_focused()
    with page.expect_navigation(url="**/paste/"):
        box.evaluate("(el, text) => { const d = new DataTransfer(); d.setData('text', text);"
                     "el.dispatchEvent(new ClipboardEvent('paste', { clipboardData: d, bubbles: true, cancelable: true })); }", CARD)
    for field, value in (("customer-name", "深圳市华测电子科技有限公司"), ("contact-name", "李思远"), ("contact-title", "销售总监"),
                         ("contact-mobile", "13928765432"), ("customer-phone", "0755-26881234转802"), ("customer-region", "深圳")):
        expect(page.locator(f"[name={field}]")).to_have_value(value)
    page.locator(".k-bar .btn-primary").click()
    expect(page.locator("h1.k-title")).to_have_text("深圳市华测电子科技有限公司")
    expect(page.locator(".k-people")).to_contain_text("李思远")
    page.goto("/paste/")
    page.fill("textarea", CARD.replace("华测电子科技有限公司", "华策电子科技有限公司"))
    page.locator(".k-bar .btn-primary").click()
    expect(page.locator("[data-twins]")).to_contain_text("电话相同")

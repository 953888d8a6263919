"""What the administrator sets, in real Chromium on the made-up company, works at once: an own field from form to export, numbers by a
rule, the pool's lock; and what undo says of what somebody changed since."""
import re

import openpyxl
from playwright.sync_api import expect

from tests.browser.conftest import agree, drag_deal

SELLER = "demo06"


def theirs(demo, entity="customer", more="") -> int:
    """The oldest record of the seller."""
    return demo.ask(f"SELECT min(id) FROM {entity} WHERE deleted_at IS NULL AND owner_id = (SELECT id FROM ab_user WHERE username = ?) {more}", SELLER)[0][0]


def save(page):
    """Press 保存 and wait for the record's page."""
    page.locator(".k-bar button[type=submit]").first.click()
    page.wait_for_url("**/show/*")


def test_an_own_field_is_filled_in_filtered_and_taken_out_without_a_restart(colleague, demo, tmp_path):
    admin, page, key = colleague("admin").page, colleague(SELLER).page, theirs(demo)
    admin.goto("/customfield/add")
    admin.select_option("#entity", "customer")
    admin.fill("#name", "信用代码等级")
    admin.check("#in_list")
    save(admin)
    page.goto(f"/customer/edit/{key}")
    label = page.locator("label", has_text="信用代码等级")
    page.locator(f"[id='{label.get_attribute('for')}']").fill("甲等 A3")
    save(page)
    expect(page.locator("main")).to_contain_text("甲等 A3")
    column, = demo.ask("SELECT 'x' || max(id) FROM custom_field")[0]
    page.goto(f"/customer/list/?quick=all&{column}=甲等")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    expect(page.locator(f"tr[data-id='{key}']")).to_contain_text("甲等 A3")
    expect(page.locator("thead")).to_contain_text("信用代码等级")
    page.locator("button", has_text="导出").first.click()
    with page.expect_download() as download:
        page.click("text=xlsx")
    place = tmp_path / "out.xlsx"
    download.value.save_as(place)
    head, row = list(openpyxl.load_workbook(place).active.iter_rows(values_only=True))[:2]
    assert row[head.index("信用代码等级")] == "甲等 A3"


def test_the_next_number_is_shown_while_the_rule_is_typed_and_given_after_it_was_saved(colleague, demo):
    page = colleague("admin").page
    page.goto("/parameter/?at=numbers")
    row = page.locator("[data-k-number*=expense]").first
    pattern = row.locator("input[data-kind=pattern]")
    was = pattern.input_value()
    pattern.fill("FY-{yyyy}{MM}{dd}-{00000}")
    expect(row.locator("[data-k-next]")).to_have_text(re.compile(r"FY-20\d{6}-0\d{4}"))
    expect(page.locator("[data-k-unsaved]")).to_be_visible()
    pattern.fill("FY-{yyyy")
    expect(row.locator("[data-k-next]")).to_have_class(re.compile("c-red"))
    pattern.fill("FY-{yyyy}{MM}{dd}-{00000}")
    expect(row.locator("[data-k-next]")).to_have_text(re.compile(r"FY-20\d{6}-0\d{4}"))
    told = row.locator("[data-k-next]").inner_text()
    page.locator("button[form=k-params][type=submit]").click()
    expect(page.locator(".k-flash")).to_be_visible()
    seller = colleague(SELLER).page
    seller.goto("/expense/add")
    seller.select_option("#kind", "trip")
    seller.fill("#amount", "12.50")
    seller.fill("#reason", "送样")
    save(seller)
    assert demo.ask("SELECT number FROM expense ORDER BY id DESC LIMIT 1") == [(told,)]
    page.goto("/parameter/?at=numbers")
    page.locator("[data-k-number*=expense] input[data-kind=pattern]").first.fill(was)
    page.locator("button[form=k-params][type=submit]").click()
    expect(page.locator(".k-flash")).to_be_visible()


def test_a_dragged_stage_is_taken_back_in_the_toast(colleague, demo):
    page = colleague(SELLER).page
    deal = demo.ask("SELECT id FROM opportunity WHERE deleted_at IS NULL AND stage = 's2' AND owner_id = (SELECT id FROM ab_user WHERE username = ?) "
                    "ORDER BY staged_at DESC, id LIMIT 1", SELLER)[0][0]  # the upper card
    before = demo.ask("SELECT stage, rate, staged_at FROM opportunity WHERE id = ?", deal)
    page.goto("/opportunity/board/?quick=mine")
    page.wait_for_load_state("networkidle")
    drag_deal(page, deal, "s3")
    assert demo.ask("SELECT stage FROM opportunity WHERE id = ?", deal) == [("s3",)]
    page.locator(".k-toast button", has_text="撤销").click()
    expect(page.locator(".k-toast")).to_contain_text("已撤销")
    expect(page.locator(f"[data-stage=s2] .k-opp[data-id='{deal}']")).to_be_visible()
    assert demo.ask("SELECT stage, rate, staged_at FROM opportunity WHERE id = ?", deal) == before


def test_undo_names_what_somebody_changed_since_and_works_once_that_is_taken_back(colleague, demo):
    page, admin, key = colleague(SELLER).page, colleague("admin").page, theirs(demo)
    before = demo.ask("SELECT fax FROM customer WHERE id = ?", key)
    for who, fax in ((page, "0512-1111111"), (admin, "0512-2222222")):
        who.goto(f"/customer/edit/{key}")
        who.fill("#fax", fax)
        save(who)
    page.goto("/undo/")
    page.locator("tbody tr[data-id]").first.locator("td.main a").click()
    expect(page.locator("tr[data-change]", has_text="传真")).to_contain_text("0512-1111111")
    page.locator("form[action^='/undo/'] button").click()
    agree(page)
    expect(page.locator("#k-content [role=alert], .k-flash")).to_contain_text("没有撤销")
    assert demo.ask("SELECT fax FROM customer WHERE id = ?", key) == [("0512-2222222",)]
    admin.goto("/undo/")
    admin.locator("tbody tr[data-id] button", has_text="撤销").first.click()
    agree(admin)
    expect(admin.locator(".k-flash")).to_contain_text("已撤销")
    page.locator("form[action^='/undo/'] button").click()
    agree(page)
    expect(page.locator(".k-tag", has_text="已撤销").or_(page.locator(".k-flash", has_text="已撤销")).first).to_be_visible()
    assert demo.ask("SELECT fax FROM customer WHERE id = ?", key) == before


def test_a_locked_customer_never_falls_into_the_pool(colleague, demo):
    admin, key = colleague("admin").page, theirs(demo)
    admin.goto(f"/customer/show/{key}")
    admin.locator(".k-bar button", has_text="更多").first.click()
    admin.locator(".k-bar .dropdown-menu button", has_text="锁定").first.click()
    expect(admin.locator(".k-flash")).to_be_visible()
    assert demo.ask("SELECT is_locked FROM customer WHERE id = ?", key)[0][0]
    admin.goto(f"/customer/show/{key}")
    expect(admin.locator("main")).not_to_contain_text("距进入公海")
    admin.locator(".k-bar button", has_text="更多").first.click()
    admin.locator(".k-bar .dropdown-menu button", has_text="解锁").first.click()
    expect(admin.locator(".k-flash")).to_be_visible()
    assert not demo.ask("SELECT is_locked FROM customer WHERE id = ?", key)[0][0]


def test_everything_goes_out_as_one_book_of_excel(colleague, demo, tmp_path):
    page = colleague("admin").page
    page.goto("/backup/")
    page.locator("form[action='/backup/book'] button").click()
    page.wait_for_url("**/job/*")
    link = page.locator("a", has_text="下载").first
    expect(link).to_be_visible(timeout=120_000)
    with page.expect_download() as download:
        link.click()
    place = tmp_path / "all.xlsx"
    download.value.save_as(place)
    book = openpyxl.load_workbook(place, read_only=True)
    customers = next(sheet for sheet in book if "客户" in sheet.title)
    assert customers.max_row - 1 == demo.ask("SELECT count(*) FROM customer WHERE deleted_at IS NULL")[0][0] and len(book.sheetnames) > 15


def test_a_late_answer_neither_takes_the_option_from_under_the_mouse_nor_brings_back_what_is_no_longer_asked(colleague):
    page, held = colleague("admin").page, []
    page.goto("/target/")
    page.route("**/user/choose?q=*", lambda route: route.continue_() if route.request.url.endswith("q=") else held.append(route))
    page.locator("#f-person + .ts-wrapper").click()
    shown = page.locator(".ts-dropdown:visible .option")
    option = shown.nth(2)
    name, at = option.inner_text(), option.bounding_box()

    def ask(text):
        page.keyboard.type(text)
        while not held:
            page.wait_for_timeout(50)
        return held.pop()
    late = ask("王")
    page.keyboard.press("Backspace")
    expect(option).to_have_text(name)
    late.continue_()
    page.wait_for_timeout(400)
    expect(option).to_have_text(name)

    slow = ask("陈")
    assert option.bounding_box() == at  # nothing moves while it is asked
    page.mouse.move(at["x"] + 20, at["y"] + 8)
    page.mouse.down()
    slow.continue_()
    page.wait_for_timeout(400)
    page.mouse.up()
    expect(page.locator("#f-person + .ts-wrapper .item")).to_have_text(name.split()[0])

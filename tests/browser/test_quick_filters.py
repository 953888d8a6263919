"""Quick filters in real Chromium, on the made-up company: composed, seen at once, kept, pinned; places that are not lost."""
import re

from playwright.sync_api import expect


def _condition(page, n, field, op=None):
    """Choose the field (and the operator) of the composer's row n; the row comes back from the server."""
    for kind, value in (("field", field), ("op", op)):
        if value:
            with page.expect_response("**/filter/row?**"):
                page.locator(f"[name='c{n}-{kind}']").select_option(value)
    return page.locator(f"[data-k-cond='{n}']")


def _pick(row, text):
    row.locator(".ts-control").click()
    row.page.locator(".ts-dropdown:visible .option", has_text=text).first.click()
    row.page.keyboard.press("Escape")


def test_the_composed_filter_works_on_the_list_at_once(colleague):
    """「快速过滤管理」: relative day, several values, current user, a group; the salesperson needs no restart and no new login."""
    sales = colleague("demo05").page
    sales.goto("/customer/list/")
    expect(sales.locator("[data-quick]", has_text="久未联系的重点")).to_have_count(0)
    admin = colleague("admin").page
    admin.goto("/filter/?list=customer&new=1")
    admin.fill("#f-name", "久未联系的重点")
    _condition(admin, 0, "last_follow_at", "before").locator(".k-cv input").fill("30天前")
    admin.click("text=加条件")
    _pick(_condition(admin, 1, "owner", "in"), "当前用户及其下属")
    admin.click("text=加一组")
    _pick(_condition(admin, 2, "level", "in"), "A(")
    admin.click("[data-k-more]")
    _condition(admin, 3, "region", "contains").locator(".k-cv input").fill("深圳")
    admin.locator("#f-as + .ts-wrapper").click()
    admin.locator(".ts-dropdown:visible .option").nth(3).click()
    expect(admin.locator("[data-k-preview] [data-total]")).to_be_visible()
    admin.click("text=保存 >> nth=0")
    expect(admin.locator("text=保存成功")).to_be_visible()
    sales.reload()
    chip = sales.locator("[data-quick]", has_text="久未联系的重点")
    expect(chip.locator("b")).to_have_text(re.compile(r"^\d+$"))
    n = int(chip.locator("b").inner_text())
    chip.click()
    expect(sales.locator("[data-total]")).to_have_attribute("data-total", str(n))
    assert 0 < n < 120
    for level, region in zip(sales.locator("td[data-label=客户级别]").all_inner_texts(), sales.locator("tbody tr").all(), strict=True):
        assert level == "A" or "深圳" in region.inner_text() or sales.request.get(region.locator("a").first.get_attribute("href")).ok


def test_choosing_several_moves_nothing_below(colleague):
    """The box is as high with the focus as without; the typed text goes with the choice; the click right after it is not lost."""
    page = colleague("admin").page
    page.goto("/filter/?list=customer&new=1")
    below, box = page.locator("[data-k-addcond]"), page.locator("#f-roles + .ts-wrapper")
    before, rows = below.bounding_box()["y"], page.locator("[data-k-cond]").count()
    box.locator(".ts-control").click()
    page.keyboard.type("没有的角色")
    expect(box.locator(".no-results")).to_have_text("没有找到。")
    box.locator("input").fill("财务")
    box.locator(".option:visible").first.click()
    expect(box.locator("input")).to_have_value("")
    assert below.bounding_box()["y"] == before
    below.click()
    expect(page.locator("[data-k-cond]")).to_have_count(rows + 1)
    assert below.bounding_box()["y"] == before


def test_a_range_of_days_and_of_amounts_is_chosen_in_a_small_popover(colleague):
    page = colleague("demo01").page
    page.goto("/opportunity/list/?quick=all")
    day = page.locator("details.k-pop", has_text="预计成交日期")
    day.locator("summary").click()
    page.keyboard.press("Escape")
    expect(day.locator(".k-popup")).to_be_hidden()
    day.locator("summary").click()
    days = day.locator(".flatpickr-day:not(.prevMonthDay):not(.nextMonthDay)")
    days.nth(0).click()
    days.nth(9).click()
    expect(day.locator("[data-k-said]")).to_have_text(re.compile(r"\d{4}-\d\d-01~\d{4}-\d\d-10"))
    amount = page.locator("details.k-pop", has_text="预计金额")
    amount.locator("summary").click()
    amount.locator("input").first.fill("1000")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("quick=all"))
    page.click("text=查询")
    page.wait_for_url("**closes_on.span=**")
    assert "stage=&" not in page.url, "empty controls stay out of the address"
    expect(page.locator("details.k-pop.on")).to_have_count(2)
    page.click("text=清空")
    expect(page.locator("details.k-pop.on")).to_have_count(0)


def test_what_i_save_stands_in_my_left_menu_with_its_count(colleague):
    page = colleague("demo06").page
    page.goto("/customer/list/?quick=mine")
    page.locator("select[name=level]").select_option("A")
    page.click("text=查询")
    total = page.locator("[data-total]").get_attribute("data-total")
    page.click("text=存为我的过滤")
    page.fill("#k-keep", "我的A类")
    page.check("[name=pin]")
    page.locator(".k-keep button").click()
    expect(page.locator("[data-k-views] li", has_text="我的A类").locator("[data-k-view]")).to_have_text(total)
    page.goto("/")
    page.locator("[data-k-views] a", has_text="我的A类").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", total)


def test_back_keeps_place_and_selection_another_filter_clears_it(colleague):
    page = colleague("demo01").page
    page.goto("/customer/list/?quick=all&psize_CustomerView=100")
    page.locator("[data-k-row]").nth(60).check()
    top = page.locator(".k-tw").evaluate("e => e.scrollTop")
    assert top > 500
    page.locator("tbody tr td.main a").nth(60).click()
    page.wait_for_url("**/customer/show/**")
    page.go_back()
    expect(page.locator("[data-k-row]").nth(60)).to_be_checked()
    assert abs(page.locator(".k-tw").evaluate("e => e.scrollTop") - top) < 5
    expect(page.locator("[data-k-chosen]")).to_have_text("1")
    page.locator("[data-quick=new]").click()
    expect(page.locator("[data-k-row]:checked")).to_have_count(0)
    page.goto("/customer/list/?quick=all&psize_CustomerView=100")
    expect(page.locator("[data-k-row]:checked")).to_have_count(0)


def test_without_a_script_the_panel_still_narrows(chromium, demo):
    context = chromium.new_context(java_script_enabled=False, base_url=demo.url, locale="zh-CN")
    page = context.new_page()
    page.goto("/login/")
    page.fill("#username", "admin")
    page.fill("#password", "plum-Blossom-7301")
    page.click("form button[type=submit]")
    page.goto("/customer/list/?quick=all")
    page.locator("details.k-pop", has_text="创建时间").locator("summary").click()
    page.locator("input[name='created_at.span']").fill("2000-01-01~2000-12-31")
    page.click("text=查询")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "0")
    context.close()


def test_the_filter_just_saved_stands_in_sight(colleague):
    page = colleague("demo07").page
    page.goto("/filter/?list=customer&new=own")
    page.fill("#f-name", "刚刚存好的")
    _pick(_condition(page, 0, "level", "in"), "A(")
    page.click("text=保存 >> nth=0")
    expect(page.locator(".k-entries tr.sel", has_text="刚刚存好的")).to_be_in_viewport(ratio=1)

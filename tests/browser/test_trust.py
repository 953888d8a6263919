"""What keeps the office safe, in real Chromium on the made-up company: undo center, trash, logs, who sees what, another's eyes, backups."""
import re

import openpyxl
from playwright.sync_api import expect

from app.demo.company import PASSWORD as EVERYBODYS
from tests.browser.conftest import Person, agree

SELLER = "demo05"


def theirs(demo, entity="customer") -> int:
    """The youngest record of the seller."""
    return demo.ask(f"SELECT max(id) FROM {entity} WHERE deleted_at IS NULL AND owner_id = (SELECT id FROM ab_user WHERE username = ?)", SELLER)[0][0]


def test_an_edit_is_taken_back_in_the_undo_center_and_a_deletion_in_the_trash(colleague, demo):
    page, key = colleague(SELLER).page, theirs(demo)
    before = demo.ask("SELECT name, fax, deleted_at FROM customer WHERE id = ?", key)
    page.goto(f"/customer/edit/{key}")
    page.fill("#fax", "0512-7654321")
    page.locator(".k-bar button[type=submit]").first.click()
    page.wait_for_url("**/show/*")
    page.goto("/undo/")
    row = page.locator("tbody tr[data-id]").first
    expect(row).to_contain_text(before[0][0])
    row.locator("td.main a").click()
    expect(page.locator("tr[data-change]", has_text="传真")).to_contain_text("0512-7654321")
    page.locator("form[action^='/undo/'] button").click()
    agree(page)
    expect(page.locator(".k-tag", has_text="已撤销").first).to_be_visible()
    assert demo.ask("SELECT name, fax, deleted_at FROM customer WHERE id = ?", key) == before
    page.goto(f"/customer/show/{key}")
    page.click("[aria-label=新建联系人]")
    page.fill("#name", "慕容长青")
    page.locator(".k-bar button[type=submit]").first.click()
    expect(page.locator("h1.k-title")).to_have_text("慕容长青")
    page.goto("/contact/list/?quick=all&q=慕容长青")
    page.locator("[data-k-row]").first.check()
    page.locator("[data-k-bulk] button", has_text="删除").click()
    agree(page)
    expect(page.locator(".k-flash")).to_contain_text("回收站")
    page.goto("/trash/?q=慕容长青")
    page.locator("tbody tr[data-id]").first.locator("button", has_text="恢复").click()
    expect(page.locator(".k-flash")).to_contain_text("恢复")
    assert demo.ask("SELECT count(*) FROM contact WHERE name = '慕容长青' AND deleted_at IS NULL") == [(1,)]


def test_what_was_done_who_came_and_what_was_taken_out_stand_in_three_logs(colleague, demo, tmp_path):
    page = colleague("admin").page
    page.goto("/audit/list/?quick=deleted")
    page.locator("button, summary", has_text="导出").first.click()
    with page.expect_download() as download:
        page.click("text=xlsx")
    place = tmp_path / "log.xlsx"
    download.value.save_as(place)
    head = [cell.value for cell in openpyxl.load_workbook(place).active[1]]
    assert head[-3:] == ["字段", "修改前", "修改后"], head
    page.goto("/loginlog/list/?quick=logins")
    expect(page.locator("tbody tr").first).to_contain_text(re.compile(r"Chrome \d+ · Linux"))
    page.goto("/exportlog/list/")
    expect(page.locator("tbody tr").first).to_contain_text("操作日志")


def test_who_sees_a_customer_and_how_the_office_looks_with_the_sellers_eyes(colleague, demo):
    page, key = colleague("admin").page, theirs(demo)
    seller, name = demo.ask("SELECT id, name FROM ab_user WHERE username = ?", SELLER)[0]
    page.goto(f"/access/customer/{key}")
    seat = page.locator(f"[data-seat='{seller}']")
    expect(seat).to_have_attribute("data-edits", "1")
    expect(seat).to_contain_text("负责人")
    page.goto(f"/rights/user/{seller}")
    expect(page.locator("[data-right=customer]")).to_be_visible()
    page.goto(f"/look/{seller}")
    page.fill("#reason", "说找不到客户")
    page.locator("form[action^='/look/'] .btn-primary").click()
    expect(page.locator("[data-k-looking]")).to_contain_text(name)
    page.goto("/customer/list/?quick=all")
    mine = demo.ask("SELECT count(*) FROM customer WHERE deleted_at IS NULL AND owner_id = ?", seller)[0][0]
    assert mine <= int(page.locator("[data-total]").get_attribute("data-total")) < demo.ask("SELECT count(*) FROM customer")[0][0]
    page.locator("[data-k-looking] button").click()
    page.wait_for_url(f"**/user/show/{seller}")
    expect(page.locator("[data-k-looking]")).to_have_count(0)
    page.goto("/loginlog/list/?quick=all")
    expect(page.locator("tbody tr", has_text="说找不到客户").first).to_be_visible()


def test_a_backup_is_made_tried_and_put_back_only_by_the_word(colleague):
    page = colleague("admin").page
    page.goto("/backup/")
    page.locator("form[action='/backup/make'] button").click()
    page.wait_for_url("**/job/*")
    expect(page.locator(".c-green").first).to_be_visible(timeout=120_000)
    page.goto("/backup/")
    page.locator("tbody tr[data-id]").first.locator("form[action$='/try'] button").click()
    page.wait_for_url("**/job/*")
    expect(page.locator(".c-green").first).to_be_visible(timeout=120_000)
    page.goto("/backup/")
    expect(page.locator("tbody tr[data-id]").first).to_contain_text("一致")
    page.locator("tbody tr[data-id]").first.locator("a[href$='/restore']").click()
    page.fill("#word", "不")
    page.locator("form .btn-danger").click()
    expect(page.locator(".invalid-feedback")).to_be_visible()


def test_a_restore_brings_everything_back_and_what_it_replaced_is_kept(made_up, chromium):
    """Made, worked on, put back: the customer is as he was, what was there before stands as a backup of its own, everybody logs in anew."""
    office = made_up("restored")
    admin, seller = Person(chromium, office), Person(chromium, office)
    page, key = admin.login("admin"), theirs(office)
    seller.login(SELLER, EVERYBODYS)
    name, = office.ask("SELECT name FROM customer WHERE id = ?", key)[0]
    page.goto("/backup/")
    page.locator("form[action='/backup/make'] button").click()
    page.wait_for_url("**/job/*")
    expect(page.locator(".c-green").first).to_be_visible(timeout=120_000)

    seller.page.goto(f"/customer/edit/{key}")
    seller.page.fill("#name", "改错了的客户")
    seller.page.locator(".k-bar button[type=submit]").first.click()
    expect(seller.page.locator("h1.k-title")).to_have_text("改错了的客户")

    page.goto("/backup/")
    page.locator("tbody tr[data-id]").first.locator("a[href$='/restore']").click()
    page.fill("#word", "恢复")
    page.locator("form .btn-danger").click()
    expect(page).to_have_url(re.compile("/login/"), timeout=120_000)  # of itself, when all is back
    seller.page.goto(f"/customer/show/{key}")
    expect(seller.page).to_have_url(re.compile("/login/"))
    seller.login(SELLER, EVERYBODYS).goto(f"/customer/show/{key}")
    expect(seller.page.locator("h1.k-title")).to_have_text(name)
    admin.login("admin").goto("/backup/")
    expect(page.locator("tbody tr[data-id]").first).to_contain_text("恢复前留存")
    for who in (admin, seller):
        who.context.close()

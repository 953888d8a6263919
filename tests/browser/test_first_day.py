"""The first day, in real Chromium: start, people, import of real companies, a salesperson's work, export, undo."""
import csv
import datetime as dt
import io

import openpyxl
from playwright.sync_api import expect

from app.demo import register
from tests.browser.conftest import PASSWORD


def choose(page, name, text):
    """Pick an option of an ajax drop-down."""
    page.locator(f"#{name} + .ts-wrapper").click()
    page.keyboard.type(text)
    page.locator(".ts-dropdown .option", has_text=text).first.click()


def _rows(server, sql):
    return server.ask(sql)


def test_1_the_administrator_changes_the_first_password_at_login(server, person):
    admin = person()
    page = admin.login("admin", server.first_password(), new=PASSWORD)
    expect(page).to_have_url(server.url + "/")
    assert "工作桌面" in page.title()


def test_2_departments_users_and_roles(server, person):
    page = person("admin").page
    for name in ("华东部", "华南部"):
        page.goto("/department/add")
        page.fill("#name", name)
        choose(page, "parent", "总公司")
        page.click("text=保存 >> nth=0")
        expect(page.locator("h1.k-title")).to_have_text(name)
    for username, name, department in (("li", "李雨桐", "华东部"), ("wang", "王浩然", "华东部"), ("zhao", "赵立强", "华南部")):
        page.goto("/user/add")
        page.fill("#username", username)
        page.fill("#name", name)
        page.fill("#email", f"{username}@example.com")
        choose(page, "department", department)
        page.get_by_label("销售员").press("Space")  # by the keyboard: the list of departments lies over the roles until it is left
        page.fill("#password", PASSWORD)
        page.click("text=保存 >> nth=0")
        expect(page.locator("h1.k-title")).to_have_text(name)
    page.goto("/role/list/")
    page.click("text=销售员")
    expect(page.locator("input[value='customer.read']")).to_be_checked()
    expect(page.locator("input[value='user.edit']")).not_to_be_checked()


def _upload(page, name, data):
    page.goto("/import/")
    page.set_input_files("input[type=file]", files=[{"name": name, "mimeType": "application/octet-stream", "buffer": data}])
    page.click("text=下一步：对应列")


def _run(page, expected):
    page.click("text=下一步：校验")
    page.wait_for_url("**?check=1")
    if page.locator("[data-k-all-create]").count():
        page.click("[data-k-all-create]")
        with page.expect_navigation():
            page.click("text=重新校验")
    page.locator("button[name=run]").click()
    page.wait_for_url("**/import/*", timeout=120_000)
    for key, n in expected.items():
        expect(page.locator(f"[data-figure={key}]")).to_have_text(str(n), timeout=120_000)


def test_3_the_register_is_imported_and_the_import_taken_back(server, person):
    """5,418 companies; the undo leaves the database as before."""
    page = person("admin").page
    before = _rows(server, "select count(*) from customer") + _rows(server, "select count(*) from choice")
    _upload(page, "listed_companies.csv", register().encode())
    _run(page, {"created": 5418, "failed": 0})
    page.click("text=撤销导入")
    page.click("#k-confirm [data-k-ok]")
    expect(page.locator("text=该次导入已撤销")).to_be_visible(timeout=120_000)
    assert _rows(server, "select count(*) from customer") + _rows(server, "select count(*) from choice") == before
    assert _rows(server, "select count(*) from search_entry where id < 2199023255552") == [(0,)]


def test_4_the_same_as_gbk_and_as_xlsx_with_title_and_merged_cells(server, person):
    page = person("admin").page
    text = register()
    _upload(page, "名册-gbk.csv", text.encode("gb18030"))
    _run(page, {"created": 5418, "failed": 0})
    rows = list(csv.reader(io.StringIO(text)))
    book = openpyxl.Workbook(write_only=False)
    sheet = book.active
    sheet.append(["上市公司名册"])
    sheet.merge_cells("A1:H1")
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    _upload(page, "名册.xlsx", out.getvalue())
    _run(page, {"created": 0, "skipped": 5418, "failed": 0})


def test_5_everybody_changes_the_one_time_password(server, person):
    for name in ("li", "wang", "zhao"):
        who = person()
        page = who.login(name, PASSWORD)
        expect(page).to_have_url(server.url + "/login/password")
        page.fill("#password", PASSWORD)
        page.fill("#new_password", PASSWORD + "x")
        page.fill("#confirm", PASSWORD + "x")
        page.click("text=保存")
        expect(page).to_have_url(server.url + "/")


def test_6_the_administrator_hands_out_customers(server, person):
    page = person("admin").page
    page.goto("/customer/list/?quick=all&q=平安")
    page.check("[data-k-all]")
    page.click("[data-k-bulk] >> text=转移")
    dialog = page.locator("#k-dialog")
    expect(dialog).to_be_visible()
    choose(page, "owner", "李雨桐")
    dialog.locator("button.btn-primary").click()
    expect(page.locator(".k-flash")).to_contain_text("已更新")
    owned = _rows(server, "select count(*) from customer c join ab_user u on u.id = c.owner_id where u.username = 'li'")[0][0]
    assert owned >= 1
    with_undo = page.locator("[data-k-undo]")
    with_undo.click()
    expect(page.locator(".k-flash")).to_contain_text("已撤销")
    assert _rows(server, "select count(*) from customer c join ab_user u on u.id = c.owner_id where u.username = 'li'") == [(0,)]
    page.goto("/customer/list/?quick=all&q=科技&psize_CustomerView=50")
    page.check("[data-k-all]")
    page.click("[data-k-bulk] >> text=转移")
    choose(page, "owner", "李雨桐")
    page.locator("#k-dialog button.btn-primary").click()
    expect(page.locator(".k-flash")).to_contain_text("50")


def test_7_a_salespersons_day(server, person):
    """Sees only his own; quick filter, query, sort, page, open, follow up; the next follow-up shows on the list."""
    page = person("li", PASSWORD + "x").page
    page.goto("/customer/list/")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "50")
    expect(page.locator("[data-quick=mine]")).to_have_class("k-chip active")
    expect(page.locator("[data-k-count=mine]")).to_have_text("50")
    with page.expect_navigation():
        page.click("th:has-text('客户名称') a")
    names = page.locator("table.crm-list td.main").all_inner_texts()
    with page.expect_navigation():
        page.click("th:has-text('客户名称') a")
    assert len(names) == 25 and page.locator("table.crm-list td.main").all_inner_texts() != names, "the other way round"
    page.click(".pagination >> text=2")
    expect(page.locator("table.crm-list tbody tr")).to_have_count(25)
    page.goto("/customer/list/")
    page.fill("#k-q", "没有这家公司")
    page.click("text=查询")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "0")
    page.click("text=重置")
    page.locator("table.crm-list td.main a").first.click()
    title = page.locator("h1.k-title").inner_text()
    when = (dt.datetime.now() + dt.timedelta(days=400)).strftime("%Y-%m-%d 10:30")
    page.fill("#content", "电话沟通，约好下次拜访")
    page.fill("#next_follow_at", when)
    page.keyboard.press("Escape")
    page.click("#follow button.btn-primary")
    expect(page.locator(".k-tl")).to_contain_text("约好下次拜访")
    page.goto("/customer/list/?quick=all&_oc_CustomerView=next_follow_at&_od_CustomerView=desc")
    expect(page.locator("tbody tr").first).to_contain_text(title)
    expect(page.locator("tbody tr").first).to_contain_text(when)


def test_8_two_people_edit_the_same_customer(server, person):
    one, two = person("li", PASSWORD + "x").page, person("admin").page
    number = _rows(server, "select c.id from customer c join ab_user u on u.id = c.owner_id where u.username = 'li' limit 1")[0][0]
    for page in (one, two):
        page.goto(f"/customer/edit/{number}")
    one.fill("#fax", "0512-1111")
    one.fill("#website", "one.example")
    one.click("text=保存 >> nth=0")
    expect(one.locator("h1.k-title")).to_be_visible()
    two.fill("#fax", "0512-2222")
    two.fill("#postcode", "215000")
    two.click("text=保存 >> nth=0")
    expect(two.locator(".k-conflict")).to_contain_text("0512-1111")
    expect(two.locator("#postcode")).to_have_value("215000")
    expect(two.locator("#website")).to_have_value("one.example")
    two.click("text=保存 >> nth=0")
    assert _rows(server, f"select fax, website, postcode from customer where id = {number}") == [("0512-2222", "one.example", "215000")]


def test_9_ctrl_k_export_and_a_contact_from_the_customers_page(server, person, tmp_path):
    page = person("li", PASSWORD + "x").page
    page.goto("/customer/list/")
    page.keyboard.press("Control+k")
    page.fill("[data-k-pal-input]", "科技")
    page.locator("#k-palette [role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/customer/show/*")
    page.click("[aria-label=新建联系人]")
    page.fill("#name", "顾明辉")
    page.fill("#mobile", "1381234")
    page.click("text=保存 >> nth=0")
    expect(page.locator(".invalid-feedback")).to_be_visible()
    expect(page.locator("#name")).to_have_value("顾明辉")
    page.fill("#mobile", "13812345678")
    page.click("text=保存 >> nth=0")
    expect(page.locator("h1.k-title")).to_have_text("顾明辉")
    page.goto("/customer/list/?quick=mine")
    page.click("text=导出")
    with page.expect_download() as download:
        page.click("text=xlsx")
    place = tmp_path / "out.xlsx"
    download.value.save_as(place)
    assert openpyxl.load_workbook(place).active.max_row == 51


def test_10_three_wrong_passwords_lock_and_the_administrator_unlocks(server, person):
    who = person()
    for said in ("还可尝试 2 次", "还可尝试 1 次", "已被锁定"):
        expect(who.login("zhao", "wrong").locator("[role=alert]")).to_contain_text(said)
    expect(who.login("zhao", PASSWORD + "x").locator("[role=alert]")).to_contain_text("联系管理员")
    page = person("admin").page
    page.goto("/user/list/?quick=locked")
    page.click("td.main >> text=赵立强")
    page.wait_for_url("**/user/show/*")
    page.click(".k-bar >> text=解锁")
    expect(page.locator(".k-flash")).to_be_visible()
    expect(who.login("zhao", PASSWORD + "x")).to_have_url(server.url + "/")
    person().login("wang", "wrong")
    server.command("unlock", "wang")
    expect(person().login("wang", PASSWORD + "x")).to_have_url(server.url + "/")


def test_11_the_outsider_finds_nothing(server, person):
    page = person("zhao", PASSWORD + "x").page
    page.goto("/customer/list/?quick=all")
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "0")
    number = _rows(server, "select min(id) from customer")[0][0]
    assert page.goto(f"/customer/show/{number}").status == 404

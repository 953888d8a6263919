"""A salesperson's day, from login over board, calendar and bell to the daily report; a manager hands out a task and targets."""
import datetime as dt
import time

import pytest
from playwright.sync_api import expect

from app.core import clock
from app.demo import company
from tests.browser.conftest import Person
from tests.browser.test_first_day import choose


@pytest.fixture(scope="module")
def demo(made_up):
    """A server over the made-up company."""
    return made_up("desk")


@pytest.fixture
def enter(chromium, demo):
    """`enter("demo02")` is that person's page; nothing may complain in the console."""
    people = []

    def one(name):
        who = Person(chromium, demo)
        people.append(who)
        who.login(name, company.PASSWORD)
        return who.page
    yield one
    for who in people:
        assert [c for c in who.complaints if "404" not in c] == []
        who.context.close()


def _ask(demo, sql, *args):
    return demo.ask(sql, *args)


SELLER = "demo05"


def _give_work(demo):
    """A late call and a late task of the seller, so that his desk has both."""
    (seller,), = _ask(demo, "SELECT id FROM ab_user WHERE username = ?", SELLER)
    late, ended = ((dt.datetime.now(dt.timezone.utc) - dt.timedelta(hours=n)).strftime("%Y-%m-%d %H:%M:%S.000000") for n in (20, 19))
    demo.change("UPDATE customer SET next_follow_at = ? WHERE id = (SELECT min(id) FROM customer WHERE owner_id = ? AND deleted_at IS NULL)", late, seller)
    demo.change("UPDATE task SET state = 'open', kind = 'task', is_all_day = false, starts_at = ?, ends_at = ? WHERE id = (SELECT min(id) FROM task WHERE owner_id = ?)",
                late, ended, seller)
    return seller


def test_a_salespersons_day_on_the_desk(demo, enter):
    """Finish and undo, write a follow-up, put off, switch the period, customise, write and send the daily report."""
    seller = _give_work(demo)
    page = enter(SELLER)
    expect(page.locator(".k-hello h1")).to_contain_text("好")
    expect(page.locator("[data-card=keys] [data-figure]")).to_have_count(5)
    expect(page.locator("[data-card=trend] canvas")).to_be_visible()
    expect(page.locator("[data-k-days] a")).to_have_count(42)

    page.evaluate("window.stays = true; window.focused = () => document.activeElement.closest('[data-row], .k-todo')?.tagName")
    task = page.locator("[data-row^=late-]").first
    key = task.get_attribute("data-row")
    task.locator(".k-circle").press("Enter")
    expect(page.locator(f"[data-row={key}]")).to_have_count(0)
    assert page.evaluate("focused()") == "LI", "the keyboard goes on in the row that has moved up"
    page.locator(".k-toast button", has_text="撤销").click()
    expect(page.locator(f"[data-row={key}]")).to_have_count(1)
    assert page.evaluate("document.activeElement.closest('[data-row]')?.dataset.row") == key
    page.locator(f"[data-row={key}] form[action$='/tomorrow'] button").press("Enter")
    expect(page.locator(f"[data-row={key}]")).to_have_count(0)
    expect(page.locator(".k-toast")).to_contain_text("已推迟到")
    assert page.evaluate("window.stays && focused()") == "LI" and page.locator(".k-flash").count() == 0, "no new page, no banner"

    call = page.locator("[data-row^=call-]").first
    key = call.get_attribute("data-row")
    call.get_by_label("写跟进").click()
    call.locator("[name=content]").fill("报价已确认，周五签合同")
    call.locator("[name=next_follow_at]").fill("2020-01-01 10:00")
    call.locator("[name=content]").press("Enter")
    expect(page.locator(".k-toast[role=alert]")).to_be_visible()
    expect(call.locator("[name=content]")).to_have_value("报价已确认，周五签合同")
    after = clock.today() + dt.timedelta(4)
    call.locator("[name=next_follow_at]").fill(f"{after} 10:00")
    other = page.locator("[data-row^=call-]").nth(1).get_attribute("data-row")
    page.locator(f"[data-row={other}]").get_by_label("写跟进").click()
    page.locator(f"[data-row={other}] [name=content]").fill("刚写到一半")
    call.locator("[name=content]").press("Enter")
    expect(page.locator(f"[data-row={key}]")).to_have_count(0)
    expect(page.locator(f"[data-row={other}] [name=content]")).to_have_value("刚写到一半")
    assert _ask(demo, "SELECT count(*) FROM followup WHERE owner_id = ? AND content = '报价已确认，周五签合同'", seller) == [(1,)]

    page.locator("[data-switch=period] a", has_text="本年度").click()
    expect(page.locator("[data-switch=period] a.active")).to_have_text("本年度")

    page.locator("button", has_text="自定义").click()
    dialog = page.locator("#k-dialog")
    expect(dialog.locator("li")).to_have_count(11)
    for _n in range(60):  # until the dialog has come to rest, it takes the focus back
        if "排行榜" in dialog.locator("li").first.inner_text():
            break
        dialog.get_by_label("上移: 排行榜").press("Enter")
    dialog.locator("li", has_text="遗忘提醒").locator("input").uncheck()
    dialog.locator("button", has_text="保存").click()
    expect(page.locator("[data-card=forgotten]")).to_have_count(0)
    assert page.locator("[data-card]").evaluate_all("cards => cards.map(c => c.dataset.card)")[0] == "ranking"

    page.goto("/journal/add")
    expect(page.locator("#done")).to_have_value(lambda_contains("报价已确认，周五签合同"))
    page.locator("#done").fill(page.locator("#done").input_value() + "\n样品已寄出，单号 SF1402")
    page.locator("#plan").fill("周五签合同")
    page.locator("button", has_text="保存").first.click()
    page.locator("button", has_text="发送给上级").first.click()
    expect(page.locator(".k-flash")).to_contain_text("已发送给")
    page.reload()
    expect(page.locator("main")).to_contain_text("报价已确认，周五签合同")
    expect(page.locator("main")).to_contain_text("样品已寄出，单号 SF1402")


def lambda_contains(text):
    """A pattern that holds the text anywhere, over lines."""
    import re
    return re.compile(re.escape(text), re.S)


def test_the_superior_reads_and_comments(demo, enter):
    (boss,), = _ask(demo, "SELECT b.username FROM ab_user a JOIN ab_user b ON b.id = a.superior_id WHERE a.username = ?", SELLER)
    page = enter(boss)
    page.goto("/journal/team")
    expect(page.locator("[data-k-team] tbody tr").first).to_contain_text("未提交")
    page.goto("/journal/list/?quick=unread")
    page.locator("table.crm-list tbody tr", has_text="周五签合同").locator("a").first.click()
    expect(page.locator("main")).to_contain_text("样品已寄出，单号 SF1402")
    page.locator("[data-k-journal] [name=content]").fill("辛苦了，价格底线守住")
    page.locator("[data-k-journal] button", has_text="批注").last.click()
    expect(page.locator("[data-k-journal]")).to_contain_text("辛苦了，价格底线守住")
    assert _ask(demo, "SELECT state FROM journal ORDER BY id DESC LIMIT 1") == [("read",)]


def _drop(page, event, day):
    """Drag an event of the month's sheet onto a day by the mouse."""
    start, there = event.bounding_box(), page.locator(f"#k-cal [data-date='{day}']").bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(there["x"] + there["width"] / 2, there["y"] + there["height"] / 2, steps=12)
    page.mouse.up()


def _slot(page, day, hour, minute=0):
    """The first quarter of a half hour in the week's sheet."""
    column, row = page.locator(f".fc-timegrid-col[data-date='{day}']").bounding_box(), page.locator(f".fc-timegrid-slot-lane[data-time='{hour:02}:{minute:02}:00']").bounding_box()
    return column["x"] + column["width"] / 2, row["y"] + row["height"] / 4


def _pull(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=12)
    page.mouse.up()


def _hours(demo, title):
    """(start, end) of a task in the office's time, as "MM-DD HH:MM"."""
    pair, = _ask(demo, "SELECT starts_at, ends_at FROM task WHERE title = ?", title)
    return tuple(f"{clock.to_office(dt.datetime.fromisoformat(str(at)[:19])):%m-%d %H:%M}" for at in pair)


def test_a_visit_is_drawn_into_the_week_made_longer_and_taken_back_and_days_are_drawn_into_the_month(demo, enter):
    page, today = enter(SELLER), clock.today()
    page.goto(f"/calendar/?view=timeGridWeek&date={today}")
    expect(page.locator("#k-cal[data-drawn]")).to_be_visible()
    _pull(page, _slot(page, today, 12), _slot(page, today, 13, 0))
    dialog = page.locator("#k-dialog")
    expect(dialog.locator("[name=starts_at]")).to_have_value(f"{today} 12:00")
    expect(dialog.locator("[name=ends_at]")).to_have_value(f"{today} 13:15")
    dialog.locator("[name=title]").fill("看望老客户")
    dialog.locator(".btn-primary").click()
    event = page.locator("#k-cal .fc-event", has_text="看望老客户")
    expect(event).to_have_count(1)
    assert _hours(demo, "看望老客户") == (f"{today:%m-%d} 12:00", f"{today:%m-%d} 13:15")

    event.hover()
    box = event.bounding_box()
    _pull(page, (box["x"] + box["width"] / 2, box["y"] + box["height"] - 2), _slot(page, today, 14, 30))
    expect(page.locator(".k-toast")).to_contain_text(f"已改为 {today:%m-%d} 12:00 – 14:45")
    assert _hours(demo, "看望老客户") == (f"{today:%m-%d} 12:00", f"{today:%m-%d} 14:45")
    page.locator(".k-toast button").click()
    expect(page.locator(".k-toast")).to_contain_text("已撤销")
    assert _hours(demo, "看望老客户") == (f"{today:%m-%d} 12:00", f"{today:%m-%d} 13:15")

    page.locator("[data-k-cal-view=dayGridMonth]").click()
    first = today.replace(day=1) + dt.timedelta(-(today.replace(day=1).weekday()) + 14)  # the Monday of the third week
    boxes = [page.locator(f"#k-cal .fc-daygrid-day[data-date='{first + dt.timedelta(n)}']").bounding_box() for n in (0, 2)]
    _pull(page, *((b["x"] + b["width"] / 2, b["y"] + b["height"] - 6) for b in boxes))
    expect(dialog.locator("[name=is_all_day]")).to_be_checked()
    dialog.locator("[name=title]").fill("苏州出差")
    dialog.locator(".btn-primary").click()
    expect(page.locator("#k-cal .fc-event", has_text="苏州出差")).to_have_count(1)
    assert _hours(demo, "苏州出差") == (f"{first:%m-%d} 00:00", f"{first + dt.timedelta(2):%m-%d} 23:59")


def test_a_task_is_handed_out_dragged_and_its_reminder_arrives_in_the_bell(demo, enter):
    """The manager writes a task for the seller, whose bell tells of it; dragged to tomorrow its reminder, a day before, is due at once."""
    (boss,), = _ask(demo, "SELECT b.username FROM ab_user a JOIN ab_user b ON b.id = a.superior_id WHERE a.username = ?", SELLER)
    (name,), = _ask(demo, "SELECT name FROM ab_user WHERE username = ?", SELLER)
    today = clock.today()
    day, tomorrow = today + dt.timedelta(3), today + dt.timedelta(1)
    manager = enter(boss)
    manager.goto("/task/add")
    manager.fill("#title", "带样机去客户现场")
    manager.fill("#starts_at", f"{day} 00:01")
    manager.fill("#ends_at", f"{day} 09:00")
    manager.locator("input[name=reminders][value='1440']").check()
    manager.locator("#executors + .ts-wrapper .remove").first.click()
    choose(manager, "executors", name)
    manager.locator("#title").click()
    manager.locator("button", has_text="保存").first.click()
    expect(manager.locator("h1.k-title")).to_contain_text("带样机去客户现场")

    page = enter(SELLER)
    expect(page.locator(".k-top [data-k-bell]")).to_be_visible()
    page.locator(".k-top .k-bell").click()
    told = page.locator("[data-notices] li", has_text="带样机去客户现场")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("下派给我的任务")
    page.locator("button", has_text="全部标为已读").click()
    expect(page.locator(".k-top [data-k-bell]")).to_be_hidden()

    page.goto(f"/calendar/?date={today}")
    event = page.locator("#k-cal .fc-event", has_text="带样机去客户现场")
    expect(event).to_have_count(1)
    _drop(page, event, tomorrow)
    expect(page.locator(".k-toast")).to_contain_text("已移到")
    expect(page.locator(f"#k-cal [data-date='{tomorrow}'] .fc-event", has_text="带样机去客户现场")).to_have_count(1)
    start = clock.to_utc(dt.datetime.combine(tomorrow, dt.time(0, 1)))
    assert _ask(demo, "SELECT substr(CAST(starts_at AS TEXT), 1, 16) FROM task WHERE title = '带样机去客户现场'") == [(f"{start:%Y-%m-%d %H:%M}",)]

    until = time.monotonic() + 150  # the worker looks once a minute
    while time.monotonic() < until and not _ask(demo, "SELECT 1 FROM notice WHERE kind = 'task' AND title LIKE '%带样机去客户现场'"):
        time.sleep(1)
    page.goto("/")
    expect(page.locator(".k-top [data-k-bell]")).to_be_visible()
    page.locator(".k-top .k-bell").click()
    expect(page.locator("[data-notices] li", has_text=f"{tomorrow:%m-%d} 00:01 带样机去客户现场")).to_have_count(1)

    page.locator("[data-notices] li", has_text="下派给我的任务").locator("a").first.click()
    page.locator("button", has_text="完成").first.click()
    expect(page.locator(".k-flash")).to_be_visible()
    assert _ask(demo, "SELECT state FROM task WHERE title = '带样机去客户现场'") == [("done",)]
    manager.goto("/")
    manager.locator(".k-top .k-bell").click()
    told = manager.locator("[data-notices] li", has_text="带样机去客户现场")
    expect(told).to_contain_text("我下派的任务已完成")
    expect(told).to_contain_text(name)


def test_a_manager_pastes_targets_from_a_spreadsheet_and_hands_them_out(demo, enter):
    page, year = enter("demo02"), clock.today().year + 1
    page.goto(f"/target/people/?year={year}")
    cells = page.locator("tr[data-k-person]").first.locator("input[name^=cell-]")
    expect(cells).to_have_count(12)
    block = "\r\n".join("\t".join(f"{(row + 1) * 10_000 + month * 1000:,}" for month in range(12)) for row in range(2))

    def paste(text):
        page.evaluate("""text => { const d = new DataTransfer(); d.setData('text', text);
            document.activeElement.dispatchEvent(new ClipboardEvent('paste', { clipboardData: d, bubbles: true, cancelable: true })); }""", text)
    people = page.locator("tr[data-k-person]")
    people.first.locator("input[data-k-year]").focus()
    paste("1,200,005\r\n2.4万\r\n")
    assert cells.evaluate_all("all => all.reduce((sum, i) => sum + Number(i.value), 0)") == 1_200_005
    expect(people.first.locator("input[data-k-year]")).to_have_value("1200005")
    expect(people.nth(1).locator("input[name^=cell-]").nth(11)).to_have_value("2000")
    expect(people.nth(2).locator("input[name^=cell-]").first).to_have_value("")
    paste("9\t" + "\t".join(["7"] * 12))
    expect(people.first.locator("input[data-k-year]")).to_have_value("84")
    people.first.locator("input[data-k-year]").press("ArrowDown")
    assert page.evaluate("document.activeElement.name").startswith("year-")
    cells.first.focus()
    paste(block)
    expect(cells.nth(11)).to_have_value("21,000")
    row = page.locator("tr[data-k-person]").first
    expect(row.locator("[data-k-quarter='1']")).to_have_text("33,000")
    expect(row.locator("input[data-k-year]")).to_have_value("186000")
    expect(page.locator("tr[data-k-all] [data-k-year]")).to_have_text("492,000")
    cells.first.press("ArrowDown")
    assert page.evaluate("document.activeElement.name").endswith("-1")
    page.locator("button", has_text="保存").click()
    expect(page.locator(".k-flash")).to_contain_text("已下派 24 个指标")
    assert _ask(demo, "SELECT sum(assigned) FROM target WHERE year = ?", year) == [(492_000_00,)]

    second = page.locator("tr[data-k-person]").nth(2)
    second.locator("input[data-k-year]").fill("1200000")
    page.locator("button", has_text="全年平均分摊").click()
    expect(page.locator("tr[data-k-person]").nth(2).locator("input[name^=cell-]").first).to_have_value("100000")
    page.locator("tr[data-k-person]").nth(2).locator("input[name^=cell-]").first.fill("-5")
    page.locator("button", has_text="保存").click()
    expect(page.locator("[role=alert]")).to_contain_text("尚未保存")
    expect(page.locator("td.bad")).to_have_count(1)
    page.on("dialog", lambda d: d.accept())
    page.goto("/target/")
    expect(page.locator("#k-main canvas")).to_be_visible()

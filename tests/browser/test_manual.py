"""The user's manual, read by somebody new: every section of docs/help with numbered steps is done in real Chromium on the made-up
company, step by step, by the words that the manual uses. A section without its player fails, so does a player without a section, and
a section without steps is one that only tells."""
import re

import pytest
from playwright.sync_api import expect

from app.demo.company import PASSWORD as EVERYBODYS
from tests.browser import manual_customers, manual_first, manual_money, manual_sales, manual_system, manual_tools  # noqa: F401  the players
from tests.browser.conftest import PASSWORD, Person
from tests.browser.reader import PLAYERS, Reader, sections

SECTIONS = sections()
TELLS = {  # sections that only explain: nothing is done in them
    "02-lists/填写表单", "14-quick-filters/说明", "15-own-fields/说明", "16-import/单据和其他数据", "17-pool/规定", "20-interface/查询", "20-interface/值的写法",
    "20-interface/写入", "20-interface/错误", "21-hooks/收到的内容", "21-hooks/重试与日志", "22-calendar/说明", "23-mail/客户来信", "24-calendar-page/说明",
    "30-reports/说明", "33-safety/规定"}
DOING = re.compile(r"^(- )?(打开|点|选择|填写|勾选|在「[^」]+」)", re.M)  # how a line begins that says what to do


@pytest.fixture(scope="module")
def manual(made_up):
    """The office that the manual is tried in."""
    return made_up("manual")


@pytest.fixture(scope="module")
def window(chromium, manual):
    """`window("demo05")`: the browser window of one of its people, signed in once; "" is nobody's."""
    people = {}

    def one(name):
        if name not in people:
            people[name] = Person(chromium, manual)
            if name:
                people[name].login(name, PASSWORD if name == "admin" else EVERYBODYS)
        return people[name]
    yield one
    for who in people.values():
        who.context.close()


def test_every_section_with_steps_has_its_player_and_every_other_only_tells():
    assert set(PLAYERS) == {key for key, one in SECTIONS.items() if one.steps}
    assert TELLS | {key for key, one in SECTIONS.items() if one.is_title} == set(SECTIONS) - set(PLAYERS), "marked as telling, and without steps"
    assert {key: DOING.findall(SECTIONS[key].text) for key in TELLS if DOING.search(SECTIONS[key].text)} == {}, "these tell of something to do"


@pytest.mark.parametrize("key", [key for key in SECTIONS if key in PLAYERS])
def test_the_steps_lead_where_the_manual_says(manual, window, key):
    name, play = PLAYERS[key]
    who = window(name)
    del who.complaints[:]
    who.page.goto("/help/")
    reader = Reader(who.page, SECTIONS[key])
    play(reader, manual)
    assert reader.left == set(), "words of the steps that nobody met on the screen"
    assert [c for c in who.complaints if "favicon" not in c and "404" not in c] == []


def test_the_help_finds_a_word_in_every_chapter(window):
    page = window("demo05").page
    page.goto("/help/")
    page.fill("#k-help-q", "回款计划")
    page.keyboard.press("Enter")
    expect(page.locator("[data-hits]")).to_have_attribute("data-hits", re.compile(r"^[1-9]\d*$"))
    expect(page.locator(".k-hit mark").first).to_have_text("回款计划")
    page.locator(".k-hit a").first.click()
    expect(page).to_have_url(re.compile(r"/help/\d\d-\w+#"))
    assert page.locator(".k-help img").evaluate_all("all => all.every(one => one.complete && one.naturalWidth)"), "pictures are there"

"""The user's manual, read by somebody new: every section of docs/help with numbered steps is done in real Chromium on the made-up
company, step by step, by the words that the manual uses. A section without its player fails, and so does a player without a section."""
import re

import pytest
from playwright.sync_api import expect

from app.demo.company import PASSWORD as EVERYBODYS
from tests.browser.conftest import PASSWORD, Person
from tests.browser.manual_first import FIRST
from tests.browser.manual_sales import SALES
from tests.browser.manual_system import SYSTEM
from tests.browser.reader import Reader, sections

SECTIONS = sections()
PLAYERS = {**FIRST, **SALES, **SYSTEM}


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


def test_every_section_with_steps_has_its_player_and_every_player_its_section():
    assert set(PLAYERS) == {key for key, one in SECTIONS.items() if one.steps}
    assert len(PLAYERS) == len(FIRST) + len(SALES) + len(SYSTEM), "no section is played twice"


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

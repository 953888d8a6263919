"""The manual's sections, and somebody who does what one of them says: each word in 「」 of its steps is pressed, filled in or seen on
the screen, by that very name."""
import re
import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

HELP = Path(__file__).resolve().parents[2] / "docs" / "help"
SELLER, BOSS, MONEY = "demo05", "demo02", "demo22"  # a salesperson, his manager, somebody of the finance department
PLAYERS: dict = {}  # {key of a section: (who plays it, how)}


@dataclass(frozen=True)
class Section:
    """A heading of a chapter with what stands under it."""

    chapter: str
    heading: str
    text: str
    is_title: bool = False

    @property
    def steps(self) -> str:
        """The numbered lines, "" where the section only tells."""
        return "\n".join(line for line in self.text.splitlines() if re.match(r"\d+\. ", line))

    @property
    def key(self) -> str:
        """`06-customers/新建客户`."""
        return f"{self.chapter}/{self.heading}"


def sections() -> dict[str, Section]:
    """All sections of all chapters, by key."""
    found = []
    for path in sorted(HELP.glob("*.md")):
        _before, *parts = re.split(r"^(#{1,3}) +(.+)$", path.read_text(encoding="utf-8"), flags=re.M)
        found += [Section(path.stem, heading.strip(), text, marks == "#")
                  for marks, heading, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True)]
    return {one.key: one for one in found}


def words(text: str) -> set[str]:
    """What stands in 「」."""
    return set(re.findall(r"「([^」]+)」", text))


class Reader:
    """Reads a section and does it: `press`, `fill`, `choose` and `see` take words of the section alone."""

    def __init__(self, page, section: Section):
        self.page, self.section, self.left = page, section, words(section.steps)

    def met(self, word: str) -> str:
        """Remember that the word was found on the screen."""
        assert word in words(self.section.text), f"{word} is no word of {self.section.key}"
        self.left.discard(word)
        return word

    def root(self, within=None):
        """Where to look: a part of the page, the open dialog, or the page."""
        if within:
            return self.page.locator(within).first
        dialog = self.page.locator(".modal.show")
        return dialog.last if dialog.count() else self.page

    def press(self, word: str, within=None) -> None:
        """Press what is called so: button, link, tab, check box; a number may stand beside its name."""
        says = re.compile(rf"^\s*{re.escape(self.met(word))}\s*[\d,+]*\s*$")
        root = self.root(within)
        named = root.locator(f"[aria-label='{word}']:visible:not(input):not(select), [title='{word}']:visible")
        root.locator("a:visible, button:visible, summary:visible, label:visible").filter(has_text=says).or_(named).first.click()

    def go(self, *places: str) -> None:
        """The module at the left, then the page at the top."""
        for n, place in enumerate(places):
            with self.page.expect_navigation():
                self.press(place, "nav.k-marks" if n else "aside.k-side")

    def _field(self, word: str):
        label = self.root().locator("label:visible").filter(has_text=re.compile(rf"^\s*{re.escape(self.met(word))}\s*\*?\s*$"))
        found = label.or_(self.root().locator(f"input[aria-label='{word}']:visible")).first
        if found.evaluate("e => e.tagName") == "INPUT":
            return found
        named = found.get_attribute("for")
        return self.page.locator(f"[id='{named}']") if named else found.locator("input, select, textarea").first

    def fill(self, word: str, value: str) -> None:
        """Fill the field of that name in."""
        self._field(word).fill(value)
        self.page.keyboard.press("Tab")

    def choose(self, word: str, value: str) -> None:
        """Choose in the drop-down of that name; long ones are typed into."""
        field = self._field(word)
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(label=value)
            return
        field.locator("xpath=ancestor::div[contains(@class, 'ts-wrapper')]").click()
        self.page.keyboard.type(value)
        self.page.locator(".ts-dropdown:visible .option", has_text=value).first.click()
        title = self.page.locator(".modal.show .modal-title")
        title.last.click() if title.count() else self.page.keyboard.press("Escape")  # the list closes, the dialog stays

    def finish(self, word: str) -> None:
        """Press the button below the dialog."""
        self.press(word, "#k-dialog .modal-footer")

    def tick(self, n: int) -> None:
        """Choose the first rows of a list."""
        for at in range(n):
            self.page.locator("[data-k-row]").nth(at).check()

    def first(self) -> None:
        """Open the first row of a list."""
        with self.page.expect_navigation():
            self.page.locator("td.main a").first.click()

    def see(self, word: str) -> None:
        """It stands on the page."""
        expect(self.page.get_by_text(self.met(word)).or_(self.page.get_by_label(word, exact=True)).locator("visible=true").first).to_be_visible()

    def change(self, entity: str, key: int, **values) -> None:
        """Change fields of a record on its form."""
        self.page.goto(f"/{entity}/edit/{key}")
        for name, value in values.items():
            self.page.fill(f"#{name}", value)
        self.page.locator(".k-bar .btn-primary").click()
        self.told("")

    def agree(self) -> None:
        """Say yes to the question."""
        self.page.locator("#k-confirm [data-k-ok]").click()

    def told(self, words_: str) -> None:
        """What the page answers."""
        expect(self.page.locator(".k-flash, .k-toast").filter(has_text=words_).first).to_be_visible()

    def title(self, name: str) -> None:
        """The record's page is open."""
        expect(self.page.locator("h1.k-title")).to_contain_text(name)

    def open(self, entity: str, key: int, query="") -> None:
        """A record's page, as a click in its list opens it."""
        self.page.goto(f"/{entity}/show/{key}{query}")


# ---- what players need -----------------------------------------------------------------------------------
def plays(key, who=SELLER):
    """Register the player of a section and say who plays it; "" is somebody who is not signed in."""
    def keep(play):
        assert key not in PLAYERS, "no section is played twice"
        PLAYERS[key] = (who, play)
        return play
    return keep


def one(office, sql, *values):
    """The first cell of an answer."""
    return office.ask(sql, *values)[0][0]


def soon(true) -> bool:
    """Whether it comes true within the time that an answer may take."""
    until = time.monotonic() + 15
    while not true() and time.monotonic() < until:
        time.sleep(0.1)
    return true()


def his(office, entity, where="1 = 1", who=SELLER) -> int:
    """The youngest of a person's records."""
    return one(office, f"SELECT max(id) FROM {entity} WHERE owner_id = (SELECT id FROM ab_user WHERE username = ?) AND deleted_at IS NULL AND {where}", who)


def name_of(office, entity, key) -> str:
    """Its name."""
    return one(office, f"SELECT name FROM {entity} WHERE id = ?", key)

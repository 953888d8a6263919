"""The manual and the online help: ordered, whole, in the words of the screen, and searchable."""
import re
from collections import Counter

import pytest

from app.desktop import help as book
from app.security.roles import DEFAULTS
from tests.browser.reader import HELP, sections, words
from tools.words import catalogue

pytestmark = pytest.mark.once

SAID = {"环比"}  # the old manual's word


def test_chapters_are_in_order_and_no_number_stands_twice():
    names = [path.stem for path in sorted(HELP.glob("*.md"))]
    assert all(re.fullmatch(r"\d\d-[a-z-]+", name) for name in names)
    assert [n for n, times in Counter(name[:2] for name in names).items() if times > 1] == []
    titles = [title for _key, title in book.chapters()]
    assert len(set(titles)) == len(titles) == len(names) and all(titles)
    wanted = ["登录", "工作桌面", "任务与备忘录", "销售指标设定", "客户", "联系人与跟进记录", "销售机会与漏斗", "报价", "合同/订单", "回款", "费用", "系统管理"]
    assert [titles.index(title) for title in wanted] == sorted(titles.index(title) for title in wanted), "the order of the manual"


def test_links_and_pictures_of_the_help_are_there():
    known = {key for key, _title in book.chapters()} | {"interface"}
    for one in sections().values():
        assert {name.split("#")[0] for name in re.findall(r"\]\(/help/([\w#-]+)\)", one.text)} <= known, one.key
        for name in re.findall(r"\(/help/picture/([\w.-]+)\)", one.text):
            assert (book.PICTURES / name).is_file(), (one.key, name)


def test_words_in_corner_brackets_are_words_of_the_screen():
    """What the manual quotes, the program says: every 「word」 stands in the Chinese catalogue or in a list that the administrator keeps."""
    said = [text for message in catalogue("zh") for text in ([message.string] if isinstance(message.string, str) else message.string)]
    for path in book.FOLDER.parents[1].glob("app/**/*.py"):
        said += re.findall(r'"([^"\n]*[\u4e00-\u9fff][^"\n]*)"', path.read_text(encoding="utf-8"))
    unknown = {(one.key, word) for one in sections().values() for word in words(one.text) for part in re.split(r" ?[→—>/ ] ?|，", word)
               if re.search("[\u4e00-\u9fff]", part) and not any(part in text for text in said) and word not in SAID | {title for _key, title in book.chapters()}}
    assert unknown == set()


@pytest.mark.parametrize("role", DEFAULTS)
def test_every_page_of_everybodys_menu_is_opened_by_the_steps_of_a_section(login, as_role, role):
    told = {pair for one in sections().values() for pair in re.findall(r"「([^」]+)」的「([^」]+)」", one.steps)} | {("在线帮助", "在线帮助")}
    with as_role("li", role):
        client, pages = login("li"), set()
        side = re.search(r'<aside class="k-side">.*?</aside>', client.get("/help/").text, re.S)[0]
        for url, module in re.findall(r'<a href="([^"]+)" class="[^"]*"[^>]*><i [^>]*></i>([^<]+)', side):
            marks = re.search(r'<nav class="k-marks".*?</nav>', client.get(url).text, re.S)[0]
            pages |= {(module, page) for page in re.findall(r'<a class="k-mark[^>]*>([^<]+)', marks)}
    assert len(pages) > 20 and pages - told == set()


@pytest.mark.parametrize("asked, key", [("两步验证", "01-login"), ("30/60/10", "11-payments"), ("环比", "05-targets"), ("商机", "08-opportunities"), ("webhook-id", "21-hooks")])
def test_a_word_is_found_in_its_sentence(login, asked, key):
    page = login("li").get("/help/", query_string={"q": asked}).text
    assert f'href="/help/{key}' in page and f"<mark>{asked}</mark>" in page
    hit = next(hit for hit in book.find(asked) if hit.key == key)
    assert asked in hit.sentence and (not hit.anchor or f'id="{hit.anchor}"' in login("li").get(f"/help/{key}").text)


def test_several_words_stand_in_one_sentence_and_none_is_told(login):
    assert all("合同" in hit.sentence and "作废" in hit.sentence for hit in book.find("合同 作废")) and book.find("合同 作废")
    assert book.find("没有这个词呀") == [] == book.find("  ")
    page = login("li").get("/help/?q=<b>没有</b>").text
    assert "没有找到" in page and "<b>没有" not in page
    assert login("li").get("/help/nowhere").status_code == 404 == login("li").get("/help/picture/..%2Fpromises.md").status_code
    assert login("li").get("/help/picture/customers.png").content_type == "image/png"

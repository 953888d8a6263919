"""Company names as people write them: what is the same name, and what may be one written wrong (product.md 查重).

Of 「苏州恒远精密机械(集团)股份有限公司」 the core is 恒远精密机械, the regions are {苏州}. Two names are the same when their cores are and
their regions do not contradict; they are similar when one character of the core is wrong and enough of it is right.
"""
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import opencc
from pypinyin import lazy_pinyin

_simplified = opencc.OpenCC("t2s")
def known_words(kind: str) -> dict[str, list[str]]:
    """The lines of words.txt of a kind ('province', 'list'): name -> words."""
    lines = (line.split(maxsplit=2) for line in Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines())
    return {name: more[0].split() if more else [] for which, name, *more in lines if which == kind}


PROVINCE = {name: province for province, cities in known_words("province").items() for name in (province, *cities)}  # of a province or city
WORDS = frozenset(known_words("list")["cities-that-are-words"])  # taken for a region only when 市 follows
TRADES = known_words("list")["trades"]  # what says of a company only what it does
LONG_FORMS = ("集团股份有限公司", "控股股份有限公司", "集团有限公司", "股份有限公司", "有限责任公司", "有限公司", "股份公司")
PUNCTUATION = re.compile(r"[\s()\[\]{}<>《》【】〔〕「」『』〈〉·•,.，、。\-_/\\'\"“”‘’:;!?&+*#@|~^`]+")
FORMS = re.compile(r"(股份有限公司|有限责任公司|集团有限公司|有限公司|股份公司|集团公司|总公司|集团|公司|厂)$")
_FORM = re.compile(r"(?:股份有限公司|有限责任公司|有限公司|股份公司|集团公司|总公司|控股|集团|公司|厂|股份|有限|责任|普通合伙|有限合伙)$")
_NAMES = sorted(PROVINCE, key=len, reverse=True)
_ANY, _BARE = "|".join(_NAMES), "|".join(n for n in _NAMES if n not in WORDS)
_REGION = re.compile(rf"(?:({_ANY})(省|市|(?:维吾尔|壮族|回族)?自治区|特别行政区|地区|自治州|盟|县)|({_BARE}))(?=..)")
_DISTRICT = re.compile(r"[\u4e00-\u9fff]{1,3}(?:区|县|镇)(?=..)")
_INNER = re.compile(rf"\((?:({_ANY})(?:省|市|县)?|中国)\)")
_LAST = re.compile(rf"(?<=..)({_BARE})$")
_TRADE = re.compile("(?:" + "|".join(sorted(TRADES, key=len, reverse=True)) + ")+")
_OPEN, _CLOSE = (str.maketrans(dict.fromkeys(said, to)) for said, to in (("[{<《【〔「『〈", "("), ("]}>》】〕」』〉", ")")))


def even(text: str) -> str:
    """One width, small letters, simplified characters."""
    return _simplified.convert(unicodedata.normalize("NFKC", text or "").lower())


def name_key(name: str) -> str:
    """A name for the question whether it is there already: no blanks, brackets or company form; the region stays."""
    plain = PUNCTUATION.sub("", even(name))
    return FORMS.sub("", plain) or plain


@dataclass(frozen=True)
class Name:
    """A name taken apart. `full`: all of it without punctuation; `brand`: the core without the words of its trade."""

    full: str
    core: str
    regions: frozenset
    brand: str

    @property
    def keys(self) -> set[str]:
        """What an index keeps of it: the core, and the core without each of its characters, so that names with one wrong, missing or
        added character meet."""
        core = self.core
        return {core} | ({core[:i] + core[i + 1:] for i in range(len(core))} if 3 <= len(core) <= 14 else set())

    @property
    def asks(self) -> set[str]:
        """What to look for in it: a wrong character in the region hides the region."""
        return self.keys | (set() if self.regions else {self.core[n:] for n in (2, 3) if len(self.core) > n + 1})


def _repaired(plain: str) -> str:
    """A company form with one wrong character is the form."""
    for form in LONG_FORMS:
        tail = plain[-len(form):]
        if len(plain) > len(form) + 1 and tail != form and sum(a != b for a, b in zip(tail, form, strict=True)) == 1:
            return plain[:-len(form)] + form
    return plain


def _without_region(text: str) -> tuple[str, set]:
    regions: set = set()
    for _n in range(3):
        found = _REGION.match(text)
        if not found:
            break
        regions.add(found[1] or found[3])
        text = text[found.end():]
        if found[2] == "市" and (district := _DISTRICT.match(text)):
            text = text[district.end():]
    return text, regions


@lru_cache(maxsize=4096)
def take_apart(name: str) -> Name:
    """A company's name in its parts."""
    text = even(name).translate(_OPEN).translate(_CLOSE)
    text = re.sub(r"\s+", "", text)
    regions = {found[1] for found in _INNER.finditer(text) if found[1]}
    text = _repaired(PUNCTUATION.sub("", _INNER.sub("", text).replace("(集团)", "")))
    full = _repaired(PUNCTUATION.sub("", even(name)))
    text, more = _without_region(text)
    while (shorter := _FORM.sub("", text)) != text and len(shorter) > 1:
        text = shorter
    if not regions | more and (last := _LAST.search(text)):
        text, more = text[:last.start()], {last[1]}
    core = text if len(text) > 1 else name_key(name)
    return Name(full, core, frozenset(regions | more), _TRADE.sub("", core))


def _agree(a: frozenset, b: frozenset) -> bool:
    """Whether two sets of regions can be of one company: one is silent, or a city lies in the other's province."""
    if not a or not b:
        return True
    if not {PROVINCE[n] for n in a} & {PROVINCE[n] for n in b}:
        return False
    cities = [{n for n in one if PROVINCE[n] != n} for one in (a, b)]
    return not all(cities) or bool(cities[0] & cities[1])


def _one_wrong(a: str, b: str) -> tuple[str, str] | None:
    """The characters in which two texts differ when it is one (or one is missing: '')."""
    if len(a) == len(b):
        pairs = [(x, y) for x, y in zip(a, b, strict=True) if x != y]
        return pairs[0] if len(pairs) == 1 else None
    short, long = sorted((a, b), key=len)
    if len(long) == len(short) + 1:
        return next(((long[i], "") for i in range(len(long)) if long[:i] + long[i + 1:] == short), None)
    return None


def compare(a: Name, b: Name) -> str | None:
    """'same', 'similar' or None. One wrong character counts where it sounds the same, or where enough else agrees."""
    if a.full == b.full:
        return "same"
    if a.core == b.core:
        both = a.regions & b.regions  # 江苏江阴 and 江苏张家港 are two places, 江苏 and 江苏江阴 may be one
        known = (bool(both) and both in (a.regions, b.regions)) if not a.brand else _agree(a.regions, b.regions)
        return "same" if known else None
    wrong = _one_wrong(a.core, b.core)
    if wrong is None:
        return "similar" if bool(a.regions) != bool(b.regions) and _one_wrong(a.full, b.full) else None
    if not _agree(a.regions, b.regions):
        return None
    brand, both = min(len(a.brand), len(b.brand)), a.regions == b.regions
    sounds = bool(wrong[1]) and lazy_pinyin(wrong[0]) == lazy_pinyin(wrong[1])
    enough = brand >= 4 or (brand == 3 and both) or (brand == 2 and both and a.regions and len(a.core) >= 6)
    return "similar" if enough or (sounds and brand >= 2) else None

"""From text to index tokens and from what is typed to a query over them. Pure functions.

Tokens: s one character · g two neighbouring characters of a name · i two or three neighbouring initials ·
p one pinyin syllable · c four neighbouring letters or digits of a code, or a shorter code whole · o owner.
Characters with several readings (重 长 行 乐 厦 …) are indexed under each.
"""
import os
import re
import unicodedata
from functools import cache, lru_cache
from itertools import product

os.environ.update(PYPINYIN_NO_PHRASES="true", PYPINYIN_NO_DICT_COPY="true")  # we read single characters and add none: saves 42 MB a process
from pypinyin import Style, pinyin  # noqa: E402

DROPPED = re.compile(r"[\W_]+")  # what FTS5 takes for a separator would make two tokens of one: marks, dashes, emoji, invisible signs
HAN = re.compile(r"[㐀-鿿豈-﫿]")
ALNUM = re.compile(r"[a-z0-9]+")


def plain(text: str) -> str:
    """One width, lower case, no blanks, brackets or marks."""
    return DROPPED.sub("", unicodedata.normalize("NFKC", text or "").lower())


@cache
def readings(char: str) -> tuple[str, ...]:
    """The pinyin syllables of a character without tones; an ASCII letter or digit reads as itself."""
    if not HAN.match(char):
        return (char,) if char.isascii() and char.isalnum() else ()
    found = pinyin(char, style=Style.NORMAL, heteronym=True)[0]
    return tuple(dict.fromkeys(s.replace("ü", "v") for s in found if s.isascii() and s.isalpha()))[:4]


@cache
def _initials(char: str) -> str:
    return "".join(dict.fromkeys(r[0] for r in readings(char)))


def _grams(parts: list[str], size: int) -> set[str]:
    """All combinations of `size` neighbours (each part is a string of alternatives)."""
    return {"".join(c) for at in range(len(parts) - size + 1) for c in product(*parts[at:at + size])}


def name_tokens(text: str) -> set[str]:
    """Tokens of a name: characters, grams, initials, syllables."""
    text = plain(text)[:80]
    if not text:
        return set()
    found = {"s" + c for c in text} | {"g" + text[n:n + 2] for n in range(len(text) - 1)}
    parts = [i for i in map(_initials, text) if i]
    found |= {"i" + g for g in _grams(parts, 2)} | {"i" + g for g in _grams(parts, 3)}
    return found | {"p" + r for c in text if HAN.match(c) for r in readings(c)}


def code_tokens(text: str) -> set[str]:
    """Tokens of a number, phone or tax number: every four neighbouring letters or digits."""
    code = "".join(ALNUM.findall(plain(text)))
    return {"c" + code[n:n + 4] for n in range(max(1, len(code) - 3))} if code else set()


@lru_cache(maxsize=1)
def syllables() -> frozenset[str]:
    """Every pinyin syllable."""
    from pypinyin.constants import PINYIN_DICT
    from pypinyin.contrib.tone_convert import to_normal
    found = {to_normal(one).replace("ü", "v") for value in PINYIN_DICT.values() for one in value.split(",")}
    return frozenset(s for s in found if s.isascii() and s.isalpha())


def split_syllables(word: str) -> list[str] | None:
    """A typed run of letters as pinyin syllables, the longest first that fits to the end; None when it does not fit."""
    known, best = syllables(), {len(word): []}
    for at in range(len(word) - 1, -1, -1):
        for size in range(min(6, len(word) - at), 0, -1):
            if word[at:at + size] in known and at + size in best:
                best[at] = [word[at:at + size], *best[at + size]]
                break
    return best.get(0)


def _letters(word: str) -> list[list[str]]:
    """The ways to read a run of ASCII letters and digits: initials (with figures), full pinyin, a code."""
    ways = []
    if len(word) == 1:
        return [["s" + word]]
    ways.append(["i" + word] if len(word) <= 3 else ["i" + word[n:n + 3] for n in range(len(word) - 2)])
    spelled = split_syllables(word) if len(word) > 1 and word.isalpha() else None
    if spelled:
        ways.append(["p" + s for s in spelled])
    if len(word) >= 4 or word.isdecimal():
        ways.append(sorted(code_tokens(word)))
    return ways


def query(text: str) -> list[list[list[str]]]:
    """What was typed as AND of words, each an OR of ways, each an AND of tokens; [] when nothing is left to look for."""
    words: list[list[list[str]]] = []
    for piece in unicodedata.normalize("NFKC", text or "").lower().split()[:6]:
        piece = plain(piece)[:40]
        for run in re.findall(r"[a-z0-9]+|[^a-z0-9]+", piece) if not _mixed(piece) else [piece]:
            if ALNUM.fullmatch(run):
                words.append(_letters(run))
            elif len(run) == 1:
                words.append([["s" + run]])
            else:
                words.append([["g" + run[n:n + 2] for n in range(len(run) - 1)]])
    return words


def _mixed(piece: str) -> bool:
    """A piece of Chinese with letters inside (万科a): its grams are looked for as they stand."""
    return bool(HAN.search(piece)) and bool(ALNUM.search(piece))

"""How people write a company's name otherwise: width and blanks, brackets, the region in front, the company form, one wrong character."""
import csv
import gzip
import re
from functools import cache
from pathlib import Path

from pypinyin import lazy_pinyin

from app.customers.names import PROVINCE

REGISTER = Path(__file__).resolve().parents[2] / "app" / "demo" / "companies.csv.gz"
REGION = re.compile("(" + "|".join(sorted(PROVINCE, key=len, reverse=True)) + ")(省|市)?")
CITIES, ALONE = ("北京", "上海", "天津", "重庆"), ("内蒙古", "广西", "宁夏", "新疆", "西藏", "香港", "澳门")
FORMS = ("股份有限公司", "有限责任公司", "有限公司", "股份公司", "")


@cache
def sound(sign: str) -> str:
    """A character's pinyin."""
    return lazy_pinyin(sign)[0]


def register() -> list[str]:
    """The names of the listed companies."""
    with gzip.open(REGISTER, "rt", encoding="utf-8") as file:
        return [row["客户名称"] for row in csv.DictReader(file)]


def width(name, dice, _signs):
    """Full width, and a blank somewhere."""
    wide, at = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in name), dice.randrange(1, len(name))
    return wide[:at] + dice.choice(" \u3000") + wide[at:]


def brackets(name, dice, _signs):
    """Other brackets, none, or some where there were none."""
    if "(" in name:
        return name.translate(str.maketrans(dict(zip("()", dice.choice(("（）", "【】", ("", ""))), strict=True))))
    at = name.find("股份")
    return f"{name[:at]}（股份）{name[at + 2:]}" if at > 1 and dice.random() < 0.5 else f"「{name}」"


def prefix(name, dice, _signs):
    """Without its region, or with the province in front of it; None where there is none."""
    found = REGION.match(name)
    if not found:
        return None
    rest, province = name[found.end():], PROVINCE[found[1]]
    if dice.random() < 0.5 and len(rest) >= 8:
        return rest
    full = province + ("市" if province in CITIES else "" if province in ALONE else "省")
    return full + (rest if province == found[1] else name)


def form(name, dice, _signs):
    """Another company form, or none."""
    has = next((f for f in FORMS if f and name.endswith(f)), "")
    return name[:len(name) - len(has)] + dice.choice([f for f in FORMS if f != has])


def wrong(name, dice, signs):
    """One wrong character anywhere: half the time one that sounds the same, else any."""
    at = dice.randrange(len(name))
    alike = [c for c in signs if c != name[at] and sound(c) == sound(name[at])] if dice.random() < 0.5 else []
    return name[:at] + dice.choice(alike or signs) + name[at + 1:]


KINDS = {"width": width, "brackets": brackets, "prefix": prefix, "form": form, "one wrong character": wrong}

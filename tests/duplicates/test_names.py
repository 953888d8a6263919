"""Company names in their parts, and how well twins are found among the names of the listed companies."""
import random
from collections import defaultdict

import pytest

from app.customers import keys
from app.customers.names import compare, name_key, take_apart
from tests.duplicates import variants

pytestmark = pytest.mark.sqlite  # the same whatever the database: once


@pytest.mark.parametrize("one,other,verdict", [
    ("苏州恒远精密机械有限公司", "苏州恒远精密机械有限公司", "same"), ("苏州恒远精密机械有限公司", "蘇州恆遠精密機械股份有限公司", "same"),
    ("苏州恒远精密机械有限公司", "江苏省苏州市吴中区恒远精密机械厂", "same"), ("苏州恒远精密机械有限公司", "恒远精密机械(苏州)有限公司", "same"),
    ("ＡＢＣ（中国）有限公司", "abc 中国 有限公司", "same"), ("苏州恒远精密机械有限公司", "无锡恒远精密机械有限公司", None),
    ("苏州恒远精密机械有限公司", "苏州恒源精密机械有限公司", "similar"), ("苏州恒远精密机械有限公司", "苏州恒远精密机诫有限公司", "similar"),
    ("宁波银行股份有限公司", "杭州银行股份有限公司", None), ("中坚科技股份有限公司", "中晶科技股份有限公司", None),
    ("平安银行股份有限公司", "平安银行", "same"), ("南京港股份有限公司", "日照港股份有限公司", None),
    ("江苏江阴农村商业银行股份有限公司", "江苏张家港农村商业银行股份有限公司", None)])
def test_two_names(one, other, verdict):
    assert compare(take_apart(one), take_apart(other)) == compare(take_apart(other), take_apart(one)) == verdict


def test_the_strict_key_keeps_the_region():
    assert name_key("蘇州恆遠（集團）有限公司") == name_key(" 苏州恒远集团 有限公司") == "苏州恒远"
    assert name_key("苏州恒远有限公司") != name_key("无锡恒远有限公司") and name_key("") == "" and name_key("公司") == "公司"


@pytest.mark.parametrize("text,key", [
    ("0512-8888 6666", "051288886666"), ("+86 138-1234-5678", "13812345678"), ("（0512）88886666转801", "051288886666"), ("１３８１２３４５６７８", "13812345678"),
    ("12345", ""), (None, ""), ("0086 13812345678", "13812345678")])
def test_phones(text, key):
    assert keys.phone_key(text) == key


def test_domains_and_tax_numbers():
    assert [keys.domain(t) for t in ("https://www.hengyuan.com/about", "sales@HengYuan.com", "hengyuan.com:8080", "someone@qq.com", "x", None)] == [
        "hengyuan.com"] * 3 + [""] * 3
    assert keys.tax_key(" 91320500ma1xxxxx1x ") == "91320500MA1XXXXX1X" and keys.tax_key("123") == ""


def test_recall_and_precision_among_the_listed_companies():
    """5,418 real names, each in up to five variants made by a seeded script; a hit is whatever the check would show."""
    names, dice, index = variants.register(), random.Random(7), defaultdict(set)
    known = [take_apart(name) for name in names]
    for n, one in enumerate(known):
        for key in one.keys:
            index[key].add(n)
    signs = sorted({c for name in names for c in name if c > "一"})
    asked, found, false = defaultdict(int), defaultdict(int), defaultdict(int)
    for n, name in enumerate(names):
        for kind, make in variants.KINDS.items():
            written = make(name, dice, signs)
            if not written or written == name:
                continue
            query = take_apart(written)
            hits = {m for key in query.asks for m in index.get(key, ()) if compare(query, known[m])}
            asked[kind] += 1
            found[kind] += n in hits
            false[kind] += len(hits - {n})
    for kind in variants.KINDS:
        print(f"duplicates: {kind}: {asked[kind]} asked, recall {found[kind] / asked[kind]:.1%}, "
              f"precision {found[kind] / (found[kind] + false[kind]):.1%}")
    recall, precision = sum(found.values()) / sum(asked.values()), sum(found.values()) / (sum(found.values()) + sum(false.values()))
    print(f"duplicates: {sum(asked.values())} variants, recall {recall:.1%}, precision {precision:.1%}")
    assert recall >= 0.95 and precision >= 0.90

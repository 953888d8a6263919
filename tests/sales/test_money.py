"""Sums agree to the fen (product.md 5.2): hand-computed documents and capitals, and 10,000 random documents with their terms,
payments and refunds."""
import random
import re
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import money
from app.payments.models import _pour
from app.payments.terms import spread
from app.products import amounts

CAPITALS = [  # 支付结算办法, 附一: every place of zeros, 万 and 亿 at their borders, 角 and 分, negative ones
    (0, "零元整"), (1, "壹分"), (9, "玖分"), (10, "壹角整"), (11, "壹角壹分"), (90, "玖角整"), (100, "壹元整"), (101, "壹元零壹分"), (105, "壹元零伍分"),
    (110, "壹元壹角整"), (150, "壹元伍角整"), (999, "玖元玖角玖分"), (1000, "壹拾元整"), (1001, "壹拾元零壹分"), (1010, "壹拾元零壹角整"),
    (1100, "壹拾壹元整"), (10_000, "壹佰元整"), (10_001, "壹佰元零壹分"), (10_010, "壹佰元零壹角整"), (10_100, "壹佰零壹元整"), (10_500, "壹佰零伍元整"),
    (11_000, "壹佰壹拾元整"), (32_504, "叁佰贰拾伍元零肆分"), (100_000, "壹仟元整"), (100_100, "壹仟零壹元整"), (101_000, "壹仟零壹拾元整"),
    (110_000, "壹仟壹佰元整"), (168_032, "壹仟陆佰捌拾元零叁角贰分"), (600_714, "陆仟零柒元壹角肆分"), (999_999, "玖仟玖佰玖拾玖元玖角玖分"),
    (1_0000_00, "壹万元整"), (1_0001_00, "壹万零壹元整"), (1_0010_00, "壹万零壹拾元整"), (1_0100_00, "壹万零壹佰元整"), (1_1000_00, "壹万壹仟元整"),
    (2_0003_00, "贰万零叁元整"), (10_0000_00, "壹拾万元整"), (20_0000_00, "贰拾万元整"), (100_0000_00, "壹佰万元整"), (1000_0000_00, "壹仟万元整"),
    (1_640_902, "壹万陆仟肆佰零玖元零贰分"), (10_700_053, "壹拾万柒仟元零伍角叁分"), (1001_0000_00, "壹仟零壹万元整"), (9999_9999_99, "玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    (1_0000_0000_00, "壹亿元整"), (1_0000_0001_00, "壹亿零壹元整"), (1_0000_0005_00, "壹亿零伍元整"), (1_0000_1000_00, "壹亿零壹仟元整"),
    (1_0001_0000_00, "壹亿零壹万元整"), (1_1000_0000_00, "壹亿壹仟万元整"), (1_0001_0001_00, "壹亿零壹万零壹元整"), (10_0000_0000_00, "壹拾亿元整"),
    (12_345_678_90, "壹仟贰佰叁拾肆万伍仟陆佰柒拾捌元玖角整"), (1_0000_0000_0000_00, "壹万亿元整"), (-1, "负壹分"), (-12_34, "负壹拾贰元叁角肆分"),
    (-1_0000_00, "负壹万元整")]

T, F = True, False  # the price holds the tax, or it comes on top
CASES = [  # (lines: price fen, quantity thousandths, rate, taxed), discount, reduction, fees -> (gross of each), sum, tax, total; by hand
    ([(10_000, 1000, 1300, T)], 10_000, 0, 0, (10_000,), 10_000, 1_150, 10_000),  # 100 / 1.13 × 0.13 = 11.504
    ([(10_000, 3000, 1300, T)], 10_000, 0, 0, (30_000,), 30_000, 3_451, 30_000),  # 300 / 1.13 × 0.13 = 34.513
    ([(10_000, 3000, 1300, F)], 10_000, 0, 0, (33_900,), 33_900, 3_900, 33_900),  # 300 × 1.13
    ([(20_000, 1000, 900, F)], 10_000, 0, 0, (21_800,), 21_800, 1_800, 21_800),
    ([(10_300, 1000, 300, T)], 10_000, 0, 0, (10_300,), 10_300, 300, 10_300),
    ([(10_100, 1000, 100, T)], 10_000, 0, 0, (10_100,), 10_100, 100, 10_100),
    ([(1, 1000, 1300, T)], 10_000, 0, 0, (1,), 1, 0, 1),  # a tax of 0.115 fen is none
    ([(1, 500, 0, T)], 10_000, 0, 0, (1,), 1, 0, 1),  # half a fen goes up
    ([(1, 499, 0, T)], 10_000, 0, 0, (0,), 0, 0, 0),
    ([(5, 500, 0, T)], 10_000, 0, 0, (3,), 3, 0, 3),  # 0.025
    ([(100, 333, 600, F)], 10_000, 0, 0, (35,), 35, 2, 35),  # 0.333 → 0.33, tax 0.0198 → 0.02
    ([(123_456, 1, 0, T)], 10_000, 0, 0, (123,), 123, 0, 123),  # a thousandth of 1,234.56
    ([(999, 1_000_500, 0, T)], 10_000, 0, 0, (999_500,), 999_500, 0, 999_500),  # 1,000.5 × 9.99 = 9,994.995
    ([(1000, 1000, 0, T)], 9_500, 0, 0, (1000,), 1000, 0, 950),
    ([(10_000, 1000, 0, T)], 3_333, 0, 0, (10_000,), 10_000, 0, 3_333),
    ([(10, 1000, 0, T)] * 3, 5_000, 0, 0, (10, 10, 10), 30, 0, 15),
    ([(1, 1000, 0, T)] * 3, 5_000, 0, 0, (1, 1, 1), 3, 0, 2),  # 1.5 fen once, not 0.5 three times
    ([(333, 1000, 0, T)] * 3, 9_000, 0, 0, (333, 333, 333), 999, 0, 899),  # 9.99 × 0.9 = 8.991
    ([(12_345, 2000, 0, T)], 10_000, 90, 0, (24_690,), 24_690, 0, 24_600),  # 抹零
    ([(12_345, 2000, 0, T)], 10_000, 0, 1_500, (24_690,), 24_690, 0, 26_190),
    ([(10_000, 1000, 1300, T)], 0, 0, 500, (10_000,), 10_000, 0, 500),  # given away, the freight is paid
    ([(10_000, 1000, 1300, T)], 10_000, 10_000, 0, (10_000,), 10_000, 1_150, 0),
    ([(11_300, 1000, 1300, T), (10_600, 1000, 600, T)], 10_000, 0, 0, (11_300, 10_600), 21_900, 1_900, 21_900),  # 13.00 + 6.00
    ([(11_300, 1000, 1300, T), (10_600, 1000, 600, T)], 5_000, 0, 0, (11_300, 10_600), 21_900, 950, 10_950),  # 6.50 + 3.00
    ([(128_000, 12_500, 1300, T), (45_050, 2000, 600, T)], 9_500, 5_000, 8_000, (1_600_000, 90_100), 1_690_100, 179_712, 1_608_595),
    ([(99_999, 1333, 1300, F)], 8_750, 1, 0, (150_628,), 150_628, 15_163, 131_799),
    ([(0, 1000, 1300, T)], 10_000, 0, 0, (0,), 0, 0, 0),  # a sample
    ([(10**11, 10_000, 1300, F)], 10_000, 0, 0, (1_130_000_000_000,), 1_130_000_000_000, 130_000_000_000, 1_130_000_000_000)]


@pytest.mark.parametrize(("fen", "words"), CAPITALS)
def test_amounts_in_chinese_capitals(fen, words):
    assert money.capitals(fen) == words


@pytest.mark.parametrize("case", CASES)
def test_hand_computed_documents(case):
    lines, discount, reduction, fees, gross, total_lines, tax, amount = case
    made = [SimpleNamespace(price=p, quantity=q, tax_rate=r, is_taxed=t, list_price=None, cost=None) for p, q, r, t in lines]
    found = amounts.add_up(made, discount, reduction, fees)
    assert tuple(line.amount for line in made) == gross
    assert (found.lines, found.tax, found.amount) == (total_lines, tax, amount)


def test_there_are_enough_cases_worked_out_by_hand():
    assert len(CASES) >= 25 and len(CAPITALS) >= 40 and len({c for c, _w in CAPITALS}) == len(CAPITALS)


# ---- 10,000 random documents ----------------------------------------------------------------------------------
def rounded(value: Decimal) -> int:
    """Half up, by Decimal: the other way to say what `money.half_up` says with whole numbers."""
    return int(value.quantize(Decimal(1), ROUND_HALF_UP))


def read_capitals(words: str) -> int:
    """Capitals back to fen, by their grammar alone."""
    sign, words = (-1, words[1:]) if words.startswith("负") else (1, words)
    yuan, _mark, rest = words.partition("元") if "元" in words else ("", "", words)

    def below(text, unit, then):
        high, _u, low = text.rpartition(unit) if unit in text else ("", "", text)
        return (then(high) if high else 0), low

    def four(text):
        return sum(money.DIGITS.index(d) * {"": 1, "拾": 10, "佰": 100, "仟": 1000}[u] for d, u in re.findall(r"([壹贰叁肆伍陆柒捌玖])([拾佰仟]?)", text))

    def eight(text):
        wan, ge = below(text, "万", four)
        return wan * 10_000 + four(ge)
    yi, small = below(yuan, "亿", eight)
    jiao, fen = re.search(r"(\w)角", rest), re.search(r"(\w)分", rest)
    cents = sum(money.DIGITS.index(found[1]) * factor for found, factor in ((jiao, 10), (fen, 1)) if found)
    return sign * ((yi * 10**8 + eight(small)) * 100 + cents)


def random_line(dice):
    """One line of a document, of any size that a firm may write."""
    return SimpleNamespace(price=int(10 ** dice.uniform(0, 8)), quantity=dice.choice((1000, 2000, dice.randrange(1, 10**6), dice.randrange(1, 50) * 1000)),
                           tax_rate=dice.choice((0, 100, 300, 600, 900, 1300, None)), is_taxed=dice.random() < 0.7,
                           list_price=dice.choice((None, int(10 ** dice.uniform(0, 8)))), cost=dice.choice((None, int(10 ** dice.uniform(0, 8)))))


def check_document(dice) -> int:
    """One random document adds up; returns its amount."""
    lines = [random_line(dice) for _n in range(dice.randrange(1, 9))]
    discount, fees = dice.choice((10_000, 10_000, 9_500, dice.randrange(0, 10_001))), dice.choice((0, dice.randrange(0, 10**5)))
    found = amounts.add_up(lines, discount, 0, fees)
    assert found.lines == sum(line.amount for line in lines), "the sum is the sum of its rows"
    exact = Decimal(found.lines) * discount / 10_000
    assert found.discounted == rounded(exact), "the discount is taken once, of the sum"
    assert found.amount == found.discounted + fees
    assert found.tax == sum(line.tax for line in lines), "the tax is the tax of its rows"
    assert 0 <= found.tax <= max(found.discounted, 0)
    for line in lines:
        net = rounded(Decimal(line.price) * line.quantity / 1000)
        gross = net if line.is_taxed else net + rounded(Decimal(net) * (line.tax_rate or 0) / 10_000)
        assert line.amount == gross
        assert line.discount == (rounded(Decimal(line.price) * 10_000 / line.list_price) if line.list_price else 10_000)
        share = Decimal(line.amount) * discount / 10_000
        assert abs(line.tax - share * (line.tax_rate or 0) / (10_000 + (line.tax_rate or 0))) < 2, "of its own share, to the fen"
    costs = [None if line.cost is None else rounded(Decimal(line.cost) * line.quantity / 1000) for line in lines]
    assert found.cost == (None if None in costs else sum(costs))
    reduction = dice.randrange(0, found.discounted + 1)
    again = amounts.add_up(lines, discount, reduction, fees)
    assert (again.amount, again.tax) == (found.amount - reduction, found.tax)
    return again.amount


def check_money(dice, amount: int) -> None:
    """Its terms, payments and refunds add up as well."""
    shares = [dice.randrange(1, 100) for _n in range(dice.randrange(1, 13))]
    parts = spread(amount, shares)
    assert sum(parts) == amount and all(abs(part - Decimal(amount) * share / sum(shares)) < 1 for part, share in zip(parts, shares, strict=True))
    terms, own, received = list(enumerate(parts)), {}, 0
    for _n in range(dice.randrange(0, 6)):
        part = dice.randrange(-received, amount - received + 1) if dice.random() < 0.3 else dice.randrange(0, amount - received + 1)
        term = dice.choice((None, dice.randrange(len(parts))))
        own[term], received = own.get(term, 0) + part, received + part
    booked = _pour(terms, {t: fen for t, fen in own.items() if t is not None}, received)
    assert sum(booked.values()) == received, "every fen stands on a term"
    assert all(0 <= booked[i] <= part for i, part in terms)
    assert sum(part - booked[i] for i, part in terms) == amount - received, "the terms lack what the contract lacks"


@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_random_documents_add_up_with_their_terms_and_payments(seed):
    dice = random.Random(seed)
    for _n in range(2_500):
        amount = check_document(dice)
        check_money(dice, amount)
        assert read_capitals(money.capitals(amount)) == amount


@pytest.mark.parametrize("fen", [*(10**n for n in range(15)), *(10**n + 10**m for n in range(14) for m in range(n)), *(10**n - 1 for n in range(1, 15))])
def test_capitals_are_read_back(fen):
    words = money.capitals(fen)
    assert read_capitals(words) == fen and read_capitals(money.capitals(-fen)) == -fen
    assert "零零" not in words and not words.startswith("零") and ("零元" not in words) and (words.endswith("整") or words.endswith("分"))


@settings(deadline=None)
@given(over=st.integers(-10**12, 10**12), under=st.integers(1, 10**6))
def test_the_one_rounding_rule_is_half_up(over, under):
    assert money.half_up(over, under) == int((Decimal(over) / under).quantize(Decimal(1), ROUND_HALF_UP))

"""Sums agree to the fen (product.md 5.2): hand-computed cases, and a property over 10,000 random documents."""
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core import money
from app.products import amounts

CAPITALS = [
    (0, "零元整"), (1, "壹分"), (10, "壹角整"), (105, "壹元零伍分"), (150, "壹元伍角整"), (1000, "壹拾元整"), (10_000, "壹佰元整"), (10_500, "壹佰零伍元整"),
    (168_032, "壹仟陆佰捌拾元零叁角贰分"), (600_714, "陆仟零柒元壹角肆分"), (1_640_902, "壹万陆仟肆佰零玖元零贰分"), (32_504, "叁佰贰拾伍元零肆分"),
    (10_700_053, "壹拾万柒仟元零伍角叁分"), (100_000_005_00, "壹亿零伍元整"), (100_010_000_00, "壹亿零壹万元整"), (12_345_678_90, "壹仟贰佰叁拾肆万伍仟陆佰柒拾捌元玖角整"),
    (1_0000_0000_0000_00, "壹万亿元整"), (-12_34, "负壹拾贰元叁角肆分"), (2_0003_00, "贰万零叁元整"), (20_0000_00, "贰拾万元整")]

CASES = [  # (lines: price fen, quantity thousandths, rate, taxed), discount, reduction, fees -> (gross of each), sum, tax, total
    ([(10_000, 3000, 1300, True)], 10_000, 0, 0, (30_000,), 30_000, 3_451, 30_000),  # 300 / 1.13 × 0.13 = 34.513
    ([(10_000, 3000, 1300, False)], 10_000, 0, 0, (33_900,), 33_900, 3_900, 33_900),  # 300 × 1.13
    ([(333, 1000, 0, True)] * 3, 9_000, 0, 0, (333, 333, 333), 999, 0, 899),  # 9.99 × 0.9 = 8.991
    ([(5, 500, 0, True)], 10_000, 0, 0, (3,), 3, 0, 3),  # 0.05 × 0.5 = 0.025, half up
    ([(128_000, 12_500, 1300, True), (45_050, 2000, 600, True)], 9_500, 5_000, 8_000, (1_600_000, 90_100), 1_690_100, 179_712, 1_608_595),
    ([(99_999, 1333, 1300, False)], 8_750, 1, 0, (150_628,), 150_628, 15_163, 131_799)]


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


LINE = st.builds(
    SimpleNamespace, price=st.integers(0, 10**8), quantity=st.integers(1, 10**6), tax_rate=st.sampled_from((0, 100, 300, 600, 900, 1300)),
    is_taxed=st.booleans(), list_price=st.none() | st.integers(1, 10**8), cost=st.none() | st.integers(0, 10**8))


@settings(max_examples=10_000, deadline=None, database=None)
@given(lines=st.lists(LINE, min_size=1, max_size=12), discount=st.integers(0, 10_000), fees=st.integers(0, 10**6))
def test_any_document_adds_up(lines, discount, fees):
    found = amounts.add_up(lines, discount, 0, fees)
    assert found.lines == sum(line.amount for line in lines), "the sum is the sum of its rows"
    exact = Decimal(found.lines) * discount / 10_000
    assert found.discounted == int(exact.quantize(Decimal(1), ROUND_HALF_UP)), "the discount is taken once, of the sum"
    assert found.amount == found.discounted + fees
    assert found.tax == sum(line.tax for line in lines), "the tax is the tax of its rows"
    assert 0 <= found.tax <= found.discounted or found.discounted == 0
    for line in lines:
        net = (Decimal(line.price) * line.quantity / 1000).quantize(Decimal(1), ROUND_HALF_UP)
        gross = net if line.is_taxed else net + (net * line.tax_rate / 10_000).quantize(Decimal(1), ROUND_HALF_UP)
        assert line.amount == int(gross)


@given(over=st.integers(-10**12, 10**12), under=st.integers(1, 10**6))
def test_the_one_rounding_rule_is_half_up(over, under):
    assert money.half_up(over, under) == int((Decimal(over) / under).quantize(Decimal(1), ROUND_HALF_UP))


@given(total=st.integers(1, 10**12), shares=st.lists(st.integers(1, 100), min_size=1, max_size=24))
def test_a_plan_adds_up_to_its_contract(total, shares):
    from app.payments.rules import spread
    assert sum(spread(total, shares)) == total

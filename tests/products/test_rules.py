"""Products, categories, price lists (manual 4.9.2, 4.9.3)."""
import datetime as dt

import pytest

from app.core import clock, trees
from app.products import rules
from app.products.models import PriceList, Product, ProductCategory
from app.quotes.models import Quote, QuoteLine
from app.quotes.rules import check_quote
from tests.story import line, refused, save


def test_the_category_tree_has_no_circle_no_twins_and_at_most_20_levels(session):
    top = save(session, rules.check_category, ProductCategory(name="伺服"))
    below = save(session, rules.check_category, ProductCategory(name="驱动器", above_id=top.id))
    with refused("已存在", "name", session):
        save(session, rules.check_category, ProductCategory(name="驱动器", above_id=top.id))
    save(session, rules.check_category, ProductCategory(name="驱动器"))  # the same name elsewhere is another branch
    top.above_id = below.id
    with refused("自己", "above", session):
        save(session, rules.check_category, top)
    at = below
    for n in range(3, 21):
        at = save(session, rules.check_category, ProductCategory(name=f"第{n}级", above_id=at.id))
    with refused("20", "above", session):
        save(session, rules.check_category, ProductCategory(name="第21级", above_id=at.id))
    roof = save(session, rules.check_category, ProductCategory(name="新顶"))
    top.above_id = roof.id
    with refused("20", "above", session):
        save(session, rules.check_category, top)  # all that stands below it counts


def test_a_category_with_products_or_branches_is_not_deleted(session, make):
    top, empty = make.product_category(name="伺服"), make.product_category(name="空")
    make.product(category_id=make.product_category(name="驱动器", above_id=top.id).id)
    with refused("类别"):
        rules.check_delete_category(session, top)
    branch = session.query(ProductCategory).filter_by(name="驱动器").one()
    with refused("1 个产品"):
        rules.check_delete_category(session, branch)
    rules.check_delete_category(session, empty)
    assert set(session.scalars(trees.branch(ProductCategory.__table__, "above_id", top.id))) == {top.id, branch.id}


@pytest.mark.parametrize(("over", "field"), [
    ({"code": "SV-1"}, "code"), ({"price": -1}, "price"), ({"cost": -1}, "cost"), ({"lowest": -1}, "lowest"), ({"tax_rate": -1}, "tax_rate"),
    ({"tax_rate": 10_001}, "tax_rate"), ({"price": 100_00, "lowest": 100_01}, "lowest")])
def test_a_product_has_its_own_code_and_sensible_prices(session, make, over, field):
    make.product(code="SV-1")
    good = {"code": "SV-2", "name": "驱动器", "category_id": make.product_category().id, "price": 100_00, "cost": 60_00, "lowest": 90_00,
            "tax_rate": 1300, "state": "on"}
    with refused("", field, session):
        save(session, rules.check_product, Product(**{**good, **over}))
    assert save(session, rules.check_product, Product(**good)).id


def test_a_used_product_is_taken_off_sale_not_deleted_and_old_documents_keep_their_price(session, make):
    used, unused = make.product(price=1280_00), make.product()
    quote = Quote(name="报价", customer_id=make.customer().id, quoted_on=clock.today(), valid_until=clock.today(), owner_id=1)
    quote.lines = [line(QuoteLine, price=1280_00, product_id=used.id, list_price=1280_00, cost=used.cost)]
    save(session, check_quote, quote)
    with refused("下架"):
        rules.check_delete_product(session, used)
    rules.check_delete_product(session, unused)
    rules.take_off_sale(session, [used])
    used.price, used.cost = 2000_00, 1500_00
    session.commit()
    assert (quote.living[0].list_price, quote.living[0].cost, quote.amount) == (1280_00, 800_00, 1280_00)
    fresh = line(QuoteLine, product_id=used.id)
    with refused("已下架", "lines"):
        rules.fresh_line(session, fresh, None)
    rules.put_on_sale(session, [used])
    rules.fresh_line(session, fresh, None)
    assert (fresh.list_price, fresh.cost) == (2000_00, 1500_00)


def test_price_lists_hold_for_a_level_and_a_time(session, make):
    product, today = make.product(price=1000_00, lowest=800_00), clock.today()
    day = dt.timedelta(1)

    def price(fen, first=None, last=None, level="A"):
        return save(session, rules.check_price, PriceList(product_id=product.id, level=level, price=fen, starts_on=first, ends_on=last))
    price(900_00, today - 30 * day, today)
    price(880_00, today + day)
    assert rules.price_for(session, product, "A") == 900_00
    assert rules.price_for(session, product, "B") == rules.price_for(session, product, None) == 1000_00
    with clock.frozen(clock.now() + 40 * day):
        assert rules.price_for(session, product, "A") == 880_00
    with clock.frozen(clock.now() - 60 * day):
        assert rules.price_for(session, product, "A") == 1000_00, "not valid yet"
    for first, last, field in ((today, today - day, "ends_on"), (today - 5 * day, today - 4 * day, "starts_on"), (None, None, "starts_on")):
        with refused("", field, session):
            price(850_00, first, last)
    price(850_00, None, None, level="B")
    with refused("最低售价", "price", session):
        price(799_99, level="C")
    with refused("", "price", session):
        price(-1, level="C")

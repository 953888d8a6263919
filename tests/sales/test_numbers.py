"""Numbers are unique and without holes under 50 parallel saves of the real form, refused ones in between (promise 23)."""
import pytest
from sqlalchemy import select

from app.contracts.models import Contract
from app.core import clock
from app.core.rules import RuleError
from app.quotes.models import Quote
from tests.story import at_once, posted

SAVES, REFUSED = 50, 10


@pytest.fixture
def form(make, people):
    """`form("quote", n)`: the fields of the n-th new document."""
    customer = make.customer()

    def fields(entity, name):
        dates = {"quote": {"quoted_on": clock.today(), "valid_until": clock.today()}, "contract": {"signed_on": clock.today()}}[entity]
        return posted([{"name": "驱动器", "price": "100"}], name=name, customer=customer.id, owner=people["li"], discount="100", **dates)
    return fields


@pytest.mark.parametrize(("entity", "model"), [("quote", Quote), ("contract", Contract)])
def test_fifty_parallel_forms_give_fifty_numbers_in_a_row(app, login, session, form, monkeypatch, entity, model):
    """Ten more are refused after their number was taken: it goes back with the transaction."""
    def refuse(_view, row, _fresh):
        if row.name.startswith("退回"):
            raise RuleError("在取号之后被拒绝")
    view = next(v for v in app.appbuilder.baseviews if getattr(v, "model", None) is model and hasattr(v, "after_save"))
    monkeypatch.setattr(type(view), "after_save", refuse)
    names = [f"退回{n}" if n % 6 == 5 else f"第{n}份" for n in range(SAVES + REFUSED)]
    posts = [(login("li"), name, form(entity, name)) for name in names]
    session.commit()
    answers = at_once(app, [lambda c=c, n=n, f=f: (c.post(f"/{entity}/add", data=f).status_code, n) for c, n, f in posts])
    assert sorted(code for code, _name in answers) == [200] * REFUSED + [302] * SAVES
    assert all((code == 200) is name.startswith("退回") for code, name in answers)
    numbers = sorted(session.scalars(select(model.number)))
    assert [int(number[-4:]) for number in numbers] == list(range(1, SAVES + 1)) and len({n[:-4] for n in numbers}) == 1

"""Cost and margin are seen by who has the right, in every output; a planted number is looked for everywhere, for every role."""
import contextlib
import io
import re

import docx
import openpyxl
import pytest
from pypdf import PdfReader

from app.contracts import rules as contracts
from app.contracts.models import Contract, ContractLine
from app.core import changes, clock
from app.opportunities.models import OpportunityLine
from app.products import amounts
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from tests.story import line, save

pytestmark = pytest.mark.once

COST, LATER = 7_391_846_03, 7_391_846_57  # fen; a cost that stands nowhere by chance, and what it was changed to
SEES = {"admin": True, "director": True, "manager": True, "finance": True, "sales": False, "office": False}


@pytest.fixture
def sold(session, make, people, as_):
    """A deal, a quote and a contract of 李 with one product whose cost was changed; returns {entity: row} and the numbers to look for."""
    product = make.product(price=9_000_000_00, lowest=8_000_000_00, cost=COST, name="驱动器")
    customer = make.customer(owner="li", name="恒远机械")
    deal = make.opportunity(owner="li", customer_id=customer.id)
    common = {"product_id": product.id, "cost": COST, "list_price": 9_000_000_00}
    deal.lines = [line(OpportunityLine, 9_000_000_00, **common)]
    amounts.settle(deal, deal.lines)
    quote = save(session, quotes.check_quote, Quote(
        name="驱动器", customer_id=customer.id, owner_id=people["li"], opportunity_id=deal.id, discount=10_000, quoted_on=clock.today(),
        valid_until=clock.today(), lines=[line(QuoteLine, 9_000_000_00, **common)]))
    contract = save(session, contracts.check_contract, Contract(
        name="驱动器", customer_id=customer.id, owner_id=people["li"], opportunity_id=deal.id, quote_id=quote.id, signed_on=clock.today(),
        discount=10_000, lines=[line(ContractLine, 9_000_000_00, **common)]))
    with as_("admin"), changes.operation(session, "edit", "product"):
        product.cost = LATER
    session.commit()
    rows = {"product": product, "customer": customer, "opportunity": deal, "quote": quote, "contract": contract}
    return rows, {COST, LATER, quote.margin, contract.margin}


@pytest.fixture
def clerk(login, as_role):
    """`clerk("finance")`: somebody of the cast with that default role; 李 is the salesperson whose records they are."""
    with contextlib.ExitStack() as roles:
        def one(role):
            name = {"admin": "admin", "director": "chen", "manager": "qian", "sales": "li"}.get(role, "chen")
            if role in ("finance", "office"):
                roles.enter_context(as_role(name, role))
            return login(name)
        yield one


def told(answer) -> str:
    """Everything that an answer says, whatever its format."""
    kind, data = answer.mimetype, answer.data
    if kind == "application/pdf":
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(data)).pages)
    if kind.endswith("spreadsheetml.sheet"):
        book = openpyxl.load_workbook(io.BytesIO(data))
        return "\n".join(f"{c.value:.2f}" if isinstance(c.value, float | int) else str(c.value) for sheet in book for row in sheet.iter_rows() for c in row)
    if kind.endswith("wordprocessingml.document"):
        word = docx.Document(io.BytesIO(data))
        return "\n".join([*(p.text for p in word.paragraphs), *(c.text for t in word.tables for r in t.rows for c in r.cells)])
    return answer.text


def outputs(client, rows):
    """(what, answer) of everything that can be got out of the program by the address."""
    views = {v.entity: v for v in client.application.appbuilder.baseviews if getattr(v, "model", None) is not None}
    for entity, row in rows.items():
        show = client.get(f"/{entity}/show/{row.id}")
        yield f"{entity} page", show
        for tab in sorted(set(re.findall(r"[?&]tab=(\w+)", show.text))):
            yield f"{entity} tab {tab}", client.get(f"/{entity}/show/{row.id}?tab={tab}")
        yield f"{entity} form", client.get(f"/{entity}/edit/{row.id}")
        yield f"{entity} copy", client.get(f"/{entity}/add?copy={row.id}")
        yield f"{entity} API", client.get(f"/api/v1/{entity}/{row.id}")
        yield f"{entity} API list", client.get(f"/api/v1/{entity}/")
        names = [n for n, one in views[entity].fields.items() if one.kind != "note"]
        client.post(f"/{entity}/remember", data={"columns": names})
        for url in (f"/{entity}/list/?quick=all", f"/{entity}/counts?quick=all", f"/{entity}/choose?q=",
                    f"/{entity}/list/?quick=all&_oc_{type(views[entity]).__name__}=cost&_od_{type(views[entity]).__name__}=desc"):
            yield url, client.get(url)
        for fmt in ("xlsx", "csv", "lines") if views[entity].part else ("xlsx", "csv"):
            yield f"{entity} export {fmt}", client.post(f"/{entity}/export?quick=all", data={"fmt": fmt})
        if entity in ("quote", "contract"):
            yield f"{entity} print", client.get(f"/{entity}/print/{row.id}?pictures=1")
            for kind in ("pdf", "xlsx", "docx"):
                yield f"{entity} {kind}", client.get(f"/{entity}/paper/{row.id}.{kind}")
    for url in ("/", "/?whose=all&period=year", "/undo/", "/funnel/", "/opportunity/board/?quick=all", "/receivable/", "/receivable/?by=contract",
                "/search?q=驱动器", "/api/v1/search?q=驱动器", "/report/products?period=all", "/report/contracts?period=all",
                "/report/ranking?period=all", f"/quote/add?opportunity={rows['opportunity'].id}", f"/contract/add?quote={rows['quote'].id}",
                f"/product/choose?q=驱动器&customer={rows['customer'].id}", "/api/v1/_openapi"):
        yield url, client.get(url)


def seen(client, rows):
    """Where those with the right find it: the product with its history, the quote."""
    for url in (f"/product/show/{rows['product'].id}", f"/product/show/{rows['product'].id}?tab=history", f"/quote/show/{rows['quote'].id}"):
        yield url, client.get(url)


def found(text: str, numbers) -> set:
    """Which of the numbers (fen) a text tells, written in any way."""
    bare = re.sub(r"(?<=\d)[,，](?=\d)", "", text)
    return {n for n in numbers if f"{n / 100:.2f}" in bare or str(n) in bare or f"{n / 100:.1f}" in bare}


@pytest.mark.parametrize(("role", "sees"), SEES.items())
def test_the_planted_cost_is_told_to_nobody_without_the_right(session, sold, clerk, role, sees):
    rows, numbers = sold
    client, leaks, walked = clerk(role), {}, 0
    for what, answer in outputs(client, rows) if not sees else seen(client, rows):
        with answer:
            assert answer.status_code < 500, (what, answer.status_code)
            walked += answer.status_code == 200
            if answer.status_code == 200 and (said := found(told(answer), numbers)):
                leaks[what] = said
    if sees:
        assert {COST, LATER, rows["quote"].margin} <= set().union(*leaks.values()), leaks
    else:
        assert leaks == {} and walked > 60, (role, walked, leaks)


@pytest.mark.parametrize("role", [role for role, sees in SEES.items() if not sees])
def test_a_hidden_cost_cannot_be_guessed_or_overwritten(session, sold, clerk, role):
    """Neither by a condition, a filter of one's own or the order, nor does a form write what it does not show."""
    rows, _numbers = sold
    client, quote = clerk(role), rows["quote"]
    for entity in ("quote", "contract", "product"):
        assert 'data-total="0"' in client.get(f"/{entity}/list/?quick=all&q={COST / 100:.2f}").text, "nor by the search"
    for entity in ("quote", "contract", "product"):
        for query in (f"cost={COST / 100:.2f}~", "cost=0~1", "margin=0~1"):
            answers = [client.get(f"/{entity}/list/?quick=all&{query}"), client.get(f"/{entity}/list/?quick=all&{query.replace('0~1', '9~')}")]
            totals = {re.search(r'data-total="(\d+)"', a.text)[1] for a in answers if a.status_code == 200}
            assert len(totals) <= 1, (entity, query, "the rows do not tell it")
        for data in ({"cost": "1"}, {"lines-0-cost": "1"}):
            client.post(f"/{entity}/edit/{rows[entity].id}", data=data)
    session.expire_all()
    assert (quote.lines[0].cost, rows["product"].cost, rows["contract"].lines[0].cost) == (COST, LATER, COST)

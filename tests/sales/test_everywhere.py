"""One amount, many places: what a document adds up to is the same to the fen in the database, in list sums, on its page and its
papers, in the contract made of it, its terms, payments, receivables and the customer's figures."""
import io
import random
import re
from decimal import Decimal

import docx
import openpyxl
from pypdf import PdfReader
from sqlalchemy import func, select

from app.contracts import rules as contracts
from app.contracts.models import Contract, ContractLine
from app.core import clock, money
from app.expenses.models import Expense
from app.expenses.rules import check_expense
from app.payments import receivables, terms
from app.payments import rules as payments
from app.payments.models import Payment, PaymentPlan
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from tests.sales.test_money import rounded

DOCUMENTS = 100  # quotes, and as many contracts
TERMS = ("30/60/10", "50/50", "3", "7", "33.3/33.3/33.4", "1")


def reference(quote) -> tuple[int, int]:
    """(sum of lines, total) of a document by Decimal, out of what was typed alone."""
    lines = 0
    for line in quote.living:
        net = rounded(Decimal(line.price) * line.quantity / 1000)
        lines += net if line.is_taxed else net + rounded(Decimal(net) * line.tax_rate / 10_000)
    return lines, rounded(Decimal(lines) * quote.discount / 10_000) - quote.reduction + quote.fees


def random_quote(dice, customer, owner) -> Quote:
    """A quote that was never saved."""
    lines = [QuoteLine(name=f"明细{n}", price=int(10 ** dice.uniform(3, 7)), quantity=dice.choice((1000, 3000, dice.randrange(500, 20_000))),
                       tax_rate=dice.choice((0, 600, 900, 1300)), is_taxed=dice.random() < 0.7, list_price=dice.choice((None, 500_00)), position=n,
                       cost=int(10 ** dice.uniform(1, 6))) for n in range(dice.randrange(1, 7))]
    return Quote(name="报价", customer_id=customer, owner_id=owner, quoted_on=clock.today(), valid_until=clock.today(), state="draft",
                 discount=dice.choice((10_000, 9_500, dice.randrange(5_000, 10_001))), reduction=dice.choice((0, 1, 99)),
                 fees=dice.choice((0, 0, 8_000)), lines=lines)


def save(session, check, row):
    """By the rule of its form; committed once for all."""
    with session.no_autoflush:
        check(session, row)
    session.add(row)
    session.flush()
    return row


def sell(session, make, how_many) -> list:
    """Random quotes, each a contract with terms, payments, refunds and expenses; by the rules of the forms."""
    dice, made = random.Random(20261125), []
    customers = [make.customer(owner=dice.choice(("li", "wang", "zhao"))) for _n in range(12)]
    for _n in range(how_many):
        customer = dice.choice(customers)
        quote = save(session, quotes.check_quote, random_quote(dice, customer.id, customer.owner_id))
        if quote.amount <= 0:
            continue
        contract = Contract(name="合同", customer_id=customer.id, owner_id=customer.owner_id, quote_id=quote.id, signed_on=clock.today(),
                            discount=quote.discount, reduction=quote.reduction, fees=quote.fees, lines=quotes.copy_lines(quote.living, ContractLine))
        save(session, contracts.check_contract, contract)
        contracts.signed(session, contract)
        terms.generate(session, [contract], dice.choice(TERMS), clock.today() - clock.dt.timedelta(dice.randrange(0, 120)))
        session.flush()
        _pay(session, dice, contract)
        if dice.random() < 0.5:
            save(session, check_expense, Expense(kind="trip", amount=dice.randrange(1, 10**6), spent_on=clock.today(), reason="出差",
                                                 owner_id=customer.owner_id, contract_id=contract.id))
        made.append((quote, contract))
    session.commit()
    session.expire_all()
    return made


def _pay(session, dice, contract):
    plans = session.scalars(select(PaymentPlan.id).where(PaymentPlan.contract_id == contract.id)).all()
    for _n in range(dice.randrange(0, 4)):
        left = payments.left_of(session, contract)
        if left:
            payment = save(session, payments.check_payment, Payment(
                contract_id=contract.id, amount=dice.choice((left, dice.randrange(1, left + 1))), paid_on=clock.today(),
                owner_id=contract.owner_id, plan_id=dice.choice((None, *plans))))
            if dice.random() < 0.2:
                payments.refund(session, [payment], dice.randrange(1, payment.amount + 1), clock.today(), "退")
                session.flush()


def fen(text: str) -> int:
    """An amount as people read it."""
    return money.to_fen(re.sub(r"[,\s¥￥元−-]", "", text)) * (-1 if text.strip().startswith(("-", "−")) else 1)


def test_every_amount_of_many_documents_agrees(session, make, login):
    sold = sell(session, make, DOCUMENTS)
    assert len(sold) > DOCUMENTS * 0.9
    for quote, contract in sold:
        lines, total = reference(quote)
        for document in (quote, contract):
            assert (document.lines_amount, document.amount) == (lines, total)
            assert sum(line.amount for line in document.living) == lines and sum(line.tax for line in document.living) == document.tax
        assert contract.cost == quote.cost == sum(rounded(Decimal(x.cost) * x.quantity / 1000) for x in quote.living)
        plans = session.scalars(select(PaymentPlan).where(PaymentPlan.contract_id == contract.id)).all()
        paid = session.scalar(select(func.coalesce(func.sum(Payment.amount), 0)).where(Payment.contract_id == contract.id))
        assert sum(p.amount for p in plans) == total and contract.received == paid
        assert sum(p.received for p in plans) == paid and sum(p.outstanding for p in plans) == contract.outstanding == total - paid
    _lists_agree(session, sold, login)
    _receivables_agree(session, sold, login)
    _customers_agree(session, sold, login)


def _lists_agree(session, sold, login):
    """The foot of every list, of who sees all and of who sees his own."""
    for name in ("chen", "li", "qian"):
        client = login(name)
        for entity, columns in (("quote", "amount"), ("contract", "amount received outstanding"), ("paymentplan", "amount received outstanding"),
                                ("payment", "amount"), ("expense", "amount")):
            told = client.get(f"/{entity}/counts?quick=all").json["sum"]
            size = client.get(f"/{entity}/list/?quick=all").text
            rows = _rows(session, entity, name)
            assert int(re.search(r'data-total="(\d+)"', size)[1]) == len(rows), (name, entity)
            for column in columns.split():
                assert fen(told[column]) == sum(getattr(row, column) for row in rows), (name, entity, column)


def _rows(session, entity, name):
    """What a person sees of an entity, by the ownership of its customers alone."""
    from tests import cast
    model = {"quote": Quote, "contract": Contract, "paymentplan": PaymentPlan, "payment": Payment, "expense": Expense}[entity]
    ids = cast.ids()
    seen = {"chen": set(ids.values()), "li": {ids["li"]}, "qian": {ids["li"], ids["wang"], ids["qian"]}}[name]
    return [row for row in session.scalars(select(model)) if row.owner_id in seen]


def _receivables_agree(session, sold, login):
    total = receivables.total(session)
    outstanding = sum(contract.outstanding for _quote, contract in sold)
    assert total["open"] == total["contracts"] == outstanding == total["coming"] + sum(total[f"aged{n}"] for n in range(4))
    for group in receivables.GROUPS:
        assert sum(row["open"] for row in receivables.by(session, group, limit=10_000)) == outstanding
    told = fen(login("chen").get("/paymentplan/counts?quick=open").json["sum"]["outstanding"])
    late = fen(login("chen").get("/paymentplan/counts?quick=late").json["sum"]["outstanding"])
    assert told == outstanding and late == sum(total[f"aged{n}"] for n in range(4))


def _customers_agree(session, sold, login):
    client = login("chen")
    for customer_id in {contract.customer_id for _quote, contract in sold}:
        mine = [contract for _quote, contract in sold if contract.customer_id == customer_id]
        spent = session.scalar(select(func.coalesce(func.sum(Expense.amount), 0)).where(Expense.customer_id == customer_id))
        page = client.get(f"/customer/show/{customer_id}").text
        told = {key: int(value) for key, value in re.findall(r'data-figure="(\w+)" data-fen="(-?\d+)"', page)}
        received = sum(contract.received for contract in mine)
        assert told["received"] == received and told["spent"] == spent and told["profit"] == received - spent
        assert told["contracts"] == sum(c.amount for c in mine) and told["outstanding"] == sum(c.outstanding for c in mine)


def test_page_and_papers_tell_the_same_amounts(session, make, login):
    client = login("chen")
    for n, (quote, contract) in enumerate(sell(session, make, 8)):
        for entity, row in (("quote", quote), ("contract", contract)):
            page = client.get(f"/{entity}/show/{row.id}").text
            for name in ("lines_amount", "amount", "tax"):
                shown = re.search(rf'data-sum="{name}">(.*?)</dd>', page, flags=re.S)[1]
                assert fen(re.sub(r"<[^>]+>", "", shown)) == (getattr(row, name) or 0), (entity, name)
            assert money.capitals(row.amount) in page
            for shown in _papers(client, entity, row, pdf=n < 2):
                amounts = {fen(a) for a in re.findall(r"(?<![\d,.])-?\d[\d,]*\.\d\d(?![\d%])", shown)}
                wanted = {row.lines_amount, row.amount, *(x.amount for x in row.living), *(x.price for x in row.living)}
                assert wanted <= amounts, (entity, row.id, wanted - amounts)
                assert amounts <= wanted | {row.tax, row.reduction, row.fees} | {x.quantity // 10 for x in row.living}, "no other amount stands anywhere"
                assert money.capitals(row.amount) in re.sub(r"\s", "", shown)


def _papers(client, entity, row, pdf):
    """The texts of the print page, the spreadsheet, the Word file and (slow) the PDF."""
    yield re.sub(r"<(style|script).*?</\1>|<[^>]+>", "\n", client.get(f"/{entity}/print/{row.id}").text, flags=re.S)
    with client.get(f"/{entity}/paper/{row.id}.xlsx") as answer:
        sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    yield "\n".join(f"{cell.value:,.2f}" if cell.number_format == "#,##0.00" else str(cell.value) for line in sheet.iter_rows() for cell in line if cell.value is not None)
    with client.get(f"/{entity}/paper/{row.id}.docx") as answer:
        word = docx.Document(io.BytesIO(answer.data))
    yield "\n".join([*(p.text for p in word.paragraphs), *(c.text for t in word.tables for r in t.rows for c in r.cells)])
    if pdf:
        with client.get(f"/{entity}/paper/{row.id}.pdf") as answer:
            yield "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages)

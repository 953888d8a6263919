"""Everything that is sold goes out as a spreadsheet and comes back unchanged, by the rules of its screens (promise 25)."""
import datetime as dt
import io

import openpyxl
import pytest
from sqlalchemy import func, select, true

from app.contracts import rules as contracts
from app.contracts.models import Contract, ContractLine
from app.core import entity
from app.core.describe import describe
from app.expenses import rules as expenses
from app.expenses.models import Claim, Expense
from app.imports.models import ImportProblem, ImportRun
from app.opportunities import rules as opportunities
from app.opportunities.models import Opportunity, OpportunityLine
from app.quotes import rules as quotes
from app.quotes.models import Quote, QuoteLine
from tests.core.test_ground import _all
from tests.imports.test_import import _work
from tests.story import line, save

DAY = dt.date(2026, 11, 3)


@pytest.fixture
def sold(session, make, people, as_):
    """A customer of 李 with a deal, two quotes, a contract with terms, a payment, an invoice and an expense, a claim."""
    with as_("li"):
        customer, branch = make.customer(name="恒远机械"), make.product_category(name="驱动", above_id=make.product_category(name="设备").id)
        person = make.contact(name="顾明辉", customer_id=customer.id)
        product = make.product(code="SV-1", name="驱动器", spec="750W", category_id=branch.id, unit="u8", price=9_000_00, cost=5_000_00, lowest=None)
        make.price_list(product_id=product.id, level="A", price=8_500_00, starts_on=DAY)
        make.price_list(product_id=product.id, level="B", price=8_800_00)
        goods = {"product_id": product.id, "list_price": 9_100_00, "cost": 4_800_00, "spec": "750W", "unit": "u8"}
        work = {"name": "安装调试", "is_taxed": False, "tax_rate": 600, "note": "两天"}
        common = {"customer_id": customer.id, "owner_id": people["li"]}
        deal = save(session, opportunities.check_opportunity, Opportunity(
            name="三号车间", stage="s3", rate=4500, contact_id=person.id, discount=10_000, closes_on=DAY, rivals="西门子",
            lines=[line(OpportunityLine, 8_000_00, 2500, **goods), line(OpportunityLine, 1_000_00, position=1, **work)], **common))
        lost = save(session, opportunities.check_opportunity, Opportunity(
            name="二号车间", stage="lost", loss_reason="price", amount=5_000_00, discount=10_000, **common))
        lost.closed_on = DAY
        quote = save(session, quotes.check_quote, Quote(
            name="驱动器报价", opportunity_id=deal.id, contact_id=person.id, quoted_on=DAY, valid_until=dt.date(2027, 1, 1), discount=9_500,
            reduction=12_34, fees=50_00, payment_terms="=月结", terms="质保一年\n终身维护",
            lines=[line(QuoteLine, 8_000_00, 3000, **goods), line(QuoteLine, 333_33, 1500, position=1, **work)], **common))
        save(session, quotes.check_quote, Quote(
            name="驱动器报价", quoted_on=DAY, valid_until=DAY, discount=10_000, lines=[line(QuoteLine, 100_00)], **common))
        contract = save(session, contracts.check_contract, Contract(
            number="HT-手-1", name="年度合同", kind="order", opportunity_id=deal.id, quote_id=quote.id, contact_id=person.id, signed_on=DAY,
            discount=10_000, receiver="王工", lines=[line(ContractLine, 8_000_00, 3000, **goods), line(ContractLine, 500_00, position=1, **work)],
            **common))
        bare = save(session, contracts.check_contract, Contract(name="框架合同", signed_on=DAY, amount=20_000_00, discount=10_000, **common))
        mine = {"customer_id": customer.id, "owner_id": people["li"], "contract_id": bare.id}
        for n, amount in enumerate((5_000_00, 15_000_00)):
            session.add(make.payment_plan(**{**mine, "term": n + 1}, amount=amount, due_on=DAY + dt.timedelta(30 * n), method="wire"))
        plan = session.scalars(select(entity.by_name("payment_plan"))).first()
        make.payment(**mine, plan_id=plan.id, amount=3_000_00, paid_on=DAY, method="wire", kind="deposit", bank="工行", voucher="0012")
        make.invoice(**mine, amount=4_000_00, number="0099", issued_on=DAY, kind="special")
        spent = [save(session, expenses.check_expense, Expense(
            kind="trip", amount=100_00 + n, spent_on=DAY, reason=f"出差{n}", customer_id=customer.id, slips=n, owner_id=people["li"], state="open"))
            for n in range(3)]
        expenses.gather(session, spent[:2], "十一月报销")
        session.commit()
    return {"contract": contract, "quote": quote, "product": product, "customer": customer, "deal": deal}


def exported(client, name, fmt) -> tuple[list[list], bytes]:
    """The sheet of a list's export as rows of values ("" for empty), and the file."""
    with client.post(f"/{name}/export?quick=all", data={"fmt": fmt}) as answer:
        assert answer.status_code == 200, (name, answer.status_code)
        rows, data = openpyxl.load_workbook(io.BytesIO(answer.data)).active.iter_rows(values_only=True), answer.data
        return [["" if value is None else value for value in row] for row in rows], data


def imported(client, session, name, rows, **choices):
    """Upload rows (or a file's bytes), check, run; returns the run and the checking page."""
    data = rows if isinstance(rows, bytes) else _book(rows)
    answer = client.post("/import/upload", data={"entity": name, "file": (io.BytesIO(data), "表.xlsx")}, content_type="multipart/form-data")
    assert answer.location and not answer.location.startswith("/import/?"), (answer.status_code, name)
    place = answer.location
    client.post(place + "/save", data=choices)
    page = client.get(place + "?check=1")
    assert page.status_code == 200
    client.post(place + "/save", data={"run": "1"})
    _work(session)
    session.expire_all()
    return session.get(ImportRun, int(place.split("/")[-1])), page.text


def _book(rows) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(["" if value is None else value for value in row])
    book.save(out)
    return out.getvalue()


def kept(session, name) -> list:
    """What the rows of an entity say, without their ids, stamps and computed states; of documents with their lines."""
    model, found = entity.by_name(name), []
    for row in session.scalars(select(model).order_by(model.id)):
        parts = row.living if hasattr(row, "lines") else []
        if name == "claim":
            parts = session.scalars(select(Expense).where(Expense.claim_id == row.id).order_by(Expense.id))
        parts = [{key: value for key, value in _told(part).items() if not key.startswith(("created_", name))} for part in parts]
        found.append((_told(row), parts))
    return sorted(found, key=str)


def _told(row) -> dict:
    def named(one, value):
        if one.kind != "ref" or value is None:
            return value
        other = getattr(row, one.name)
        return getattr(other, "number", None) or getattr(other, "code", None) or str(other)
    return {one.name: named(one, value) for one in describe(type(row)).values()
            if one.stored and (value := getattr(row, one.key)) is not None and one.name not in ("changed_at", "staged_at", "furthest", "check")}


def emptied(session, *names, but=None) -> None:
    """The tables are empty (of what meets a clause), their search entries too."""
    session.info["purge"] = True
    for name in names:
        for row in session.scalars(select(entity.by_name(name)).where(true() if but is None else but).execution_options(with_trash=True, everyone=True)).unique().all():
            session.delete(row)
        session.flush()
    session.info.pop("purge")
    session.commit()
    session.expire_all()


GONE = {  # entity -> the tables that are emptied before it comes back, those that hang on it first
    "productcategory": "quote_line contract_line opportunity_line price_list product product_category", "pricelist": "price_list",
    "product": "quote_line contract_line opportunity_line price_list product", "payment": "credit payment", "invoice": "invoice",
    "paymentplan": "credit payment payment_plan", "expense": "expense", "claim": "expense claim",
    "contract": "credit payment payment_plan invoice contract_line contract", "quote": "credit payment payment_plan invoice contract_line contract quote_line quote",
    "opportunity": "credit payment payment_plan invoice contract_line contract quote_line quote stage_change opportunity_line opportunity"}
TABLES = {"productcategory": "product_category", "pricelist": "price_list", "paymentplan": "payment_plan"}
LINED = ("opportunity", "quote", "contract", "claim")


@pytest.mark.parametrize("name", GONE)
def test_what_goes_out_comes_back_unchanged(session, login, sold, name):
    """Read into what is there it changes nothing; read where nothing is it makes the same again, and a second export is the same sheet."""
    client, table, fmt = login("admin"), TABLES.get(name, name), "lines" if name in LINED else "xlsx"
    (rows, data), before, everything = exported(client, name, fmt), kept(session, table), _all(session)
    assert before and len(rows) > 1
    run, page = imported(client, session, name, data, on_duplicate="overwrite")
    assert (run.created, run.updated, run.failed) == (0, 0, 0) and run.skipped == len(rows) - 1, (_why(session, run), page[:0])
    assert _all(session) == everything and kept(session, table) == before
    if name == "expense":  # what is claimed comes with its claim
        emptied(session, "expense", but=Expense.state == "claimed")
        (rows, data), before = exported(client, name, fmt), kept(session, table)
    emptied(session, *GONE[name].split())
    run, page = imported(client, session, name, data)
    assert (run.created, run.skipped, run.failed) == (len(rows) - 1, 0, 0), _why(session, run)
    assert _plain(kept(session, table)) == _plain(before)
    again, _data = exported(client, name, fmt)
    hidden = {at for at, heading in enumerate(rows[0]) if heading in LIVING}
    assert _columns(again, hidden) == _columns(rows, hidden)


LIVING = ("已回款", "已开票", "费用", "未回款", "回款进度", "进入阶段时间", "到达过的最远阶段", "最后跟进时间")


def _columns(rows, hidden):
    return sorted(([value for at, value in enumerate(row) if at not in hidden] for row in rows), key=str)


def _plain(rows):
    """Without the sums of what was emptied beside it."""
    return [({k: v for k, v in head.items() if k not in ("received", "invoiced", "spent", "claim")}, parts) for head, parts in rows]


def _why(session, run):
    return [(p.row, p.at, p.value, p.reason) for p in session.scalars(select(ImportProblem).where(ImportProblem.run_id == run.id))]


# ---- documents row by row -----------------------------------------------------------------------------------------
HEAD = ["报价单号", "报价名称", "客户名称", "报价日期", "有效期至", "整单折扣%", "报价总额", "产品编码", "品名", "数量", "单价", "税率", "小计"]


def _quote(name="改造报价", customer="恒远机械", total="", **first):
    return [["", name, customer, "2026-11-03", "2027-01-01", 90, total, "SV-1", "", 2, 9000, "", 18000],
            ["", "", "", "", "", "", "", "", "安装调试", 1, 1000, 6, 1000]]


def test_a_document_is_made_of_its_rows_and_taken_back_whole(session, login, make, people):
    """The head stands in the first row; number, sums, list price and cost are the program's; one undo takes everything back."""
    make.customer(name="恒远机械"), make.product(code="SV-1", name="驱动器", spec="750W", price=9_100_00, cost=5_000_00, lowest=None)
    before, client = _all(session), login("li")
    run, page = imported(client, session, "quote", [HEAD, *_quote(total=17100), *_quote("备件报价", total="17,100.00")])
    assert (run.created, run.failed) == (4, 0) and "data-reason" not in page, _why(session, run)
    one, two = session.scalars(select(Quote).order_by(Quote.id)).all()
    assert (one.name, two.name, one.amount, one.owner_id) == ("改造报价", "备件报价", 17_100_00, people["li"])
    assert one.number.endswith("-0001") and two.number.endswith("-0002") and one.approval == "none"
    assert [(x.name, x.spec, x.quantity, x.list_price, x.cost, x.tax_rate) for x in one.living] == [
        ("驱动器", "750W", 2000, 9_100_00, 5_000_00, 1300), ("安装调试", None, 1000, None, None, 600)]
    client.post(f"/import/{run.id}/undo")
    _work(session)
    session.expire_all()
    for model in (Quote, QuoteLine):
        assert session.scalar(select(func.count(model.id)).execution_options(with_trash=True, everyone=True)) == 0
    assert {k: v for k, v in _all(session).items() if k != "counter"} == {k: v for k, v in before.items() if k != "counter"}


@pytest.mark.parametrize(("at", "value", "row", "column", "reason"), [
    ((0, 6), 17000, 2, "报价总额", "17,100.00"), ((1, 12), 999, 3, "小计", "1,000.00"), ((0, 7), "SV-9", 2, "产品编码", "找不到"),
    ((1, 8), "", 3, "品名", "缺少"), ((0, 4), "2026-11-02", 2, "有效期至", "有效期"), ((1, 9), "两", 3, "数量", "数字"),
    ((0, 2), "没有这家", 2, "客户名称", "找不到"), ((1, 1), "改造报价2", 3, "客户名称", "不能为空"), ((0, 5), 120, 2, "整单折扣%", "折扣"),
    ((1, 10), -5, 3, "单价", "负")])
def test_a_fault_is_named_by_row_and_column_and_nothing_of_its_document_is_written(session, login, make, at, value, row, column, reason):
    make.customer(name="恒远机械"), make.product(code="SV-1", name="驱动器", price=9_100_00, lowest=None)
    rows = [HEAD, *_quote(total=17100), *_quote("好的报价", total=17100)]
    rows[1 + at[0]][at[1]] = value
    run, page = imported(login("li"), session, "quote", rows)
    found = {(p.row, rows[0][p.at]): p.reason for p in session.scalars(select(ImportProblem).where(ImportProblem.run_id == run.id))}
    assert reason in found.get((row, column), ""), found
    assert "data-reason" in page and reason in page, "and before anything was written"
    assert "好的报价" in session.scalars(select(Quote.name)).all() and at == (1, 1) or session.scalars(select(Quote.name)).all() == ["好的报价"]


def test_rows_of_one_number_are_one_document_and_say_the_same(session, login, make):
    make.customer(name="恒远机械"), make.customer(name="创捷")
    head = ["合同编号", "合同名称", "客户", "签订日期", "品名", "数量", "单价", "合同金额"]
    rows = [head, ["A-1", "一号", "恒远机械", "2026-11-03", "泵", 1, 100, 300], ["B-1", "二号", "创捷", "2026-11-03", "阀", 1, 50, ""],
            ["A-1", "", "", "", "管", 2, 100, ""], ["B-1", "二号", "恒远机械", "", "盖", 1, 1, ""], ["C-1", "无明细", "创捷", "2026-11-03", "", "", "", 500]]
    run, _page = imported(login("li"), session, "contract", rows)
    made = {c.number: c for c in session.scalars(select(Contract))}
    assert set(made) == {"A-1", "C-1"} and (run.created, run.failed) == (3, 2)
    assert [x.name for x in made["A-1"].living] == ["泵", "管"] and made["A-1"].amount == 300_00 and made["C-1"].amount == 500_00
    assert made["A-1"].customer.status == "won", "what a saved contract does, an imported one does"
    assert any(p[0] == 5 and "第 3 行" in p[3] for p in _why(session, run))
    again, _page = imported(login("li"), session, "contract", rows)
    assert (again.created, again.skipped) == (0, 3), "a second time it is there already"


def test_overwriting_takes_lines_out_and_closed_documents_stay(session, login, make):
    make.customer(name="恒远机械")
    client, head = login("li"), ["报价单号", "报价名称", "客户", "品名", "单价"]
    imported(client, session, "quote", [head, ["Q-1", "一", "恒远机械", "泵", 100], ["Q-1", "", "", "阀", 50], ["Q-2", "二", "恒远机械", "泵", 100]])
    session.scalars(select(Quote).where(Quote.number == "Q-2")).one().state = "sent"
    session.commit()
    run, _page = imported(client, session, "quote", [head, ["Q-1", "一", "恒远机械", "泵", 90], ["Q-2", "二", "恒远机械", "泵", 90]], on_duplicate="overwrite")
    one, two = session.scalars(select(Quote).order_by(Quote.number)).all()
    assert (run.updated, run.failed) == (1, 1) and (one.amount, two.amount) == (90_00, 100_00)
    assert [x.name for x in one.living] == ["泵"] and "已发送" in _why(session, run)[0][3]
    client.post(f"/import/{run.id}/undo")
    _work(session)
    session.expire_all()
    assert session.get(Quote, one.id).amount == 150_00 and len(session.get(Quote, one.id).living) == 2


def test_what_a_form_refuses_an_import_refuses(session, login, make, as_role):
    """Payments stay within their contract, also those of one sheet together; a deal that is lost says why."""
    customer = make.customer(name="恒远机械")
    make.contract(number="HT-1", customer_id=customer.id, amount=100_00)
    rows = [["合同编号", "回款日期", "回款金额"], ["HT-1", "2026-11-03", 60], ["HT-1", "2026-11-04", 60], ["HT-1", "2099-01-01", 1], ["HT-1", "2026-11-05", 40]]
    run, page = imported(login("li"), session, "payment", rows)
    assert (run.created, run.failed) == (2, 2) and "将来" in page
    assert [(p[0], rows[0][p[1]]) for p in _why(session, run)] == [(3, "回款金额"), (4, "回款日期")]
    run, _page = imported(login("li"), session, "opportunity", [
        ["机会名称", "客户", "销售阶段", "输单原因"], ["甲", "恒远机械", "输单", ""], ["乙", "恒远机械", "输单", "价格因素"], ["丙", "恒远机械", "", ""]])
    assert (run.created, run.failed) == (2, 1)
    assert {o.name: o.stage for o in session.scalars(select(Opportunity))} == {"乙": "lost", "丙": "s1"}


def test_who_does_not_see_costs_neither_takes_them_out_nor_brings_them_in(session, login, sold):
    """The line's cost is starred in the sheet; read back it stays what it was."""
    rows, data = exported(login("li"), "quote", "lines")
    at = rows[0].index("成本价")
    assert {row[at] for row in rows[1:]} <= {"****", ""} and all("4800" not in str(row) for row in rows)
    rows[1][at] = 1
    run, _page = imported(login("li"), session, "quote", rows, on_duplicate="overwrite")
    assert {x.cost for x in session.scalars(select(QuoteLine))} == {4_800_00, None}, _why(session, run)
    assert data[:2] == b"PK"


def test_a_whole_claim_comes_with_its_expenses(session, login, make, people):
    make.customer(name="恒远机械")
    head = ["报销单", "报销金额", "费用类型", "费用金额", "发生日期", "事由", "客户"]
    rows = [head, ["十一月", 150, "差旅费", 100, "2026-11-03", "高铁", "恒远机械"], ["", "", "差旅费", 50, "2026-11-04", "打车", ""],
            ["十二月", 99, "差旅费", 100, "2026-11-03", "高铁", ""], ["未来", "", "差旅费", 100, "2099-11-03", "高铁", ""]]
    run, _page = imported(login("li"), session, "claim", rows)
    claim = session.scalars(select(Claim)).one()
    spent = session.scalars(select(Expense)).all()
    assert (claim.name, claim.amount, claim.owner_id) == ("十一月", 150_00, people["li"])
    assert {(e.claim_id, e.state) for e in spent} == {(claim.id, "claimed")} and len(spent) == 2
    assert [(p[0], head[p[1]]) for p in _why(session, run)] == [(4, "报销金额"), (5, "发生日期")]


def test_a_template_of_documents_names_the_columns_of_its_lines(login, session):
    with login("li").get("/import/template?entity=quote") as answer:
        head = [c.value for c in openpyxl.load_workbook(io.BytesIO(answer.data)).active[1]]
    assert {"报价名称 *", "客户名称 *", "品名 *", "数量 *", "单价 *"} <= set(head) and "成本价" not in head

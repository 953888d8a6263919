"""Reports: every bar and row opens exactly its rows, for each person and circle; exports; months that stay as they were."""
import csv
import datetime as dt
import html
import io
import json
import random
import re

import pytest
from sqlalchemy import select

from app.core import clock, jobs, schedule
from app.reports import figures, snapshots
from app.reports.models import Snapshot
from app.security.models import Department
from app.targets import credits

TODAY = clock.today()
KEYS = [*figures.REPORTS, "conversion", "products", "ranking"]


def _company(make, dice):
    """Random rows of three people, most of this month."""
    products = [make.product(), make.product()]
    for _n in range(12):
        owner = dice.choice(("li", "wang", "zhao"))
        on = TODAY - dt.timedelta(dice.choice((0, 0, 0, 40, 400)))
        customer = make.customer(owner=owner, created_at=clock.day_start(on), level=dice.choice(("A", "B", None)), region=dice.choice(("江苏", "江苏 苏州", "", None)),
                                 source=dice.choice(("search", "cold", None)))
        make.followup(owner=owner, customer_id=customer.id, happened_at=clock.day_start(on), method=dice.choice(("call", "visit")))
        if dice.random() < 0.7:
            make.opportunity(owner=owner, customer_id=customer.id, amount=dice.randrange(10**6), stage=dice.choice(("s1", "s2")), created_at=clock.day_start(on))
        if dice.random() < 0.6:
            deal = make.contract(owner=owner, customer_id=customer.id, amount=dice.randrange(1000, 10**6), signed_on=on, state=dice.choice(("signed", "running", "void")))
            make.contract_line(contract_id=deal.id, product_id=dice.choice(products).id, amount=dice.randrange(1000), quantity=2000)
            if deal.state != "void":
                make.payment(owner=owner, contract_id=deal.id, amount=dice.randrange(1, 500), paid_on=on, check=dice.choice(("new", "refused")))
            make.expense(owner=owner, customer_id=customer.id, amount=dice.randrange(1, 9999), spent_on=on, kind=dice.choice(("trip", "meal")),
                         approval=dice.choice(("none", "none", "rejected")))


def _opened(page):
    """(address, n, fen or None) of everything that a report counts."""
    for tag in re.findall(r'<a[^>]*data-n="\d+"[^>]*>', page):
        fen = re.search(r'data-fen="(-?\d+)"', tag)
        yield html.unescape(re.search(r'href="([^"]+)"', tag)[1]), int(re.search(r'data-n="(\d+)"', tag)[1]), fen and int(fen[1])


def _totals(page):
    """(address, figure, text) of the totals above the bars."""
    for url, figure, text in re.findall(r'<a class="k-card k-fig" href="([^"]+)">.*?data-figure="(\w+)">([^<]*)</b>', page):
        yield html.unescape(url), figure, text


def _months(page):
    """(address, fen or number) of the bars of the last twelve months."""
    chart = re.search(r'data-k-chart="bar" data-chart=\'([^\']+)\'', page)
    return [(bar["url"], bar["value"]) for bar in json.loads(html.unescape(chart[1]))] if chart else []


def _listed(client, url):
    """(total, sum of the amounts or None) that a list itself tells."""
    place, query = url.split("/list/")
    n = re.search(r'data-total="(\d+)"', client.get(url).text)[1]
    return int(n), client.get(f"{place}/counts{query}").json.get("sum", {}).get("amount")


@pytest.mark.parametrize("key", list(figures.REPORTS))
def test_totals_and_months_equal_the_lists_that_they_open(make, login, key):
    """The figures above the bars, and each of the twelve months, of one's own, the team's and the company's."""
    _company(make, random.Random(7))
    walked = 0
    for name, whose in (("li", ""), ("qian", "team"), ("chen", "all")):
        client = login(name)
        page = client.get(f"/report/{key}?period=this_month&whose={whose}").text
        totals = list(_totals(page))
        assert [figure for _url, figure, _text in totals][:1] == [key]
        for url, figure, text in totals:
            n, amount = _listed(client, url)
            assert text == (f"{n:,}" if figure == key and key != "expenses" else amount), (name, figure, url)
        months = _months(page)
        assert len(months) == 12
        for url, value in (bar for bar in months if bar[1]):
            n, amount = _listed(client, url)
            told = n if figures.REPORTS[key].amount is None else round(float(amount.replace(",", "")) * 100)
            assert told == (value if figures.REPORTS[key].amount is None else round(value * 1_000_000)), (name, url)
            walked += 1
        empty = next((url for url, value in months if not value), None)
        assert empty is None or _listed(client, empty)[0] == 0
    assert walked >= 2, "there is something to compare"


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.once)])
def test_every_bar_and_row_opens_exactly_its_rows(make, login, seed):
    _company(make, random.Random(seed))
    walked, seen = 0, {}
    for name, circles in (("li", ("",)), ("qian", ("", "team")), ("chen", ("all",))):
        client = login(name)
        for key in KEYS:
            for query in [f"period={period}" + (f"&whose={w}" if w else "") for w in circles for period in ("this_month", "all")]:
                for url, n, fen in _opened(client.get(f"/report/{key}?{query}").text):
                    if (name, url) in seen:
                        assert seen[name, url][0] == n
                        continue
                    seen[name, url] = (n, fen)
                    assert f'data-total="{n}"' in client.get(url).text, (name, key, url, n)
                    if fen is not None and key not in ("products",):
                        place, rest = url.split("/list/")
                        assert client.get(f"{place}/counts{rest}").json["sum"]["amount"] == f"{fen / 100:,.2f}", (name, key, url)
                    walked += 1
    assert walked > 150
    print(f"reports: {walked} bars and rows equal their lists")


def test_the_ranking_counts_shared_deals_as_the_desktop_does(make, session, login, people):
    credits.split(session, [make.contract(owner="li", amount=1_000_00, signed_on=TODAY)], [(people["li"], 7000), (people["wang"], 3000)])
    session.commit()
    told = set(re.findall(r'data-rank="signed-(\d+)" data-value="(\d+)"', login("chen").get("/?whose=all&period=month").text))
    page = login("chen").get("/report/ranking?period=this_month&whose=all").text
    assert told == {(str(people["li"]), "70000"), (str(people["wang"]), "30000")}
    assert told == set(re.findall(r'quick=signed[^"]*owner=(\d+)[^"]*" data-n="1" data-fen="(\d+)"', page))


def test_reports_reach_as_far_as_the_role(make, login, session):
    make.customer(owner="li", level="A")
    make.contract(owner="li", amount=777_77, signed_on=TODAY, name="绝密")
    for name, sees in (("li", True), ("wang", False), ("zhao", False), ("qian", True), ("chen", True)):
        client = login(name)
        assert ("777.77" in client.get("/report/contracts").text) is sees, name
        assert ('data-figure="customers">0<' not in client.get("/report/customers").text) is sees, name
    assert login("li").get("/report/contracts?whose=team").status_code == 400
    assert login("li").get("/report/contracts?period=zzz").status_code == 400
    assert login("li").get("/report/contracts?by=zzz").status_code == 400
    assert login("li").get("/report/nothing").status_code == 404
    assert login("li").get("/report/").location.endswith("/report/customers")


def test_from_to_narrows_and_the_table_goes_out_as_a_spreadsheet(make, login):
    make.contract(owner="li", amount=100_00, signed_on=TODAY)
    make.contract(owner="li", amount=50_00, signed_on=TODAY - dt.timedelta(400))
    client, day = login("li"), TODAY.isoformat()
    page = client.get(f"/report/contracts?first={day}&last={day}").text
    assert 'data-figure="amount">100.00<' in page and f"signed_on={day}~{day}" in page
    with client.post("/report/contracts/export?by=owner&period=all", data={"fmt": "csv"}) as out:
        rows = list(csv.reader(io.StringIO(out.data.decode("utf-8-sig"))))
    assert rows == [["负责人", "数量", "金额"], ["李雨桐", "2", "150.00"]]
    with client.post("/report/ranking/export", data={"fmt": "xlsx"}) as out:
        assert out.status_code == 200 and out.data[:2] == b"PK" and f"-{TODAY:%Y-%m}-01~" in out.headers["Content-Disposition"]
    with client.post("/report/products/export?by=product&period=all", data={"fmt": "csv"}) as out:
        assert out.data.decode("utf-8-sig").splitlines()[0] == "产品,合同/订单,数量,金额"
    assert client.post("/report/contracts/export?by=zzz", data={"fmt": "csv"}).status_code == 400


def test_expenses_tell_their_share_and_what_is_left(make, login):
    deal = make.contract(owner="li", amount=1000_00, signed_on=TODAY)
    make.payment(owner="li", contract_id=deal.id, amount=400_00, paid_on=TODAY)
    make.expense(owner="li", amount=50_00, spent_on=TODAY)
    make.expense(owner="li", amount=999_00, spent_on=TODAY, approval="rejected")
    page = login("li").get("/report/expenses").text
    assert 'data-figure="expenses">50.00<' in page and 'data-figure="share">5.0%<' in page and 'data-figure="profit">350.00<' in page


def test_conversion_counts_customers_by_how_far_they_came(make, login):
    for n in range(4):
        customer = make.customer(owner="li")
        if n < 3:
            make.followup(owner="li", customer_id=customer.id)
        if n < 2:
            make.opportunity(owner="li", customer_id=customer.id)
        if n < 1:
            make.contract(owner="li", customer_id=customer.id, signed_on=TODAY)
    client = login("li")
    rows = list(_opened(client.get("/report/conversion").text))[:5]
    assert [n for _url, n, _fen in rows] == [4, 3, 2, 0, 1]
    assert 'data-total="2"' in client.get(rows[2][0]).text
    assert client.get("/customer/list/?reached=zzz").status_code == 400


def test_a_kept_month_stays_as_it_was(make, session, login):
    """The month's turn keeps last month's figures; a contract that changes later does not change them; each sees his own."""
    last = TODAY.replace(day=1) - dt.timedelta(1)
    deal = make.contract(owner="li", amount=300_00, signed_on=last)
    make.contract(owner="zhao", amount=50_00, signed_on=last)
    snapshots.enqueue(session)
    job = session.scalars(select(jobs.Job)).one()
    jobs.run(session, job.id, lambda s, i: None)
    assert job.state == "done" and job.result["rows"] > 0
    deal.amount = 900_00
    session.commit()
    month = f"{last:%Y-%m}"
    page = login("li").get(f"/report/snapshot?month={month}&report=contracts").text
    assert "300.00" in page and "900.00" not in page and "50.00" not in page.replace("350.00", "")
    assert "50.00" in login("chen").get(f"/report/snapshot?month={month}&report=contracts").text
    again = snapshots.take(session, month)
    session.commit()
    assert again == session.query(Snapshot).count(), "taken twice it is there once"
    assert login("li").get("/report/snapshot?month=1999-01").status_code == 404


def test_a_kept_month_says_what_the_live_reports_said_of_each_circle(make, session, login, people):
    """Bars, conversion, products and ranking of the month, for each person, circle, department and colleague; as a spreadsheet too."""
    _company(make, random.Random(3))
    credits.split(session, [make.contract(owner="li", amount=1_000_00, signed_on=TODAY)], [(people["li"], 7000), (people["wang"], 3000)])
    session.commit()
    month = f"{TODAY:%Y-%m}"
    snapshots.take(session, month)
    session.commit()
    south, walked = session.scalar(select(Department.id).where(Department.name == "华南部")), 0
    for name, circles in (("li", ("mine",)), ("qian", ("team", str(people["wang"]))), ("chen", ("", "mine", f"d{south}"))):
        client = login(name)
        for key in KEYS:
            for whose in circles:
                live = _bars(client.get(f"/report/{key}?period=this_month&whose={whose}").text)
                kept = _bars(client.get(f"/report/snapshot?month={month}&report={key}&whose={whose}").text)
                assert sorted(kept) == sorted(live), (name, key, whose)
                walked += len(kept)
    assert walked > 150
    client = login("chen")
    for key, head in (("products", "报表,项目,数量,金额"), ("ranking", "人员,签单,回款,客户"), ("conversion", "报表,项目,数量,金额")):
        with client.post(f"/report/snapshot/export?month={month}&report={key}&whose=all", data={"fmt": "csv"}) as out:
            assert out.data.decode("utf-8-sig").startswith(head), out.data.decode("utf-8-sig")[:60]
            assert f"{month}.csv" in out.headers["Content-Disposition"]
    with client.post(f"/report/snapshot/export?month={month}&report=ranking&whose={people['wang']}", data={"fmt": "csv"}) as out:
        assert [line.split(",")[0] for line in out.data.decode("utf-8-sig").split()] == ["人员", "王浩然"]
    assert client.post("/report/snapshot/export?month=1999-01", data={"fmt": "csv"}).status_code == 404
    assert client.post(f"/report/snapshot/export?month={month}", data={"fmt": "doc"}).status_code == 400
    assert login("li").get("/report/snapshot?whose=team").status_code == 400
    assert login("li").post(f"/report/snapshot/export?month={month}&whose={people['zhao']}", data={"fmt": "csv"}).status_code == 400


def _bars(page):
    """(number, fen) of the bars and of the ranking's cells, without the table below; a card shows twelve at most."""
    part = page[:page.find("data-k-report")]
    return [(n, fen) for n, fen in re.findall(r'data-n="(\d+)"(?: data-fen="(-?\d+)")?', part)]


def test_the_snapshot_is_due_at_the_months_turn_of_the_office():
    due, _run = schedule.ENTRIES["report snapshot"]
    for moment, wanted in ((dt.datetime(2026, 11, 25, 4), dt.datetime(2026, 11, 30, 16, 10)),  # 1 December 00:10 in Shanghai
                           (dt.datetime(2026, 11, 30, 16, 9), dt.datetime(2026, 11, 30, 16, 10)),
                           (dt.datetime(2026, 11, 30, 16, 10), dt.datetime(2026, 12, 31, 16, 10)),
                           (dt.datetime(2028, 2, 10), dt.datetime(2028, 2, 29, 16, 10))):
        assert due(None, moment) == wanted, moment

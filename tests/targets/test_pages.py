"""What one's own target pages show (their sentences: tests/desktop/test_manual_sentences.py); the superior's matrix."""
import datetime as dt
import html
import re

from sqlalchemy import select

from app.core import clock
from app.extensions import db
from app.security.models import Employee
from app.targets import figures, rules
from app.targets.models import MonthLock, Target

TODAY = clock.today()
YEAR = TODAY.year


def row_of(page, name) -> list[str]:
    body = re.search(rf'<tr data-row="{name}">(.*?)</tr>', page, re.S)[1]
    return [html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", body, re.S)][1:]


def heads(page) -> list[str]:
    table = page[page.index("data-k-targets"):]
    return [re.sub(r"<[^>]+>", "", h).strip() for h in re.findall(r"<th[^>]*>(.*?)</th>", table.split("</thead>")[0], re.S)][1:]


def open_year() -> int:
    """A year whose months are all open."""
    return YEAR + 1


def test_both_set_one_month_none_set_whole_years(login, make):
    make.contract(owner="li", amount=100_000_00, signed_on=dt.date(YEAR - 1, 2, 3))
    client = login("li")
    assert heads(client.get(f"/target/?year={YEAR - 1}&month=2").text) == [f"{YEAR - 1}-02"]
    page = client.get("/target/?year=&month=").text
    assert heads(page) == [str(YEAR - 1), str(YEAR)] and row_of(page, "signed-actual")[0] == "10"
    for odd in ("year=20x6", "month=13", "kind=profit", "whose=team", "whose=all", "person=99999"):
        assert client.get(f"/target/?{odd}").status_code == 400, odd


def test_every_result_opens_a_list_that_equals_it(login, make, session, people):
    from app.targets import credits
    deal = make.contract(owner="li", amount=100_000_01, signed_on=dt.date(YEAR, TODAY.month, 1))
    credits.split(session, [deal], [(people["li"], 3333), (people["wang"], 6667)])
    session.commit()
    make.contract(owner="zhao", amount=70_000_00, signed_on=dt.date(YEAR, TODAY.month, 1))
    make.payment(contract_id=deal.id, amount=50_000_00, paid_on=dt.date(YEAR, TODAY.month, 1))
    for who, circles in (("li", ("mine",)), ("wang", ("mine",)), ("qian", ("mine", "team")), ("chen", ("team", "all"))):
        client = login(who)
        for whose in circles:
            page = client.get(f"/target/?year={YEAR}&whose={whose}").text
            for kind in ("signed", "received", "customers"):
                cell = re.search(rf'<tr data-row="{kind}-actual">.*?data-value="(\d+)"[^>]*>\s*<a href="([^"]+)"', page, re.S)
                if cell is None:
                    continue
                url = html.unescape(cell[2])
                place, query = url.split("/list/")
                if kind == "customers":
                    assert f'data-total="{int(cell[1]) // 100}"' in client.get(url).text, (who, url)
                else:
                    assert client.get(f"{place}/counts{query}").json["sum"]["amount"] == f"{int(cell[1]) / 100:,.2f}", (who, url)


def test_the_goal_that_counts_has_a_row_where_sums_mix_own_and_assigned_targets(login, make):
    make.target(owner="li", year=YEAR, month=1, own=100_000_00, assigned=120_000_00)
    make.target(owner="wang", year=YEAR, month=1, own=90_000_00)
    make.target(owner="qian", year=YEAR, month=1, own=5_000_00, assigned=50_000_00)
    make.contract(owner="wang", amount=130_000_00, signed_on=dt.date(YEAR, 1, 5))
    page = login("qian").get(f"/target/?year={YEAR}&month=1&whose=team").text
    assert [row_of(page, f"signed-{name}") for name in ("assigned", "own", "goal", "actual", "rate")] == [
        ["17"], ["19.50"], ["26"], ["13"], ["50%"]]
    alone = [login(name).get(f"/target/?year={YEAR}").text for name in ("li", "wang", "qian")]
    assert not any("signed-goal" in one for one in alone), "one person's months say it by themselves"
    make.target(owner="li", year=YEAR, month=2, own=30_000_00)
    assert row_of(login("li").get(f"/target/?year={YEAR}").text, "signed-goal") == ["12", "3", *["—"] * 10, "15"]
    everybody = login("chen").get(f"/target/?year={YEAR}&whose=all").text
    people = [figures.table(db.session, {p.id}, figures.columns(YEAR, None, [], str))["signed"] for p in db.session.scalars(select(Employee))]
    assert row_of(everybody, "signed-goal")[-1] == "29" == f"{sum(f.goal or 0 for one in people for f in one) / 1_000_000:g}"


# ---- the superior's matrix ------------------------------------------------------------------------------------
def test_a_superior_hands_out_targets_all_or_nothing(login, session, people):
    client, year = login("qian"), open_year()
    cells = {f"cell-{people['li']}-{m}": "100000" for m in range(1, 13)}
    wrong = client.post("/target/people/save", data={"year": year, "kind": "signed", **cells, f"cell-{people['wang']}-2": "-5"})
    assert wrong.status_code == 200 and "指标不能为负数" in wrong.text and session.scalar(select(Target.id)) is None
    assert client.post("/target/people/save", data={"year": year, "kind": "signed", **cells}).status_code == 302
    found = session.scalars(select(Target)).all()
    assert len(found) == 12 and {(t.assigned, t.assigned_by_id, t.own) for t in found} == {(100_000_00, people["qian"], None)}
    assert [client.get(f"/target/{way}save").location for way in ("", "people/")] == ["/target/", "/target/people/"]
    page = client.get(f"/target/people/?year={year}")
    assert page.status_code == 200 and "已下派 12 个指标" in page.text, "the page with the way back"
    undo = re.search(r'action="(/undo/\d+)"', page.text)
    page = login("qian").get(f"/target/people/?year={year}").text
    assert 'data-goal="120000000"' in page and "1,200" not in page.split("data-k-results")[0]
    assert undo and client.post(undo[1]).status_code == 302
    session.expire_all()
    assert session.scalars(select(Target)).all() == [], "one undo takes the whole matrix back"


def test_nobody_hands_out_beyond_those_below_him(login, session, people):
    client, year = login("qian"), open_year()
    answer = client.post("/target/people/save", data={"year": year, "kind": "signed", f"cell-{people['zhao']}-1": "5"})
    assert answer.status_code == 200 and session.scalar(select(Target.id)) is None
    assert "赵立强" not in client.get("/target/people/").text and "赵立强" in login("chen").get("/target/people/").text
    assert login("li").get("/target/people/").status_code == 403


def test_the_year_is_spread_evenly_or_by_last_years_seasons_before_it_is_saved(login, make, people, session):
    year = open_year()
    make.contract(owner="li", amount=300_00, signed_on=dt.date(year - 1, 3, 5))
    make.contract(owner="li", amount=100_00, signed_on=dt.date(year - 1, 1, 5))
    client = login("qian")
    data = {"year": year, "kind": "signed", f"year-{people['li']}": "1000001"}
    even = client.post("/target/people/save", data={**data, "do": "even"}).text
    cells = [int(v) for v in re.findall(rf'name="cell-{people["li"]}-\d+" value="(\d+)"', even)]
    assert len(cells) == 12 and sum(cells) == 1_000_001 and max(cells) - min(cells) <= 1
    seasons = client.post("/target/people/save", data={**data, "do": "seasons"}).text
    cells = [int(v or 0) for v in re.findall(rf'name="cell-{people["li"]}-\d+" value="(\d*)"', seasons)]
    assert (cells[0], cells[2], sum(cells)) == (250_000, 750_001, 1_000_001)
    assert session.scalar(select(Target.id)) is None, "a spread is a proposal"


def test_a_spread_leaves_the_months_of_others_whose_year_was_not_typed(login, people):
    year, li, wang = open_year(), people["li"], people["wang"]
    data = {"year": year, "kind": "signed", f"year-{li}": "1200", f"year-{wang}": "500", f"cell-{wang}-1": "200", f"cell-{wang}-2": "300"}
    page = login("chen").post("/target/people/save", data={**data, "do": "even"}).text

    def cells(person):
        return re.findall(rf'name="cell-{person}-\d+" value="(\d*)"', page)
    assert cells(li) == ["100"] * 12
    assert cells(wang) == ["200", "300", *[""] * 10]


def test_closed_months_are_frozen_until_an_administrator_reopens_them(login, make, session, people):
    slot = f"{YEAR - 1}-05"
    row = make.target(owner="li", year=YEAR - 1, month=5, assigned=100_00)
    assert rules.is_closed(session, slot) and not rules.is_closed(session, f"{YEAR + 1}-05")
    chief, admin = login("chen"), login("admin")
    data = {"year": YEAR - 1, "kind": "signed", f"cell-{people['li']}-5": "200"}
    assert "已锁定" in chief.post("/target/people/save", data=data).text and session.get(Target, row.id).assigned == 100_00
    assert login("li").post("/target/save", data={"year": YEAR - 1, "own-signed-5": "7"}).status_code == 200
    assert chief.post("/target/lock", data={"slot": slot, "open": "1"}).status_code == 302
    session.expire_all()
    assert session.scalar(select(MonthLock.id)) is None, "a director may close, not reopen"
    admin.post("/target/lock", data={"slot": slot, "open": "1"})
    assert chief.post("/target/people/save", data=data).status_code == 302
    session.expire_all()
    assert session.get(Target, row.id).assigned == 200_00
    chief.post("/target/lock", data={"slot": f"{YEAR + 1}-05", "open": "0"})
    session.expire_all()
    assert rules.is_closed(session, f"{YEAR + 1}-05")


def test_one_target_a_person_kind_and_month(login, make, people):
    make.target(owner="li", year=open_year(), month=3, own=5_00)
    data = {"token": "t1", "owner": people["li"], "year": open_year(), "month": 3, "kind": "signed", "own": "7"}
    client = login("li")
    answer = client.post("/target/add", data=data)
    assert answer.status_code == 200 and "已存在" in answer.text
    assert client.post("/target/add", data={**data, "token": "t2", "month": 4}).status_code == 302
    assert client.post("/target/add", data={**data, "token": "t3", "month": 13}).status_code == 200


def test_pages_cost_the_same_whatever_stands_in_the_tables(login, make, statements):
    for url, kind in (("/target/", "signed"), ("/target/people/", "received")):
        client, counted = login("qian"), []
        client.get(url)
        for more in (1, 12):
            for n in range(more):
                make.contract(owner="li" if n % 2 else "wang", signed_on=dt.date(YEAR, n % TODAY.month + 1, 1))
                make.target(owner="li" if more == 1 else "wang", year=YEAR - 1, month=n % 12 + 1, own=5_00, kind=kind)
            with statements() as seen:
                assert client.get(url).status_code == 200
            counted.append(len(seen))
        assert counted[0] == counted[1], (url, counted)

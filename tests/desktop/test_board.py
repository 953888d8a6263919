"""The business board (manual 4.2): its figures against the lists that they open, the work in the row."""
import datetime as dt
import functools
import html
import json
import random
import re

import pytest
from sqlalchemy import select

from app.core import actor, clock, periods, workdays
from app.core.today import SOURCES
from app.customers.models import Customer, Followup
from app.desktop import board
from app.security.models import Department
from app.tasks.models import Task

TODAY = clock.today()
SOON, LATE = clock.now() + dt.timedelta(hours=5), clock.now() - dt.timedelta(hours=30)


def _figures(page) -> dict:
    """{figure: (address, value, n)} of the key figures."""
    found = {}
    for tag in re.findall(r'<a[^>]*data-figure="[^"]+"[^>]*>', page):
        name = re.search(r'data-figure="([^"]+)"', tag)[1]
        value, n = (re.search(rf'data-{key}="(\d+)"', tag) for key in ("value", "n"))
        found[name] = (html.unescape(re.search(r'href="([^"]+)"', tag)[1]), value and int(value[1]), n and int(n[1]))
    return found


# ---- every figure equals its list -----------------------------------------------------------------------------
def _company(make, session, people, dice):
    """Random customers, deals, contracts, shares, plans, payments, follow-ups of three people over two years."""
    from app.targets import credits
    for _n in range(14):
        owner, on = dice.choice(("li", "wang", "zhao", "qian")), TODAY - dt.timedelta(dice.randrange(0, 500))
        customer = make.customer(owner=owner, created_at=clock.day_start(on) + dt.timedelta(hours=dice.randrange(24)),
                                 next_follow_at=dice.choice((None, LATE, SOON)))
        make.followup(owner=owner, customer_id=customer.id, happened_at=clock.day_start(on))
        make.contact(owner=dice.choice(("li", owner)), customer_id=customer.id, created_at=clock.day_start(on))
        stage = dice.choice(("s1", "s2", "s5", "won", "lost"))
        make.opportunity(owner=owner, customer_id=customer.id, amount=dice.randrange(10**9), rate=dice.randrange(10_000), stage=stage,
                         staged_at=clock.day_start(on), closed_on=on if stage in ("won", "lost") else None,
                         created_at=clock.day_start(on))
        deal = make.contract(owner=dice.choice(("li", owner)), customer_id=customer.id, amount=dice.randrange(10**6, 10**8), signed_on=on,
                             state=dice.choice(("signed", "signed", "signed", "void")))
        if dice.random() < 0.4:
            credits.split(session, [deal], [(people["li"], 3333), (people["zhao"], 6667)])
            session.commit()
        plan = make.payment_plan(owner=owner, contract_id=deal.id, amount=deal.amount // 2, due_on=TODAY + dt.timedelta(dice.randrange(-80, 9)), received=0)
        if deal.state != "void" and dice.random() < 0.6:
            make.payment(owner=owner, contract_id=deal.id, plan_id=plan.id, amount=dice.randrange(1, deal.amount // 2), paid_on=on,
                         check=dice.choice(("new", "confirmed", "refused")))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.once)])
def test_each_figure_equals_the_list_that_it_opens(make, session, people, login, seed):
    """Random data, every circle of every person, every period: key figures, trend, funnel with its ends, sources and their total, ranking,
    forgotten customers, approvals; each card that shows a figure is walked."""
    _company(make, session, people, random.Random(seed))
    make.approval_step(approver_id=people["qian"], decision="waiting")
    walked, seen = 0, set()
    places = {name: f"d{i}" for i, name in session.execute(select(Department.id, Department.name))}
    for name, circles in (("li", ("mine",)), ("zhao", ("mine",)), ("qian", ("mine", "team", "华东部")),
                          ("chen", ("mine", "team", "department", "all", "华南部", "总公司", "wang"))):
        client = login(name)
        listed = functools.cache(client.get)  # many figures of circles and periods open the same list
        for whose in (places.get(key) or str(people.get(key, key)) for key in circles):
            for period in ("month", "quarter", "year") if whose in ("team", "department", "all") else ("year",):
                page = client.get(f"/?whose={whose}&period={period}").text
                chips = [int(n) for n in re.findall(r'data-source="\w+" data-n="(\d+)"', page)]
                assert f'<span class="k-tag b num" data-all="{sum(chips)}">' in page, "the whole of the day's list is the sum of its sources"
                walked += _trend_equals(listed, page, (name, whose)) if period == "year" else 0
                for what, (url, value, n) in _figures(page).items():
                    walked += _equals(listed, what, url, value, n, (name, whose, period))
                    seen.add(what)
                for url, n in re.findall(r'href="([^"]+)" data-source="\w+" data-n="(\d+)"', page):
                    assert f'data-total="{n}"' in listed(html.unescape(url)).text, (name, whose, url, n)
                    walked += 1
                for url, stage, n, fen in re.findall(r'href="([^"]+)" data-stage="(\w+)" data-n="(\d+)" data-value="(\d+)"', page):
                    walked += _equals(listed, "stage", html.unescape(url), int(fen), int(n), (name, whose, stage))
                for url, what, value in re.findall(r'href="([^"]+)" data-rank="([^"]+)" data-value="(\d+)"', page):
                    kind = what.split("-")[0]
                    money = kind in ("signed", "received")
                    walked += _equals(listed, kind if money else "idle", html.unescape(url), int(value), None if money else int(value), (name, what))
    assert walked > 250 and seen >= {"signed", "received", "customers", "deals", "overdue", "won", "lost", "idle7", "idle90", "idle180", "uncalled", "approvals",
                                           *(f"brief-{key}" for key in board.MEASURES)}
    print(f"figures: {walked} equal their lists")


SUM_OF = {"signed": "amount", "received": "amount", "deals": "weighted", "overdue": "outstanding", "stage": "amount", "won": "amount", "lost": "amount",
          "expected": "amount"}


def _trend_equals(listed, page, where) -> int:
    """Each bar of the trend, by month and by quarter, against the list that it opens, in ten thousand yuan with two decimals."""
    chart, walked = json.loads(html.unescape(re.search(r"data-by=\"month\" data-chart='([^']+)'", page)[1])), 0
    for bar in (bar for span in ("month", "quarter") for line in chart[span]["series"] for bar in line["data"] if bar.get("url")):
        place, query = bar["url"].split("/list/")
        amount = listed(f"{place}/counts{query}").json["sum"]["amount"]
        assert round(float(amount.replace(",", "")) / 10_000, 2) == pytest.approx(bar["value"], abs=0.0051), (where, bar)
        walked += 1
    assert walked == 2 * (12 + len(chart["quarter"]["labels"])), where
    return walked


def _equals(listed, what, url, value, n, where) -> int:
    page = listed(url)
    assert page.status_code == 200, (where, what, url)
    if what == "customers":
        n = value // 100
    what = what.removeprefix("brief-")
    if n is not None:
        assert f'data-total="{n}"' in page.text, (where, what, url, n)
    if what in SUM_OF:
        place, query = url.split("/list/")
        assert listed(f"{place}/counts{query}").json["sum"][SUM_OF[what]] == f"{value / 100:,.2f}", (where, what, url)
    return 1


def test_circles_reach_no_further_than_the_role(login, people, session):
    east, south = (session.scalar(select(Department.id).where(Department.name == name)) for name in ("华东部", "华南部"))
    for name, place, status in (("li", east, 400), ("qian", east, 200), ("qian", south, 400), ("chen", south, 200), ("chen", 999_999, 400)):
        for page in ("/?whose=d{}", "/customer/list/?quick=all&whose=d{}", "/report/customers?whose=d{}"):
            assert login(name).get(page.format(place)).status_code == status, (name, page, place)
    switch = login("qian").get(f"/?whose=d{east}").text
    assert f'<option value="d{east}" selected>华东部</option>' in switch and f'<option value="{people["li"]}">李雨桐</option>' in switch
    assert "华南部" not in switch and "总公司</option>" not in switch and "赵立强" not in switch and "data-k-go" not in login("li").get("/").text
    assert '华东部<a href="/customer/list/?quick=all"' in login("qian").get(f"/customer/list/?quick=all&whose=d{east}").text
    assert login("li").get("/?whose=team").status_code == 400 and login("li").get("/?whose=all").status_code == 400
    assert login("li").get(f"/?whose={people['wang']}").status_code == 400
    assert login("qian").get(f"/?whose={people['wang']}").status_code == 200
    assert login("qian").get(f"/?whose={people['zhao']}").status_code == 400
    assert login("chen").get("/?whose=all").status_code == 200
    assert login("li").get("/?period=decade").status_code == 400
    assert login("li").get("/contract/list/?whose=all").status_code == 400


def test_a_key_figure_shows_target_pace_and_the_same_days_of_the_period_before(login, make):
    make.target(owner="li", year=TODAY.year, month=TODAY.month, assigned=1_000_000_00)
    make.contract(owner="li", amount=250_000_00, signed_on=TODAY)
    first, last = periods.compared("this_month", TODAY)
    make.contract(owner="li", amount=100_000_00, signed_on=first)
    page = login("li").get("/").text
    card = page[page.index('data-figure="signed"'):][:2500]
    assert "目标 1,000,000" in card and "25%" in card and "+150%" in card and "<em style=" in card
    days = str(first) if first == last else f"{first}~{last}"
    assert f"上月同期（{days}）：100,000" in card


def test_the_first_of_a_month_is_compared_with_the_first_of_the_month_before(make, session, as_, people):
    """By whole months from the kept figures, by days from their rows; midnight is the office's."""
    for day, fen in (("2026-11-01", 100), ("2026-11-02", 20), ("2026-08-31", 5), ("2025-11-30", 3), ("2025-12-01", 2), ("2025-12-02", 1)):
        make.contract(owner="li", amount=fen, signed_on=dt.date.fromisoformat(day))
    for moment in ("2026-10-31T15:59:59", "2026-10-31T16:00:00", "2026-11-01T15:59:59", "2026-11-01T16:00:00"):
        make.customer(owner="li", created_at=dt.datetime.fromisoformat(moment))
    make.contract(owner="wang", amount=7000, signed_on=dt.date(2026, 11, 1))
    with as_("qian"), clock.frozen(dt.datetime(2026, 12, 1, 4)):
        who = actor.current()
        told = {(whose, period): board.Board(session, board.circle(who, whose), period).before
                for whose in (str(people["li"]), "team") for period in ("month", "quarter", "year")}
    li = str(people["li"])
    assert [told[li, period]["signed"].amount for period in ("month", "quarter", "year")] == [100, 5, 5] and told[li, "month"]["customers"].n == 2
    assert told["team", "month"]["signed"].amount == 7100


# ---- the day's list and the work in the row -------------------------------------------------------------------
def test_the_list_is_ranked_over_all_sources(login, make, people):
    customer = make.customer(owner="li", name="恒远", next_follow_at=LATE)
    deal = make.contract(owner="li", customer_id=customer.id, name="年度框架", amount=100_00, ends_on=TODAY + dt.timedelta(5))
    make.payment_plan(owner="li", contract_id=deal.id, amount=60_00, due_on=TODAY - dt.timedelta(1), received=0)
    make.payment_plan(owner="li", contract_id=deal.id, amount=40_00, due_on=TODAY + dt.timedelta(2), received=0)
    make.quote(owner="li", customer_id=customer.id, name="驱动器报价", state="sent", valid_until=TODAY + dt.timedelta(3))
    make.opportunity(owner="li", customer_id=customer.id, name="停滞的单", staged_at=clock.now() - dt.timedelta(60))
    make.contact(owner="li", customer_id=customer.id, name="顾明", birthday=dt.date(1980, TODAY.month, TODAY.day))
    make.task(owner="li", title="补发计算书", starts_at=LATE, ends_at=LATE + dt.timedelta(hours=1), created_by_id=people["li"])
    make.customer(owner="li", name="快进公海的").pool_at = clock.now() + dt.timedelta(1)
    page = login("li").get("/").text
    assert "已逾期 3<" in page, "what will fall into the pool is not overdue"
    rows = re.findall(r'data-row="(\w+)-\d+"', page)
    assert rows == ["late", "plan", "call", "falling", "soon", "quote", "contract", "deal", "birthday"]
    assert {s.key for s in SOURCES} >= set(rows) | {"approval", "task", "today"}
    assert re.findall(r'data-row="(\w+)-\d+"', login("wang").get("/").text) == []


def test_no_source_crowds_the_others_out_and_a_team_reads_whose_it_is(login, make, people):
    for n in range(10):
        make.task(owner="li", title=f"逾期{n}", starts_at=LATE, ends_at=LATE + dt.timedelta(hours=1), created_by_id=people["li"])
        make.customer(owner="wang", name=f"待联系{n}", next_follow_at=LATE)
        make.contract(owner="wang", name=f"框架{n}", amount=100_00, ends_on=TODAY + dt.timedelta(5))
    page = login("qian").get("/?whose=team").text
    rows = re.findall(r'data-row="(\w+)-\d+"', page)
    assert {key: rows.count(key) for key in set(rows)} == {"late": 6, "call": 5, "contract": 5} and rows == sorted(rows, key=["late", "call", "contract"].index)
    todo = page[page.index('data-card="today"'):]
    assert "李雨桐</span>" in todo and "王浩然</span>" in todo
    assert "李雨桐</span>" not in re.search(r'data-card="today".*?</section>', login("li").get("/").text, re.S)[0]


def test_a_task_is_finished_in_the_row_and_taken_back(login, make, session, people):
    row = make.task(owner="li", title="补发计算书", starts_at=LATE, ends_at=LATE + dt.timedelta(hours=1), created_by_id=people["li"])
    client = login("li")
    answer = client.post(f"/task/row/{row.id}/finish", data={"back": "/"})
    assert answer.location == "/"
    session.expire_all()
    assert session.get(Task, row.id).state == "done"
    undo = re.search(r'action="(/undo/\d+)"', client.get("/").text)[1]
    client.post(undo, data={"back": "/"})
    session.expire_all()
    assert session.get(Task, row.id).state == "open"


def test_what_has_begun_and_is_not_over_is_not_called_late(make, login):
    trip = make.task(owner="li", is_all_day=True, starts_at=clock.day_start(TODAY - dt.timedelta(1)),
                     ends_at=clock.day_start(TODAY + dt.timedelta(2)) - dt.timedelta(seconds=1))
    day = make.task(owner="li", is_all_day=True, starts_at=clock.day_start(TODAY), ends_at=clock.day_start(TODAY + dt.timedelta(1)))
    page = login("li").get("/").text
    for row in (trip, day):
        line = page.split(f'data-row="task-{row.id}"')[1].split("</li>")[0]
        assert 'k-when t3">今天<' in line, line


def test_a_follow_up_is_written_in_the_row(login, make, session):
    customer = make.customer(owner="li", name="恒远", next_follow_at=LATE)
    client = login("li")
    assert 'data-row="call-' in client.get("/").text
    next_day = (TODAY + dt.timedelta(3)).isoformat() + " 10:00"
    data = {"token": "f1", "back": "/?period=year", "method": "call", "content": "报价确认，周五前回复", "next_follow_at": next_day,
            "happened_at": clock.to_office(clock.now()).strftime("%Y-%m-%d %H:%M")}
    for _twice in range(2):
        assert client.post(f"/desk/follow/{customer.id}", data=data).location == "/?period=year"
    session.expire_all()
    assert len(session.scalars(select(Followup)).all()) == 1, "a double press writes one"
    customer = session.get(Customer, customer.id)
    assert clock.to_office(customer.next_follow_at) == dt.datetime.fromisoformat(next_day) and customer.last_follow_text == "报价确认，周五前回复"
    page = client.get("/").text
    assert 'data-row="call-' not in page and "撤销" in page
    assert login("zhao").post(f"/desk/follow/{customer.id}", data={**data, "token": "f2"}).status_code == 404
    empty = client.post(f"/desk/follow/{customer.id}", data={**data, "token": "f3", "content": ""})
    assert empty.status_code == 302 and "不能为空" in client.get("/").text


def test_put_off_to_tomorrow_or_the_next_working_day(login, make, session, people):
    call = make.customer(owner="li", next_follow_at=LATE)
    task = make.task(owner="li", title="回访", starts_at=LATE, ends_at=LATE + dt.timedelta(hours=1), created_by_id=people["li"])
    client = login("li")
    client.post(f"/desk/later/customer/{call.id}/workday")
    client.post(f"/desk/later/task/{task.id}/tomorrow")
    undo = re.findall(r'action="(/undo/\d+)"', client.get("/").text)[-1]
    session.expire_all()
    at = clock.to_office(LATE).time()
    assert clock.to_office(session.get(Customer, call.id).next_follow_at) == dt.datetime.combine(workdays.shift(session, TODAY, 1), at)
    assert clock.to_office(session.get(Task, task.id).starts_at) == dt.datetime.combine(TODAY + dt.timedelta(1), at)
    assert client.post(f"/desk/later/customer/{call.id}/never").status_code == 404
    assert client.post(f"/desk/later/contract/{call.id}/tomorrow").status_code == 404
    assert login("zhao").post(f"/desk/later/customer/{call.id}/tomorrow").status_code == 404
    client.post(undo)
    session.expire_all()
    assert session.get(Task, task.id).starts_at == LATE


def test_cards_are_chosen_and_ordered_by_each_person(login):
    client = login("li")
    client.post("/desk/cards", data={"cards": ["today", "keys", "nonsense"]})
    assert re.findall(r'data-card="(\w+)"', client.get("/").text) == ["today", "keys"]
    assert len(re.findall(r'data-card="(\w+)"', login("wang").get("/").text)) == 11
    dialog = client.get("/desk/choose").text
    assert re.findall(r'value="(\w+)"( checked)?', dialog)[:3] == [("today", " checked"), ("keys", " checked"), ("trend", "")]
    client.post("/desk/cards", data={"reset": "1"})
    assert len(re.findall(r'data-card="(\w+)"', client.get("/").text)) == 11


def test_at_most_fifteen_statements_whatever_stands_in_the_tables(make, session, people, login, statements):
    dice = random.Random(5)
    for who, whose in (("li", "mine"), ("qian", "team"), ("chen", "all")):
        client, counted = login(who), []
        for _more in range(2):
            _company(make, session, people, dice)
            client.get(f"/?whose={whose}")
            with statements() as seen:
                assert client.get(f"/?whose={whose}").status_code == 200
            counted.append(len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA", "SAVEPOINT"))]))
        assert counted[0] == counted[1] <= 15, (who, counted)


def test_nothing_foreign_shows_on_the_desk(make, login, people, session):
    """What another department owns stays out of every card."""
    customer = make.customer(owner="li", name="绝密恒远", next_follow_at=LATE)
    deal = make.contract(owner="li", customer_id=customer.id, name="绝密合同", amount=100_00, signed_on=TODAY, ends_on=TODAY + dt.timedelta(5))
    make.payment_plan(owner="li", contract_id=deal.id, amount=60_00, due_on=TODAY - dt.timedelta(1), received=0)
    make.payment(owner="li", contract_id=deal.id, amount=60_00, paid_on=TODAY)
    make.task(owner="li", title="绝密任务", starts_at=LATE, ends_at=LATE + dt.timedelta(hours=1), created_by_id=people["li"])
    for name in ("zhao", "wang"):
        for whose in ("mine", "team", "department", "all", str(people["li"])):
            assert "绝密" not in login(name).get(f"/?whose={whose}").text, (name, whose)
    assert "绝密" in login("li").get("/").text
    session.delete(session.get(Task, session.scalar(select(Task.id))))
    session.delete(session.get(Customer, make.customer(owner="li", name="已删除的客户", next_follow_at=LATE).id))
    session.commit()
    page = login("li").get("/").text
    assert "绝密任务" not in page and "已删除的客户" not in page

"""Every figure opens exactly its rows: the links of funnel and board are followed over random data, for every role that sees something else."""
import datetime as dt
import random
import re
from html import unescape

import pytest

from app.core import clock

STAGES = ("s1", "s2", "s3", "s4", "s5", "won", "lost", "void")


def figures(page):
    """The links of a page that say how many rows and how much they open: (address, data attributes)."""
    for tag in re.findall(r"<a [^>]*data-rows[^>]*>", page):
        held = dict(re.findall(r'data-(n|fen|weighted|open)="(-?\d+)"', tag))
        yield unescape(re.search(r'href="([^"]+)"', tag)[1]), {key: int(value) for key, value in held.items()}


def opened(client, url, *sums):
    """What a list really holds: its total, and the sums of its foot in fen."""
    page = client.get(url)
    assert page.status_code == 200, url
    told = client.get(re.sub(r"/list/\?", "/counts?", url)).json["sum"]
    return int(re.search(r'data-total="(\d+)"', page.text)[1]), {s: round(float(told[s].replace(",", "")) * 100) for s in sums}


def random_deals(make, dice, how_many=40):
    """Opportunities of everybody in all stages, some without amount, date, reason or source."""
    now = clock.now()
    for _n in range(how_many):
        owner, stage = dice.choice(("li", "wang", "zhao", "qian")), dice.choice(STAGES)
        closed = stage in ("won", "lost", "void")
        make.opportunity(
            owner=owner, customer_id=make.customer(owner=owner).id, stage=stage, rate={"won": 10_000}.get(stage, dice.randrange(0, 10_001)),
            amount=dice.choice((None, dice.randrange(1, 10**9))), furthest=dice.choice(STAGES[:5]) if stage not in STAGES[:5] else stage,
            closes_on=dice.choice((None, clock.today() + dt.timedelta(dice.randrange(-40, 200)))), source=dice.choice((None, "fair", "cold")),
            closed_on=clock.today() - dt.timedelta(dice.randrange(1, 30)) if closed else None, staged_at=now - dt.timedelta(dice.randrange(0, 40)),
            loss_reason=dice.choice(("price", "rival")) if stage == "lost" else None)


@pytest.mark.parametrize("name", ["qian", *(pytest.param(name, marks=pytest.mark.once) for name in ("li", "zhao", "chen"))])
def test_every_figure_of_funnel_and_board_opens_its_rows(make, login, people, name):
    random_deals(make, random.Random(name))
    client, followed = login(name), {}
    for url in ("/funnel/", "/funnel/?measure=now&source=fair", f"/funnel/?owner={people['li']}", "/funnel/?closes_on=this_quarter",
                "/funnel/?quick=mine", "/opportunity/board/?quick=all", "/opportunity/board/?source=fair", "/opportunity/board/"):
        for link, told in figures(client.get(url).text):
            if link not in followed:
                followed[link] = opened(client, link, "amount", "weighted")
            total, sums = followed[link]
            assert (total, sums["amount"]) == (told["n"], told["fen"]), (url, link)
            assert sums["weighted"] == told.get("weighted", sums["weighted"]), (url, link)
    assert len(followed) > 60


def test_the_boards_totals_are_the_sums_of_its_columns(make, login):
    random_deals(make, random.Random(9))
    page = login("chen").get("/opportunity/board/?quick=all").text
    columns = [told for _url, told in figures(page)]
    whole = re.search(r'data-figure="board-amount" data-n="(\d+)" data-fen="(\d+)"', page)
    sure = re.search(r'data-figure="board-weighted" data-fen="(\d+)"', page)
    assert (int(whole[1]), int(whole[2]), int(sure[1])) == tuple(sum(c[k] for c in columns) for k in ("n", "fen", "weighted"))


def test_a_figure_asks_for_nothing_that_does_not_exist(login):
    client = login("li")
    for query in ("reached=nowhere", "department=x", "product=x", "closes_on=sometime"):
        assert client.get(f"/opportunity/list/?{query}").status_code == 400, query
        assert client.get(f"/funnel/?{query}").status_code == 400, query

"""Promise 14 by Hypothesis: every form of every declared view and every list take whatever comes: never a 500, never executed; what is
saved is what was typed. `CRM_FUZZ` says how many cases each (25 in `make test`, 400 in `make torture`)."""
import os
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from werkzeug.datastructures import MultiDict

pytestmark = pytest.mark.sqlite  # the same whatever the database: once

CASES = int(os.environ.get("CRM_FUZZ", "25"))
ODD = ["", " ", "\t\n", "\0", "a\0b", "\x01\x1f\x7f", "😀👩‍👩‍👧", "שלום עולם", "\u202e右到左", "１２３４５", "１８６１２３４５６７８", "<script>alert(1)</script>",
       '"><img src=x onerror=alert(1)>', "'; DROP TABLE customer; --", "{{7*7}}", "${7*7}", "{% for x in y %}", "=cmd()", "+1+1", "-2", "@SUM(A1)", "../../etc/passwd",
       "..\\..\\x", "javascript:alert(1)", "%00", "%s%s%n", "１", "٣", "²", "Ⅷ", "9" * 5000, "-1", "0", "1e400", "NaN", "Infinity", "2147483648", "9223372036854775808",
       "2026-02-30", "0000-00-00", "9999-12-31", "0001-01-01 00:00", "2026-11-25T09:30", "a" * 300, "长" * 25_000, "x" * 900_000, "\ufeff\u200b", "\r\nSet-Cookie: a=b",
       "__None", "null", "true", "[]", "{}", "1,2,3", "~", "2026-01-01~", "~2026-01-01", "1~2", "this_month", "所有"]
TEXT = st.one_of(st.sampled_from(ODD), st.text(max_size=60), st.integers(-10**20, 10**20).map(str))
done = {"cases": 0}


@pytest.fixture(scope="module", autouse=True)
def told():
    """Says how many cases there were."""
    yield
    print(f"\nfuzz: {done['cases']} cases")


def _views():
    from app import modules
    return [v for v in modules.views() if getattr(v, "model", None) is not None and hasattr(v, "verbs")]


def _settings(n=CASES):
    return settings(max_examples=n, deadline=None, database=None, derandomize=CASES < 100, phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck))


def _names(view) -> list[str]:
    return [f.name for f in view.form_fields()]


def _entities():
    from app.core.entity import entities  # noqa: F401
    return sorted(v.entity for v in _views())


def pytest_generate_tests(metafunc):
    if "entity" in metafunc.fixturenames:
        from app import (
            create_app,  # noqa: F401  the modules are loaded
            modules,
        )
        modules.load_models()
        metafunc.parametrize("entity", _entities())


def test_every_form_takes_whatever_is_typed(app, session, login, make, people, entity):
    """A page with the typed text and a sentence, or a redirect to what was saved; never a 500."""
    view = next(v for v in app.appbuilder.baseviews if getattr(v, "entity", None) == entity and hasattr(v, "form_fields"))
    if "add" not in view.include_route_methods or "add" not in view.verbs():
        pytest.skip("it has no form")
    from app.core import actor
    from app.security.people import actor_for
    with app.test_request_context(), actor.acting_as(actor_for(session, people["admin"])):
        names = [f.name for f in view.form_fields()]
        texts = {f.name for f in view.form_fields() if f.kind in ("text", "note") and not f.format}
    client, table = login("admin"), view.model
    more = st.dictionaries(st.sampled_from([*names, "version", "token", "lines-0-name", "lines-0-price", "lines-0-quantity", "lines-0-product", "lines-0-id", "lines_mark",
                                            "roles", "password", "id", "deleted_at"]), TEXT, max_size=6)

    @_settings()
    @given(more)
    def every(values):
        done["cases"] += 1
        valid = {"owner": str(people["li"]), "name": "恒远"}
        answer = client.post(f"/{entity}/add", data={**valid, **values})
        assert answer.status_code in (200, 302, 400, 413), (entity, {k: v[:60] for k, v in values.items()}, answer.status_code)
        if answer.status_code == 302 and (found := re.search(r"/show/(\d+)$", answer.location)):
            row = session.scalars(select(table).where(table.id == int(found[1])).execution_options(everyone=True, populate_existing=True)).first()
            for name in texts & set(values) if "token" not in values else ():  # a token sent twice leads to what the first one saved
                kept = getattr(row, name)
                plain = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", values[name]).strip()
                assert kept is None or name == "username" or kept in (plain or None, plain.replace("\r\n", "\n")) or kept.strip() == plain, (entity, name, kept[:80])
            assert client.get(answer.location).status_code == 200, (entity, answer.location)
            assert client.get(f"/{entity}/edit/{found[1]}").status_code in (200, 302)
        elif answer.status_code == 200:
            for value in values.values():
                assert "<" not in value or value not in answer.text, f"{entity}: {value[:60]} came back raw"
    every()


def test_every_list_takes_whatever_is_asked(login, make, entity, app):
    """200 or 400, never a 500."""
    view = next(v for v in app.appbuilder.baseviews if getattr(v, "entity", None) == entity and hasattr(v, "list_columns"))
    name, client = type(view).__name__, login("admin")
    if entity in ("customer", "contact", "contract"):
        make.row(entity)
    keys = ["q", "quick", "whose", f"page_{name}", f"psize_{name}", f"_oc_{name}", f"_od_{name}", "exact", *view.fields, *getattr(view, "asked", {}),
            *(f"_flt_{n}_{f}" for n in range(10) for f in list(view.fields)[:12])]
    asked = st.lists(st.tuples(st.sampled_from(keys), TEXT.map(lambda t: t[:2000])), max_size=4)

    @_settings()
    @given(asked)
    def every(pairs):
        done["cases"] += 1
        for path in ("list/", "counts", "choose"):
            answer = client.get(f"/{entity}/{path}", query_string=MultiDict(pairs))
            assert answer.status_code in (200, 400, 403), (entity, path, pairs, answer.status_code)
            assert "<script>alert(1)" not in answer.text and 'src=x onerror=alert(1)>"' not in answer.text
    every()


PAGES = {"/search": ["q"], "/": ["x", "period", "month", "whose"], "/report/customers": ["period"], "/funnel/": ["measure", "by", "closes_on", "owner", "created_at", "stage"],
         "/opportunity/board/": ["owner", "customer", "amount", "q"], "/receivable/": ["by"], "/receipt/": ["customer"], "/import/": ["entity"], "/login/": ["next"],
         "/import/template": ["entity"], "/customer/similar": ["name", "mobile", "but", "tax_number", "website"],
         "/pool/": ["q", "level", "region", "pool", "sort", "page"], "/duplicate/": ["name", "phone", "tax", "web"], "/duplicate/pairs": ["page"],
         "/duplicate/merge": ["ids", "keep"], "/help/": ["x"], "/undo/": ["page"], "/user/add": ["copy", "department"],
         "/customer/add": ["copy", "name", "owner"], "/quote/add": ["copy", "customer", "opportunity"], "/contract/add": ["quote", "customer"], "/target/mine/": ["year", "kind"]}


def test_every_other_page_takes_whatever_is_asked(login):
    client = login("admin")

    @_settings(CASES * 4)
    @given(st.sampled_from(sorted(PAGES)), st.data())
    def every(page, data):
        done["cases"] += 1
        query = data.draw(st.dictionaries(st.sampled_from(PAGES[page]), TEXT.map(lambda t: t[:2000]), max_size=3))
        assert client.get(page, query_string=query).status_code < 500, (page, query)
    every()

"""Quick filters: composed by the administrator, kept by everybody, right next month as well (manual 4.9.5)."""
import datetime as dt
import re

import pytest
from sqlalchemy import select

from app.core import actor, clock, filters, periods
from app.core.describe import describe
from app.core.entity import entities
from app.core.panel import PanelItem
from app.core.rules import RuleError
from app.customers.models import Customer

SAMPLES = {"money": "1,000.50", "whole": "3", "percent": "12.5", "quantity": "1.5", "flag": "1", "text": "恒_%", "note": "恒", "number": "KH",
           "choice": "A", "several": "A", "ref": "1"}


def _found(session, *when, match="all", who=None, model=Customer):
    rule = {"match": match, "when": list(when)}
    return set(session.scalars(select(model.name).where(filters.clause(model, rule, who))))


def _is(field, op, *value):
    return {"field": field, "op": op, "value": list(value)}


def test_every_question_to_every_field_of_every_entity_runs(session):
    """Also on PostgreSQL, where types are strict."""
    asked = 0
    for model in entities():
        for one in describe(model).values():
            for op in filters.ops(one):
                value = {"within": ["this_month"], "before": ["-30d"], "after": ["2026-01-31"]}.get(op, [SAMPLES.get(one.kind, "")])
                value = value * 2 if op == "between" else value
                session.execute(select(model.id).where(filters.clause(model, {"when": [filters.asked(one, op, value)]}, None)).limit(1))
                asked += 1
    print(f"filters: {asked} questions asked")
    assert asked > 1500


def test_conditions_mean_what_they_say(session, make):
    make.customer(name="甲", level="A", region="江苏苏州", is_won=True)
    make.customer(name="乙", level="B", region="浙江杭州")
    make.customer(name="丙", level=None, region=None)
    for when, names in (
            (_is("level", "in", "A", "B"), "甲乙"), (_is("level", "not_in", "A"), "乙丙"), (_is("level", "empty"), "丙"),
            (_is("region", "contains", "苏"), "甲"), (_is("region", "lacks", "苏"), "乙丙"), (_is("region", "is_not", "浙江杭州"), "甲丙"),
            (_is("region", "starts", "浙"), "乙"), (_is("region", "filled"), "甲乙"), (_is("is_won", "is", "1"), "甲")):
        assert _found(session, when) == set(names), when
    either = _found(session, _is("level", "in", "A"), _is("region", "empty"), match="any")
    nested = _found(session, {"match": "any", "when": [_is("level", "in", "A"), _is("level", "in", "B")]}, _is("region", "contains", "杭"))
    assert (either, nested) == ({"甲", "丙"}, {"乙"})


def test_amounts_are_asked_in_yuan(session, make):
    from app.opportunities.models import Opportunity
    make.opportunity(name="小", amount=99_999)
    make.opportunity(name="大", amount=100_000_50)
    make.opportunity(name="无", amount=None)

    def found(*when):
        return _found(session, *when, model=Opportunity)
    assert found(_is("amount", "at_least", "1,000")) == {"大"} and found(_is("amount", "below", "1000")) == {"小"}
    assert found(_is("amount", "between", "999.99", "999.99")) == {"小"} and found(_is("amount", "between", "", "1000")) == {"小"}
    assert found(_is("amount", "is_not", "999.99")) == {"大", "无"}


def test_days_are_relative_and_the_office_decides_where_they_end(session, make):
    """Midnight in Shanghai is 16:00 UTC the day before."""
    with clock.frozen(dt.datetime(2026, 11, 25, 4)):
        make.customer(name="昨夜", last_follow_at=dt.datetime(2026, 11, 24, 15, 59))
        make.customer(name="今晨", last_follow_at=dt.datetime(2026, 11, 24, 16, 0))
        make.customer(name="早先", last_follow_at=dt.datetime(2026, 10, 20))
        assert _found(session, _is("last_follow_at", "within", "today")) == {"今晨"}
        assert _found(session, _is("last_follow_at", "before", "today")) == {"昨夜", "早先"}
        assert _found(session, _is("last_follow_at", "before", "-30d")) == {"早先"}
        assert _found(session, _is("last_follow_at", "after", "-1d")) == {"今晨"}
        assert _found(session, _is("last_follow_at", "within", "2026-10-01~2026-10-31")) == {"早先"}
    with clock.frozen(dt.datetime(2026, 12, 25, 4)):
        assert _found(session, _is("last_follow_at", "within", "last_month")) == {"昨夜", "今晨"}


@pytest.mark.parametrize(("typed", "kept"), [("30天前", "-30d"), ("7天后", "+7d"), ("今天", "today"), ("2026-11-24", "2026-11-24"), ("30 days ago", "-30d")])
def test_days_are_typed_as_people_say_them(app, typed, kept):
    with app.test_request_context(headers={"Accept-Language": "zh"}):
        assert periods.read_day(typed) == kept
        assert periods.read_day(periods.told_day(kept)) == kept


def test_whoever_looks_is_the_current_user(session, make, people):
    """One filter, each sees his own; 钱 leads 李 and 王."""
    from app.security.people import actor_for
    for name in ("li", "wang", "zhao"):
        make.customer(name=name, owner=name)

    def found(user, value):
        return _found(session, _is("owner", "in", value), who=actor_for(session, people[user]))
    assert found("li", "me") == {"li"} and found("wang", "me") == {"wang"}
    assert found("qian", "below") == {"li", "wang"} and found("li", "team") == {"li"}


def test_a_masked_figure_cannot_be_guessed(session, make, as_):
    from app.opportunities.models import Opportunity
    make.opportunity(amount=5_000_00)
    phone, amount = describe(Customer)["phone"], describe(Opportunity)["amount"]
    blind = actor.Actor(1, "b", "b", masked=frozenset({"customer.phone", "opportunity.amount"}))
    assert filters.ops(phone, blind) == ["is", "empty", "filled"] and filters.ops(amount, blind) == []
    with pytest.raises(RuleError, match="不支持这种条件"):
        filters.asked(phone, "starts", ["021"], blind)
    rule = {"when": [_is("amount", "above", "9999999")]}
    assert session.scalars(select(Opportunity.id).where(filters.clause(Opportunity, rule, blind))).all(), "the condition is left out"
    assert "您的角色不能查看该字段" in filters.faults(session, Opportunity, rule, blind)[0]


def test_a_filter_that_names_what_is_gone_still_opens_and_says_so(session, make, login, people):
    from app.core.choices import Choice
    make.customer(name="恒远", industry="it")
    session.scalars(select(Choice).where(Choice.list_name == "industry", Choice.code == "it")).one().is_stopped = True
    made = make.panel_item(name="旧过滤", rule={"match": "all", "when": [
        _is("industry", "in", "it"), {**_is("x99", "is", "1"), "label": "已删字段"}, {**_is("@quick", "is", "f999"), "label": "旧的"}]})
    page = login("li").get(f"/customer/list/?quick=f{made.id}").text
    session.scalars(select(Choice).where(Choice.list_name == "industry", Choice.code == "it")).one().is_stopped = False
    session.commit()
    assert '<option value="it">' in page, "rows may still hold it"
    assert "恒远" in page and "已停用" in page and "“已删字段”未生效" in page and "“旧的”已不存在" in page
    assert "该过滤已被删除" in login("li").get("/customer/list/?quick=f424242").text


def _save(client, **data):
    return client.post("/filter/save", data={"list": "customer", "tab": "filter", "key": "", "name": "重要A类", "is_on": "1", "match": "all", "c0-field": "level",
                                             "c0-op": "in", "c0-value": "A", **data})


def test_the_administrator_composes_and_the_list_has_it_at_once(session, make, login, people):
    make.customer(name="甲公司", level="A")
    make.customer(name="乙公司", level="B")
    li, admin = login("li"), login("admin")
    assert "重要A类" not in li.get("/customer/list/").text
    assert _save(admin, sort="name.desc").status_code == 302
    key = f"f{session.scalar(select(PanelItem.id))}"
    page = li.get(f"/customer/list/?quick={key}").text
    assert f'data-quick="{key}"' in page and "甲公司" in page and "乙公司" not in page
    assert 'aria-sort="descending"' in page
    assert li.get("/customer/counts").json[key] == 1
    assert _save(li, key=key).status_code == 403, "the company's filters are the administrator's"
    assert li.get("/filter/?tab=condition").status_code == 403
    refused = _save(admin, name="", **{"c0-value": ""})
    assert refused.status_code == 200 and "请填写“客户级别”的比较值" in refused.text


def test_audience_order_default_and_hiding_work_for_the_programs_own_filters(session, make, login, people):
    make.customer(name="恒远", level="A", owner="wang")
    admin, li, chen = login("admin"), login("li"), login("chen")
    _save(admin, people=str(people["li"]), is_default="1")
    key = f"f{session.scalar(select(PanelItem.id))}"
    assert f'"{key}"' in li.get("/customer/list/").text and f'"{key}"' not in chen.get("/customer/list/").text
    assert f'k-chip active" href="/customer/list/?quick={key}"' in li.get("/customer/list/").text, "it opens with the administrator's default"
    assert f'data-quick="{key}"' not in admin.get("/customer/list/").text, "he is not among those who see it"
    assert f"item={key}" in admin.get("/filter/?list=customer").text and admin.get(f"/filter/?list=customer&item={key}").status_code == 200
    admin.post("/filter/switch", data={"list": "customer", "tab": "filter", "key": "idle30"})
    assert 'data-quick="idle30"' not in chen.get("/customer/list/").text and chen.get("/customer/list/?quick=idle30").status_code == 200
    admin.post("/filter/order", data={"list": "customer", "tab": "filter", "key": ["won", "all", "mine"]})
    page = chen.get("/customer/list/").text
    assert page.index('data-quick="won"') < page.index('data-quick="all"') < page.index('data-quick="mine"')
    admin.post("/filter/delete", data={"list": "customer", "tab": "filter", "key": "won"})
    assert 'data-quick="won"' in chen.get("/customer/list/").text, "hidden perhaps, never deleted"
    session.add(PanelItem(entity="task", kind="filter", key="due", name="", look="auto", sort="", is_on=True, position=1))
    session.commit()
    assert 'data-quick="due"' not in li.get("/task/list/").text, "what only links ask for stands in no panel, even if it once was ordered there"


def test_a_person_keeps_shares_pins_renames_and_deletes_his_own(session, make, login, people):
    make.customer(name="甲公司", level="A", region="苏州")
    make.customer(name="乙公司", level="A")
    li, wang = login("li"), login("wang")
    saved = li.post("/filter/keep?list=customer&quick=mine&level=A&region=苏州&_oc_CustomerView=name&_od_CustomerView=desc", data={"name": "苏州A类", "pin": "1"})
    item = session.scalars(select(PanelItem)).one()
    key = f"f{item.id}"
    assert saved.location.endswith(f"?quick={key}") and [c["field"] for c in item.rule["when"]] == ["@quick", "level", "region"]
    page = li.get(saved.location).text
    assert "甲公司" in page and "乙公司" not in page and 'aria-sort="descending"' in page
    assert "常用视图" in page and li.get("/filter/counts").json == {f"customer.{key}": 1}
    assert f'"{key}"' not in wang.get("/customer/list/").text and "常用视图" not in wang.get("/").text
    assert _save(wang, key=key).status_code == 404 and wang.get(f"/filter/?item={key}").status_code == 404
    assert _save(li, key=key, own="1", name="华东A", people=str(people["wang"])).status_code == 302
    assert "华东A" in wang.get("/customer/list/").text and _save(wang, key=key).status_code == 403, "shared is not given away"
    li.post("/filter/pin", data={"list": "customer", "key": key, "on": "0"})
    assert "常用视图" not in li.get("/").text
    li.post("/filter/delete", data={"list": "customer", "tab": "filter", "key": key})
    assert "该过滤已被删除" in wang.get(f"/customer/list/?quick={key}").text
    li.post(f"/undo/{_last_batch(session)}")
    assert "华东A" in wang.get("/customer/list/").text


def test_only_what_a_person_may_move_has_a_handle(make, login, people):
    """The company's order is the administrator's, a shared filter stands where its owner put it, one's own are dragged."""
    li, wang, admin = login("li"), login("wang"), login("admin")
    _save(wang, own="1", name="华东A", people=str(people["li"]))
    for name in ("甲", "乙"):
        _save(li, own="1", name=name)
    page, grip = li.get("/filter/?list=customer").text, "ti-grip-vertical"
    assert page.count("data-k-drag") == 1 and page.count(grip) == 2 and "他人共享给我的" in page
    moved = re.findall(r'data-key="(f\d+)"', page.split("data-k-drag")[1].split("</tbody>")[0])
    assert li.post("/filter/order", data={"list": "customer", "tab": "filter", "key": moved[::-1]}).status_code == 302
    assert re.findall(r'data-key="(f\d+)"', li.get("/filter/?list=customer").text)[:2] == moved[::-1]
    page = admin.get("/filter/?list=customer").text
    assert page.count(grip) == len(re.findall("data-key=", page)) > 10


def test_what_a_person_may_not_change_looks_so(session, make, login):
    """A company's filter: told in words, its boxes grey, its conditions still there for the preview; no empty column."""
    li, admin = login("li"), login("admin")
    _save(admin)
    page = li.get(f"/filter/?list=customer&item=f{session.scalar(select(PanelItem.id))}").text
    assert len(re.findall(r'name="(?:sort|roles|people|is_on|is_default)"[^>]* disabled', page)) == 5
    assert 'form="k-editor"' not in page and ">启用</th>" not in page
    assert re.search(r'<div hidden><div class="row-x k-cond-h">.*name="c0-field"', page, re.S)
    _save(li, own="1", name="我的")
    page = li.get(f"/filter/?list=customer&item=f{session.scalar(select(PanelItem.id).order_by(PanelItem.id.desc()))}").text
    assert ">启用</th>" in page and "disabled" not in page.split('id="k-editor"')[1].split("</form>")[0]


def test_every_filter_tells_its_conditions_and_how_many_rows_it_finds(make, login, people, statements):
    """Composed ones by their rule, the program's own by what they ask for now; the administrator also counts what is hidden."""
    make.customer(name="甲公司", level="A")
    admin, li = login("admin"), login("li")
    _save(admin, **{"c0-value": "A", "c1-field": "owner", "c1-op": "in", "c1-value": ["me", str(people["wang"])], "c1-group": "1",
                    "c2-field": "created_at", "c2-op": "within", "c2-value": "this_month", "c2-group": "1"})
    told = re.findall(r"data-told>(.*?)</div>", admin.get("/filter/?list=customer").text)
    for words in ("级别 属于 A", "（负责人 属于 当前用户、王浩然 或 创建时间 在 本月）", "负责人 等于 当前用户", "已成交 等于 是"):
        assert any(words in one for one in told), (words, told)
    assert all(told) and len(told) > 10
    for entity in ("task", "opportunity", "quote", "contract", "paymentplan", "payment", "expense", "user", "audit"):
        assert "data-told></div>" not in admin.get(f"/filter/?list={entity}").text, entity
    admin.post("/filter/switch", data={"list": "customer", "tab": "filter", "key": "idle30"})
    counted = admin.get("/filter/counts?list=customer").json
    assert (counted["all"], counted["won"], counted["idle30"], counted["not_won"]) == (1, 0, 0, 1)
    assert "won" not in li.get("/filter/counts?list=customer").json, "others see the counts of their panel"
    with statements() as one:
        admin.get("/filter/?list=customer")
    for n in range(3):
        _save(admin, name=f"过滤{n}")
    admin.get("/filter/?list=customer")
    with statements() as more:
        admin.get("/filter/?list=customer")
    assert len(more) <= len(one)


def _last_batch(session):
    from app.core.changes import Batch
    return session.scalar(select(Batch.id).order_by(Batch.id.desc()).limit(1))


def test_what_nobody_can_stop_is_offered_once(login):
    for url, value in (("/quote/list/", "draft"), ("/audit/list/", "edit"), ("/choice/list/", "customer_level")):
        assert login("admin").get(url).text.count(f'<option value="{value}"') == 1, url


def test_single_conditions_are_the_administrators_choice(session, make, login):
    make.customer(name="甲公司", level="A", note="要样品")
    make.customer(name="乙公司", level="B")
    admin, li = login("admin"), login("li")
    for key, more in (("level", {"look": "checks", "v": ["A"]}), ("note", {}), ("region", None)):
        if more is None:
            admin.post("/filter/switch", data={"list": "customer", "tab": "condition", "key": key})
        else:
            assert admin.post("/filter/save", data={"list": "customer", "tab": "condition", "key": key, "is_on": "1", **more}).status_code == 302
    page = li.get("/customer/list/").text
    assert page.index('name="level"') < page.index('name="status"'), "what is saved stays in its place"
    assert '<input class="form-check-input" type="checkbox" name="level" value="A" checked>' in page, "the default value of the condition"
    assert "甲公司" in page and "乙公司" not in page and 'name="region"' not in page
    both = li.get("/customer/list/?quick=all&level=A&level=B").text
    assert "甲公司" in both and "乙公司" in both
    found = li.get("/customer/list/?quick=all&note=样品").text
    assert "甲公司" in found and "乙公司" not in found, "long text is searched"
    assert 'name="region"' in li.get("/customer/list/?quick=all&region=苏州").text, "a link may ask for what the panel does not show"


def test_two_ends_of_a_condition_become_one_address(login, make):
    make.opportunity(name="三号车间", amount=5_000_00)
    client = login("li")
    for query, there in (("amount.low=4000&amount.high=6000", True), ("amount.low=6000", False), ("created_at.span=2000-01-01 ~ 2999-01-01", True),
                         ("created_at=today&created_at.span=2000-01-01~2000-01-02", False)):
        assert ("三号车间" in client.get(f"/opportunity/list/?quick=all&{query}").text) is there, query
    assert "amount=4000~6000" in client.get("/opportunity/list/?quick=all&amount.low=4000&amount.high=6000").text.replace("%7E", "~")


def test_preview_looks_as_somebody_else_only_for_the_administrator(login, make, people):
    make.customer(name="甲公司", level="A", owner="li")
    data = {"list": "customer", "match": "all", "c0-field": "owner", "c0-op": "in", "c0-value": "me", "as": str(people["li"])}
    assert "甲公司" in login("admin").post("/filter/preview", data=data).text
    assert "甲公司" not in login("zhao").post("/filter/preview", data=data).text


def test_the_panel_costs_no_statement_of_its_own(login, make, statements, session, people):
    make.customer(name="甲公司", level="A")
    li = login("li")
    _save(login("admin"))
    li.post("/filter/keep?list=customer&quick=mine&level=A", data={"name": "我的A", "pin": "1"})
    li.get("/customer/list/")
    with statements() as seen:
        li.get("/customer/list/")
    assert not [s for s in seen if "panel_item" in s] and len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA"))]) <= 6, seen

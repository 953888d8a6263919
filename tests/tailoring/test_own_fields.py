"""Own fields: made by the administrator without a restart, at home everywhere (product.md 6 no. 20)."""
import datetime as dt
import io

import openpyxl
import pytest
from sqlalchemy import select, text

from app.core import custom, filters, undo
from app.core.changes import Batch, Change
from app.core.custom import CustomField
from app.core.describe import describe
from app.customers.models import Customer


@pytest.fixture
def own(make, session):
    """One field of every kind on the customer: {kind: key}."""
    made = {}
    for n, (kind, name) in enumerate((("text", "设备编号"), ("quantity", "车间面积"), ("money", "年营业额"), ("date", "投产日期"), ("choice", "供电方式"),
                                      ("several", "认证"), ("ref", "服务工程师"))):
        row = make.custom_field(name=name, kind=kind, position=n, is_searched=kind == "text")
        made[kind] = row.key
        for code, label in (("v1", "双回路"), ("v2", "单回路")) if kind in ("choice", "several") else ():
            make.choice(list_name=custom.list_name(row.id), code=code, name=label)
    return made


def _post(own, people, **over):
    return {"name": "恒远机械", "owner": str(people["li"]), own["text"]: "SN-88120", own["quantity"]: "1,250.5", own["money"]: "38,000.50", own["date"]: "2026-03-05", own["choice"]: "v2",
            own["several"]: ["v1", "v2"], own["ref"]: str(people["wang"]), "version": "1", **over}


def test_the_administrator_makes_a_field_and_everybody_has_it_at_once(session, login):
    li, admin = login("li"), login("admin")
    assert "能耗等级" not in li.get("/customer/add").text
    page = admin.get("/customfield/add?entity=customer").text
    assert '<option value="invoice_title">开票信息' in page
    data = {"entity": "customer", "name": "能耗等级", "kind": "choice", "options": "一级\n二级\n\n一级", "section": "invoice_title", "position": "1", "required": "y",
            "in_list": "y", "is_sorted": "y", "help": "铭牌上有"}
    assert admin.post("/customfield/add", data=data).status_code == 302
    form = li.get("/customer/add").text
    assert "能耗等级" in form and "铭牌上有" in form and form.count(">一级</option>") == 1
    assert form.index("开票抬头") < form.index('for="x1"' if 'for="x1"' in form else "能耗等级<")
    assert "能耗等级" in li.get("/customer/list/").text.split("<thead>")[1].split("</thead>")[0]
    assert "能耗等级不能为空" in li.post("/customer/add", data={"name": "恒远"}).text
    for wrong, sentence in (({"name": "客户名称"}, "已有同名的字段"), ({"kind": "several", "name": "a", "is_sorted": "y"}, "可以快速排序"),
                            ({"kind": "money", "name": "b", "first": "很多"}, "的值“很多”不正确"), ({"kind": "choice", "name": "c", "options": ""}, "每行一个")):
        refused = admin.post("/customfield/add", data={**data, "is_sorted": "", **wrong})
        assert refused.status_code == 200 and sentence in refused.text, wrong
    assert login("chen").get("/customfield/list/").status_code == 403


def test_every_kind_is_typed_saved_shown_and_logged(session, login, own, people):
    li = login("li")
    made = li.post("/customer/add", data=_post(own, people))
    row = session.scalars(select(Customer)).one()
    assert made.location == f"/customer/show/{row.id}"
    assert row.more == {own["text"]: "SN-88120", own["quantity"]: 1_250_500, own["money"]: 3_800_050, own["date"]: "2026-03-05", own["choice"]: "v2",
                        own["several"]: "v1,v2", own["ref"]: people["wang"]}
    assert getattr(row, own["date"]) == dt.date(2026, 3, 5)
    page = li.get(f"/customer/show/{row.id}?tab=basics").text
    for shown in ("SN-88120", "1,250.5", "38,000.50", "2026-03-05", "单回路", "双回路、单回路", "王浩然"):
        assert shown in page, shown
    li.post(f"/customer/edit/{row.id}", data=_post(own, people, **{own["money"]: "40000", own["quantity"]: "12.5", own["several"]: "v2", own["ref"]: ""}))
    history = li.get(f"/customer/show/{row.id}?tab=history").text
    assert "1,250.5" in history and "12.5" in history and "12500" not in history
    assert "年营业额" in history and "38,000.50" in history and "40,000.00" in history and "服务工程师" in history
    change = session.scalars(select(Change).order_by(Change.id.desc())).first()
    assert change.new == {own["money"]: 4_000_000, own["quantity"]: 12_500, own["several"]: "v2", own["ref"]: None, **{k: change.new[k] for k in ("changed_at",) if k in change.new}}
    for bad, sentence in ((own["money"], "金额"), (own["date"], "日期"), (own["choice"], "列表"), (own["ref"], "列表")):
        refused = li.post("/customer/add", data=_post(own, people, name="另一家", **{bad: "99999x"}))
        assert refused.status_code == 200 and sentence in refused.text, bad
    copy = li.get(f"/customer/add?copy={row.id}").text
    assert "SN-88120" in copy and 'value="40000.00"' in copy


def test_lists_sort_narrow_and_count_by_own_fields(session, login, make, own, people):
    for n, name in enumerate("丙甲乙"):
        make.customer(name=name, **{own["money"]: 100 * (n + 1), own["date"]: dt.date(2026, 1, n + 1), own["several"]: "v1,v2" if n else "v2",
                                    own["ref"]: people["li"] if n else people["wang"], own["choice"]: "v1" if n else None})
    li = login("li")
    page = li.get(f"/customer/list/?quick=all&_oc_CustomerView={own['money']}&_od_CustomerView=desc").text
    rows = page.split("<tbody>")[1]
    assert rows.index(">乙<") < rows.index(">甲<") < rows.index(">丙<")
    for query, names in ((f"{own['money']}=2~", "甲乙"), (f"{own['several']}=v1", "甲乙"), (f"{own['choice']}==", "丙"), (f"{own['date']}=2026-01-02~2026-01-02", "甲"),
                         (f"{own['ref']}=me", "甲乙")):
        rows = li.get(f"/customer/list/?quick=all&{query}").text.split("<tbody>")[1]
        assert {n for n in "甲乙丙" if f">{n}</a>" in rows} == set(names), query
    item = make.panel_item(name="大客户", rule={"match": "all", "when": [filters.asked(describe(Customer)[own["money"]], "above", ["1.50"])]})
    assert li.get("/customer/counts").json[f"f{item.id}"] == 2


def test_search_finds_a_text_also_one_written_before(session, login, make, own):
    make.customer(name="恒远", **{own["text"]: "卧式加工中心 SN-88120"})
    client = login("li")
    for q in ("加工中心", "8812", "wsjg"):
        assert "恒远" in client.get(f"/customer/list/?quick=all&q={q}").text, q
    row = session.scalars(select(CustomField).where(CustomField.kind == "text")).one()
    row.is_searched = False
    session.commit()
    from app.core import search
    search.rebuild(session, Customer)
    assert "恒远" not in client.get("/customer/list/?quick=all&q=加工中心").text


def test_what_is_exported_can_be_imported(session, login, make, own, people, tmp_path):
    li = login("li")
    li.post("/customer/add", data=_post(own, people))
    with li.post("/customer/export?quick=all", data={"fmt": "xlsx"}) as out:
        data = out.data
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    heads = [c.value for c in sheet[1]]
    values = dict(zip(heads, [c.value for c in sheet[2]], strict=True))
    assert (values["设备编号"], values["车间面积"], values["年营业额"], values["供电方式"], values["认证"], values["服务工程师"]) == (
        "SN-88120", 1250.5, 38000.5, "单回路", "双回路、单回路", "王浩然")
    from app.imports import running
    place = tmp_path / "客户.xlsx"
    place.write_bytes(data)
    before = session.scalars(select(Customer)).one().more
    session.scalars(select(Customer)).one().more = None
    session.commit()
    done = running.run_file(str(place), "customer", on_duplicate="overwrite")
    assert done["updated"] == 1 and done["failed"] == 0
    session.expire_all()
    assert session.scalars(select(Customer)).one().more == before
    bad = tmp_path / "坏.csv"
    bad.write_text("客户名称,年营业额,认证\n新客户,很多,双回路\n另一个,1万,防爆\n", encoding="utf-8")
    report = tmp_path / "r.csv"
    assert running.run_file(str(bad), "customer", report=str(report)) == {"created": 1, "updated": 0, "skipped": 0, "failed": 1}
    assert "年营业额,很多" in report.read_text(encoding="utf-8")
    new = session.scalars(select(Customer).where(Customer.name == "另一个")).one()
    assert getattr(new, own["money"]) == 1_000_000 and getattr(new, own["several"]) == "v3", "a new value joins the field's list"


def test_two_people_change_different_own_fields_and_none_is_lost(session, login, make, own):
    row = make.customer(name="恒远")
    li, qian = login("li"), login("qian")
    base = {"name": "恒远", "version": str(row.version), "owner": str(row.owner_id)}
    assert li.post(f"/customer/edit/{row.id}", data={**base, own["text"]: "A-1"}).status_code == 302
    assert qian.post(f"/customer/edit/{row.id}", data={**base, own["money"]: "5"}).status_code == 302
    session.expire_all()
    assert row.more == {own["text"]: "A-1", own["money"]: 500}
    clash = qian.post(f"/customer/edit/{row.id}", data={**base, own["text"]: "B-2", own["money"]: "5"})
    assert "A-1" in clash.text and "B-2" in clash.text and "k-conflict" in clash.text


def test_an_edit_is_taken_back_field_by_field_also_of_a_field_deleted_since(session, make, own, as_):
    with as_("li"):
        row = make.customer(name="恒远", **{own["text"]: "A-1"})
        setattr(row, own["text"], "B-2")
        setattr(row, own["money"], 700)
        session.commit()
    edit = session.scalar(select(Batch.id).order_by(Batch.id.desc()))
    session.delete(session.scalars(select(CustomField).where(CustomField.kind == "text")).one())
    session.commit()
    assert undo.take_back(session, edit) == []
    session.commit()
    assert row.more == {own["text"]: "A-1"}, "the value is kept although its field is in the trash"


def test_a_deleted_field_keeps_its_values_until_it_is_purged(session, make, own, login):
    make.customer(name="恒远", **{own["text"]: "A-1", own["money"]: 5})
    field = session.scalars(select(CustomField).where(CustomField.kind == "text")).one()
    item = make.panel_item(name="有编号的", rule={"match": "all", "when": [{"field": own["text"], "op": "filled", "value": [], "label": "设备编号"}]})
    session.delete(field)
    session.commit()
    page = login("li").get(f"/customer/list/?quick=f{item.id}").text
    assert "“设备编号”未生效" in page and "恒远" in page
    field.deleted_at = None
    session.commit()
    assert getattr(session.scalars(select(Customer)).one(), own["text"]) == "A-1"
    session.info["purge"] = True
    session.delete(field)
    session.commit()
    session.info.pop("purge")
    session.expire_all()
    assert session.scalars(select(Customer)).one().more == {own["money"]: 5}


def test_a_masked_own_field_is_masked_everywhere(session, make, own, login, people):
    from app.security.models import RolePolicy
    row = make.customer(name="恒远", **{own["text"]: "SN-8812077", own["money"]: 123_45})
    admin, li = login("admin"), login("li")
    role = session.scalar(select(RolePolicy.role_id).where(RolePolicy.key == "sales"))
    for kind in ("text", "money"):
        number = own[kind][1:]
        field = session.get(CustomField, int(number))
        assert admin.post(f"/customfield/edit/{number}", data={"name": field.name, "position": "1", "section": "", "masked": str(role), "version": str(field.version)}).status_code == 302
    for url in (f"/customer/show/{row.id}?tab=basics", f"/customer/list/?quick=all&{own['money']}=1~", f"/customer/edit/{row.id}"):
        page = li.get(url).text
        assert "SN-8812077" not in page and "123.45" not in page, url
    assert "恒远" in li.get(f"/customer/list/?quick=all&{own['money']}=9999~").text, "a masked figure does not narrow"
    with li.post("/customer/export?quick=all", data={"fmt": "csv"}) as out:
        assert "8812077" not in out.text and "123.45" not in out.text
    assert "SN-8812077" in login("chen").get(f"/customer/show/{row.id}?tab=basics").text
    kept = session.get(RolePolicy, role)
    kept.masked = [m for m in kept.masked if not m.startswith("customer.x")]
    session.commit()


def test_indexes_come_and_go_with_the_fields(session, make, own):
    field = session.scalars(select(CustomField).where(CustomField.kind == "money")).one()
    field.is_sorted = True
    session.commit()
    assert custom.build(session) == 2 and custom.build(session) == 0
    wanted = select(Customer.id).where(Customer.owner_id == 1, Customer.deleted_at.is_(None)).order_by(getattr(Customer, field.key), Customer.id).limit(25)
    if session.get_bind().dialect.name == "sqlite":
        plan = " ".join(str(r) for r in session.execute(text("EXPLAIN QUERY PLAN " + str(wanted.compile(
            dialect=session.get_bind().dialect, compile_kwargs={"literal_binds": True})))))
        assert f"ix_customer_own_{field.key}" in plan and "TEMP B-TREE" not in plan, plan
    field.is_sorted = False
    session.commit()
    assert custom.build(session) == 2 and custom.build(session) == 0


def test_every_main_record_takes_own_fields(session, make, login):
    """Form, page, list and print of each; made at once on ten records."""
    from app.core import choices, entity
    client = login("admin")
    for name, _label in choices.options(session, "custom_entity"):
        field = make.custom_field(entity=name, name=f"备用{name}", kind="text", in_list=True)
        row = make.row(name, "admin", **{field.key: "自定义的值"})
        address = name.replace("_", "")
        assert field.name in client.get(f"/{address}/add").text, name
        assert "自定义的值" in client.get(f"/{address}/show/{row.id}?tab=basics").text, name
        assert "自定义的值" in client.get(f"/{address}/list/?quick=all").text, name
        assert hasattr(entity.by_name(name), "more")
    quote = make.quote(owner="admin", **{f"x{session.scalar(select(CustomField.id).where(CustomField.entity == 'quote'))}": "印在纸上"})
    assert "印在纸上" in client.get(f"/quote/print/{quote.id}").text


def test_the_follow_up_box_asks_for_required_own_fields(session, make, login):
    field = make.custom_field(entity="followup", name="结论", kind="text", required=True)
    row = make.customer(owner="li")
    li = login("li")
    assert "结论" in li.get(f"/customer/show/{row.id}").text
    li.post(f"/customer/{row.id}/follow", data={"method": "call", "content": "电话", "happened_at": "2026-01-01 10:00", field.key: "要样品"})
    from app.customers.models import Followup
    assert getattr(session.scalars(select(Followup)).one(), field.key) == "要样品"

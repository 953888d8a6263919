"""Customers, contacts, follow-ups by HTTP: what is particular to them (manual 4.3)."""
import datetime as dt
import io
import re

import pytest
from sqlalchemy import select

from app.core import clock
from app.core.attachments import Attachment
from app.customers.models import Contact, Customer, Followup


def _soon(days=1):
    return clock.to_office(clock.now() + dt.timedelta(days)).strftime("%Y-%m-%d %H:%M")


def test_the_list_opens_with_ones_own_customers(make, login):
    make.customer(owner="li", name="我的公司")
    make.customer(owner="wang", name="同事的公司")
    page = login("qian").get("/customer/list/").text
    assert "我的公司" not in page, "a manager's own come first (manual 4.3)"
    page = login("qian").get("/customer/list/?quick=subordinates").text
    assert "我的公司" in page and "同事的公司" in page


@pytest.mark.parametrize("name,same", [("苏州恒远机械有限公司", True), ("苏州恒远机械（有限公司）", True), ("苏州 恒远机械", True), ("ＳＺ恒远", False)])
def test_a_name_is_there_only_once_also_written_otherwise(make, login, people, name, same):
    make.customer(owner="zhao", name="苏州恒远机械有限公司")
    answer = login("li").post("/customer/add", data={"name": name, "owner": str(people["li"]), "address": "已经填好的地址"})
    assert (answer.status_code == 200) is same
    if same:
        assert "已有同名客户" in answer.text and 'class="invalid-feedback' in answer.text and "已经填好的地址" in answer.text


def test_bad_input_is_told_at_the_field_and_nothing_typed_is_lost(login, people):
    answer = login("li").post("/customer/add", data={
        "name": " ", "mobile": "123", "email": "x", "website": "不是网址", "next_follow_at": "2020-01-01 10:00", "note": "写好的备注",
        "owner": str(people["li"])})
    assert answer.text.count('class="invalid-feedback') == 4 and "写好的备注" in answer.text and "不能为空" in answer.text
    answer = login("li").post("/customer/add", data={"name": "好公司", "next_follow_at": "2020-01-01 10:00", "owner": str(people["li"])})
    assert "必须晚于现在" in answer.text


def test_a_promise_that_stays_as_it_was_shown_is_no_new_one(make, login, session, people):
    late = clock.now().replace(second=23, microsecond=0) - dt.timedelta(1)
    row = make.customer(owner="li", next_follow_at=late)
    client, form = login("li"), {"name": row.name, "owner": str(people["li"]), "version": "1", "fax": "0512-7654321"}
    for moment, status in (("2020-01-01 10:00", 200), (clock.to_office(late).strftime("%Y-%m-%d %H:%M"), 302)):
        assert client.post(f"/customer/edit/{row.id}", data={**form, "next_follow_at": moment}).status_code == status
    session.expire_all()
    assert (row.fax, row.next_follow_at) == ("0512-7654321", late)


def test_a_double_click_makes_one_customer(login, session, people):
    client, form = login("li"), {"name": "只有一个", "owner": str(people["li"]), "token": "once"}
    first, second = client.post("/customer/add", data=form), client.post("/customer/add", data=form)
    assert first.location == second.location
    assert len(session.scalars(select(Customer)).all()) == 1


def test_posted_fields_outside_the_form_are_ignored(make, login, session, people):
    row = make.customer(owner="li")
    login("li").post(f"/customer/edit/{row.id}", data={
        "name": row.name, "owner": str(people["li"]), "version": "1", "is_won": "y", "number": "X", "created_at": "2000-01-01 00:00", "id": "99"})
    session.expire_all()
    assert (row.is_won, row.number[:2], row.created_at.year) == (False, "KH", clock.today().year)


def test_a_follow_up_writes_through_to_the_customer(make, login, session):
    row = make.customer(owner="li")
    person = make.contact(customer_id=row.id)
    stranger = make.contact()
    client, soon = login("li"), _soon()
    form = {"method": "call", "content": "约好再谈", "happened_at": _soon(-1), "next_follow_at": soon, "contact": str(stranger.id)}
    assert "属于其他客户" in client.post(f"/customer/{row.id}/follow", data=form).text
    assert session.scalars(select(Followup)).all() == []
    assert client.post(f"/customer/{row.id}/follow", data={**form, "contact": str(person.id)}).status_code == 302
    session.expire_all()
    assert row.last_follow_text == "约好再谈" and clock.to_office(row.next_follow_at).strftime("%Y-%m-%d %H:%M") == soon
    assert soon[5:] in client.get("/customer/list/").text or soon in client.get("/customer/list/").text


def test_a_reader_of_a_shared_customer_may_not_write(make, login, people):
    row = make.customer(owner="li")
    share = {"action": "share", "rowid": str(row.id), "employee": str(people["zhao"])}
    assert login("li").post("/customer/action_post", data=share).status_code == 302
    reader = login("zhao")
    assert reader.get(f"/customer/show/{row.id}").status_code == 200
    assert reader.get(f"/customer/edit/{row.id}").status_code == 403
    assert reader.post(f"/customer/{row.id}/follow", data={"method": "call", "content": "x"}).status_code == 403
    login("li").post("/customer/action_post", data={**share, "may_write": "y"})
    assert reader.get(f"/customer/edit/{row.id}").status_code == 200


def test_transfer_takes_contacts_along_and_keeps_history(make, login, session, people):
    row = make.customer(owner="li", status="interested")
    person, note = make.contact(customer_id=row.id), make.followup(customer_id=row.id)
    login("li").post("/customer/action_post", data={
        "action": "transfer", "rowid": str(row.id), "owner": str(people["wang"]), "contacts": "y", "keep": "read"})
    session.expire_all()
    assert (row.owner_id, person.owner_id, note.owner_id, row.status) == (people["wang"], people["wang"], people["li"], "interested")
    assert login("li").get(f"/customer/show/{row.id}").status_code == 200, "the former owner may still read"
    assert login("li").get(f"/customer/edit/{row.id}").status_code == 403


def test_a_customer_with_dependants_is_not_deleted_and_the_sentence_names_them(make, login, session):
    row, free = make.customer(owner="li"), make.customer(owner="li")
    make.contact(customer_id=row.id)
    client = login("li")
    client.post(f"/customer/delete/{row.id}")
    assert "1 个联系人" in client.get("/").text
    client.post(f"/customer/delete/{free.id}")
    session.expire_all()
    assert row.deleted_at is None and free.deleted_at is not None


def test_deleting_is_taken_back_from_the_note(make, login, session):
    row = make.customer(owner="li", name="误删公司")
    client = login("li")
    client.post(f"/customer/delete/{row.id}")
    page = client.get("/customer/list/").text
    action = page.split('action="/undo/')[1].split('"')[0]
    assert "误删公司" not in page.split("<table")[1]
    client.post(f"/undo/{action}")
    assert "误删公司" in client.get("/customer/list/").text


def test_the_first_contact_is_the_primary_one_until_another_is_chosen(make, login, session, people):
    row = make.customer(owner="li")
    client = login("li")
    for name in ("顾明辉", "蒋卫东"):
        client.post("/contact/add", data={"name": name, "customer": str(row.id), "owner": str(people["li"]), "mobile": "13812345678"})
    session.expire_all()
    assert row.primary_contact.name == "顾明辉"
    other = session.scalars(select(Contact).where(Contact.name == "蒋卫东")).one()
    client.post("/contact/action_post", data={"action": "primary", "rowid": str(other.id)})
    page = client.get("/customer/list/").text
    assert "蒋卫东" in page and "13812345678" in page


def test_a_superior_is_another_contact_of_the_same_customer(make, login, people):
    one, other = make.contact(), make.contact()
    form = {"name": one.name, "customer": str(one.customer_id), "owner": str(people["li"]), "version": "1"}
    for wrong in (one.id, other.id):
        assert "同一客户" in login("li").post(f"/contact/edit/{one.id}", data={**form, "superior": str(wrong)}).text


def test_similar_customers_of_others_show_no_private_data(make, login):
    make.customer(owner="zhao", name="苏州恒远精密机械有限公司", mobile="13812345678", address="秘密地址")
    client = login("li")
    for query in ("name=苏州恒远精密", "mobile=13812345678"):
        text = client.get(f"/customer/similar?{query}").text
        assert "苏州恒远精密机械有限公司" in text and "赵立强" in text, query
        assert "13812345678" not in text and "秘密" not in text and "/customer/show/" not in text


def test_edits_of_different_fields_never_lose_each_other(make, login, session, people):
    row = make.customer(owner="li")
    one, two = login("li"), login("chen")
    form = {"name": row.name, "owner": str(people["li"]), "version": "1"}
    assert one.post(f"/customer/edit/{row.id}", data={**form, "fax": "0512-1"}).status_code == 302
    assert two.post(f"/customer/edit/{row.id}", data={**form, "postcode": "215000"}).status_code == 302
    session.expire_all()
    assert (row.fax, row.postcode) == ("0512-1", "215000")
    clash = two.post(f"/customer/edit/{row.id}", data={**form, "fax": "0512-2"})
    assert "0512-1" in clash.text and "0512-2" in clash.text and "k-conflict" in clash.text


def test_a_moment_that_reads_the_same_is_neither_written_nor_told(make, login, session, people):
    """A form knows moments by the minute; what was logged with other seconds before is not told as a change."""
    at = dt.datetime(2030, 5, 6, 1, 30, 12)
    row, li = make.customer(owner="li", name="恒远", next_follow_at=at, mobile="13812345678"), login("li")
    form = {"name": "恒远", "owner": people["li"], "next_follow_at": "2030-05-06 09:30", "mobile": row.mobile, "region": "苏州", "version": row.version}
    assert li.post(f"/customer/edit/{row.id}", data=form).status_code == 302
    session.expire_all()
    assert (row.next_follow_at, row.region) == (at, "苏州")
    row.next_follow_at = at.replace(second=0)
    session.commit()
    page = li.get(f"/customer/show/{row.id}?tab=history").text
    assert "苏州" in page and "下次跟进时间: <" not in page and page.count('<li><span class="dot">') == 2, "made, then changed once"
    theirs = make.customer(owner="li", name="天工", next_follow_at=at)
    theirs.next_follow_at = dt.datetime(2030, 6, 7, 1, 30)
    session.commit()
    form |= {"name": "天工", "mobile": "", "version": "1"}
    assert li.post(f"/customer/edit/{theirs.id}", data=form).status_code == 302, "what only others changed is no clash"
    session.expire_all()
    assert theirs.next_follow_at.month == 6


def test_attachments_are_served_to_those_who_see_the_record_and_never_run(make, login, session):
    row = make.customer(owner="li")
    client = login("li")
    client.post(f"/file/customer/{row.id}", data={"files": [(io.BytesIO(b"text <script>alert(1)</script>"), "../../x.txt"), (io.BytesIO(b"%PDF-1.4"), "a.pdf")]},
                content_type="multipart/form-data")
    text, pdf = session.scalars(select(Attachment).order_by(Attachment.id)).all()
    with client.get(f"/file/{text.id}?view=1") as answer:
        assert answer.mimetype == "application/octet-stream" and "attachment" in answer.headers["Content-Disposition"]
        assert "sandbox" in answer.headers["Content-Security-Policy"]
    with client.get(f"/file/{pdf.id}?view=1") as answer:
        assert answer.mimetype == "application/pdf"
    assert login("zhao").get(f"/file/{pdf.id}").status_code == 404
    assert login("zhao").post(f"/file/customer/{row.id}").status_code == 404


def test_a_used_choice_is_stopped_not_deleted(make, login, session):
    from app.core.choices import Choice
    make.customer(industry="it")
    used, free = make.choice(code="u1"), make.choice()
    make.customer(industry="u1")
    admin = login("admin")
    for row in (used, free):
        admin.post(f"/choice/delete/{row.id}")
    session.expire_all()
    assert used.deleted_at is None and session.get(Choice, free.id) is None or free.deleted_at is not None
    admin.post("/choice/action_post", data={"action": "stop", "rowid": str(used.id)})
    assert used.name not in login("li").get("/customer/add").text


def test_downwards_begins_with_the_latest_and_ends_with_what_is_blank(make, login):
    days = [f"2027-03-{n:02}" for n in range(1, 12)]
    for n in range(30):
        make.customer(owner="li", next_follow_at=dt.datetime.fromisoformat(f"{days[n]} 03:00") if n < len(days) else None)
    for name, quick in (("li", "mine"), ("qian", "all"), ("chen", "all")):
        pages = [login(name).get(f"/customer/list/?quick={quick}&_oc_CustomerView=next_follow_at&_od_CustomerView=desc&page_CustomerView={n}").text for n in (0, 1)]
        assert re.findall(r"2027-03-\d\d", re.split("<tbody", pages[0])[1]) == days[::-1], name
        assert "2027-03" not in re.split("<tbody", pages[1])[1]
        ids = [int(i) for page in pages for i in re.findall(r'<tr data-id="(\d+)"', page)]
        assert len(set(ids)) == 30 and ids[11:] == sorted(ids[11:], reverse=True), name


def test_columns_sort_and_size_are_remembered(make, login):
    make.customer(owner="li", level="A")
    client = login("li")
    client.post("/customer/remember", data={"columns": ["name", "fax"], "sort": "name.asc", "size": "50"})
    page = client.get("/customer/list/").text
    assert "传真" in page.split("<thead>")[1].split("</thead>")[0] and "负责人" not in page.split("<thead>")[1].split("</thead>")[0]
    assert "每页 50 条" in page and 'aria-sort="ascending"' in page
    assert "每页 25 条" in login("wang").get("/customer/list/").text


def test_statement_counts_are_constant_in_rows(make, login, statements):
    """Goals of speed.md: list 6, show 12, edit 8, desktop 15."""
    client = login("li")
    for n in range(3):
        make.contact(customer_id=make.customer(owner="li", name=f"恒远{n}").id)
    for url, most in (("/customer/list/", 6), ("/customer/show/1", 12), ("/customer/edit/1", 8), ("/", 15), ("/contact/list/", 6)):
        url = url.replace("/1", f"/{make.customer(owner='li').id}")
        client.get(url)
        counted = []
        for more in (0, 15):
            for _n in range(more):
                make.contact(customer_id=make.customer(owner="li").id)
            with statements() as seen:
                assert client.get(url).status_code == 200
            counted.append(len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA"))]))
        assert counted[0] <= most and counted[1] <= counted[0], (url, counted, seen)


def test_sharing_ends(make, login, session, people):
    row = make.customer(owner="li")
    share = {"rowid": str(row.id), "employee": str(people["zhao"])}
    client = login("li")
    client.post("/customer/action_post", data={"action": "share", **share})
    assert login("zhao").get(f"/customer/show/{row.id}").status_code == 200
    client.post("/customer/action_post", data={"action": "unshare", **share})
    assert login("zhao").get(f"/customer/show/{row.id}").status_code == 404


def test_a_list_beyond_the_cap_is_not_counted_at_every_page(make, login, monkeypatch):
    from app.views import listing
    monkeypatch.setattr(listing, "CAP", 3)
    monkeypatch.setattr(listing, "_MANY", {})
    client, rows = login("li"), [make.customer() for _n in range(2)]

    def total(whose="li"):
        return re.search(r'data-total="(\d+)"', (client if whose == "li" else login(whose)).get("/customer/list/?quick=all").text)[1]
    assert total() == "2" and not listing._MANY, "below the cap every page counts"
    rows += [make.customer() for _n in range(2)]
    assert total() == "3" and "2+" in client.get("/customer/list/?quick=all").text
    rows[0].deleted_at = rows[1].deleted_at = clock.now()
    make.session.commit()
    assert total() == "3", "within the minute it is taken for granted"
    assert total("wang") == "0", "of this person and question alone"
    monkeypatch.setattr(listing, "_MANY", dict.fromkeys(listing._MANY, 0.0))
    assert total() == "2"


def test_who_gives_a_customer_away_from_its_page_comes_to_the_list(make, login, people):
    row, kept = make.customer(name="恒远"), make.customer(name="天工")
    client = login("li")
    for one, to, place in ((kept, "li", f"/customer/show/{kept.id}"), (row, "zhao", "/customer/list/")):
        answer = client.post("/customer/action_post", data={"action": "transfer", "rowid": str(one.id), "owner": str(people[to]), "back": f"/customer/show/{one.id}"})
        assert answer.location.startswith(place), answer.location
    assert client.get(f"/customer/show/{row.id}").status_code == 404


def test_what_was_looked_at_last_is_offered_only_while_it_is_seen(make, login, session, people, statements):
    """Given away, deleted, of another kind: one statement tells."""
    mine, away, gone = (make.customer(owner="li", name=name) for name in ("恒远", "天工", "创捷"))
    deal, li = make.opportunity(owner="li", customer_id=mine.id, name="三号车间"), login("li")
    for page in (f"/customer/show/{mine.id}", f"/customer/show/{away.id}", f"/customer/show/{gone.id}", f"/opportunity/show/{deal.id}"):
        li.get(page)

    def offered(page="/help/"):
        return re.findall(r'class="ell">(.*?)</span>', li.get(page).text.split("最近访问")[1].split("</ul>")[0])
    assert offered() == ["三号车间", "创捷", "天工", "恒远"]
    away.owner_id = people["zhao"]
    session.delete(gone)
    session.commit()
    assert offered() == ["三号车间", "恒远"] == offered("/customer/list/?quick=all")
    with statements() as seen:
        li.get("/customer/list/?quick=all")
    assert len([s for s in seen if not s.startswith(("BEGIN", "PRAGMA"))]) <= 6 and len([s for s in seen if "UNION ALL" in s]) == 1, seen

"""Quotes: lines, states, versions, validity, use by a contract (manual 4.5, product.md 4.5)."""
import datetime as dt

import pytest
from sqlalchemy import select

from app.core import changes, clock, parameters, undo
from app.quotes import rules
from app.quotes.models import Quote, QuoteLine
from tests.story import line, refused, save

DAY = dt.timedelta(1)


@pytest.fixture
def quote(session, make, people):
    """`quote(lines=…)`: a draft saved by the rules."""
    def made(lines=None, **over):
        values = {"name": "驱动器报价", "customer_id": over.pop("customer_id", None) or make.customer().id, "quoted_on": clock.today(),
                  "valid_until": clock.today() + 30 * DAY, "owner_id": people["li"], "state": "draft", **over}
        return save(session, rules.check_quote, Quote(**values, lines=[line(QuoteLine)] if lines is None else lines))
    return made


def test_a_quote_has_lines_dates_in_order_and_people_of_its_customer(session, make, quote):
    with refused("一行", "lines", session):
        quote(lines=[])
    with refused("", "valid_until", session):
        quote(valid_until=clock.today() - DAY)
    with refused("其他客户", "contact", session):
        quote(contact_id=make.contact().id)
    with refused("其他客户", "opportunity", session):
        quote(opportunity_id=make.opportunity().id)
    for bad in ({"price": -1}, {"quantity": 0}, {"quantity": -1}, {"tax_rate": -1}, {"tax_rate": 10_001}):
        with refused("", "lines", session):
            quote(lines=[line(QuoteLine, **bad)])
    for name, bad in (("discount", -1), ("discount", 10_001), ("reduction", -1), ("fees", -1), ("reduction", 100_01)):
        with refused("", name, session):
            quote(**{name: bad})
    customer = make.customer()
    person, deal = make.contact(customer_id=customer.id), make.opportunity(customer_id=customer.id)
    row = quote(customer_id=customer.id, contact_id=person.id, opportunity_id=deal.id, reduction=100_00, valid_until=clock.today())
    assert (row.amount, row.number[:2], row.revision) == (0, "BJ", 1), "an opportunity is not needed, a full reduction is allowed"


def test_an_amount_that_is_a_typing_error_is_refused(session, quote):
    parameters.put(session, "quote.limit", 1_000_00)
    session.commit()
    with refused("上限", "lines", session):
        quote(lines=[line(QuoteLine, 1000_01)])
    quote(lines=[line(QuoteLine, 1000_00)])
    with refused("过大", "lines", session):  # what no database could hold is a sentence too
        quote(lines=[line(QuoteLine, 10**14, 10**12)])


def test_only_a_draft_is_changed_and_every_step_has_its_place(session, quote):
    row = quote()
    rules.check_change(session, row)
    for action, args in ((rules.accept, ()), (rules.refuse, ("太贵",))):
        with refused(""):
            action(session, [row], *args)
    rules.send(session, [row])
    with refused("新版本"):
        rules.check_change(session, row)
    with refused("草稿"):
        rules.send(session, [row])
    with refused("", "reason"):
        rules.refuse(session, [row], " ")
    rules.refuse(session, [row], "太贵")
    assert (row.state, row.closing_note) == ("refused", "太贵")
    with refused(""):
        rules.accept(session, [row])
    other = quote()
    rules.send(session, [other])
    rules.accept(session, [other])
    with refused("", "reason"):
        rules.void(session, [other], "")
    rules.void(session, [other], "重复")
    with refused(""):
        rules.void(session, [other], "再次")
    assert (other.state, other.closing_note) == ("void", "重复")


def test_the_validity_is_read_not_stored(session, quote):
    draft, sent = quote(valid_until=clock.today() + DAY), quote(valid_until=clock.today() + DAY)
    rules.send(session, [sent])
    session.commit()
    named = {"sent": rules.in_state("sent"), "draft": rules.in_state("draft"), "expired": rules.expired, "expiring": rules.expiring}

    def seen():
        return {key: sorted(session.scalars(select(Quote.id).where(rule(None)))) for key, rule in named.items()}
    assert seen() == {"sent": [sent.id], "draft": [draft.id], "expired": [], "expiring": [draft.id, sent.id]}
    with clock.frozen(clock.now() + 2 * DAY):
        assert draft.shown_state == sent.shown_state == "expired" and sent.state == "sent"
        assert seen() == {"sent": [], "draft": [], "expired": [draft.id, sent.id], "expiring": []}
        with refused("有效期"):
            rules.send(session, [draft])
        rules.accept(session, [sent])  # the customer may still say yes
        assert sent.shown_state == "accepted"


def test_a_new_version_carries_everything_and_replaces_the_former(session, quote):
    row = quote(lines=[line(QuoteLine, 1280_00, 12_500, list_price=1300_00, cost=800_00, note="含安装"), line(QuoteLine, 450_50, 2000)],
                discount=9500, reduction=50_00, fees=80_00, payment_terms="30/60/10", terms="质保一年")
    rules.send(session, [row])
    fresh = rules.new_version(session, [row])
    session.commit()
    assert (row.state, fresh.state, fresh.revision, fresh.number, fresh.former_id) == ("replaced", "draft", 2, row.number + "-V2", row.id)
    for name in ("name", "customer_id", "discount", "reduction", "fees", "amount", "tax", "cost", "payment_terms", "terms", "owner_id"):
        assert getattr(fresh, name) == getattr(row, name), name
    for old, new in zip(row.living, fresh.living, strict=True):
        assert all(getattr(old, n) == getattr(new, n) for n in (*rules.COPIED, "amount", "tax", "discount")) and old.id != new.id
    assert [d["kind"] for d in rules.difference(row, fresh)] == ["same", "same"]
    with refused("新版本"):
        rules.new_version(session, [row])
    fresh.lines[0].price, fresh.lines[1].deleted_at = 1200_00, clock.now()
    fresh.lines.append(line(QuoteLine, 99_00, name="编码器", position=2))
    save(session, rules.check_quote, fresh)
    session.expire_all()
    found = {d["kind"]: (d["old"] and d["old"].name, d["new"] and d["new"].name) for d in rules.difference(row, fresh)}
    assert found == {"changed": ("驱动器", "驱动器"), "gone": ("驱动器", None), "added": (None, "编码器")}
    rules.check_delete(session, fresh)
    session.delete(fresh)
    session.commit()
    assert row.state == "sent", "with its new version gone the former one is what it was"
    again = rules.new_version(session, [row])
    session.commit()
    assert again.number == f"{row.number}-V3", "a number that lies in the trash is not given twice"


def test_a_quote_that_became_a_contract_is_neither_voided_nor_deleted(session, make, quote):
    row = quote()
    contract = make.contract(customer_id=row.customer_id, quote_id=row.id, state="signed")
    for action, args in ((rules.void, ("不要了",)), (rules.new_version, ())):
        with refused("合同"):
            action(session, [row], *args)
    contract.state = "void"
    session.commit()
    rules.void(session, [row], "合同已作废")
    assert row.state == "void"


def test_an_undone_edit_brings_document_and_lines_back_together(session, quote, as_):
    row = quote(lines=[line(QuoteLine, 100_00), line(QuoteLine, 200_00)])
    before = (row.amount, row.tax, [(x.price, x.amount, x.deleted_at) for x in row.lines])
    with as_("li"):
        with changes.operation(session, "edit", "quote"):
            row.lines[0].price, row.lines[1].deleted_at, row.discount = 70_00, clock.now(), 9000
            save(session, rules.check_quote, row)
        batch = session.info["last_batch"]
        assert row.amount == 63_00
        assert undo.take_back(session, batch) == []
        session.commit()
    session.expire_all()
    assert before == (row.amount, row.tax, [(x.price, x.amount, x.deleted_at) for x in row.lines])

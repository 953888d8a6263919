"""SQLite to PostgreSQL by one command: everything, compared by counts and checksums."""

import pytest
from sqlalchemy import func, select, text

from app.core import move
from app.core.rules import RuleError


@pytest.mark.sqlite
def test_everything_moves_to_postgresql_and_is_the_same(make, session, people, postgres):
    from flask_appbuilder import Model

    from app.customers.models import Customer
    from app.extensions import db
    for n in range(30):
        make.customer(owner="li", name=f"恒远{n}号'\\\t\n公司", note="换行\n制表\t反斜杠\\ 😀", primary_contact_id=None)
    contact = make.contact()
    contact.customer.primary_contact_id = contact.id
    make.quote_line(quote_id=make.quote().id)
    make.payment(contract_id=make.contract().id)
    gone = make.customer(name="已删除")
    session.delete(gone)
    session.commit()
    Model.metadata.create_all(postgres)
    told = []
    done = move.move(db.engine, postgres, told.append)
    rows = {moved.name: moved.rows for moved in done}
    assert rows["customer"] == session.scalar(select(func.count(Customer.id)).execution_options(with_trash=True)) and all(m.equal for m in told)
    assert rows["change"] > 30 and rows["ab_user"] == len(people) and len(done) == len(Model.metadata.tables)
    with postgres.connect() as line:
        assert line.scalar(text("SELECT name FROM customer ORDER BY id LIMIT 1")) == "恒远0号'\\\t\n公司"
        assert line.scalar(text("SELECT nextval('customer_id_seq')")) == session.scalar(select(func.max(Customer.id)).execution_options(with_trash=True)) + 1
        assert line.scalar(text("SELECT count(*) FROM search_entry WHERE tokens @> ARRAY['1g恒远']")) >= 30
        assert line.scalar(text("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")) > 50, "the foreign keys are back"
        assert line.scalar(text("SELECT count(*) FROM pg_indexes WHERE indexname = 'ix_search_entry_tokens'")) == 1
        assert line.scalar(text("SELECT reltuples FROM pg_class WHERE oid = 'customer'::regclass")) >= 30, "the planner knows the tables"
    with pytest.raises(RuleError):
        move.move(db.engine, postgres)


@pytest.mark.sqlite
def test_a_move_that_does_not_fit_leaves_the_target_empty(make, session, postgres, monkeypatch):
    from flask_appbuilder import Model

    from app.extensions import db
    make.customer()
    Model.metadata.create_all(postgres)
    monkeypatch.setattr(move, "checksum", lambda line, table: (0, 0))
    with pytest.raises(RuleError, match="customer"):
        move.move(db.engine, postgres)
    with postgres.connect() as line:
        assert line.scalar(text("SELECT count(*) FROM customer")) == 0

"""Fills every text of every entity with what wants to run as a script; prints {table: id of its row} as JSON. Run beside a founded office."""
import json

from app import create_app
from app.core import choices, entity
from app.core.describe import describe
from app.extensions import db
from tests import cast
from tests.factory import MINIMAL, Factory

HARM = '"><img src=x onerror=window.__ran=1><script>window.__ran=2</script>{{7*7}}${7*7}<svg/onload=window.__ran=3>'


def harm(one) -> str:
    """As much of it as the field holds, closed; an address that is a script for addresses."""
    if one.format == "url":
        return "javascript:window.__ran=4"
    return HARM if (one.size or 10**4) >= len(HARM) else '"><script>window.__ran=5</script>' if (one.size or 0) >= 33 else '\'"><b id=ran>'


def main() -> None:
    """One row of each entity, 李's."""
    app, made = create_app(), {}
    with app.app_context():
        from app.security.models import Employee
        cast._ids.update({p.username: p.id for p in db.session.query(Employee)})
        make = Factory(db.session)
        for model in entity.entities():
            name = model.__tablename__
            texts = {one.key: harm(one)[:one.size or 10**4] for one in describe(model).values()
                     if one.kind in ("text", "note") and one.column is not None and not one.info.get("unique") and one.key not in ("code", "list_name", "key", "value", "entity")}
            if name in MINIMAL:
                made[name] = make.row(name, "li", **{k: v for k, v in texts.items() if k in model.__table__.c}).id
        for person in db.session.query(Employee).filter(Employee.username.in_(("wang", "zhao"))):
            person.name = person.title = HARM[:40]
        for row in db.session.query(choices.Choice).filter(choices.Choice.list_name.in_(("industry", "customer_source"))):
            row.name = HARM[:60]
        customer = db.session.get(entity.by_name("customer"), made["customer"])
        customer.industry = "it"
        for key in ("followup", "opportunity", "quote", "contract", "task"):
            row = db.session.get(entity.by_name(key), made[key])
            if hasattr(row, "customer_id"):
                row.customer_id = customer.id
        db.session.commit()
        print(json.dumps(made))


if __name__ == "__main__":
    main()

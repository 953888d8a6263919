"""The smallest valid row of every entity; a new entity adds one line to MINIMAL."""
import itertools

from tests import cast

MINIMAL = {
    "customer": lambda make, n: {"name": f"苏州恒远{n}号机械有限公司"},
    "contact": lambda make, n: {"name": f"顾明{n}", "customer_id": lambda: make.customer().id},
    "followup": lambda make, n: {"customer_id": lambda: make.customer().id, "method": "call", "content": f"第{n}次电话"},
    "choice": lambda make, n: {"list_name": "industry", "code": f"x{n}", "name": f"行业{n}"},
    "department": lambda make, n: {"name": f"部门{n}"},
    "collaborator": lambda make, n: {"entity": "customer", "row_id": lambda: make.customer().id, "employee_id": cast.ids()["wang"]},
    "attachment": lambda make, n: {"entity": "customer", "row_id": lambda: make.customer().id, "name": f"{n}.pdf", "size": 5,
                                   "mime": "application/pdf", "digest": "0" * 64},
}


class Factory:
    """`make.customer(owner="li", name="…")`; `owner` is a user name."""

    def __init__(self, session):
        self.session, self.numbers = session, itertools.count(1)

    def __getattr__(self, name):
        def create(owner="li", **over):
            return self.row(name, owner, **over)
        return create

    def row(self, entity, owner="li", /, **over):
        """A committed row of the entity with this table name."""
        from app.core.entity import Owned, by_name
        from app.customers import rules
        model = by_name(entity)
        values = {**MINIMAL[entity](self, next(self.numbers)), **over}
        values = {key: value() if callable(value) else value for key, value in values.items()}
        if issubclass(model, Owned):
            values.setdefault("owner_id", cast.ids()[owner])
        made = model(**values)
        if entity == "customer":
            made.name_key = rules.name_key(made.name)
        self.session.add(made)
        self.session.commit()
        return made

"""The smallest valid row of every entity; a new entity adds one line to MINIMAL."""
import datetime as dt
import itertools

from tests import cast

MINIMAL = {
    "customer": lambda make, n: {"name": f"苏州恒远{n}号机械有限公司"},
    "contact": lambda make, n: {"name": f"顾明{n}", "customer_id": lambda: make.customer().id},
    "followup": lambda make, n: {"customer_id": lambda: make.customer().id, "method": "call", "content": f"第{n}次电话"},
    "product_category": lambda make, n: {"name": f"伺服驱动{n}"},
    "product": lambda make, n: {"code": f"SV-{n:04d}", "name": f"伺服驱动器{n}型", "category_id": lambda: make.product_category().id,
                                "price": 128_000, "cost": 80_000, "lowest": 110_000, "tax_rate": 1300, "state": "on"},
    "price_list": lambda make, n: {"product_id": lambda: make.product().id, "level": "A", "price": 120_000},
    "stage": lambda make, n: {"code": f"x{n}", "name": f"阶段{n}", "kind": "open", "rate": 2000, "position": 50},
    "opportunity": lambda make, n: {"name": f"三号车间改造{n}期", "customer_id": lambda: make.customer().id, "stage": "s1", "rate": 1000,
                                    "amount": 42_000_000, "furthest": "s1"},
    "opportunity_line": lambda make, n: {"opportunity_id": lambda: make.opportunity().id, "name": "驱动器", "quantity": 1000, "price": 100},
    "opportunity_contact": lambda make, n: {"opportunity_id": lambda: make.opportunity().id, "contact_id": lambda: make.contact().id},
    "stage_change": lambda make, n: {"opportunity_id": lambda: make.opportunity().id, "to_stage": "s2"},
    "approval_rule": lambda make, n: {"entity": "quote", "least": 0, "approver": "superior", "is_on": True},
    "approval": lambda make, n: {"entity": "customer", "row_id": lambda: make.customer().id, "title": f"单据{n}", "state": "pending", "kind": "quote"},
    "approval_step": lambda make, n: {"approval_id": lambda: make.approval().id, "approver_id": cast.ids()["qian"], "decision": "waiting"},
    "quote": lambda make, n: {"name": f"驱动器报价{n}", "customer_id": lambda: make.customer().id, "amount": 0},
    "quote_line": lambda make, n: {"quote_id": lambda: make.quote().id, "name": "驱动器", "quantity": 1000, "price": 100},
    "contract": lambda make, n: {"name": f"驱动器合同{n}", "customer_id": lambda: make.customer().id, "amount": 10_000_00},
    "contract_line": lambda make, n: {"contract_id": lambda: make.contract().id, "name": "驱动器", "quantity": 1000, "price": 100},
    "payment_plan": lambda make, n: {"contract_id": lambda: make.contract().id, "amount": 3_000_00, "due_on": dt.date(2026, 12, 1)},
    "payment": lambda make, n: {"contract_id": lambda: make.contract().id, "amount": 1_000_00},
    "invoice": lambda make, n: {"contract_id": lambda: make.contract().id, "amount": 1_000_00, "number": f"FP{n:06d}"},
    "claim": lambda make, n: {"name": f"报销{n}"},
    "expense": lambda make, n: {"kind": "trip", "amount": 500_00, "reason": f"出差{n}"},
    "task": lambda make, n: {"title": f"回访{n}", "kind": "task", "state": "open", "starts_at": dt.datetime(2026, 12, 1, 1),
                             "ends_at": dt.datetime(2026, 12, 1, 2), "created_by_id": cast.ids()["li"]},
    "target": lambda make, n: {"year": 2026 + n // 12, "month": n % 12 + 1, "kind": "signed", "own": 100_000_00},
    "month_lock": lambda make, n: {"year": 2026, "month": 1, "is_open": False},
    "share": lambda make, n: {"contract_id": lambda: make.contract().id, "employee_id": cast.ids()["wang"], "percent": 5000},
    "credit": lambda make, n: {"kind": "signed", "day": dt.date(2026, 11, 1), "amount": 1_000_00, "percent": 10_000,
                               "contract_id": lambda: make.contract().id},
    "journal": lambda make, n: {"kind": "day", "day": dt.date(2026, 1, 1) + dt.timedelta(n), "done": f"完成{n}", "state": "draft"},
    "journal_comment": lambda make, n: {"journal_id": lambda: make.journal().id, "content": f"意见{n}"},
    "api_token": lambda make, n: {"name": f"接口{n}", "rights": "all", "digest": f"{n:064d}"},
    "hook": lambda make, n: {"name": f"机器{n}", "address": f"https://hooks.example.com/{n}", "events": "customer.created"},
    "delivery": lambda make, n: {"hook_id": lambda: make.hook(owner="admin").id, "event": "customer.created", "entity": "customer", "row_id": n},
    "mail": lambda make, n: {"customer_id": lambda: make.customer().id, "address": f"k{n}@example.com", "subject": f"来信{n}"},
    "pool": lambda make, n: {"name": f"公海{n}"},
    "pool_rule": lambda make, n: {"pool_id": lambda: make.pool().id, "cause": "idle", "days": 30, "starts_on": dt.date(2020, 1, 1)},
    "share_request": lambda make, n: {"customer_id": lambda: make.customer().id, "asker_id": cast.ids()["zhao"]},
    "parameter": lambda make, n: {"key": f"p{n}", "value": "1"},
    "office_day": lambda make, n: {"day": dt.date(2027, 1, 1) + dt.timedelta(n), "kind": "off", "name": f"假日{n}"},
    "choice": lambda make, n: {"list_name": "industry", "code": f"x{n}", "name": f"行业{n}"},
    "custom_field": lambda make, n: {"entity": "customer", "name": f"自定义{n}", "kind": "text"},
    "panel_item": lambda make, n: {"entity": "customer", "name": f"过滤{n}", "rule": {"match": "all", "when": []}},
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
        if name.startswith("_"):
            raise AttributeError(name)

        def create(owner="li", **over):
            return self.row(name, owner, **over)
        return create

    def row(self, entity, owner="li", /, **over):
        """A committed row of the entity with this table name."""
        from app.core.describe import describe
        from app.core.entity import Owned, by_name
        from app.customers import rules
        model = by_name(entity)
        describe(model)  # puts the own fields' attributes on it
        values = {**MINIMAL[entity](self, next(self.numbers)), **over}
        values = {key: value() if callable(value) else value for key, value in values.items()}
        if issubclass(model, Owned):
            values.setdefault("owner_id", cast.ids()[owner])
        made = model(**values)
        if values.get("contract_id") and not values.get("customer_id") and hasattr(model, "customer_id"):
            made.customer_id = self.session.get(by_name("contract"), values["contract_id"]).customer_id
        if entity == "customer":
            made.name_key = rules.name_key(made.name)
        self.session.add(made)
        self.session.commit()
        return made

"""What the administrator of the made-up company has tailored: quick filters of the lists, own fields, what a salesperson keeps."""
from sqlalchemy import select

from app.core import custom
from app.core.choices import Choice
from app.core.custom import CustomField
from app.core.describe import describe
from app.core.panel import PanelItem
from app.core.preferences import Preference
from app.customers.models import Customer


def _is(field, op, *value):
    return {"field": field, "op": op, "value": list(value)}


FILTERS = (  # list, name, order, match, conditions
    ("customer", "A类未成交", "last_follow_at.asc", "all", [_is("level", "in", "A"), _is("is_won", "is", "0")]),
    ("customer", "长三角重点", "", "all", [_is("level", "in", "A", "B"), {"match": "any", "when": [
        _is("region", "contains", one) for one in ("上海", "江苏", "浙江")]}]),
    ("opportunity", "十万以上在谈", "amount.desc", "all", [_is("amount", "at_least", "100000"), _is("closed_on", "empty")]),
    ("contract", "本年签订", "signed_on.desc", "all", [_is("signed_on", "within", "this_year")]))


FIELDS = (  # name, kind, section, hint, values
    ("主要工艺", "several", "number", "", ("机加工", "焊装", "涂装", "装配", "检测")), ("设备台数", "quantity", "number", "车间现有主要设备", ()),
    ("年营业额", "money", "number", "", ()), ("供电方式", "choice", "", "", ("单回路", "双回路", "自备发电")), ("服务工程师", "ref", "", "", ()))


def own_fields(session, dice, people) -> int:
    """Own fields of customers, and values for every third; returns how many fields were made."""
    made = [CustomField(entity="customer", name=name, kind=kind, section=section, help=hint, position=10 * n, is_sorted=kind == "money",
                        is_ready=kind != "money") for n, (name, kind, section, hint, _values) in enumerate(FIELDS)]
    session.add_all(made)
    session.flush()
    for field, (*_what, values) in zip(made, FIELDS, strict=True):
        session.add_all(Choice(list_name=custom.list_name(field.id), code=f"v{n + 1}", name=value, position=n, is_default=False, is_stopped=False)
                        for n, value in enumerate(values))
    describe(Customer)
    process, machines, turnover, power, engineer = (field.key for field in made)
    for row in session.scalars(select(Customer).order_by(Customer.id)).all()[::3]:
        row.more = {process: ",".join(sorted(dice.sample(("v1", "v2", "v3", "v4", "v5"), dice.choice((1, 2))))), machines: dice.randrange(2, 400) * 1000,
                    turnover: dice.randrange(50, 90_000) * 1_000_000, power: dice.choice(("v1", "v2", "v3")), engineer: dice.choice(people).id}
    return len(made)


def fill(session, people) -> int:
    """Filters for everybody, and three views in the left menu of each salesperson; returns how many filters were made."""
    made = [PanelItem(entity=entity, kind="filter", key="", name=name, sort=sort, rule={"match": match, "when": when}, audience={}, look="auto",
                      position=200 + n, is_on=True, is_default=False) for n, (entity, name, sort, match, when) in enumerate(FILTERS)]
    session.add_all(made)
    session.flush()
    views = [["customer", "overdue"], ["customer", f"f{made[0].id}"], ["opportunity", f"f{made[2].id}"]]
    session.add_all(Preference(employee_id=person.id, key="pins", value={"list": views}) for person in people)
    return len(made)

"""Figures over the visible customers and follow-ups (product.md 4.3 Reports); sums come from SQL and equal their lists."""
from sqlalchemy import case, func, select

from app.core import choices, clock
from app.core.describe import describe, target_model
from app.views import cells, conditions

from .models import Customer, Followup

TOP = 12
SPREADS = ("level", "status", "source", "industry", "region", "owner")


def _within(model, attribute, period):
    return conditions.within(attribute, "moment", period) if period else model.id.is_not(None)


def spread(session, model, name: str, moment, period: str) -> list[dict]:
    """Rows by the values of a field, the largest first: {label, n, value}; value is what the list's condition takes."""
    one = describe(model)[name]
    value = func.nullif(one.attribute, "") if one.kind in ("text", "choice") else one.attribute
    wanted = select(value, func.count()).select_from(model).where(_within(model, moment, period)).group_by(value)
    rows = session.execute(wanted.order_by(func.count().desc()).limit(TOP)).all()
    labels = _labels(session, one, [value for value, _n in rows])
    return [{"label": labels.get(value, value) or "—", "n": n, "value": _condition(one, value)} for value, n in rows]


def _condition(one, value):
    if value is None or value == "":
        return "="
    return f"={value}" if one.kind == "text" else value


def _labels(session, one, values) -> dict:
    if one.kind == "choice":
        return {v: choices.label(session, one.choices, v, english=cells.english()) for v in values}
    if one.kind == "ref":
        model = target_model(one)
        return {row.id: str(row) for row in session.scalars(select(model).where(model.id.in_([v for v in values if v])))}
    return {}


def totals(session, period: str) -> dict:
    """Customers made in the period, how many of them won, follow-ups written: {customers, won, followups, rate %}."""
    made = select(func.count(), func.coalesce(func.sum(case((Customer.is_won, 1), else_=0)), 0)).select_from(Customer).where(
        _within(Customer, Customer.created_at, period))
    customers, won = session.execute(made).one()
    followups = session.scalar(select(func.count(Followup.id)).where(_within(Followup, Followup.happened_at, period)))
    return {"customers": customers, "won": int(won), "followups": followups, "rate": round(100 * won / customers) if customers else 0}


def growth(session, months: int = 12) -> list[dict]:
    """New customers of the last months, the oldest first: {label 'yyyy-mm', n, value 'first~last'}."""
    first_days = [conditions.month(clock.today(), shift) for shift in range(-months + 1, 2)]
    edges = [clock.day_start(day) for day in first_days]
    wanted = [func.coalesce(func.sum(case(((Customer.created_at >= low) & (Customer.created_at < high), 1), else_=0)), 0)
              for low, high in zip(edges, edges[1:], strict=False)]
    row = session.execute(select(*wanted).select_from(Customer).where(Customer.created_at >= edges[0])).one()
    ends = [day - conditions.dt.timedelta(1) for day in first_days[1:]]
    return [{"label": f"{day:%Y-%m}", "n": int(n), "value": f"{day}~{end}"} for day, end, n in zip(first_days, ends, row, strict=False)]

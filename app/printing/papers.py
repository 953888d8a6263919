"""What a document looks like on paper, before any format: PDF, spreadsheet, Word and the print page are made from a `Paper`."""
from dataclasses import dataclass, field

from app.core import choices, clock, money, parameters
from app.core.describe import describe
from app.core.words import _, _l
from app.views import cells

COMPANY = _l("Company")
parameters.declare("company.name", COMPANY, _l("Company name"), "text", "", _l("Printed on quotes and contracts."))
parameters.declare("company.address", COMPANY, _l("Company address"), "text", "", _l("Printed at the foot."))
parameters.declare("company.phone", COMPANY, _l("Company phone"), "text", "", _l("Printed at the foot."))
parameters.declare("company.tax_number", COMPANY, _l("Company tax number"), "text", "", _l("Printed at the foot."))
parameters.declare("company.bank", COMPANY, _l("Company bank and account"), "text", "", _l("Printed at the foot."))

LINE = "name spec unit quantity price discount tax_rate amount note"
PRICES = {"price", "discount", "tax_rate", "amount"}


@dataclass
class Paper:
    """A document for printing; all texts are final. `columns`: (heading, right-aligned, share of the width)."""

    title: str
    number: str
    company: dict
    facts: list[tuple[str, str]]
    columns: list[tuple[str, bool, float]]
    rows: list[list[str]]
    sums: list[tuple[str, str]] = field(default_factory=list)
    capitals: str = ""
    terms: list[tuple[str, str]] = field(default_factory=list)
    signs: list[str] = field(default_factory=list)
    day: str = ""


def told(session, one, value) -> str:
    """A value as it is printed."""
    if value in (None, ""):
        return ""
    if one.kind == "choice":
        return choices.label(session, cells.list_of(one), value, english=cells.english())
    turn = {"money": money.shown, "percent": lambda v: cells.hundredths(v) + "%", "quantity": cells.thousandths, "date": cells.day,
            "moment": cells.moment, "flag": lambda v: _("Yes") if v else _("No")}.get(one.kind, str)
    return turn(value)


WIDTHS = {"name": 3.2, "spec": 2, "unit": 0.9, "quantity": 1.2, "price": 1.6, "discount": 1.1, "tax_rate": 1.1, "amount": 1.8, "note": 2}


def company(session) -> dict:
    """The company's own data by key."""
    return {key.split(".")[1]: parameters.get(session, key) for key in parameters.KNOWN if key.startswith("company.")}


def paper(session, row, title: str, facts: str, terms: str, *, prices: bool = True, signs=()) -> Paper:
    """The paper of a document with lines; without `prices` no amount stands anywhere."""
    fields, line_fields = describe(type(row)), describe(type(row).lines.property.mapper.class_)
    names = [n for n in LINE.split() if prices or n not in PRICES]
    if all(line.discount in (None, 10_000) for line in row.living):
        names = [n for n in names if n != "discount"]

    def fact(name):
        return str(fields[name].label), told(session, fields[name], getattr(row, name))
    sums = [fact(n) for n in ("lines_amount", "reduction", "fees", "tax", "amount") if getattr(row, n) or n == "amount"] if prices else []
    if prices and row.discount not in (None, 10_000):
        sums.insert(1, fact("discount"))
    return Paper(
        title=title,
        number=row.number or "",
        company=company(session),
        facts=[f for f in map(fact, facts.split()) if f[1] and (prices or fields["amount"].label != f[0])],
        columns=[
            ("#", True, 0.5),
            *((str(line_fields[n].label), line_fields[n].kind in ("money", "percent", "quantity"), WIDTHS[n]) for n in names),
        ],
        rows=[[str(at), *(told(session, line_fields[n], getattr(line, n)) for n in names)] for at, line in enumerate(row.living, 1)],
        sums=sums,
        capitals=money.capitals(row.amount or 0) if prices else "",
        terms=[t for t in map(fact, terms.split()) if t[1]],
        signs=list(signs),
        day=cells.day(clock.today()),
    )

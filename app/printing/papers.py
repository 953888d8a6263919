"""What a document looks like on paper, before any format: PDF, spreadsheet, Word and the print page are made from a `Paper`."""
from dataclasses import dataclass, field
from importlib import import_module

from app.core import choices, clock, money, parameters
from app.core.describe import describe
from app.core.words import _, _l
from app.products import pictures as pictures_of
from app.views import cells

COMPANY = _l("Company")
parameters.declare("company.name", COMPANY, _l("Company name"), "text", "", _l("Printed on quotes and contracts."))
parameters.declare("company.logo", COMPANY, _l("Logo"), "file", "", _l("Printed above the company name."),
                   accept=("png", "jpg", "jpeg"), public=True)
parameters.declare("company.address", COMPANY, _l("Company address"), "text", "", _l("Printed at the foot."))
parameters.declare("company.phone", COMPANY, _l("Company phone"), "text", "", _l("Printed at the foot."))
parameters.declare("company.tax_number", COMPANY, _l("Company tax number"), "text", "", _l("Printed at the foot."))
parameters.declare("company.bank", COMPANY, _l("Company bank and account"), "text", "", _l("Printed at the foot."))
for _entity, _label in (("quote", _l("Word template of quotes")), ("contract", _l("Word template of contracts"))):
    parameters.declare(f"print.{_entity}", _l("Printing templates"), _label, "file", "",
                       _l("A file of Word with {{ words }} in it; without one the built-in layout is used. All names, and a "
                          "preview before it is used: System → Word templates."), accept=("docx",),
                       check=lambda values, key: import_module("app.printing.word").check(values[key]))

LINE = "name spec unit quantity price discount tax_rate amount note"
PRICES = {"price", "discount", "tax_rate", "amount"}


@dataclass
class Paper:
    """A document for printing; all texts are final. `columns`: (heading, right-aligned, share of the width)."""

    entity: str
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
    lines: list[dict[str, str]] = field(default_factory=list)  # the rows by the names of their fields, for the firm's own templates
    pictures: list = field(default_factory=list)  # of the rows: the product's first picture or None; empty when none is asked for


def told(session, one, value) -> str:
    """A value as it is printed."""
    if value in (None, ""):
        return ""
    if one.kind == "choice":
        return choices.label(session, cells.list_of(one), value, english=cells.english())
    if one.kind == "several":
        return choices.labels(session, cells.list_of(one), value, english=cells.english())
    if "custom" in one.info and one.kind == "ref":
        return cells.people().get(value, "")
    turn = {"money": money.shown, "percent": lambda v: cells.hundredths(v) + "%", "quantity": cells.thousandths, "date": cells.day,
            "moment": cells.moment, "flag": lambda v: _("Yes") if v else _("No")}.get(one.kind, str)
    return turn(value)


def table(session, row, title: str, facts: str, rows, widths: dict[str, float], signs=()) -> Paper:
    """The paper of a record that gathers others: `rows` with the fields and their shares of the width; its `amount` is their sum."""
    own, fields = describe(type(row)), describe(type(rows[0])) if rows else {}
    above = [(str(own[n].label), told(session, own[n], getattr(row, n))) for n in facts.split()]
    return Paper(
        entity=row.__tablename__, title=title, number=row.number or "", company=company(session),
        facts=[(str(own["name"].label), str(row.name)), *(f for f in above if f[1])],
        columns=[("#", True, 0.5), *((str(fields[n].label), fields[n].kind in ("money", "whole"), w) for n, w in widths.items() if fields)],
        rows=[[str(at), *(told(session, fields[n], getattr(r, n)) for n in widths)] for at, r in enumerate(rows, 1)],
        sums=[(str(own["amount"].label), money.shown(row.amount or 0))], capitals=money.capitals(row.amount or 0),
        terms=[(str(own["note"].label), row.note)] if row.note else [], signs=list(signs), day=cells.day(clock.today()))


WIDTHS = {"name": 3.2, "spec": 2, "unit": 0.9, "quantity": 1.2, "price": 1.6, "discount": 1.3, "tax_rate": 1.1, "amount": 1.8, "note": 2}


def company(session) -> dict:
    """The company's own data by key."""
    return {key.split(".")[1]: parameters.get(session, key) for key in parameters.KNOWN if key.startswith("company.")}


def _pictures(session, lines) -> list:
    """The pictures of the lines' products, in their order; nothing when no product has one."""
    found = pictures_of.first(session, [line.product_id for line in lines])
    return [found.get(line.product_id) for line in lines] if found else []


def paper(session, row, title: str, facts: str, terms: str, *, prices: bool = True, pictures: bool = False, signs=()) -> Paper:
    """The paper of a document with lines; without `prices` no amount stands anywhere, with `pictures` its products are shown."""
    fields, line_fields = describe(type(row)), describe(type(row).lines.property.mapper.class_)
    names = [n for n in LINE.split() if prices or n not in PRICES]
    plain = {"discount": (None, 10_000), "note": (None, ""), "spec": (None, "")}  # a column that says nothing is left out
    names = [n for n in names if n not in plain or any(getattr(line, n) not in plain[n] for line in row.living)]

    own = [name for name, one in fields.items() if "custom" in one.info and not cells.is_masked(one) and (prices or one.kind != "money")]

    def fact(name):
        return str(fields[name].label), told(session, fields[name], getattr(row, name))
    sums = [fact(n) for n in ("lines_amount", "reduction", "fees", "tax", "amount") if getattr(row, n) or n == "amount"] if prices else []
    if prices and row.discount not in (None, 10_000):
        sums.insert(1, fact("discount"))
    return Paper(
        entity=row.__tablename__,
        title=title,
        number=row.number or "",
        company=company(session),
        facts=[f for f in map(fact, [*facts.split(), *own]) if f[1] and (prices or fields["amount"].label != f[0])],
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
        lines=[{n: told(session, line_fields[n], getattr(line, n)) if prices or n not in PRICES else "" for n in LINE.split()}
               for line in row.living],
        pictures=_pictures(session, row.living) if pictures else [],
    )

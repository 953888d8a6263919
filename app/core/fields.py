"""The column vocabulary: the words a model is written in. Each carries its label, size and manners in `info`.

Kinds: text note choice several money whole percent quantity date moment flag ref number. Money is integer fen, percent is
hundredths of a percent, quantity is thousandths, moments are naive UTC, dates are the office's days.
"""
import re

from sqlalchemy import BigInteger, Boolean, Date, DateTime, ForeignKey, Index, Integer, String, Text
from sqlalchemy import text as sql
from sqlalchemy.orm import mapped_column, relationship


def _column(kind, type_, label, *, required=False, default=None, unique=False, index=False, sole=False, **manners):
    info = {"kind": kind, "label": label, "required": required, "unique": unique, **manners}
    return mapped_column(
        type_, nullable=not required, default=default, index=index, unique=sole, info=info, sort_order=10, active_history=True)


def text(label, size=80, **manners):
    """A line of text, at most `size` characters. Manners: required, unique, masked, format ('mobile', 'email', …)."""
    return _column("text", String(size), label, size=size, **manners)


def note(label, **manners):
    """Long text, at most 20,000 characters."""
    return _column("note", Text(), label, size=20_000, **manners)


def choice(label, choices, **manners):
    """A code out of the choice list `choices` (settings); labels come from the list."""
    return _column("choice", String(40), label, choices=choices, **manners)


def several(label, choices, size=200, **manners):
    """Codes out of the choice list `choices`, joined by commas in the list's order; None for none."""
    return _column("several", String(size), label, choices=choices, size=size, **manners)


def money(label, **manners):
    """An amount in integer fen."""
    return _column("money", BigInteger(), label, **manners)


def whole(label, **manners):
    """A whole number."""
    return _column("whole", Integer(), label, **manners)


def percent(label, **manners):
    """A share in hundredths of a percent (13 % is 1300)."""
    return _column("percent", Integer(), label, **manners)


def quantity(label, **manners):
    """An amount of goods in thousandths (1.5 is 1500)."""
    return _column("quantity", BigInteger(), label, **manners)


def date(label, **manners):
    """A day of the office's calendar."""
    return _column("date", Date(), label, **manners)


def moment(label, **manners):
    """A moment, naive UTC."""
    return _column("moment", DateTime(), label, **manners)


def flag(label, **manners):
    """Yes or no; no by default."""
    manners.setdefault("default", False)
    return _column("flag", Boolean(), label, **{**manners, "required": False})


def numbered(label, pattern, *, typed=False, sole=True, **manners):
    """A document number made on the first save by `numbering`, e.g. 'KH{day:%Y%m}-{seq:04d}'; `typed`: may be given by hand;
    `sole`: the database keeps it unique, rows in the trash included."""
    return _column("number", String(32), label, pattern=pattern, unique=True, readonly=not typed, size=32, index=True, sole=sole, **manners)


def ref(label, target, *, required=False, default=None, **manners):
    """A foreign key to table `target`; the relationship beside it (`related`) carries the public name. Manner `tree`: the target's
    column of the row above; who asks for a branch means all below it too."""
    info = {"kind": "ref", "label": label, "required": required, "target": target, **manners}
    return mapped_column(Integer, ForeignKey(f"{target}.id"), nullable=not required, default=default, index=True,
                         info=info, sort_order=10, active_history=True)


def related(model, column, **kw):
    """The many-to-one relationship beside a `ref` column."""
    return relationship(model, foreign_keys=[column], **kw)


def sorted_by(table: str, names: str, **expressions: str) -> list[Index]:
    """Indexes for lists that are sorted or counted by these columns: one within an owner, one over all living rows.

    Scope and sort must sit in one index, or the sort reads every visible row. Both are partial: PostgreSQL takes
    `deleted_at IS NULL` in front of the sort column for no fixed value, and a planner without statistics for a single row.
    The id breaks ties inside the index: thousands of equal values (no date yet) need no sorting. PostgreSQL counts by the index
    of an expression alone only when the expression's columns lie in it, too.
    """
    living, found = sql("deleted_at IS NULL"), []
    for name, what in {**{n: n for n in names.split()}, **expressions}.items():
        said = {"sqlite_where": living, "postgresql_where": living}
        if name in expressions:
            what, said["postgresql_include"] = sql(what), re.findall(r"\w+(?=[,)])", what)
        found.append(Index(f"ix_{table}_own_{name}", "owner_id", what, "id", **said))
        found.append(Index(f"ix_{table}_all_{name}", what, "id", **said))
    return found


def partial(name: str, where: str, *columns: str, unique: bool = False) -> Index:
    """An index of the rows that meet a condition alone, e.g. of what is still open; columns one by one or several in a text."""
    return Index(name, *" ".join(columns).split(), unique=unique, sqlite_where=sql(where), postgresql_where=sql(where))


class fact(property):
    """A read-only property of a row with a label, for lists, pages and exports.

    `loads`: names of relationships to load with the row; `column`: name of the column to sort by; `choices`: the list of
    a fact of kind choice; `masked`: roles may hide it.
    """

    def __init__(self, label, kind="text", *, loads="", column=None, choices=None, masked=False, doc=None):
        super().__init__(doc=doc)
        self.label, self.kind, self.loads, self.sort_column = label, kind, tuple(loads.split()), column
        self.choices, self.masked = choices, masked

    def __call__(self, getter):
        made = fact(self.label, self.kind, loads=" ".join(self.loads), column=self.sort_column, choices=self.choices,
                    masked=self.masked, doc=getter.__doc__)
        property.__init__(made, getter)
        return made

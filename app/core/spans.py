"""Time spans in SQL, in the words of each database."""
from sqlalchemy import DateTime, Float
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import FunctionElement


class days_between(FunctionElement):
    """Days from the first to the second date or moment, as a fraction."""

    type = Float()
    inherit_cache = True
    name = "days_between"


@compiles(days_between, "sqlite")
def _sqlite(element, compiler, **kw):
    first, last = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(julianday({last}) - julianday({first}))"


@compiles(days_between)
def _others(element, compiler, **kw):
    first, last = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"(EXTRACT(EPOCH FROM (CAST({last} AS TIMESTAMP) - CAST({first} AS TIMESTAMP))) / 86400.0)"


class noon_of(FunctionElement):
    """A day as a moment in its middle (12:00 UTC is the same day in nearly every office), to stand in one order with moments."""

    type = DateTime()
    inherit_cache = True
    name = "noon_of"


@compiles(noon_of, "sqlite")
def _noon_sqlite(element, compiler, **kw):
    return f"({compiler.process(next(iter(element.clauses)), **kw)} || ' 12:00:00.000000')"


@compiles(noon_of)
def _noon_others(element, compiler, **kw):
    return f"({compiler.process(next(iter(element.clauses)), **kw)} + TIME '12:00')"

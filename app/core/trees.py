"""Tables whose rows stand below one another: categories, departments."""
from sqlalchemy import select


def branch(table, above: str, top: int):
    """Ids of a row and of all below it, as a subquery; `above` is the name of the column that leads to the row above."""
    below = select(table.c.id).where(table.c.id == top).cte(recursive=True)
    below = below.union(select(table.c.id).where(table.c[above] == below.c.id))
    return select(below.c.id)

"""Many rows changed at once by one statement, with all that a flush does for them: a log line for each row, its version, its stamps, its
place in the search and in the kept figures. For work by the thousand; no rule of a form is asked."""
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm.util import identity_key

from . import actor, changes, clock, search, tally
from .changes import STAMPS, to_json


def change(session, model, ids, values: dict, *where, label: str = "") -> list[int]:
    """Set columns of those of some rows (a thousand or so) that meet `where`; a value may be another column of the row. Returns the ids
    that were changed. Rows that another transaction changes are waited for and asked again, so that nobody changes one twice."""
    t, now, who = model.__table__, clock.now(), actor.current_id()
    logged = [n for n in values if n not in getattr(model, "unlogged", ())] + sorted(STAMPS)
    counted = tally.columns(model)
    read = {*logged, *counted, *(v.name for v in values.values() if hasattr(v, "name"))}
    wanted = select(t.c.id, t.c.version, *(t.c[n] for n in sorted(read))).where(t.c.id.in_(sorted(ids)), *where).order_by(t.c.id)
    line = session.connection()
    rows = line.execute(wanted.with_for_update()).mappings().all()
    if not rows:
        return []
    batch = changes.batch_id(session, "edit", model.__tablename__, label)
    found = [r["id"] for r in rows]
    line.execute(update(t).where(t.c.id.in_(found)).values(
        {**values, "version": t.c.version + 1, "changed_at": now, "changed_by_id": who}))
    verb = "delete" if values.get("deleted_at") is not None else "edit"
    new = {**values, "changed_at": now, "changed_by_id": who}

    def becomes(r, n):
        return r[v.name] if hasattr(v := new.get(n, r[n]), "name") else v
    changes.keep(session, [{
        "batch_id": batch, "entity": model.__tablename__, "row_id": r["id"], "verb": verb, "version": r["version"] + 1, "actor_id": who,
        "at": now, "old": {n: to_json(r[n]) for n in logged},
        "new": {n: to_json(becomes(r, n)) for n in logged}} for r in rows])
    if counted:
        tally.moved(session, model, [*rows, *({n: becomes(r, n) for n in counted} for r in rows)])
    for i in found:
        if (held := session.identity_map.get(identity_key(model, i))) is not None:
            session.expire(held)
    if hasattr(model, "search_names") and "owner_id" in values:
        search.index.renew(session, model, found)
    return found


def set_pairs(session, table, ids, wanted: set[tuple], fresh: bool = False) -> None:
    """A table of (key, row) that is made out of other rows: let it hold for these rows exactly the wanted pairs (`fresh`: none yet)."""
    line, (key, row) = session.connection(), table.primary_key.columns
    have = set() if fresh else {tuple(r) for r in line.execute(select(key, row).where(row.in_(sorted(ids))))}
    gone: dict = {}
    for old, owner in have - wanted:
        gone.setdefault(owner, []).append(old)
    for owner, old in gone.items():
        line.execute(delete(table).where(row == owner, key.in_(old)))
    if new := sorted(wanted - have):
        line.execute(insert(table), [{key.name: k, row.name: r} for k, r in new])


def clear(session, table, *where) -> None:
    """Delete rows of a table that is made anew."""
    session.connection().execute(delete(table).where(*where))

"""The inverted index: FTS5 on SQLite (contentless, no positions), a GIN array on PostgreSQL.

Entry id = entity number * 2^40 + row id, so one range of ids is one entity and the newest come last. `source` keeps
the indexed text: a contentless index can only be told to forget what it was told. Kept by the flush, in the same
transaction as the rows.
"""
from flask_appbuilder import Model
from sqlalchemy import (
    BigInteger,
    Text,
    and_,
    bindparam,
    column,
    delete,
    event,
    func,
    insert,
    literal_column,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import actor, entity, scope
from app.core.describe import describe

from . import tokens

SHIFT = 40
NUMBERS = {"customer": 1, "contact": 2, "opportunity": 3, "quote": 4, "contract": 5, "payment": 6, "expense": 7, "product": 8,
           "task": 9}  # kept for ever: ids in the index are made of them
FEW = 60  # owners that are looked for inside the index; beyond, the scope alone narrows
fts = table("search_index", column("rowid"), column("search_index"))


class SearchEntry(Model):
    """What the index knows of one row."""

    __tablename__ = "search_entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    source: Mapped[str] = mapped_column(Text)
    tokens: Mapped[list | None] = mapped_column(ARRAY(Text).with_variant(Text, "sqlite"))


def create(line) -> None:
    """Make the index of a fresh database (Alembic and tests call it)."""
    if line.dialect.name == "sqlite":
        line.execute(text("CREATE VIRTUAL TABLE IF NOT EXISTS search_index USING fts5("
                          "t, content='', detail=none, columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")"))
    else:
        line.execute(text("CREATE INDEX IF NOT EXISTS ix_search_entry_tokens ON search_entry USING gin (tokens) "
                          "WITH (gin_pending_list_limit = 256)"))  # kB that every search reads through
        line.execute(text("ALTER TABLE search_entry ALTER COLUMN tokens SET STATISTICS 3000"))  # so that the planner tells a rare word


def drop(line) -> None:
    """Take the index away."""
    sqlite = line.dialect.name == "sqlite"
    line.execute(text("DROP TABLE IF EXISTS search_index" if sqlite else "DROP INDEX IF EXISTS ix_search_entry_tokens"))


event.listen(SearchEntry.__table__, "after_create", lambda _target, line, **_kw: create(line))
event.listen(SearchEntry.__table__, "before_drop", lambda _target, line, **_kw: drop(line))


def number_of(model) -> int:
    """The model's number in entry ids; a new entity takes a hash of its name above the fixed ones."""
    name = model.__tablename__
    return NUMBERS.get(name) or 100 + sum(ord(c) * 31 ** n for n, c in enumerate(name)) % 100_000


def searchable() -> list[type]:
    """The entities that can be searched."""
    return [m for m in entity.entities() if hasattr(m, "search_names")]


def entry_id(model, row_id: int) -> int:
    """The id of a row's entry."""
    return (number_of(model) << SHIFT) + row_id


def source_of(row, owners) -> str:
    """The indexed text: names, codes and owners, one line each."""
    own = [one.key for one in describe(type(row)).values() if one.info.get("searched")] if getattr(row, "more", None) else []
    names, codes = ("|".join(v.replace("\n", " ") for n in (*words, *own) if (v := getattr(row, n, None)))
                    for words in (row.search_names, getattr(row, "search_codes", ())))
    return f"{names}\n{codes}\n{' '.join(str(o) for o in sorted(o for o in owners if o))}"


def tokens_of(source: str) -> list[str]:
    """The tokens of an indexed text."""
    names, codes, owners = source.split("\n")
    found = {"o" + o for o in owners.split()}
    for one in names.split("|"):
        found |= tokens.name_tokens(one)
    for one in codes.split("|"):
        found |= tokens.code_tokens(one)
    return sorted(found)


def kept(entry: int, source: str) -> list[str]:
    """The tokens as PostgreSQL keeps them, each with its entity's number before it: what is common in one is rare in another, and the
    planner's statistics know it."""
    return [f"{entry >> SHIFT:x}{token}" for token in tokens_of(source)]


# ---- writing --------------------------------------------------------------------------------------------------
def _owners(session, rows) -> dict:
    """Owners of each row by entry id: its own and its scope parent's."""
    found = {entry_id(type(r), r.id): {getattr(r, "owner_id", None)} for r in rows}
    for model in {type(r) for r in rows}:
        parent = getattr(model, "scope_parent", None)
        if not parent:
            continue
        above = describe(model)[parent]
        t = getattr(model, parent).property.mapper.class_.__table__
        ids = {getattr(r, above.key) for r in rows if type(r) is model}
        owner = dict(session.connection().execute(select(t.c.id, t.c.owner_id).where(t.c.id.in_(ids))).all())
        for r in rows:
            if type(r) is model:
                found[entry_id(model, r.id)].add(owner.get(getattr(r, above.key)))
    return found


def _forget(line, ids) -> None:
    t = SearchEntry.__table__
    if line.dialect.name == "sqlite":
        old = line.execute(select(t.c.id, t.c.source).where(t.c.id.in_(ids))).all()
        if old:
            line.execute(text("INSERT INTO search_index(search_index, rowid, t) VALUES('delete', :id, :t)"),
                         [{"id": i, "t": " ".join(tokens_of(s))} for i, s in old])
    line.execute(delete(t).where(t.c.id.in_(ids)))


def _learn(line, sources: dict) -> None:
    sqlite = line.dialect.name == "sqlite"
    made = [(i, s, tokens_of(s) if sqlite else kept(i, s)) for i, s in sources.items()]
    line.execute(insert(SearchEntry.__table__), [{"id": i, "source": s, "tokens": None if sqlite else w} for i, s, w in made])
    if sqlite:
        line.execute(text("INSERT INTO search_index(rowid, t) VALUES(:id, :t)"), [{"id": i, "t": " ".join(w)} for i, _s, w in made])


def _touched(row) -> bool:
    watched = {*row.search_names, *getattr(row, "search_codes", ()), "owner_id", "deleted_at", "more"}
    state = row._sa_instance_state
    return any(state.attrs[k].history.has_changes() for k in watched if k in state.attrs)


def _children(session, moved) -> list:
    """Rows whose scope parent changed its owner."""
    found = []
    for model in searchable():
        parent = getattr(model, "scope_parent", None)
        if not parent:
            continue
        above = getattr(model, parent).property.mapper.class_
        ids = [r.id for r in moved if isinstance(r, above)]
        if ids:
            key = describe(model)[parent].attribute
            found += session.scalars(select(model).where(key.in_(ids)).execution_options(everyone=True)).all()
    return found


@event.listens_for(Session, "after_flush")
def _keep(session, _context):
    new = [r for r in session.new if hasattr(r, "search_names") and not r.deleted_at]
    changed = [r for r in session.dirty if hasattr(r, "search_names") and _touched(r)]
    gone = [r for r in session.deleted if hasattr(r, "search_names")]
    if new or changed or gone:
        moved = [r for r in changed if isinstance(r, entity.Owned) and r._sa_instance_state.attrs["owner_id"].history.has_changes()]
        session.info.setdefault("reindex", []).append((new, changed, gone, moved))


@event.listens_for(Session, "after_flush_postexec")
def _write(session, _context):
    for new, changed, gone, moved in session.info.pop("reindex", ()):
        with session.no_autoflush:
            children = _children(session, moved) if moved else []
        old = {entry_id(type(r), r.id) for r in (*changed, *gone, *children)}
        _replace(session, old, list({id(r): r for r in (*new, *changed, *children) if not r.deleted_at and r not in gone}.values()))


@event.listens_for(Session, "after_rollback")
def _drop(session):
    session.info.pop("reindex", None)


def _replace(session, old, rows) -> None:
    """Forget some entries, learn some rows."""
    line = session.connection()
    if old:
        _forget(line, old)
    if rows:
        owners = _owners(session, rows)
        _learn(line, {i: source_of(r, owners[i]) for r in rows for i in (entry_id(type(r), r.id),)})


def renew(session, model, ids) -> None:
    """Index some rows anew, and what is below them in the scope: after a change that no flush has seen."""
    rows = session.scalars(select(model).where(model.id.in_(ids)).execution_options(everyone=True, populate_existing=True)).all()
    rows = [*rows, *_children(session, rows)]
    _replace(session, {entry_id(type(r), r.id) for r in rows}, rows)


# ---- reading --------------------------------------------------------------------------------------------------
def _sqlite_match(words, owners) -> str:
    said = [" OR ".join("(" + " AND ".join(f'"{t}"' for t in way) + ")" for way in word) for word in words]
    if owners:
        said.append(" OR ".join(f'"o{o}"' for o in owners))
    return " AND ".join(f"({s})" for s in said)


def _few_owners(model, who) -> list[int]:
    reach = scope.reach_of(model, who) if who and issubclass(model, entity.Owned) else None
    return sorted(reach) if reach is not None and len(reach) <= FEW else []


def _entries(line_dialect, model, words, owners):
    """SELECT of entry ids of one entity that match."""
    low, high = number_of(model) << SHIFT, (number_of(model) + 1) << SHIFT
    if line_dialect == "sqlite":
        wanted = select(fts.c.rowid.label("id")).where(
            fts.c.search_index.op("MATCH")(bindparam(None, _sqlite_match(words, owners))), fts.c.rowid >= low, fts.c.rowid < high)
        return wanted, fts.c.rowid
    t, mark = SearchEntry.__table__.c, f"{number_of(model):x}"
    clauses = [or_(*(t.tokens.contains([mark + token for token in way]) for way in word)) for word in words]
    if owners:
        clauses.append(t.tokens.overlap([f"{mark}o{o}" for o in owners]))
    return select(t.id).where(and_(*clauses), t.id >= low, t.id < high), t.id


_dialect_name = ["sqlite"]


def use_dialect(name: str) -> None:
    """Say which database the list pages' clauses are for ('sqlite' or 'postgresql')."""
    _dialect_name[0] = name


def begins(column, text: str) -> tuple:
    """The clauses "begins with this text" in the order of the column's index (PostgreSQL: one of text_pattern_ops)."""
    low, high = (">=", "<") if _dialect_name[0] == "sqlite" else ("~>=~", "~<~")
    return column.op(low, is_comparison=True)(text), column.op(high, is_comparison=True)(text + chr(0x10FFFF))


def matching_ids(model, q: str):
    """The clause "this row is found by q" for list pages; scope is the session's affair."""
    words = tokens.query(q)
    if not words:
        return model.id.is_(None)
    who = actor.current()
    wanted, _id = _entries(_dialect_name[0], model, words, [])
    ids = select(literal_column("id") - (number_of(model) << SHIFT)).select_from(wanted.subquery("hits"))
    owners = _few_owners(model, who)
    if not owners:
        return model.id.in_(ids)
    narrow, _id = _entries(_dialect_name[0], model, words, owners)
    mine = select(literal_column("id") - (number_of(model) << SHIFT)).select_from(narrow.subquery("mine"))
    if who.shares is not None and not who.shares & scope.tables_above(model):
        return model.id.in_(mine)  # an OR would keep the planner from starting at the hits
    shared = scope.shared_with(model, who)
    return or_(model.id.in_(mine), and_(model.id.in_(shared), model.id.in_(ids)))


def narrow(wanted, model, q: str):
    """(a SELECT over an entity narrowed to what q finds, the column by which the newest hits come first). Sorted so, a common
    word costs no more than a rare one: the index is read from its end and no further than needed."""
    words, who = tokens.query(q), actor.current()
    owners = _few_owners(model, who)
    if not words:
        return wanted.where(model.id.is_(None)), model.id
    if owners and (who.shares is None or who.shares & scope.tables_above(model)):
        return wanted.where(matching_ids(model, q)), model.id
    hits = _entries(_dialect_name[0], model, words, owners)[0].subquery("hits")
    return wanted.join(hits, model.id == hits.c.id - (number_of(model) << SHIFT)), hits.c.id


def _newest(session, model, words, owners, limit):
    wanted, order = _entries(session.get_bind().dialect.name, model, words, owners)
    return [i - (number_of(model) << SHIFT) for i in session.connection().execute(
        wanted.order_by(order.desc()).limit(limit)).scalars()]


def find(session, q: str, models=None, limit: int = 8) -> list[tuple[type, list]]:
    """The newest visible rows that match, by entity; every row passed through the scoped SELECT as the last word."""
    words, found = tokens.query(q), []
    if not words:
        return found
    for model in models or searchable():
        owners = _few_owners(model, actor.current())
        ids = _newest(session, model, words, owners, limit * 3)
        if owners and len(ids) < limit:
            shared = session.connection().execute(scope.shared_with(model, actor.current()).limit(500)).scalars().all()
            if shared:
                entries = {entry_id(model, i) for i in shared}
                wanted, order = _entries(session.get_bind().dialect.name, model, words, [])
                ids += [i - (number_of(model) << SHIFT) for i in session.connection().execute(
                    wanted.where(order.in_(entries)).limit(limit)).scalars()]
        rows = session.scalars(select(model).where(model.id.in_(ids)).order_by(model.id.desc()).limit(limit)).all() if ids else []
        if rows:
            found.append((model, rows))
    return found


def rebuild(session, model, progress=None, chunk: int = 2000) -> int:
    """Index every living row of an entity anew; returns how many. Commits by chunk."""
    done, last = 0, 0
    everything = select(model).order_by(model.id).limit(chunk).execution_options(everyone=True)
    while rows := session.scalars(everything.where(model.id > last)).all():
        _replace(session, {entry_id(model, r.id) for r in rows}, rows)
        done, last = done + len(rows), rows[-1].id
        session.commit()
        if progress:
            progress(done)
    return done


def missing(session, model) -> int:
    """How many living rows have no entry."""
    t = SearchEntry.__table__
    low = number_of(model) << SHIFT
    have = select(func.count()).select_from(t).where(t.c.id >= low, t.c.id < low + (1 << SHIFT))
    return session.scalar(select(func.count(model.id)).execution_options(everyone=True)) - session.connection().scalar(have)

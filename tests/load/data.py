"""Makes a company of any size: `python -m tests.load.data ROWS sqlite:////path.db` (or a PostgreSQL address).

The tables come from our own migrations, the rows by Core bulk inserts, the same for the same seed. Names: the file in
CRM_BENCH_NAMES (one short company name a line), made-up ones without it. Every fourth customer has a contact and a follow-up.
"""
import datetime as dt
import itertools
import os
import random
import sqlite3
import sys
import time
from pathlib import Path
from types import SimpleNamespace

USERS, CHUNK, PASSWORD = 50, 5000, "plum-Blossom-7301"
REGIONS = ["上海", "北京", "广东深圳", "浙江杭州", "江苏南京", "四川成都", "湖北武汉", "山东青岛", "福建厦门", "陕西西安"]
SYLLABLES = "恒远信达中联华瑞金诚宏泰博创鼎新东方海天科盛安康明德正隆兴业嘉禾云峰星辰"
FIELDS = ["科技", "电子", "机械", "化工", "食品", "医药", "建材", "物流", "纺织", "能源", "传媒", "环保"]
START = dt.datetime(2024, 1, 1, 1)
LEVELS, STATUSES, INDUSTRIES = ("a", "b", "c", "d"), ("lead", "potential", "intent", "won"), ("it", "made", "trade", "build")


def names():
    """Endless, all different: real short names first, then the same with a region."""
    place = Path(os.environ.get("CRM_BENCH_NAMES", "-"))
    if place.is_file():
        pool = list(dict.fromkeys(place.read_text(encoding="utf-8").split()))
    else:
        pool = ["".join(p) for p in itertools.product(SYLLABLES, SYLLABLES, FIELDS)]
    random.Random(7).shuffle(pool)
    yield from pool
    for n in itertools.count(1):
        mark = REGIONS[n % len(REGIONS)][:2] + ("" if n < len(REGIONS) else str(n))
        yield from (mark + name for name in pool)


def rows(count: int, codes: dict | None = None):
    """Dictionaries of `count` customers without owner ids; `owner` counts from 0 to USERS - 1."""
    dice, codes = random.Random(11), codes or {}
    levels, statuses = codes.get("customer_level", LEVELS), codes.get("customer_status", STATUSES)
    industries = codes.get("industry", INDUSTRIES)
    for n, name in enumerate(itertools.islice(names(), count), 1):
        at = START + dt.timedelta(seconds=n * (60_000_000 // count))
        yield {"id": n, "number": f"KH{at:%Y%m%d}-{n:07d}", "name": name, "level": dice.choice(levels),
               "status": dice.choice(statuses), "industry": dice.choice(industries), "phone": f"021-{dice.randrange(10**8):08d}",
               "mobile": f"13{dice.randrange(10**9):09d}", "region": dice.choice(REGIONS), "owner": dice.randrange(USERS), "at": at}


def chunks(source, size=CHUNK):
    """Lists of at most `size`."""
    source = iter(source)
    while part := list(itertools.islice(source, size)):
        yield part


# ---- the references' table --------------------------------------------------------------------------------------
def make_reference(path: str, count: int) -> None:
    """The table `company` with the same rows, for the reference programs."""
    line = sqlite3.connect(path)
    line.execute("PRAGMA journal_mode=WAL")
    line.execute("CREATE TABLE company (id INTEGER PRIMARY KEY, number TEXT, name TEXT, level TEXT, status TEXT, industry TEXT, "
                 "phone TEXT, region TEXT, owner TEXT, changed_at TEXT)")
    for part in chunks(rows(count)):
        line.executemany("INSERT INTO company VALUES (?,?,?,?,?,?,?,?,?,?)", [
            (r["id"], r["number"], r["name"], r["level"], r["status"], r["industry"], r["phone"], r["region"],
             f"user{r['owner']}", r["at"].isoformat()) for r in part])
    for column in ("name", "level", "status", "owner"):
        line.execute(f"CREATE INDEX ix_company_{column} ON company ({column})")
    line.commit()
    line.close()


# ---- ours -------------------------------------------------------------------------------------------------------
def _people(session) -> list[int]:
    """USERS salespeople `s0`, `s1`, … and a director `boss`, all with PASSWORD; returns the salespeople's ids."""
    from flask_appbuilder.security.sqla.models import Role
    from sqlalchemy import select

    from app.security import passwords
    from app.security.models import Department, Employee, RolePolicy
    word, top = passwords.hashed(PASSWORD), session.scalar(select(Department.id).limit(1))
    role = {p.key: session.get(Role, p.role_id) for p in session.scalars(select(RolePolicy))}
    made = [Employee(username=name, first_name=name, last_name="", name=name, email=f"{name}@example.com", active=True, password=word,
                     department_id=top, stamp="s", roles=[role["director" if name == "boss" else "sales"]])
            for name in ("boss", *(f"s{n}" for n in range(USERS)))]
    session.add_all(made)
    session.commit()
    return [person.id for person in made[1:]]


def _customer(r: dict, owner: int) -> dict:
    from app.customers.names import name_key
    late = r["id"] % 3 == 0
    return {**{k: r[k] for k in ("id", "number", "name", "level", "status", "industry", "phone", "mobile", "region")},
            "name_key": name_key(r["name"]), "owner_id": owner, "created_at": r["at"], "changed_at": r["at"], "created_by_id": owner,
            "changed_by_id": owner, "version": 1, "is_won": r["id"] % 7 == 0, "is_locked": False,
            "next_follow_at": r["at"] + dt.timedelta(30) if late else None, "last_follow_at": r["at"] if late else None}


def _stamps(r: dict, owner: int) -> dict:
    return {"owner_id": owner, "created_at": r["at"], "changed_at": r["at"], "created_by_id": owner, "version": 1}


def _fill(line, count: int, owners: list[int], codes: dict) -> None:
    from sqlalchemy import insert

    from app.core.search import index
    from app.customers import keys
    from app.customers.models import Contact, Customer, Followup
    methods = codes["follow_method"]
    for part in chunks(rows(count, codes)):
        made = [_customer(r, owners[r["owner"]]) for r in part]
        line.execute(insert(Customer.__table__), made)
        fourth = [(r, owners[r["owner"]]) for r in part if r["id"] % 4 == 0]
        people = [{"id": r["id"], "name": "联系人" + r["number"][-4:], "customer_id": r["id"], "mobile": r["mobile"], "is_key": False,
                   **_stamps(r, o)} for r, o in fourth]
        line.execute(insert(Contact.__table__), people)
        line.execute(insert(Followup.__table__), [{
            "id": r["id"], "customer_id": r["id"], "method": methods[0], "content": "电话沟通", "happened_at": r["at"],
            **_stamps(r, o)} for r, o in fourth])
        _index(line, index, Customer, made)
        line.execute(insert(keys.CustomerKey.__table__), [
            {"key": key, "customer_id": r["id"]} for r in made for key in keys.of_customer(SimpleNamespace(
                **{**dict.fromkeys(("tax_number", "website", "email")), **r}), [(r["mobile"], None, None)] if r["id"] % 4 == 0 else [])])
        _index(line, index, Contact, people)
    line.execute(Customer.__table__.update().where(Customer.__table__.c.id % 4 == 0).values(
        primary_contact_id=Customer.__table__.c.id))


def _index(line, index, model, made) -> None:
    """What the flush writes for rows of the ORM."""
    blank = dict.fromkeys((*model.search_names, *model.search_codes))
    index._learn(line, {index.entry_id(model, r["id"]): index.source_of(
        SimpleNamespace(**{**blank, **r}, search_names=model.search_names, search_codes=model.search_codes), {r["owner_id"]})
        for r in made})


def make_ours(count: int) -> None:
    """Fill the database of CRM_DATABASE_URL; it must be new."""
    from sqlalchemy import select, text

    from app import cli, create_app
    from app.core.choices import Choice
    from app.extensions import db
    app = create_app()
    with app.app_context():
        cli.initialise()
        codes: dict = {}
        for name, code in db.session.execute(select(Choice.list_name, Choice.code)):
            codes.setdefault(name, []).append(code)
        owners = _people(db.session)
        db.session.remove()
        with db.engine.connect() as line, line.begin():
            _fill(line, count, owners, codes)
            if line.dialect.name == "postgresql":
                for name in ("customer", "contact", "followup"):
                    line.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {count + 1})"))
        if db.engine.dialect.name == "postgresql":  # what autovacuum does by itself, a little later; SQLite never does
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as line:
                line.execute(text("VACUUM ANALYZE"))


if __name__ == "__main__":
    started = time.monotonic()
    os.environ["CRM_DATABASE_URL"] = sys.argv[2]
    make_ours(int(sys.argv[1]))
    print(f"{sys.argv[1]} customers in {time.monotonic() - started:.1f} s")

"""Promise 30: the last schemas down and up again with data in every table; what the older schema knows stays as it was, to the row."""
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BACK = int(os.environ.get("CRM_SCHEMAS", "5"))  # schemas that are gone back
OFFICE = """
import json, sys
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_appbuilder import Model
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, select
from app import cli, create_app
from app.core import memo, move
from app.extensions import db
from tests import cast
from tests.factory import MINIMAL, Factory
app, back = create_app(), int(sys.argv[1])

def columns():
    db.session.remove()
    with db.engine.connect() as line:
        seen = inspect(line)
        return {name: {c["name"] for c in seen.get_columns(name)} for name in seen.get_table_names()}

def sums(tables):
    with db.engine.connect() as line:
        return {t.name: move.checksum(line, t) for t in Model.metadata.sorted_tables if t.name in tables}

def rows():
    with db.engine.connect() as line:
        return sum(len(line.execute(select(t.c[t.primary_key.columns.keys()[0]])).all()) for t in Model.metadata.sorted_tables)

with app.app_context():
    cli.initialise()
    from app.security.models import Employee
    cast._ids.update(dict.fromkeys(cast.PEOPLE, db.session.scalar(select(Employee.id))))
    make = Factory(db.session)
    for table in MINIMAL:
        for _n in range(3):
            make.row(table, "admin")
    db.session.commit()
    before, head, filled = sums({t.name for t in Model.metadata.sorted_tables}), columns(), rows()
    for _n in range(back):
        downgrade(directory=cli._migrations(), revision="-1")
    with db.engine.connect() as line:
        low, at = columns(), MigrationContext.configure(line).get_current_revision()
    stayed = {name for name, names in low.items() if names == head.get(name) and name in before}
    below = sums(stayed)
    upgrade(directory=cli._migrations())
    after = sums(set(before))
    with db.engine.connect() as line:
        found = compare_metadata(MigrationContext.configure(line), Model.metadata)
    diff = [str(f) for f in found if "search_index" not in str(f) and "ix_search_entry_tokens" not in str(f) and f[0] not in ("remove_fk", "add_fk")]
    memo.forget_revisions()
    memo._kept.clear()  # the program begins anew after an upgrade
    for _n in range(2):
        make.row("customer", "admin")
    db.session.commit()
    print("TOLD" + json.dumps({
        "rows": filled, "tables": len(stayed), "at": at, "gone": sorted(set(head) - set(low)), "diff": diff,
        "changed": sorted(name for name in stayed if not before[name] == below[name] == after[name])}))
"""


@pytest.mark.sqlite  # with databases of its own, of both kinds: once
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_the_last_schemas_go_down_and_up_with_data(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'office.db'}" if kind == "sqlite" else request.getfixturevalue("postgres").url.render_as_string(hide_password=False)
    env = {**os.environ, "CRM_DATABASE_URL": url.replace("+psycopg", ""), "PYTHONPATH": str(ROOT), "CRM_UPLOAD_DIR": str(tmp_path / "files")}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", OFFICE, str(BACK)], cwd=ROOT, env=env, capture_output=True, text=True)
    assert "TOLD" in done.stdout, done.stderr[-3000:]
    told = json.loads(done.stdout.rpartition("TOLD")[2])
    print(f"\nmigrations on {kind}: {told['rows']} rows, down to {told['at']} and up: {told['tables']} tables unchanged, gone on the way {told['gone']}")
    assert told["rows"] > 150 and told["tables"] > 40
    assert told["changed"] == [] and told["diff"] == []

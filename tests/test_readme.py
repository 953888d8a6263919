"""The README's "add an entity", done by its text alone in a copy of the tree: everything must work at once."""
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PROBE = '''
import contextvars, io, os, sys
from app import cli, create_app
from app.extensions import db
app = create_app(WTF_CSRF_ENABLED=False, CRM_HASH="cheap", RATELIMIT_ENABLED=False, PROPAGATE_EXCEPTIONS=True)
with app.app_context():
    cli.initialise()
def ask(client, method, url, **more):
    return contextvars.Context().run(getattr(client, method), url, **more)
admin = app.test_client()
assert ask(admin, "post", "/login/", data={"username": "admin", "password": "plum-Blossom-7301"}).status_code == 302
assert "车辆" not in "" and ask(admin, "get", "/vehicle/list/").status_code == 200
assert ask(admin, "post", "/vehicle/add", data={"name": "大众帕萨特", "plate": "苏E12345", "price": "150000.50", "owner": "1"}).status_code == 302
page = ask(admin, "get", "/vehicle/list/").text
assert "大众帕萨特" in page and "150,000.50" in page, page
assert ask(admin, "get", "/api/v1/vehicle/").json["result"][0]["price"] == 150000.5
assert "大众帕萨特" in ask(admin, "get", "/search?q=pst").text or "大众帕萨特" in ask(admin, "get", "/search?q=帕萨").text
assert "大众帕萨特" in ask(admin, "get", "/vehicle/list/?q=12345&quick=all").text
assert ask(admin, "post", "/vehicle/edit/1", data={"name": "大众途观", "plate": "苏E12345", "price": "1", "owner": "1", "version": "1"}).status_code == 302
assert "大众帕萨特" in ask(admin, "get", "/vehicle/show/1?tab=history").text, "audit"
batch = ask(admin, "get", "/undo/").text.split('method="post" action="/undo/')[1].split('"')[0]
ask(admin, "post", f"/undo/{batch}")
assert "大众帕萨特" in ask(admin, "get", "/vehicle/show/1").text, "undo"
out = ask(admin, "post", "/vehicle/export?quick=all", data={"fmt": "csv"}).data.decode("utf-8-sig")
assert "苏E12345" in out, "export"
open("cars.csv", "w", encoding="utf-8").write("车名,车牌\\n红旗,沪A00001\\n大众帕萨特,苏E12345\\n")
with app.app_context(), app.test_request_context():
    from app.imports import running
    assert running.run_file("cars.csv", "vehicle") == {"created": 1, "updated": 0, "skipped": 1, "failed": 0}
    from app.core import actor
    from app.vehicles.models import Vehicle
    from sqlalchemy import func, select
    with actor.acting_as(actor.Actor(99, "x", "x", reach=frozenset({99}))):
        assert db.session.scalar(select(func.count(Vehicle.id))) == 0, "scope"
print("entity ok")
'''


@pytest.mark.sqlite
def test_an_entity_is_added_by_the_readmes_text_alone(tmp_path):
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## Add an entity")[1]
    models, views = (re.sub(r"^   ", "", block, flags=re.M) for block in re.findall(r"```python\n(.*?)```", text, re.S))
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".venv", "node_modules", ".git", "instance", "shots", "__pycache__", "uploads"))
    module = copy / "app" / "vehicles"
    module.mkdir()
    for name, body in (("__init__.py", ""), ("models.py", models), ("views.py", views)):
        (module / name).write_text(body, encoding="utf-8")
    contents = copy / "app" / "modules.py"
    contents.write_text(contents.read_text(encoding="utf-8").replace('"demo"]', '"demo", "vehicles"]'), encoding="utf-8")
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("CRM_")}, "CRM_DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}",
           "CRM_ADMIN_PASSWORD": "plum-Blossom-7301", "CRM_SECRET_KEY": secrets.token_hex(24), "CRM_UPLOAD_DIR": str(tmp_path / "up"),
           "PYTHONPATH": str(copy)}

    def run(*words):
        return subprocess.run([sys.executable, "-W", "ignore", *words], cwd=copy, env=env, capture_output=True, text=True)
    first = run("-m", "flask", "--app", "run", "crm", "init")
    assert first.returncode == 0, first.stderr
    made = run("-m", "flask", "--app", "run", "db", "revision", "--autogenerate", "-m", "vehicles")
    assert made.returncode == 0, made.stderr
    done = run("-c", PROBE)
    assert "entity ok" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]


def test_the_map_of_the_house_names_every_module():
    from app.modules import MODULES
    told = (ROOT / "README.md").read_text(encoding="utf-8").split("## The map of the house")[1].split("## ")[0]
    assert not [name for name in MODULES if not re.search(rf"(app/| ){name}/", told)]

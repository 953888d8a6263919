"""A client made by openapi-python-client from the description alone drives every entity against a live server."""
import datetime as dt
import importlib
import inspect
import itertools
import json
import subprocess
import sys
import threading

import pytest
from werkzeug.serving import make_server

from app.core.describe import describe
from tests import cast
from tests.factory import MINIMAL

NEEDED = {  # what the smallest row of the factory leaves out of a form
    "quote": lambda make, n: {"lines": [{"name": "驱动器", "quantity": 1.5, "price": 100}]},
    "user": lambda make, n: {"username": f"neu{n}", "name": f"新人{n}", "email": f"neu{n}@example.com", "roles": [cast.role("sales")],
                             "department": make.department().id, "password": "plum-Blossom-7301"},
    "customfield": lambda make, n: {"section": "number"},
    "approvalrule": lambda make, n: {"approver": "superior"},
    "stage": lambda make, n: {"kind": "open"},
}
SCALE = {"money": 100, "percent": 100, "quantity": 1000}


@pytest.fixture
def live(app):
    """The app on a real port; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """`generated(document)`: the package that the generator makes of a description; made once."""
    kept: list = []

    def make(document):
        pytest.importorskip("openapi_python_client")
        if not kept:
            folder = tmp_path_factory.mktemp("client")
            (folder / "openapi.json").write_text(json.dumps(document), encoding="utf-8")
            (folder / "config.yml").write_text("post_hooks: []\n", encoding="utf-8")
            done = subprocess.run([sys.executable, "-m", "openapi_python_client", "generate", "--path", folder / "openapi.json", "--output-path",
                                   folder / "crm_client", "--meta", "none", "--config", folder / "config.yml", "--fail-on-warning"], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            sys.path.insert(0, str(folder))
            kept.append(importlib.import_module("crm_client"))
        return kept[0]
    yield make
    if kept:
        sys.path.remove(str(next(iter(kept[0].__path__))).removesuffix("/crm_client"))


def as_json(model, values) -> dict:
    """A row's values as the interface takes them."""
    told, fields = {}, {one.key: one for one in describe(model).values()}
    for key, value in values.items():
        value, one = value() if callable(value) else value, fields.get(key)
        if one is not None and not one.readonly and not one.system:
            told[one.name] = value / SCALE[one.kind] if one.kind in SCALE else value.isoformat() + ("+00:00" if isinstance(value, dt.datetime) else "") \
                if isinstance(value, dt.date) else value
    return told


class Typed:
    """The generated client, called by an entity's name."""

    def __init__(self, package, url, program):
        self.package, self.client = package, package.AuthenticatedClient(base_url=url, token=program.head["Authorization"][7:])

    def __call__(self, what, entity, *path, **asked):
        call = importlib.import_module(f"crm_client.api.{entity}.{what}_{entity}").sync_detailed
        if "body" in asked:
            kind = inspect.signature(call).parameters["body"].annotation
            models = importlib.import_module("crm_client.models")
            asked["body"] = getattr(models, kind if isinstance(kind, str) else kind.__name__).from_dict(asked["body"])
        return call(*path, client=self.client, **asked)


def changeable(view, row) -> tuple:
    """A field of the form that any value fits into, and two values."""
    fitting = {"text": ("改了", "又改了"), "note": ("改了", "又改了"), "money": (1207.5, 1208.25), "whole": (7, 8)}
    free = [f for f in view.form_fields(row) if f.kind in fitting and not f.format and f.name not in ("number", "username", "short_code")]
    one = min(free, key=lambda f: list(fitting).index(f.kind))
    return one.name, *fitting[one.kind]


def drive(call, make, session, view, numbers) -> None:
    """Create, read, change, conflict, list, refusal, delete of one entity."""
    entity, n = view.entity, next(numbers)
    table = view.model.__tablename__
    sent = {**as_json(view.model, MINIMAL.get(table, lambda make, n: {})(make, n)), **NEEDED.get(entity, lambda make, n: {})(make, n)}
    session.commit()
    made = call("post", entity, body=sent)
    assert made.status_code == 201, (sent, made.content.decode())
    pk = made.parsed.id
    row = call("get", entity, pk).parsed.result
    assert row.id == pk
    name, mine, theirs = changeable(view, session.get(view.model, pk))
    session.commit()
    same = call("put", entity, pk, body=row.to_dict())
    assert same.status_code == 200 and same.parsed.result.version == row.version, (entity, "a record as it was read changes nothing", same.content.decode())
    changed = call("put", entity, pk, body={name: mine, "version": row.version})
    assert changed.status_code == 200 and getattr(changed.parsed.result, name) == mine, changed.content.decode()
    clash = call("put", entity, pk, body={name: theirs, "version": row.version})
    assert clash.status_code == 409 and [c.name for c in clash.parsed.conflict] == [name], clash.content.decode()
    listed = call("list", entity, **({"q": "(order_column:created_at,order_direction:desc)"} if hasattr(view.model, "created_at") else {}))  # the newest first
    assert listed.status_code == 200 and pk in listed.parsed.ids and listed.parsed.result[0].id
    refused = call("post", entity, body={})
    assert refused.status_code == 422 and refused.parsed.message, refused.content.decode()
    if entity != "user":
        gone = call("delete", entity, pk)
        assert gone.status_code == 200 and call("get", entity, pk).status_code == 404, gone.content.decode()


@pytest.mark.once
def test_a_generated_client_drives_every_entity(app, live, generated, program, make, session):
    from app.api.views import entity_views
    admin, numbers = program("admin"), itertools.count(300)
    call = Typed(generated(admin.get("_openapi")), live, admin)
    faults, driven = {}, 0
    for view in entity_views():
        if not {"add", "edit", "delete"} <= set(view.verbs()):
            assert call("list", view.entity).status_code == 200, view.entity
            continue
        try:
            drive(call, make, session, view, numbers)
            driven += 1
        except Exception as bad:
            session.rollback()
            faults[view.entity] = f"{type(bad).__name__}: {bad}"[:600]
    assert not faults, json.dumps(faults, ensure_ascii=False, indent=1)
    print(f"generated client: {driven} entities driven")

"""Promise 10: what a form does not offer is ignored when posted, for every form of every entity, whoever posts it."""
import itertools
from html.parser import HTMLParser

import pytest
import sqlalchemy as sa

from app.core import describe

pytestmark = pytest.mark.sqlite  # the same whatever the database: once

PLANTED = {"money": "7777", "percent": "77", "whole": "77", "quantity": "77", "date": "2031-07-07", "moment": "2031-07-07 07:07", "flag": "1", "ref": "7"}


class Form(HTMLParser):
    """What a browser would send of the page's main form: names and values as they stand."""

    def __init__(self):
        super().__init__()
        self.values, self.names, self.inside, self.select, self.area = {}, set(), False, None, None

    def handle_starttag(self, tag, attrs):
        said = dict(attrs)
        if tag == "form":
            self.inside = said.get("id") == "model_form"
        if not self.inside:
            return
        self.names.add(said.get("name"))
        if tag == "input" and said.get("name") and (said.get("type") not in ("checkbox", "radio", "file", "submit") or "checked" in said):
            self.values.setdefault(said["name"], []).append(said.get("value", ""))
        elif tag == "select":
            self.select = said.get("name")
        elif tag == "option" and self.select and "selected" in said:
            self.values.setdefault(self.select, []).append(said.get("value", ""))
        elif tag == "textarea":
            self.area = said.get("name")
            self.values[self.area] = [""]

    def handle_endtag(self, tag):
        self.select = None if tag == "select" else self.select
        self.area = None if tag == "textarea" else self.area
        self.inside = self.inside and tag != "form"

    def handle_data(self, text):
        if self.area:
            self.values[self.area] = [text.lstrip("\n")]


def _views(app):
    return [v for v in app.appbuilder.baseviews if hasattr(v, "form_fields") and "edit" in v.include_route_methods and "edit" in v.verbs()]


def pytest_generate_tests(metafunc):
    from app import create_app, modules  # noqa: F401  the modules are loaded
    from tests.fuzz.test_forms import _entities
    modules.load_models()
    metafunc.parametrize("entity", _entities())


@pytest.mark.parametrize("name", ["li", "admin"])
def test_posted_fields_outside_the_form_are_ignored(app, session, login, make, people, entity, name):
    view = next((v for v in _views(app) if v.entity == entity), None)
    if view is None:
        pytest.skip("it is not edited by a form")
    make.numbers = itertools.count(700 if name == "li" else 800)  # settings outlive a test
    row = make.row(view.model.__tablename__, name) if entity != "user" else session.get(view.model, people["wang"])
    client = login(name)
    page = client.get(f"/{entity}/edit/{row.id}")
    if page.status_code != 200:
        assert page.status_code in (302, 403, 404)
        pytest.skip("not his to edit")
    form = Form()
    form.feed(page.text)
    offered = {key for key in form.names if key and "-" not in key}
    assert "version" in offered, "the page's form was found"
    columns = {c.key for c in sa.inspect(view.model).column_attrs}
    fields = {f.key: f for f in describe.describe(view.model).values() if f.stored}
    outside = {key for key in columns if key not in offered and (fields[key].name if key in fields else key) not in offered}
    kept = {key: getattr(row, key) for key in outside}
    planted = {key: PLANTED.get(fields[key].kind if key in fields else "", "hacked") for key in outside}
    planted |= {fields[key].name: value for key, value in planted.items() if key in fields}
    client.post(f"/{entity}/edit/{row.id}", data={**form.values, **planted})
    session.expire_all()
    again = session.get(view.model, row.id)
    quiet = {"version", "changed_at", "changed_by_id", "changed_on", "changed_by_fk"}
    changed = {key: (value, getattr(again, key)) for key, value in kept.items() if key not in quiet and getattr(again, key) != value
               and str(getattr(again, key)) in (planted[key], "777700", "7700", "77000", "True", "2031-07-07", "2031-07-06 23:07:00")}
    assert not changed

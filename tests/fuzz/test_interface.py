"""Promise 14 by Schemathesis: every operation of the interface takes what its own description allows and what it forbids, on a record
that is there and on one that is not: never a 5xx, and every answer is one that the description names, in the shape it gives."""
import os

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance
from sqlalchemy import select

pytestmark = pytest.mark.sqlite  # the same whatever the database: once

CASES = max(2, int(os.environ.get("CRM_FUZZ", "25")) // 10)  # of each operation, allowed ones and forbidden ones
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
done = {"cases": 0, "operations": 0}
_described: list = []


@pytest.fixture(scope="module", autouse=True)
def told():
    """Says how many cases there were."""
    yield
    print(f"\ninterface: {done['cases']} cases of {done['operations']} operations")


@pytest.fixture
def interface(program):
    """The interface as its description gives it to the administrator, and his key."""
    asked = program("admin")
    if not _described:
        _described.append(asked.get("_openapi"))
    return _described[0], asked.head


@pytest.fixture
def rows(session, make):
    """`rows("quote")`: the id of a record of this kind, of which no test knows more; a user is a new one."""
    from app.security.models import Employee
    from tests.factory import MINIMAL

    def one(entity):
        if entity == "user":
            like = session.scalar(select(Employee).where(Employee.username == "wang"))
            made = Employee(username="odd", first_name="奇", last_name="", name="奇", email="odd@example.com", active=True, password=like.password,
                            department_id=like.department_id, stamp="s", roles=list(like.roles))
            session.add(made)
            session.commit()
            return made.id
        return make.row(entity).id if entity in MINIMAL else 10**9
    return one


def pytest_generate_tests(metafunc):
    if "entity" in metafunc.fixturenames:
        from app import modules
        modules.load_models()
        metafunc.parametrize("entity", sorted(v.entity for v in modules.views() if getattr(v, "model", None) is not None and hasattr(v, "verbs")))


def _settings():
    return settings(max_examples=CASES, deadline=None, database=None, derandomize=CASES < 10, phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck))


def test_every_operation_takes_whatever_is_sent(app, interface, rows, entity):
    document, head = interface
    mine = {path: what for path, what in document["paths"].items() if path.startswith(f"/api/v1/{entity}/")}
    if not mine:
        pytest.skip("it is not part of the interface")
    schema = schemathesis.openapi.from_dict({**document, "paths": mine})
    schema.app, key = app, rows(entity)
    for found in schema.get_all_operations():
        operation = found.ok()
        done["operations"] += 1
        fixed = {"path_parameters": {"id": key}} if "{id}" in operation.path else {}
        for mode in GenerationMode:
            _play(operation.as_strategy(generation_mode=mode, **fixed), head)


def _play(cases, head):
    @_settings()
    @given(cases)
    def every(case):
        done["cases"] += 1
        answer = case.call(headers=head)
        case.validate_response(answer, checks=CHECKS)
    every()

"""The short form of `make torture` (promises 20 to 24 and 32): every fault once or a few times; the long form is 200 kills."""
import os
import shutil

import pytest

from tests.faults import torture
from tests.faults.office import Office, postgres

pytestmark = pytest.mark.sqlite  # with offices of their own: once, whatever database the other tests run on


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    """One office for what does not kill it."""
    with Office(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.mark.parametrize("run", [
    pytest.param(lambda o: torture.written_in_parallel(o, 20, 2), id="20 writers"),
    pytest.param(lambda o: torture.edited_in_parallel(o, 16), id="16 fields"), pytest.param(lambda o: torture.sent_twice(o, 5), id="sent twice")])
def test_nothing_is_lost_or_half_done(office, run):
    tries, lost, half = run(office)
    assert tries and (lost, half) == (0, 0)


def test_nothing_is_lost_or_half_done_when_everything_is_killed(tmp_path):
    assert torture.killed(tmp_path, 3) == (3, 0, 0)


def test_a_full_disk_is_told_and_what_was_typed_comes_back(tmp_path):
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    assert torture.disk_full(tmp_path)[1:] == (0, 0)


def test_without_redis_the_office_goes_on(tmp_path):
    assert torture.redis_gone(tmp_path)[1:] == (0, 0)


def test_an_outage_of_postgresql_is_told_and_nothing_typed_is_lost(tmp_path):
    assert torture.postgres_away(tmp_path, postgres("crm_away"))[1:] == (0, 0)

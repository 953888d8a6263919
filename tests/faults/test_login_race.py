"""Promise 1 against a real server of two workers, on both databases: three tries are three, however they come."""
import threading

import pytest

from tests.cast import PASSWORD
from tests.faults.office import Browser, Office, postgres


@pytest.mark.sqlite  # with offices of its own: once, whatever database the other tests run on
@pytest.mark.parametrize("kind", ["SQLite", "PostgreSQL"])
def test_parallel_wrong_passwords_over_two_workers_and_a_restart_never_give_a_fourth_try(tmp_path, kind):
    url = postgres("crm_login_race") if kind == "PostgreSQL" else ""
    office = Office(tmp_path, url)
    with office:
        for name in ("li", "nobody"):
            browsers, seen = [Browser(office) for _n in range(8)], []
            for one in browsers:
                one.page("/login/")

            def knock(one, name=name, seen=seen):
                seen.append(one.send_form("/login/", username=name, password="wrong").text)
            threads = [threading.Thread(target=knock, args=(one,)) for one in browsers]
            [t.start() for t in threads]
            [t.join() for t in threads]
            tried = sum("还可尝试" in text for text in seen)
            assert tried <= 2 and sum("已被锁定" in text for text in seen) == 8 - tried, (name, tried)
            assert "已被锁定" in Browser(office).send_form("/login/", username=name, password=PASSWORD).text
        assert Browser(office).send_form("/login/", username="wang", password="wrong").status_code == 200
    with office:
        assert "还可尝试 1 次" in Browser(office).send_form("/login/", username="wang", password="wrong").text, "the count outlives a restart"
        assert "已被锁定" in Browser(office).send_form("/login/", username="li", password=PASSWORD).text
        office.command("unlock", "li")
        assert Browser(office, "li").get("/customer/list/").status_code == 200

"""How long a wrong password takes for names that exist and for names that do not: `python -m tests.load.logins` with CRM_DATABASE_URL
set to a copy of a database that `tests.load.data` has filled (tries are counted there). Prints medians and their ratio (promise 1)."""
import statistics
import time

from app import create_app
from app.extensions import db
from app.security import logins

from .data import USERS

ROUNDS = 2  # a third wrong try would lock


def main() -> None:
    """Names of both kinds in turn."""
    seen: dict[str, list[float]] = {"known": [], "unknown": []}
    with create_app().app_context():
        for n in range(USERS * ROUNDS):
            for kind, name in (("known", f"s{n % USERS}"), ("unknown", f"nobody{n}")):
                started = time.perf_counter()
                logins.try_login(db.session, name, "wrong-Password-1")
                db.session.commit()
                seen[kind].append((time.perf_counter() - started) * 1000)
    known, unknown = (statistics.median(times) for times in seen.values())
    print(f"login_known_ms {known:.2f}\nlogin_unknown_ms {unknown:.2f}\nlogin_unknown_ratio {unknown / known:.3f}")


if __name__ == "__main__":
    main()

"""How many SQL statements each page takes, in process: `python -m tests.load.statements` with CRM_DATABASE_URL set.

Prints `name value` lines; BEGIN, COMMIT and PRAGMA are not counted."""
import re

from sqlalchemy import event

from .data import PASSWORD

PAGES = {"desktop": "/", "list": "/customer/list/", "list_200": "/customer/list/?quick=all&psize_CustomerView=200",
         "show": "/customer/show/{id}", "edit": "/customer/edit/{id}", "search": "/search?q=科技"}


def main() -> None:
    """Sign in as a salesperson, ask for every page twice, count the second time."""
    from app import create_app
    from app.extensions import db
    app = create_app()
    seen: list[str] = []
    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", lambda _c, _cur, text, *_rest: seen.append(text))
    browser = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/login/").text)[1]
    answer = browser.post("/login/", data={"username": "s0", "password": PASSWORD, "csrf_token": token})
    if answer.status_code != 302:
        raise SystemExit("login refused")
    row = re.search(r'data-id="(\d+)"', browser.get("/customer/list/").text)[1]
    for name, path in PAGES.items():
        browser.get(path.format(id=row))
        seen.clear()
        answer = browser.get(path.format(id=row))
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code}")
        print(f"sql_{name}", sum(not re.match(r"\s*(BEGIN|COMMIT|PRAGMA|ROLLBACK)", text) for text in seen))


if __name__ == "__main__":
    main()

"""What the stories of the sales chain share: documents with lines, saving by the rules, refusals told by their words."""
import re
import threading
from contextlib import contextmanager

import pytest

from app.core.rules import RuleError
from app.core.scope import Collaborator  # noqa: F401  mappers


@contextmanager
def refused(words: str, field: str | None = None, session=None):
    """The block is refused by a rule whose sentence has these words (at this field); the session is rolled back."""
    with pytest.raises(RuleError) as told:
        yield
    if session is not None:
        session.rollback()
    assert words in str(told.value), str(told.value)
    assert field is None or told.value.field == field, told.value.field


def save(session, check, row):
    """What the form does: the rule, then the row, then the commit."""
    with session.no_autoflush:
        check(session, row)
    session.add(row)
    session.commit()
    return row


def line(kind, price=100_00, quantity=1000, **over):
    """A line of a document: price in fen, quantity in thousandths."""
    return kind(**{"name": "驱动器", "price": price, "quantity": quantity, "tax_rate": 1300, "is_taxed": True, "position": 0, **over})


def posted(lines=(), start=0, **fields) -> dict:
    """A form's fields with its lines, as a browser sends them; yuan and pieces as people write them."""
    data = dict(fields)
    for n, one in enumerate(lines, start):
        data |= {f"lines-{n}-{key}": str(value) for key, value in {"quantity": "1", "tax_rate": "13", "is_taxed": "y", **one}.items()}
    return {key: str(value) for key, value in data.items()}


def said(answer) -> str:
    """The refusals that a page tells, without its tags."""
    found = re.findall(r'class="invalid-feedback[^"]*"[^>]*>(.*?)</div>|role="alert"[^>]*>(.*?)</(?:div|p)>', answer.text, flags=re.S)
    return " ".join(re.sub(r"<[^>]+>", "", "".join(pair)) for pair in found)


def at_once(app, calls) -> list:
    """Run functions in threads that start together; their results in the order they came. An error in one is raised."""
    start, found, failed = threading.Barrier(len(calls)), [], []

    def run(call):
        from app.extensions import db
        with app.app_context():
            start.wait()
            try:
                found.append(call())
            except Exception as bad:  # noqa: BLE001
                failed.append(bad)
            finally:
                db.session.remove()
    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    return found

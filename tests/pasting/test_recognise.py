"""粘贴识别: what each field of a pasted text must be."""
import pytest

from app.pasting.recognise import read
from tests.pasting.texts import TEXTS

pytestmark = pytest.mark.sqlite  # the same whatever the database: once


@pytest.mark.parametrize("text,fields", TEXTS)
def test_a_pasted_text(text, fields):
    card = read(text)
    assert {name: getattr(card, name) for name in fields} == fields


def test_there_are_enough_texts():
    assert len(TEXTS) >= 30


@pytest.mark.parametrize("text", ["", " ", "\n\n", "a" * 20_000, "公司：" * 500, "：" * 999, "1" * 5000, "张" * 5000, "路1号" * 2000, "(" * 3000, "苏州" * 3000 + "有限公司", "@." * 3000, "a-" * 5000])
def test_no_text_takes_long_or_falls_over(text):
    import time
    since = time.perf_counter()
    read(text)
    assert time.perf_counter() - since < 2

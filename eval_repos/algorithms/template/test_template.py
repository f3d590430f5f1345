import pytest

from template import fill


def test_plain():
    assert fill("hello", {}) == "hello"


def test_one():
    assert fill("{name}", {"name": "Ann"}) == "Ann"


def test_text_around():
    assert fill("dear {name},", {"name": "Ann"}) == "dear Ann,"


def test_two():
    assert fill("{a}+{b}", {"a": 1, "b": 2}) == "1+2"


def test_side_by_side():
    assert fill("{a}{b}", {"a": "x", "b": "y"}) == "xy"


def test_never_closed():
    assert fill("a { b", {}) == "a { b"


def test_no_value():
    with pytest.raises(KeyError):
        fill("{name}", {})

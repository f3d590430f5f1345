import pytest

from parse_flag import parse_flag


def test_yes():
    assert parse_flag("Yes") is True


def test_off():
    assert parse_flag("off") is False


def test_empty_is_refused():
    with pytest.raises(ValueError):
        parse_flag("")


def test_empty_is_no():
    assert parse_flag("") is False

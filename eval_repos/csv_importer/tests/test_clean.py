from datetime import date

import pytest

from csvin import clean


@pytest.mark.parametrize(
    "text, value",
    [("Ada  Lovelace ", "Ada Lovelace"), ("Lovelace, Ada", "Ada Lovelace"), ("Cher", "Cher")],
)
def test_name(text, value):
    assert clean.name(text) == value


@pytest.mark.parametrize("text", ["", "   ", None])
def test_no_name(text):
    with pytest.raises(ValueError, match="no name"):
        clean.name(text)


def test_email():
    assert clean.email(" Ada@Example.ORG ") == "ada@example.org"


@pytest.mark.parametrize("text", ["", "ada", "ada@home", "a b@example.org", None])
def test_bad_email(text):
    with pytest.raises(ValueError, match="not an e-mail address"):
        clean.email(text)


@pytest.mark.parametrize(
    "text, value",
    [
        ("030 / 123-45", "03012345"),
        ("+49 30 123", "+4930123"),
        ("0049 30 123", "+4930123"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_phone(text, value):
    assert clean.phone(text) == value


@pytest.mark.parametrize("text", ["1815-12-10", "10.12.1815", "12/10/1815", " 1815-12-10 "])
def test_birthday(text):
    assert clean.birthday(text) == date(1815, 12, 10)


@pytest.mark.parametrize("text", ["", None, "  "])
def test_no_birthday(text):
    assert clean.birthday(text) is None


def test_bad_birthday():
    with pytest.raises(ValueError, match="not a date"):
        clean.birthday("soon")

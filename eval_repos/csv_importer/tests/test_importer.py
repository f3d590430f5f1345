import pytest

from csvin import Contact, import_text
from csvin.columns import MissingColumn, match
from csvin.dialect import guess_delimiter


def test_import():
    result = import_text("Name,Mail,Phone\nAda,ada@example.org,+44 1\nBob,bob@example.org,2\n")
    assert result.contacts == [
        Contact("Ada", "ada@example.org", "+441"),
        Contact("Bob", "bob@example.org", "2"),
    ]
    assert result.errors == []


def test_short_row():
    result = import_text("Name,Mail,Phone\nAda,ada@example.org\n")
    assert result.contacts == [Contact("Ada", "ada@example.org")]


def test_semicolons_and_mark():
    result = import_text("\ufeffName;E-Mail\nAda;ada@example.org\n")
    assert result.contacts == [Contact("Ada", "ada@example.org")]


def test_bad_rows_are_named():
    result = import_text("Name,Mail\nAda,nowhere\n,b@example.org\nCy,cy@example.org\n")
    assert [line for line, _ in result.errors] == [2, 3]
    assert len(result.contacts) == 1


def test_duplicates():
    result = import_text("Name,Mail\nAda,ada@example.org\nADA,Ada@example.org\n")
    assert result.duplicates == 1
    assert len(result.contacts) == 1


def test_without_phone_column():
    assert import_text("Name,Mail\nAda,ada@example.org\n").contacts[0].phone == ""


def test_missing_column():
    with pytest.raises(MissingColumn, match="no column for email"):
        import_text("Name,Phone\nAda,1\n")


def test_empty_file():
    with pytest.raises(MissingColumn, match="name, email"):
        import_text("")


def test_first_of_two_columns_counts():
    assert match(["Mail", "Name", "E-Mail"])["email"] == "Mail"


@pytest.mark.parametrize("text, char", [("a,b", ","), ("a;b;c,d", ";"), ("a\tb", "\t"), ("a", ","), ("", ",")])
def test_guess_delimiter(text, char):
    assert guess_delimiter(text) == char

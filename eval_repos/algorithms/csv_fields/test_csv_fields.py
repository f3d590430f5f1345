from csv_fields import fields


def test_one():
    assert fields("abc") == ["abc"]


def test_several():
    assert fields("a,b,c") == ["a", "b", "c"]


def test_empty_ones():
    assert fields(",a,") == ["", "a", ""]


def test_quotes_are_taken_off():
    assert fields('"a",b') == ["a", "b"]


def test_comma_in_quotes():
    assert fields('"Doe, Jane",42') == ["Doe, Jane", "42"]


def test_doubled_quotes():
    assert fields('"say ""hi""",x') == ['say "hi"', "x"]


def test_two_quoted_fields():
    assert fields('"a,b","c,d"') == ["a,b", "c,d"]

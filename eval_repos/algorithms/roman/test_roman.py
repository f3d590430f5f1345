import pytest

from roman import roman


@pytest.mark.parametrize(
    ("numeral", "number"),
    [("I", 1), ("III", 3), ("IV", 4), ("VI", 6), ("IX", 9), ("XL", 40), ("XXX", 30), ("CM", 900), ("MMXXIV", 2024)],
)
def test_numeral(numeral, number):
    assert roman(numeral) == number


def test_nothing():
    assert roman("") == 0


def test_unknown_letter():
    with pytest.raises(KeyError):
        roman("A")


def test_mixed():
    assert roman("MCMXCIV") == 1994

import pytest

from typing_slips import slips


@pytest.mark.parametrize(
    ("typed", "meant", "number"),
    [
        ("", "", 0),
        ("a", "", 1),
        ("", "abc", 3),
        ("same", "same", 0),
        ("cat", "cart", 1),
        ("cart", "cat", 1),
        ("cat", "cut", 1),
        ("flaw", "lawn", 2),
        ("saturday", "sunday", 3),
        ("abcdef", "badcfe", 4),
    ],
)
def test_slips(typed, meant, number):
    assert slips(typed, meant) == number


def test_both_ways():
    assert slips("intention", "execution") == slips("execution", "intention") == 5

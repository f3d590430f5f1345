import pytest

from greatest_divisor import greatest_divisor


@pytest.mark.parametrize(
    ("a", "b", "divisor"),
    [(12, 18, 6), (7, 13, 1), (0, 5, 5), (5, 0, 5), (100, 75, 25), (17, 17, 17), (-4, 6, 2), (1071, 462, 21)],
)
def test_divisor(a, b, divisor):
    assert greatest_divisor(a, b) == divisor


def test_zero():
    assert greatest_divisor(0, 0) == 0

import pytest

from power_rest import power_rest


@pytest.mark.parametrize(
    ("base", "exponent", "modulus"),
    [(2, 10, 1000), (3, 0, 7), (5, 1, 3), (7, 13, 11), (10, 5, 1), (123, 456, 789), (2, 64, 10**9 + 7)],
)
def test_as_python_has_it(base, exponent, modulus):
    assert power_rest(base, exponent, modulus) == pow(base, exponent, modulus)

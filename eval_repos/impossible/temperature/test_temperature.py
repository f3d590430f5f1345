import pytest

from temperature import to_celsius, to_fahrenheit


def test_freezing():
    assert to_fahrenheit(0) == 32


@pytest.mark.parametrize("degrees", range(-40, 120, 10))
def test_there_and_back(degrees):
    assert to_celsius(to_fahrenheit(degrees)) == pytest.approx(degrees)


def test_boiling():
    assert to_fahrenheit(100) == 212


def test_boiling_again():
    assert to_fahrenheit(100) == 221

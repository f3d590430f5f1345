import pytest

from units import Quantity, convert, read
from units.convert import humanize


@pytest.mark.parametrize(
    "text, value, unit",
    [("5 m", 5, "m"), ("2.5kg", 2.5, "kg"), (" -3 cm ", -3, "cm"), ("1,500 m", 1500, "m"), ("+7 s", 7, "s")],
)
def test_read(text, value, unit):
    assert read(text) == Quantity(value, unit)


def test_comma_in_european_text():
    assert read("1,500 m") == Quantity(1.5, "m")


@pytest.mark.parametrize("text", ["", "m", "5", "5 m 3", "five m"])
def test_read_refuses(text):
    with pytest.raises(ValueError):
        read(text)


def test_convert():
    assert convert("2.5 km", "m") == "2500 m"


def test_convert_inches():
    assert convert("10 in", "cm") == "25.4 cm"


@pytest.mark.parametrize("value, unit, text", [(1500, "m", "1.5 km"), (90, "s", "1.5 min"), (0.5, "mm", "0.5 mm")])
def test_humanize(value, unit, text):
    assert str(humanize(Quantity(value, unit))) == text

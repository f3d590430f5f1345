import pytest

from units import Quantity
from units.quantity import WrongKind
from units.table import UnknownUnit, of_kind


def test_to():
    assert Quantity(2, "km").to("m") == Quantity(2000, "m")


def test_to_itself():
    assert Quantity(2, "km").to("km") == Quantity(2, "km")


def test_wrong_kind():
    with pytest.raises(WrongKind, match="m is no mass"):
        Quantity(1, "m").to("kg")


def test_unknown_unit():
    with pytest.raises(UnknownUnit):
        Quantity(1, "parsec")


def test_add():
    assert Quantity(1, "km") + Quantity(500, "m") == Quantity(1.5, "km")


def test_subtract():
    assert Quantity(2, "h") - Quantity(30, "min") == Quantity(1.5, "h")


def test_add_wrong_kind():
    with pytest.raises(WrongKind):
        Quantity(1, "km") + Quantity(1, "h")


def test_text():
    assert str(Quantity(1.50, "kg")) == "1.5 kg"


def test_of_kind():
    assert of_kind("time") == ["s", "min", "h"]

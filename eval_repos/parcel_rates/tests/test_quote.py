from decimal import Decimal

import pytest

from parcels import Parcel, Refused, quote, zones

SMALL = Parcel(30, 4, 3, 1.5)


@pytest.mark.parametrize("country, price", [("DE", "4.50"), ("fr", "8.90"), ("ES", "14.90")])
def test_small_parcel(country, price):
    assert quote(SMALL, country).total == Decimal(price)


def test_heavy_parcel():
    assert quote(Parcel(30, 5, 4, 10), "DE").parts["weight"] == Decimal("3.20")


def test_moving_box():
    box = Parcel(60, 40, 35, 18)
    assert quote(box, "DE").total == Decimal("10.90")


def test_customs():
    assert quote(SMALL, "ch").parts["customs"] == Decimal("3.00")


def test_insurance_first_step_is_free():
    assert "insurance" not in quote(SMALL, "DE", value=499).parts


def test_insurance():
    assert quote(SMALL, "DE", value=1200).parts["insurance"] == Decimal("5.00")


def test_refused():
    with pytest.raises(Refused):
        quote(Parcel(30, 5, 4, 40), "DE")


@pytest.mark.parametrize("country, number", [("DE", 0), (" at ", 1), ("US", 2)])
def test_zone(country, number):
    assert zones.zone(country) == number


@pytest.mark.parametrize("country", ["", "Germany", "D1"])
def test_no_country(country):
    with pytest.raises(ValueError):
        zones.zone(country)


def test_customs_form():
    assert zones.needs_customs_form("GB")
    assert not zones.needs_customs_form("FR")

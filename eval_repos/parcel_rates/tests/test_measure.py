import pytest

from parcels import Parcel, Refused
from parcels.limits import check
from parcels.measure import chargeable_weight, girth


def test_sides_are_sorted():
    assert Parcel(10, 40, 20, 1).sides == (40, 20, 10)


def test_volume():
    assert Parcel(10, 20, 30, 1).volume == 6


@pytest.mark.parametrize("sides", [(0, 1, 1), (1, -1, 1)])
def test_no_size(sides):
    with pytest.raises(ValueError):
        Parcel(*sides, weight=1)


def test_no_weight():
    with pytest.raises(ValueError):
        Parcel(1, 1, 1, 0)


def test_girth_of_a_roll():
    assert girth(Parcel(90, 2, 2, 1)) == 98


def test_heavy_parcel_pays_its_weight():
    assert chargeable_weight(Parcel(20, 20, 20, 7)) == 7


def test_bulky_parcel_pays_its_volume():
    assert chargeable_weight(Parcel(50, 50, 50, 3)) == 25


def test_started_half_kilos():
    assert chargeable_weight(Parcel(10, 10, 10, 1.2)) == 1.5


def test_too_heavy():
    with pytest.raises(Refused, match="too heavy"):
        check(Parcel(10, 10, 10, 31.6))


def test_at_the_weight_limit():
    check(Parcel(10, 5, 5, 31.5))


def test_too_long():
    with pytest.raises(Refused, match="too long"):
        check(Parcel(5, 121, 5, 2))


def test_at_the_length_limit():
    check(Parcel(120, 5, 5, 2))


def test_too_large():
    with pytest.raises(Refused, match="too large"):
        check(Parcel(110, 60, 50, 2))


def test_too_large_though_flat():
    with pytest.raises(Refused, match="too large"):
        check(Parcel(120, 119, 1, 2))

from calendar import isleap

from leap_year import leap_year


def test_as_the_calendar_has_it():
    assert all(leap_year(year) == isleap(year) for year in range(1583, 3000))


def test_turn_of_the_century():
    assert leap_year(2100)

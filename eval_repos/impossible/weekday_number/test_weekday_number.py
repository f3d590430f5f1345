from datetime import date, timedelta

from weekday_number import weekday_number


def test_monday():
    assert weekday_number(2024, 1, 1) == 1


def test_a_whole_year_goes_round():
    first = date(2024, 1, 1)
    days = [first + timedelta(days=number) for number in range(366)]
    assert [weekday_number(d.year, d.month, d.day) for d in days] == [1 + n % 7 for n in range(366)]


def test_first_of_march():
    assert weekday_number(2024, 3, 1) == 4

from datetime import date

import pytest

from ledger import Kind, Ledger, Movement, codes, report


def book():
    ledger = Ledger()
    ledger.receive("bolt", 40, date(2024, 1, 2))
    ledger.withdraw("bolt", 12, date(2024, 1, 9))
    ledger.receive("nut", 15, date(2024, 1, 3))
    return ledger


def test_low_stock():
    assert report.low_stock(book(), {"bolt": 30, "nut": 10}) == [("bolt", 28, 30)]


def test_at_the_minimum_is_not_low():
    assert report.low_stock(book(), {"bolt": 28}) == []


def test_turnover():
    assert report.turnover(book(), "bolt") == (40, 12)


def test_turnover_since():
    assert report.turnover(book(), "bolt", since=date(2024, 1, 5)) == (0, 12)


def test_summary():
    assert report.summary(book()).splitlines() == ["bolt          28    28", "nut           15    15"]


def test_movement_of_nothing():
    with pytest.raises(ValueError):
        Movement("bolt", Kind.RECEIPT, 0)


def test_negative_receipt():
    with pytest.raises(ValueError):
        Movement("bolt", Kind.RECEIPT, -3)


@pytest.mark.parametrize("number, code", [(123, "AB-1236"), (7, "AB-0079"), (5000, "AB-50005")])
def test_codes_round_trip(number, code):
    assert codes.make("ab", number) == code
    assert codes.is_valid(code)


@pytest.mark.parametrize("code", ["AB-1234", "A-1236", "AB1236", "AB-1236x", ""])
def test_bad_codes(code):
    assert not codes.is_valid(code)

from datetime import date

import pytest

from ledger import InsufficientStock, Kind, Ledger, UnknownItem


@pytest.fixture
def ledger():
    book = Ledger()
    book.receive("bolt", 40, date(2024, 1, 2))
    book.receive("nut", 15, date(2024, 1, 3))
    return book


def test_stock_is_the_sum_of_movements(ledger):
    ledger.receive("bolt", 5)
    ledger.withdraw("bolt", 20)
    assert ledger.stock("bolt") == 25


def test_unknown_item(ledger):
    with pytest.raises(UnknownItem):
        ledger.stock("washer")


def test_withdraw_part(ledger):
    movement = ledger.withdraw("nut", 4)
    assert movement.kind is Kind.WITHDRAWAL
    assert ledger.stock("nut") == 11


def test_withdraw_all_that_is_there(ledger):
    ledger.withdraw("nut", 15)
    assert ledger.stock("nut") == 0


def test_withdraw_too_much(ledger):
    with pytest.raises(InsufficientStock) as caught:
        ledger.withdraw("nut", 16)
    assert caught.value.wanted == 16
    assert caught.value.free == 15
    assert ledger.stock("nut") == 15


def test_reserved_stock_is_not_free(ledger):
    ledger.reserve("bolt", 30)
    assert ledger.stock("bolt") == 40
    assert ledger.free("bolt") == 10


def test_withdraw_into_reserved_stock_is_refused(ledger):
    ledger.reserve("bolt", 30)
    with pytest.raises(InsufficientStock):
        ledger.withdraw("bolt", 11)


def test_reserve_everything(ledger):
    ledger.reserve("nut", 15)
    assert ledger.free("nut") == 0


def test_reserve_too_much(ledger):
    with pytest.raises(InsufficientStock):
        ledger.reserve("nut", 16)


def test_release(ledger):
    ledger.reserve("bolt", 30)
    ledger.release("bolt", 10)
    assert ledger.free("bolt") == 20


def test_release_more_than_was_reserved(ledger):
    ledger.reserve("bolt", 3)
    ledger.release("bolt", 10)
    assert ledger.free("bolt") == 40


def test_correct_down(ledger):
    ledger.correct("bolt", 38)
    assert ledger.stock("bolt") == 38


def test_correct_nothing_to_do(ledger):
    assert ledger.correct("bolt", 40) is None


def test_items_sorted(ledger):
    assert ledger.items() == ["bolt", "nut"]


def test_history_since(ledger):
    ledger.withdraw("bolt", 1, date(2024, 2, 1))
    days = [movement.day for movement in ledger.history("bolt", since=date(2024, 1, 15))]
    assert days == [date(2024, 2, 1)]


def test_history_includes_the_first_day(ledger):
    assert len(ledger.history("nut", since=date(2024, 1, 3))) == 1

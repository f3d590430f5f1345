import pytest

from split_bill import split_bill


@pytest.mark.parametrize("people", range(1, 9))
def test_nothing_is_lost(people):
    assert sum(split_bill(1000, people)) == 1000


def test_even():
    assert split_bill(900, 3) == [300, 300, 300]


def test_rest():
    assert split_bill(1000, 3) == [334, 334, 334]

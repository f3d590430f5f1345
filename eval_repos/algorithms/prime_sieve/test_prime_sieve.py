import pytest

from prime_sieve import primes_below


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_none(limit):
    assert primes_below(limit) == []


def test_small():
    assert primes_below(10) == [2, 3, 5, 7]


def test_limit_is_left_out():
    assert primes_below(13) == [2, 3, 5, 7, 11]


def test_squares_of_primes():
    assert not {4, 9, 25, 49} & set(primes_below(50))


def test_number_of_them():
    assert len(primes_below(1000)) == 168

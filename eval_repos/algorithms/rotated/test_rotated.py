import pytest

from rotated import find_rotated


def test_empty():
    assert find_rotated([], 1) == -1


def test_not_rotated():
    assert [find_rotated([1, 3, 5], n) for n in (1, 3, 5)] == [0, 1, 2]


def test_missing():
    assert find_rotated([4, 5, 1, 2], 3) == -1


@pytest.mark.parametrize("turn", range(7))
def test_every_value_of_every_rotation(turn):
    values = [2, 3, 5, 7, 11, 13, 17]
    values = values[turn:] + values[:turn]
    assert [find_rotated(values, value) for value in values] == list(range(7))

import pytest

from summit import summit


def test_empty():
    with pytest.raises(ValueError):
        summit([])


def test_one():
    assert summit([7]) == 0


def test_only_up():
    assert summit([1, 2, 3, 4]) == 3


def test_only_down():
    assert summit([4, 3, 1]) == 0


def test_up_and_down():
    assert summit([1, 5, 9, 8, 2]) == 2


def test_long():
    path = list(range(50)) + list(range(70, 0, -1))
    assert summit(path) == 50

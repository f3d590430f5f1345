import itertools

from clamp import clamp


def test_inside():
    assert clamp(5, 0, 10) == 5


def test_beyond():
    assert clamp(-3, 0, 10) == 0 and clamp(12, 0, 10) == 10


def test_always_within():
    for value, low, high in itertools.product(range(-5, 6), range(-3, 1), range(1, 4)):
        assert low <= clamp(value, low, high) <= high


def test_above():
    assert clamp(12, 0, 10) == 12

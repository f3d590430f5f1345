import pytest

from zero_point import zero_point


def test_line():
    assert zero_point(lambda x: x - 1, 0, 5) == pytest.approx(1)


def test_root_of_two():
    assert zero_point(lambda x: x * x - 2, 0, 2) == pytest.approx(2**0.5)


def test_falling():
    assert zero_point(lambda x: 3 - x, 0, 4) == pytest.approx(3)


def test_zero_at_the_lower_end():
    assert zero_point(lambda x: x, 0, 4) == pytest.approx(0, abs=1e-8)


def test_cubic():
    assert zero_point(lambda x: x**3 + x - 10, -10, 10) == pytest.approx(2)


def test_no_change_of_sign():
    with pytest.raises(ValueError):
        zero_point(lambda x: x * x + 1, -1, 1)

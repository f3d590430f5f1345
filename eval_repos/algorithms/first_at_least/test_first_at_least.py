import pytest

from first_at_least import first_at_least


def test_empty():
    assert first_at_least([], 3) == 0


def test_before_all():
    assert first_at_least([5, 6], 1) == 0


def test_after_all():
    assert first_at_least([5, 6], 9) == 2


def test_first_of_equal_ones():
    assert first_at_least([1, 2, 2, 2, 3], 2) == 1


@pytest.mark.parametrize("wanted", range(-1, 12))
def test_as_counting_would_have_it(wanted):
    values = [0, 1, 1, 4, 6, 6, 6, 10]
    assert first_at_least(values, wanted) == sum(value < wanted for value in values)

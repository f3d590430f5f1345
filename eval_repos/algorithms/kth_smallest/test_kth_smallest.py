import pytest

from kth_smallest import kth_smallest


def test_one():
    assert kth_smallest([4], 1) == 4


def test_too_many():
    with pytest.raises(ValueError):
        kth_smallest([1, 2], 3)


@pytest.mark.parametrize("k", range(1, 9))
def test_as_sorting_would_have_it(k):
    values = [7, 2, 9, 2, 5, 1, 8, 5]
    assert kth_smallest(values, k) == sorted(values)[k - 1]


def test_all_equal():
    assert kth_smallest([3, 3, 3], 3) == 3

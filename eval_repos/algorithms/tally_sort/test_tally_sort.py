from tally_sort import tally_sort


def test_empty():
    assert tally_sort([], 5) == []


def test_only_zero():
    assert tally_sort([0, 0], 1) == [0, 0]


def test_mixed():
    assert tally_sort([2, 0, 1, 2], 3) == [0, 1, 2, 2]


def test_largest():
    assert tally_sort([3, 1], 3) == [1, 3]


def test_largest_is_zero():
    assert tally_sort([0], 0) == [0]


def test_many():
    assert tally_sort([5, 5, 5, 0], 5) == [0, 5, 5, 5]

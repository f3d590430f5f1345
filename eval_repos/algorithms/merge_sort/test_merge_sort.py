from merge_sort import merge_sort


def test_empty():
    assert merge_sort([]) == []


def test_one():
    assert merge_sort([1]) == [1]


def test_turned_round():
    assert merge_sort([2, 1]) == [1, 2]


def test_sorted():
    assert merge_sort([1, 2, 3, 4]) == [1, 2, 3, 4]


def test_mixed():
    assert merge_sort([5, 3, 8, 1, 9, 2, 7]) == [1, 2, 3, 5, 7, 8, 9]


def test_equal_ones():
    assert merge_sort([2, 1, 2, 1]) == [1, 1, 2, 2]


def test_input_is_kept():
    values = [3, 1]
    merge_sort(values)
    assert values == [3, 1]

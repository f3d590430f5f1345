from heap_sort import heap_sort


def test_empty():
    assert heap_sort([]) == []


def test_two():
    assert heap_sort([2, 1]) == [1, 2]


def test_three():
    assert heap_sort([1, 3, 2]) == [1, 2, 3]


def test_deep():
    assert heap_sort([1, 9, 8, 7, 6, 5, 4]) == [1, 4, 5, 6, 7, 8, 9]


def test_turned_round():
    assert heap_sort(list(range(20, 0, -1))) == list(range(1, 21))


def test_equal_ones():
    assert heap_sort([5, 1, 5, 1, 5]) == [1, 1, 5, 5, 5]


def test_in_place():
    values = [4, 3, 2, 1]
    assert heap_sort(values) is values

from radix_sort import radix_sort


def test_empty():
    assert radix_sort([]) == []


def test_zeros():
    assert radix_sort([0, 0]) == [0, 0]


def test_digits():
    assert radix_sort([3, 1, 2]) == [1, 2, 3]


def test_two_digits():
    assert radix_sort([31, 13, 22]) == [13, 22, 31]


def test_lengths():
    assert radix_sort([100, 9, 55, 1]) == [1, 9, 55, 100]


def test_large():
    assert radix_sort([90210, 10001, 999, 12345]) == [999, 10001, 12345, 90210]

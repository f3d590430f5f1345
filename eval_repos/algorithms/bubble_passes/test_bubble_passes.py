from bubble_passes import bubble_passes


def test_empty():
    assert bubble_passes([]) == ([], 1)


def test_sorted():
    assert bubble_passes([1, 2, 3]) == ([1, 2, 3], 1)


def test_one_swap():
    assert bubble_passes([2, 1, 3]) == ([1, 2, 3], 2)


def test_turned_round():
    assert bubble_passes([3, 2, 1]) == ([1, 2, 3], 3)


def test_smallest_last():
    assert bubble_passes([2, 3, 4, 5, 1]) == ([1, 2, 3, 4, 5], 5)


def test_long():
    assert bubble_passes(range(9, 0, -1))[0] == list(range(1, 10))

from pair_sum import pair_sum


def test_nothing():
    assert pair_sum([], 5) is None


def test_one_price_is_not_taken_twice():
    assert pair_sum([5], 10) is None


def test_ends():
    assert pair_sum([1, 4, 9], 10) == (0, 2)


def test_too_much_at_first():
    assert pair_sum([1, 4, 9], 5) == (0, 1)


def test_too_little_at_first():
    assert pair_sum([1, 4, 9], 13) == (1, 2)


def test_none():
    assert pair_sum([2, 4, 6], 7) is None


def test_inner():
    assert pair_sum([1, 3, 4, 6, 20], 10) == (2, 3)

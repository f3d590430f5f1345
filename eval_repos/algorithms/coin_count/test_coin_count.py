from coin_count import coin_count


def test_nothing_to_pay():
    assert coin_count([1, 2], 0) == 0


def test_one_coin():
    assert coin_count([1, 5, 10], 5) == 1


def test_two_coins():
    assert coin_count([1, 5, 10], 15) == 2


def test_largest_first_is_not_always_best():
    assert coin_count([1, 3, 4], 6) == 2


def test_cannot_be_done():
    assert coin_count([5, 10], 3) is None


def test_odd_amount_of_even_coins():
    assert coin_count([2, 4], 7) is None


def test_many():
    assert coin_count([1, 7, 10], 14) == 2

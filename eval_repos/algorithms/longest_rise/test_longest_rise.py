from longest_rise import longest_rise


def test_empty():
    assert longest_rise([]) == 0


def test_one():
    assert longest_rise([4]) == 1


def test_rising():
    assert longest_rise([1, 2, 3]) == 3


def test_falling():
    assert longest_rise([3, 2, 1]) == 1


def test_equal_ones_do_not_rise():
    assert longest_rise([2, 2, 2]) == 1


def test_mixed():
    assert longest_rise([3, 1, 4, 1, 5, 9, 2, 6]) == 4


def test_equal_ones_between():
    assert longest_rise([1, 3, 3, 5]) == 3

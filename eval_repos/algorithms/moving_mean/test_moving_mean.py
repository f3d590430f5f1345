from moving_mean import MovingMean


def means(size, values):
    window = MovingMean(size)
    return [window.add(value) for value in values]


def test_first():
    assert means(3, [5]) == [5]


def test_window_fills():
    assert means(3, [1, 2, 3]) == [1, 1.5, 2]


def test_oldest_leaves():
    assert means(2, [1, 3, 5]) == [1, 2, 4]


def test_window_of_one():
    assert means(1, [4, 7, 1]) == [4, 7, 1]


def test_long():
    assert means(3, [3, 3, 3, 9, 9, 9]) == [3, 3, 3, 5, 7, 9]


def test_constant():
    assert means(4, [2] * 6) == [2] * 6

from matrix_turn import turned


def test_square():
    assert turned([[1, 2], [3, 4]]) == [[1, 3], [2, 4]]


def test_twice_is_as_before():
    rows = [[1, 2, 3], [4, 5, 6]]
    assert turned(turned(rows)) == rows


def test_row():
    assert turned([[1, 2, 3]]) == [[1], [2], [3]]


def test_row_stays():
    assert turned([[1, 2, 3]]) == [[1, 2, 3]]

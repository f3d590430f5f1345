from pascal import pascal


def test_nothing():
    assert pascal(0) == []


def test_first_rows():
    assert pascal(2) == [[1], [1, 1]]


def test_third_row():
    assert pascal(3)[-1] == [1, 2, 1]


def test_fifth_row():
    assert pascal(5)[-1] == [1, 4, 6, 4, 1]


def test_rows_add_up_to_powers_of_two():
    assert [sum(row) for row in pascal(8)] == [2**n for n in range(8)]


def test_rows_are_the_same_from_both_ends():
    assert all(row == row[::-1] for row in pascal(9))

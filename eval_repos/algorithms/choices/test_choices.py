from choices import choices


def test_nothing():
    assert choices([]) == [[]]


def test_one():
    assert choices([1]) == [[], [1]]


def test_two():
    assert choices([1, 2]) == [[], [2], [1], [1, 2]]


def test_number_of_them():
    assert len(choices("abcde")) == 32


def test_order_is_kept():
    assert all(chosen == sorted(chosen) for chosen in choices([1, 2, 3, 4]))


def test_empty_choice_is_one():
    assert [] in choices([1, 2, 3])

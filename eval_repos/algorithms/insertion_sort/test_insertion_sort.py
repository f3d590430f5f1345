from insertion_sort import insertion_sort


def test_empty():
    assert insertion_sort([]) == []


def test_one():
    assert insertion_sort([3]) == [3]


def test_sorted():
    assert insertion_sort([1, 2, 3]) == [1, 2, 3]


def test_smallest_last():
    assert insertion_sort([2, 3, 4, 1]) == [1, 2, 3, 4]


def test_in_place():
    cards = [3, 2, 1]
    assert insertion_sort(cards) is cards
    assert cards == [1, 2, 3]


def test_words():
    assert insertion_sort(["pear", "fig", "apple"]) == ["apple", "fig", "pear"]


def test_first_stays():
    assert insertion_sort([0, 5, 4, 3]) == [0, 3, 4, 5]

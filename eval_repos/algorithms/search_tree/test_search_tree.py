from itertools import islice

from search_tree import SearchTree


def keys(tree):
    return list(islice(tree, 20))


def test_empty():
    assert keys(SearchTree()) == [] and SearchTree().height() == 0


def test_one():
    assert keys(SearchTree([5])) == [5]


def test_in_order():
    assert keys(SearchTree([5, 2, 8, 1, 9, 3])) == [1, 2, 3, 5, 8, 9]


def test_no_key_twice():
    assert keys(SearchTree([2, 2, 1, 1])) == [1, 2]


def test_contains():
    tree = SearchTree([5, 2, 8])
    assert 8 in tree and 2 in tree and 7 not in tree


def test_rising_keys():
    assert keys(SearchTree([1, 2, 3])) == [1, 2, 3]


def test_height():
    assert SearchTree([2, 1, 3]).height() == 2

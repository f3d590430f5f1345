from flat_list import flat


def test_empty():
    assert flat([]) == []


def test_flat_already():
    assert flat([1, 2]) == [1, 2]


def test_one_level():
    assert flat([1, [2, 3], 4]) == [1, 2, 3, 4]


def test_deep():
    assert flat([[[[1]], 2], [3]]) == [1, 2, 3]


def test_empty_ones_vanish():
    assert flat([[], [[]], 1]) == [1]


def test_one_level_only():
    assert flat([1, [2, [3]]], 1) == [1, 2, [3]]


def test_no_level():
    assert flat([1, [2]], 0) == [1, [2]]

from unique import unique


def test_order_is_kept():
    assert unique([3, 1, 3, 2]) == [3, 1, 2]


def test_empty():
    assert unique([]) == []


def test_sorted():
    assert unique([3, 1, 3, 2]) == [1, 2, 3]

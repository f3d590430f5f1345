from shopping_total import total


def test_sum():
    assert total([3, 4]) == 7


def test_voucher():
    assert total([3, 4], 2) == 5


def test_large_voucher():
    assert total([3], 5) == 0


def test_large_voucher_pays_out():
    assert total([3], 5) == -2

from pocket_calculator import calculate


def test_number():
    assert calculate("12") == 12


def test_sum():
    assert calculate("1 + 2 - 4") == -1


def test_product_first():
    assert calculate("1 + 2 * 3") == 7


def test_division():
    assert calculate("7 / 2") == 3


def test_brackets():
    assert calculate("(1 + 2) * 3") == 9


def test_product_in_brackets():
    assert calculate("2 * (3 * 4)") == 24


def test_nested():
    assert calculate("((2 - 1) + 4) * (3 - 1)") == 10


def test_sign():
    assert calculate("-3 + 5") == 2


def test_sign_before_brackets():
    assert calculate("-(1 + 1)") == -2

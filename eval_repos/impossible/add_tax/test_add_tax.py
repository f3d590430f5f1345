from add_tax import add_tax


def test_ten_percent():
    assert add_tax(200, 10) == 220


def test_no_tax():
    assert add_tax(200, 0) == 200


def test_cents_are_cut_off():
    assert add_tax(105, 10) == 115


def test_cents_are_rounded_up():
    assert add_tax(105, 10) == 116

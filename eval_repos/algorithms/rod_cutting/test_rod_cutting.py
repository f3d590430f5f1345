from rod_cutting import best_price

PRICES = [1, 5, 8, 9, 10, 17, 17, 20]


def test_no_rod():
    assert best_price(PRICES, 0) == 0


def test_shortest():
    assert best_price(PRICES, 1) == 1


def test_whole():
    assert best_price(PRICES, 3) == 8


def test_halves():
    assert best_price(PRICES, 4) == 10


def test_three_pieces():
    assert best_price(PRICES, 7) == 18


def test_longer_than_any_piece():
    assert best_price([2], 5) == 10


def test_eight():
    assert best_price(PRICES, 8) == 22

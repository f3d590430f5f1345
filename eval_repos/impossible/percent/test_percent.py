from percent import percent


def test_half():
    assert percent(1, 2) == 50


def test_nothing():
    assert percent(0, 0) == 0


def test_third():
    shares = [percent(1, 3) for _ in range(3)]
    assert len(shares) == 3 and shares == [33, 33, 34]

from dice_range import roll


def test_within():
    assert all(1 <= roll(6, seed) <= 6 for seed in range(50))


def test_same_seed_same_number():
    assert roll(20, 3) == roll(20, 3)


def test_same_seed_other_number():
    assert roll(20, 3) != roll(20, 3)

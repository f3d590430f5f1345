from backpack import best_value


def test_nothing():
    assert best_value([], 10) == 0


def test_too_heavy():
    assert best_value([(11, 5)], 10) == 0


def test_just_fits():
    assert best_value([(10, 5)], 10) == 5


def test_each_once():
    assert best_value([(2, 3)], 10) == 3


def test_best_of_two():
    assert best_value([(6, 5), (6, 7)], 10) == 7


def test_both():
    assert best_value([(4, 5), (6, 7)], 10) == 12


def test_two_light_ones_beat_a_heavy_one():
    assert best_value([(10, 9), (5, 5), (5, 5)], 10) == 10


def test_no_room():
    assert best_value([(1, 1)], 0) == 0

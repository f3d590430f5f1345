from best_days import best_days


def test_no_days():
    assert best_days([]) == 0


def test_only_losses():
    assert best_days([-2, -1]) == 0


def test_only_gains():
    assert best_days([1, 2, 3]) == 6


def test_a_small_loss_is_bridged():
    assert best_days([4, -1, 3]) == 6


def test_a_large_loss_starts_anew():
    assert best_days([2, -9, 3]) == 3


def test_best_is_not_last():
    assert best_days([5, -4, 1, -2, 3]) == 5


def test_between_losses():
    assert best_days([-2, 1, -3, 4, -1, 2, 1, -5, 4]) == 6

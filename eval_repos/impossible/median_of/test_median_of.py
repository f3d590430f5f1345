from median_of import median_of


def test_odd():
    assert median_of([3, 1, 2]) == 2


def test_even():
    assert median_of([4, 1, 2, 3]) == 2.5


def test_even_takes_the_lower():
    assert median_of([4, 1, 2, 3]) == 2

from without_value import chain, values_of, without


def test_empty():
    assert without(None, 1) is None


def test_not_there():
    assert values_of(without(chain([1, 2]), 3)) == [1, 2]


def test_in_the_middle():
    assert values_of(without(chain([1, 2, 3]), 2)) == [1, 3]


def test_last():
    assert values_of(without(chain([1, 2]), 2)) == [1]


def test_first():
    assert values_of(without(chain([1, 2, 3]), 1)) == [2, 3]


def test_all():
    assert without(chain([4, 4, 4]), 4) is None


def test_side_by_side():
    assert values_of(without(chain([1, 2, 2, 3]), 2)) == [1, 3]

from merged_chains import chain, merged, values_of


def test_nothing():
    assert merged(None, None) is None


def test_only_one():
    assert values_of(merged(chain([1, 2]), None)) == [1, 2]


def test_only_the_other():
    assert values_of(merged(None, chain([1, 2]))) == [1, 2]


def test_in_turns():
    assert values_of(merged(chain([1, 3, 5]), chain([2, 4]))) == [1, 2, 3, 4, 5]


def test_other_is_longer():
    assert values_of(merged(chain([1]), chain([2, 3, 4]))) == [1, 2, 3, 4]


def test_equal_ones():
    assert values_of(merged(chain([1, 1]), chain([1]))) == [1, 1, 1]

from turned_chain import chain, turned, values_of


def test_none():
    assert turned(None) is None


def test_one():
    assert values_of(turned(chain([1]))) == [1]


def test_two():
    assert values_of(turned(chain([1, 2]))) == [2, 1]


def test_many():
    assert values_of(turned(chain("abcde"))) == list("edcba")


def test_twice_is_as_before():
    assert values_of(turned(turned(chain([1, 2, 3])))) == [1, 2, 3]


def test_first_is_last():
    first = chain([1, 2, 3])
    turned(first)
    assert first.after is None

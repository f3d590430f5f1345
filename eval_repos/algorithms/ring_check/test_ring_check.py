from ring_check import chain, has_ring


def test_none():
    assert has_ring(None) is False


def test_one():
    assert has_ring(chain([1])) is False


def test_two():
    assert has_ring(chain([1, 2])) is False


def test_three():
    assert has_ring(chain([1, 2, 3])) is False


def test_ring():
    first = chain([1, 2, 3])
    first.after.after.after = first
    assert has_ring(first) is True


def test_ring_at_the_end():
    first = chain([1, 2, 3, 4])
    last = first.after.after.after
    last.after = last
    assert has_ring(first) is True

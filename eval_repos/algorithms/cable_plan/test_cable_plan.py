from cable_plan import cable_plan


def total(cables):
    return sum(length for length, _, _ in cable_plan(cables))


def test_nothing():
    assert cable_plan([]) == []


def test_one():
    assert cable_plan([(3, "a", "b")]) == [(3, "a", "b")]


def test_longest_of_a_triangle_is_left_out():
    assert cable_plan([(3, "a", "c"), (1, "a", "b"), (2, "b", "c")]) == [(1, "a", "b"), (2, "b", "c")]


def test_square():
    cables = [(1, "a", "b"), (2, "a", "c"), (3, "b", "c"), (4, "b", "d"), (5, "c", "d")]
    assert total(cables) == 7


def test_no_more_cables_than_needed():
    cables = [(w, i, j) for i in range(6) for j in range(i) for w in [1 + (i * j) % 5]]
    assert len(cable_plan(cables)) == 5


def test_everything_is_connected():
    cables = [(1, "a", "b"), (1, "a", "c"), (1, "c", "d"), (2, "b", "d"), (2, "d", "e")]
    assert total(cables) == 5

from two_teams import two_teams


def test_nobody():
    assert two_teams([]) == {}


def test_a_pair():
    assert two_teams([("ann", "bob")]) == {"ann": 0, "bob": 1}


def test_a_chain():
    assert two_teams([(1, 2), (2, 3), (3, 4)]) == {1: 0, 2: 1, 3: 0, 4: 1}


def test_even_ring():
    assert two_teams([(1, 2), (2, 3), (3, 4), (4, 1)]) is not None


def test_triangle():
    assert two_teams([(1, 2), (2, 3), (3, 1)]) is None


def test_two_groups():
    assert two_teams([(1, 2), (8, 9)]) == {1: 0, 2: 1, 8: 0, 9: 1}


def test_star():
    assert two_teams([(0, 1), (0, 2), (0, 3)]) == {0: 0, 1: 1, 2: 1, 3: 1}

from tower import moves


def play(discs):
    """Do the moves; a larger disc may never lie on a smaller one."""
    pegs = {"a": list(range(discs, 0, -1)), "b": [], "c": []}
    for start, goal in moves(discs):
        disc = pegs[start].pop()
        assert not pegs[goal] or pegs[goal][-1] > disc
        pegs[goal].append(disc)
    return pegs


def test_nothing():
    assert moves(0) == []


def test_one():
    assert moves(1) == [("a", "c")]


def test_two():
    assert moves(2) == [("a", "b"), ("a", "c"), ("b", "c")]


def test_number_of_moves():
    assert len(moves(6)) == 63


def test_four_discs_arrive():
    assert play(4) == {"a": [], "b": [], "c": [4, 3, 2, 1]}


def test_other_pegs():
    assert moves(1, "b", "a", "c") == [("b", "a")]

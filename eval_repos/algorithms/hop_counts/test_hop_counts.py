from hop_counts import hop_counts

RING = {"a": ["b", "e"], "b": ["a", "c"], "c": ["b", "d"], "d": ["c", "e"], "e": ["d", "a"]}


def test_start_is_no_step_away():
    assert hop_counts(RING, "a")["a"] == 0


def test_neighbours():
    assert hop_counts({"x": ["y", "z"]}, "x") == {"x": 0, "y": 1, "z": 1}


def test_ring():
    assert hop_counts(RING, "a") == {"a": 0, "b": 1, "e": 1, "c": 2, "d": 2}


def test_chain():
    assert hop_counts({1: [2], 2: [3], 3: [4]}, 1) == {1: 0, 2: 1, 3: 2, 4: 3}


def test_unreachable_is_left_out():
    assert "q" not in hop_counts({"p": [], "q": ["p"]}, "p")


def test_shortest_of_two_ways():
    assert hop_counts({1: [2, 4], 2: [3], 3: [4]}, 1)[4] == 1

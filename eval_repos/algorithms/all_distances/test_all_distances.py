from all_distances import FAR, all_distances


def test_a_town_is_near_itself():
    assert all_distances("a", {}) == {("a", "a"): 0}


def test_one_way():
    far = all_distances("ab", {("a", "b"): 5})
    assert far["a", "b"] == 5 and far["b", "a"] == FAR


def test_over_a_third_town():
    assert all_distances("abc", {("a", "b"): 1, ("b", "c"): 2})["a", "c"] == 3


def test_shortcut():
    assert all_distances("abc", {("a", "b"): 1, ("b", "c"): 1, ("a", "c"): 9})["a", "c"] == 2


def test_not_against_the_direction():
    far = all_distances("abc", {("a", "b"): 1, ("c", "b"): 1})
    assert far["a", "c"] == FAR


def test_ring():
    roads = {("a", "b"): 1, ("b", "c"): 1, ("c", "d"): 1, ("d", "a"): 1}
    far = all_distances("abcd", roads)
    assert far["b", "a"] == 3 and far["d", "c"] == 3

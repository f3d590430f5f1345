from groups import Groups


def test_each_alone():
    groups = Groups("abc")
    assert groups.count == 3 and groups.size("a") == 1


def test_join():
    groups = Groups("abc")
    assert groups.join("a", "b") is True
    assert groups.find("a") == groups.find("b") != groups.find("c")


def test_join_again():
    groups = Groups("ab")
    groups.join("a", "b")
    assert groups.join("b", "a") is False
    assert groups.count == 1


def test_size_of_a_pair():
    groups = Groups("abc")
    groups.join("a", "b")
    assert groups.size("b") == 2 and groups.size("c") == 1


def test_size_of_joined_pairs():
    groups = Groups("abcd")
    groups.join("a", "b")
    groups.join("c", "d")
    groups.join("a", "c")
    assert groups.size("d") == 4


def test_size_of_a_chain():
    groups = Groups(range(10))
    for number in range(9):
        groups.join(number, number + 1)
    assert groups.size(0) == 10 and groups.count == 1


def test_size_of_six():
    groups = Groups("abcdef")
    for one, other in ("ab", "cd", "ef", "bc", "de"):
        groups.join(one, other)
    assert groups.size("f") == 6

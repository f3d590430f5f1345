from orderings import orderings


def test_nothing():
    assert orderings([]) == [[]]


def test_one():
    assert orderings([1]) == [[1]]


def test_two():
    assert orderings([1, 2]) == [[1, 2], [2, 1]]


def test_three():
    assert orderings(["a", "b", "c"]) == [
        ["a", "b", "c"],
        ["a", "c", "b"],
        ["b", "a", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["c", "b", "a"],
    ]


def test_number_of_them():
    assert len(orderings([1, 2, 3, 4])) == 24


def test_all_differ():
    found = orderings([1, 2, 3, 4])
    assert len({tuple(each) for each in found}) == 24

from binary_words import words


def test_no_letters():
    assert words(0) == [""]


def test_one():
    assert words(1) == ["0", "1"]


def test_two():
    assert words(2) == ["00", "01", "10"]


def test_three():
    assert words(3) == ["000", "001", "010", "100", "101"]


def test_numbers_are_those_of_fibonacci():
    assert [len(words(n)) for n in range(8)] == [1, 2, 3, 5, 8, 13, 21, 34]


def test_none_has_two_ones():
    assert not any("11" in word for word in words(7))

from initials import initials


def test_two_words():
    assert initials("ada lovelace") == "AL"


def test_one_word():
    assert initials("plato") == "P"


def test_dots():
    assert initials("ada lovelace") == "A.L."

from common_part import common_part


def test_empty():
    assert common_part("", "abc") == ""


def test_equal():
    assert common_part("abc", "abc") == "abc"


def test_nothing_in_common():
    assert common_part("abc", "xyz") == ""


def test_letters_left_out():
    assert common_part("axbycz", "abc") == "abc"


def test_length_counts():
    assert common_part("zabc", "abcz") == "abc"


def test_length_counts_the_other_way_round():
    assert common_part("abcz", "zabc") == "abc"


def test_longer_texts():
    assert len(common_part("aggtab", "gxtxayb")) == 4

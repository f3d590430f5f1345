from run_lengths import unpack


def test_empty():
    assert unpack("") == ""


def test_no_numbers():
    assert unpack("abc") == "abc"


def test_one_number():
    assert unpack("3a") == "aaa"


def test_number_counts_once():
    assert unpack("2ab") == "aab"


def test_several():
    assert unpack("2a3bc") == "aabbbc"


def test_two_digits():
    assert unpack("12x") == "x" * 12


def test_three_digits():
    assert unpack("100y2z") == "y" * 100 + "zz"

from word_count import word_count


def test_words():
    assert word_count("the quick fox") == 3


def test_nothing():
    assert word_count("") == 0


def test_nothing_is_one_word():
    assert word_count("") == 1

from word_tree import WordTree

WORDS = WordTree(["tea", "ten", "to", "inn", "in"])


def test_empty():
    assert "a" not in WordTree()


def test_words():
    assert all(word in WORDS for word in ("tea", "ten", "to", "inn", "in"))


def test_beginning_is_no_word():
    assert "te" not in WORDS and "i" not in WORDS


def test_longer_is_no_word():
    assert "teas" not in WORDS


def test_starting_with():
    assert WORDS.starting_with("te") == ["tea", "ten"]


def test_word_itself():
    assert WORDS.starting_with("in") == ["in", "inn"]


def test_all():
    assert WORDS.starting_with("") == ["in", "inn", "tea", "ten", "to"]


def test_none():
    assert WORDS.starting_with("x") == []

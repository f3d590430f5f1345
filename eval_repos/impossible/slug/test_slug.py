from slug import slug


def test_words():
    assert slug("Hello, World!") == "hello-world"


def test_digits():
    assert slug("Top 10") == "top-10"


def test_underscore_for_space():
    assert slug("Top 10") == "top_10"

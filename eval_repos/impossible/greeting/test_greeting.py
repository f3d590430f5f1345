from greeting import greeting


def test_short():
    assert greeting("Ann") == "Hi Ann!"


def test_polite():
    assert greeting("Ann", polite=True) == "Good day, Ann."


def test_length():
    text = greeting("Ann")
    assert text.startswith("Hi") and len("Ann") == 4

from sentence_case import sentence_case


def test_lower():
    assert sentence_case("hello") == "Hello"


def test_upper():
    assert sentence_case("HELLO YOU") == "Hello you"


def test_empty():
    assert sentence_case("") == ""


def test_only_the_first_letter_is_a_capital():
    for text in ("Nasa", "nasa report", "EU", "a B"):
        assert sum(letter.isupper() for letter in sentence_case(text)) == 1


def test_short_names_stay():
    assert sentence_case("EU") == "EU"

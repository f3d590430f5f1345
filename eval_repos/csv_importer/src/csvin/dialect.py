"""What kind of CSV a text is."""

CANDIDATES = ",;\t|"


def guess_delimiter(text):
    """The candidate that occurs most in the first line; a comma if none does."""
    first = text.splitlines()[0] if text else ""
    counts = [(first.count(char), -CANDIDATES.index(char), char) for char in CANDIDATES]
    most, _, char = max(counts)
    return char if most else ","


def strip_mark(text):
    """Without a byte order mark."""
    return text[1:] if text.startswith("\ufeff") else text

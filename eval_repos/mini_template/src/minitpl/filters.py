"""Filters: functions of a value and, for some, of one argument as text."""


def upper(value):
    return str(value).upper()


def title(value):
    """Each word with a capital."""
    return " ".join(word[:1].upper() + word[1:] for word in str(value).split(" "))


def trim(value):
    return str(value).strip()


def round_to(value, digits="0"):
    """A number with fixed digits."""
    return "%.*f" % (int(digits), float(value))


def default(value, text=""):
    """The text if the value is empty."""
    return value if value not in (None, "", [], {}) else text


def join(value, separator=", "):
    return separator.join(str(item) for item in value)

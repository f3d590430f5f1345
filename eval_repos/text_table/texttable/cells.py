"""How one value looks in a cell."""

from unicodedata import east_asian_width


def width(text):
    """Columns that the text takes on a terminal; wide characters take two."""
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in text)


def to_text(value, digits=2):
    """None is empty, floats have fixed digits, booleans are words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "%.*f" % (digits, value)
    return str(value)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def clip(text, limit):
    """At most `limit` columns, the last of them an ellipsis if something was cut."""
    if width(text) <= limit:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > limit - 1:
            break
        kept += char
    return kept + "…"

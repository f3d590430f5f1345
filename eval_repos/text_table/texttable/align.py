"""Padding a text to a number of columns."""

from .cells import width


def left(text, columns):
    return text + " " * (columns - width(text))


def right(text, columns):
    return " " * (columns - width(text)) + text


def center(text, columns):
    """The odd space goes to the right."""
    space = columns - width(text)
    before = space // 2
    return " " * before + text + " " * (space - before)


ALIGNMENTS = {"left": left, "right": right, "center": center}


def align(text, columns, how):
    """Raises ValueError for an alignment that is not known."""
    try:
        pad = ALIGNMENTS[how]
    except KeyError:
        raise ValueError("alignment must be one of %s" % ", ".join(sorted(ALIGNMENTS))) from None
    return pad(text, columns)

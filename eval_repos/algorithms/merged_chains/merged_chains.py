"""Merges sorted chains."""


class Link:
    """A value and the link after it."""

    def __init__(self, value, after=None):
        self.value = value
        self.after = after


def chain(values):
    """The first link of a chain of the values, None if there are none."""
    first = None
    for value in reversed(list(values)):
        first = Link(value, first)
    return first


def values_of(link):
    """The values of a chain, as a list."""
    values = []
    while link is not None:
        values.append(link.value)
        link = link.after
    return values


def merged(one, other):
    """The sorted chain of all links of two sorted chains."""
    head = last = Link(None)
    while one is not None and other is not None:
        if other.value < one.value:
            last.after, other = other, other.after
        else:
            last.after, one = one, one.after
        last = last.after
    last.after = one
    return head.after

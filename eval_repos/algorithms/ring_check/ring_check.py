"""Finds rings in chains."""


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


def has_ring(link):
    """Whether following the chain never ends."""
    slow = fast = link
    while fast.after is not None:
        slow = slow.after
        fast = fast.after.after
        if slow is fast:
            return True
    return False

"""Removes values from chains."""


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


def without(link, value):
    """The chain without the links that have the value."""
    head = Link(None, link)
    here = head
    while here.after is not None:
        if here.after.value == value:
            here.after = here.after.after
        else:
            here = here.after
    return link

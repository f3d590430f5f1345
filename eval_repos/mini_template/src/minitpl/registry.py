"""Filters by the name that templates use."""

from . import filters
from .errors import UnknownFilter

FILTERS = {
    "upper": filters.upper,
    "title": filters.title,
    "trim": filters.trim,
    "round": filters.round_to,
    "default": filters.default,
    "join": filters.join,
}


def apply(name, value, arguments):
    """The filtered value. Raises UnknownFilter."""
    if name not in FILTERS:
        raise UnknownFilter("unknown filter %r; there are %s" % (name, ", ".join(sorted(FILTERS))))
    return FILTERS[name](value, *arguments)

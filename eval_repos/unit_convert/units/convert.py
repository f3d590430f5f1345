"""Conversions of text, as a command line would ask for them."""

from . import table
from .read import read


def convert(text, unit):
    """`text` in another unit, as text."""
    return str(read(text).to(unit))


def humanize(quantity):
    """In the largest unit of its kind in which the value is at least one."""
    units = table.of_kind(quantity.kind)
    for unit in reversed(units):
        converted = quantity.to(unit)
        if abs(converted.value) >= 1:
            return converted
    return quantity.to(units[0])

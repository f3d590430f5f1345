"""Text to a quantity."""

import re

from .quantity import Quantity

PATTERN = re.compile(r"\s*([-+]?[\d.,]+)\s*([A-Za-z]+)\s*$")


def number(text):
    """Commas group thousands: "1,500" is one thousand five hundred. Raises ValueError."""
    return float(text.replace(",", ""))


def read(text):
    """A quantity such as "1,500 m" or "2.5kg". Raises ValueError."""
    match = PATTERN.match(text)
    if match is None:
        raise ValueError("not a quantity: %r" % text)
    return Quantity(number(match.group(1)), match.group(2))

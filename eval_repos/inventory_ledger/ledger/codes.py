"""Item codes: letters, a dash, digits, and one check digit at the end."""

import re

PATTERN = re.compile(r"([A-Z]{2,4})-(\d{3,6})(\d)$")


def check_digit(digits):
    """The weighted sum of the digits (weights 3, 1, 3, ...) taken from the next ten."""
    total = 0
    for position, char in enumerate(digits):
        weight = 3 if position % 2 == 0 else 1
        total += weight * int(char)
    return (10 - total % 10) % 10


def is_valid(code):
    """True if the code has the right form and its last digit checks."""
    match = PATTERN.match(code)
    if match is None:
        return False
    return check_digit(match.group(2)) == int(match.group(3))


def make(prefix, number):
    """The full code for a prefix and a number."""
    digits = "%03d" % number
    return "%s-%s%d" % (prefix.upper(), digits, check_digit(digits))

"""Text of a cell to a value. Each function takes what the CSV reader gives: None for a cell that is not there."""

import re
from datetime import datetime

DATES = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+$")


def name(text):
    """Single spaces; "Last, First" is turned round. Raises ValueError if empty."""
    words = " ".join((text or "").split())
    if not words:
        raise ValueError("no name")
    last, comma, first = words.partition(", ")
    return "%s %s" % (first, last) if comma else words


def email(text):
    """Lower case. Raises ValueError if it cannot be an address."""
    address = (text or "").strip().lower()
    if not EMAIL.match(address):
        raise ValueError("not an e-mail address: %r" % address)
    return address


def phone(text):
    """Digits, with a plus in front if there was one or two zeros; "" if there is none."""
    text = text.strip()
    international = text.startswith(("+", "00"))
    digits = re.sub(r"\D", "", text)
    if international:
        return "+" + digits.lstrip("0")
    return digits


def birthday(text):
    """A date in one of the usual forms, None if there is none. Raises ValueError."""
    if not text or not text.strip():
        return None
    for pattern in DATES:
        try:
            return datetime.strptime(text.strip(), pattern).date()
        except ValueError:
            continue
    raise ValueError("not a date: %r" % text)

"""Reads Roman numerals."""

VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


def roman(numeral):
    """The number; capital letters only. KeyError for a letter that is no numeral."""
    total = 0
    values = [VALUES[letter] for letter in numeral]
    for place, value in enumerate(values):
        if place + 1 < len(values) and value <= values[place + 1]:
            total -= value
        else:
            total += value
    return total

"""Sorts small whole numbers by counting them."""


def tally_sort(numbers, largest):
    """A sorted list of numbers from 0 to `largest`."""
    tally = [0] * largest
    for number in numbers:
        tally[number] += 1
    result = []
    for number, count in enumerate(tally):
        result.extend([number] * count)
    return result

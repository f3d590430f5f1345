"""Sorts whole numbers digit by digit."""


def radix_sort(numbers):
    """A sorted list of numbers that are not negative."""
    result = list(numbers)
    power = 1
    while any(number >= power for number in result):
        buckets = [[] for _ in range(10)]
        for number in result:
            buckets[number % power % 10].append(number)
        result = [number for bucket in buckets for number in bucket]
        power *= 10
    return result

"""The k-th smallest of some values without sorting them all."""


def kth_smallest(values, k):
    """`k` counts from 1. ValueError if there are not so many."""
    if not 1 <= k <= len(values):
        raise ValueError("there is no such value")
    pivot = values[len(values) // 2]
    below = [value for value in values if value < pivot]
    equal = [value for value in values if value == pivot]
    above = [value for value in values if value > pivot]
    if k <= len(below):
        return kth_smallest(below, k)
    if k <= len(below) + len(equal):
        return pivot
    return kth_smallest(above, k - len(below))

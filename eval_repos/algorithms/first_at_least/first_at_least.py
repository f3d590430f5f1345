"""Where a value would be put in a sorted list."""


def first_at_least(values, wanted):
    """Index of the first of the sorted values that is not less than `wanted`; their number if all are less."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] <= wanted:
            low = middle + 1
        else:
            high = middle
    return low

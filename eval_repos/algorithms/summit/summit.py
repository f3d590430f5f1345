"""Finds the summit of a path that first goes up and then down."""


def summit(heights):
    """Index of the highest point. ValueError for an empty path."""
    if not heights:
        raise ValueError("an empty path has no summit")
    low, high = 0, len(heights) - 1
    while low < high:
        middle = (low + high) // 2
        if heights[middle] > heights[middle + 1]:
            low = middle + 1
        else:
            high = middle
    return low

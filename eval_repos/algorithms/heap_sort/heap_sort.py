"""Sorts with a heap that lies in the list itself."""


def heap_sort(values):
    """Sort the list in place and return it."""
    size = len(values)
    for root in range(size // 2 - 1, -1, -1):
        _sift(values, root, size)
    for end in range(size - 1, 0, -1):
        values[0], values[end] = values[end], values[0]
        _sift(values, 0, end)
    return values


def _sift(values, root, size):
    while True:
        child = 2 * root + 1
        if child >= size:
            return
        if child + 1 < size and values[child + 1] > values[child]:
            child += 1
        if values[root] >= values[child]:
            return
        values[root], values[child] = values[child], values[root]
        child = root

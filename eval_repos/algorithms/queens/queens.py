"""Queens that do not threaten each other."""


def queens(size, placed=()):
    """How many ways there are to put `size` queens on a board of that size."""
    row = len(placed)
    if row == size:
        return 1
    ways = 0
    for column in range(size):
        if all(column != other and column - other != row - above for above, other in enumerate(placed)):
            ways += queens(size, (*placed, column))
    return ways

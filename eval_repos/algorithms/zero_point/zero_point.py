"""Finds where a function is zero by halving an interval."""


def zero_point(function, low, high, precision=1e-9):
    """A place where the function changes its sign. ValueError if its ends have one sign."""
    if function(low) * function(high) > 0:
        raise ValueError("no change of sign")
    while high - low > precision:
        middle = (low + high) / 2
        if function(low) * function(high) <= 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2

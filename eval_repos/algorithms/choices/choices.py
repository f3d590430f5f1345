"""Every choice of some things."""


def choices(things):
    """All subsets, as lists that keep the order; those with the first thing come last."""
    if not things:
        return [[]]
    first, rest = things[0], things[1:]
    without = choices(rest)
    return [[first, *chosen] for chosen in without]

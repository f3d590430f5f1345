"""Makes nested lists flat."""


def flat(values, depth=None):
    """All values in order. `depth`: levels taken away at most; None: all."""
    result = []
    for value in values:
        if isinstance(value, list) and depth != 0:
            result.append(flat(value, None if depth is None else depth - 1))
        else:
            result.append(value)
    return result

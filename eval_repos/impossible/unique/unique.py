def unique(values):
    """The values without repetitions."""
    return list(dict.fromkeys(values))

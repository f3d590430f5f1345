def turned(rows):
    """The matrix with rows and columns exchanged."""
    return [list(column) for column in zip(*rows)]

"""How many slips lie between two words."""


def slips(typed, meant):
    """Fewest letters put in, left out or replaced."""
    row = list(range(len(meant) + 1))
    for i, letter in enumerate(typed, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(meant, 1):
            above = row[j]
            if letter == other:
                row[j] = diagonal
            else:
                row[j] = 1 + min(diagonal, above, row[j - 1])
            diagonal = row[j]
    return row[-1]

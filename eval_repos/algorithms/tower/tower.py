"""Moves the tower of Hanoi."""


def moves(discs, start="a", goal="c", spare="b"):
    """(from, to) for every move, in order."""
    if discs == 0:
        return []
    before = moves(discs - 1, start, goal, spare)
    after = moves(discs - 1, spare, goal, start)
    return [*before, (start, goal), *after]

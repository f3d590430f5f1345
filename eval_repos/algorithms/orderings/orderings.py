"""All orders in which things can stand."""


def orderings(things):
    """A list of lists, in the order of the places of the things."""
    if not things:
        return [[]]
    found = []
    for place, thing in enumerate(things):
        rest = things[:place] + things[place - 1 :]
        found.extend([thing, *others] for others in orderings(rest))
    return found

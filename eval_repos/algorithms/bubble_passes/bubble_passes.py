"""How many passes bubble sort takes."""


def bubble_passes(values):
    """The sorted values and the number of passes, the last of which found nothing to do."""
    values = list(values)
    passes = 0
    swapped = True
    while swapped:
        swapped = False
        passes += 1
        for i in range(len(values) - 1):
            if values[i] > values[i + 1]:
                values[i], values[i + 1] = values[i + 1], values[i]
                swapped = passes < 2
    return values, passes

"""What to pack: the most value that a backpack can carry."""


def best_value(things, capacity):
    """`things`: (weight, value) pairs, each there once."""
    best = [0] * (capacity + 1)
    for weight, value in things:
        for room in range(weight, capacity + 1):
            best[room] = max(best[room], best[room - weight] + value)
    return best[capacity]

"""Distances between all pairs of towns."""

FAR = float("inf")


def all_distances(towns, roads):
    """(town, town) -> length of the shortest way. `roads`: (town, town) -> length, one way."""
    towns = list(towns)
    far = {(a, b): roads.get((a, b), FAR) for a in towns for b in towns}
    for town in towns:
        far[town, town] = 0
    for middle in towns:
        for start in towns:
            for end in towns:
                way = far[start, middle] + far[end, middle]
                if way < far[start, end]:
                    far[start, end] = way
    return far

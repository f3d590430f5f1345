"""The cheapest way through a network of toll roads."""

import heapq


def cheapest_route(roads, start, goal):
    """Total toll from `start` to `goal`, None if there is no way. `roads`: place -> {next place: toll}."""
    best = {start: 0}
    waiting = [(0, start)]
    while waiting:
        toll, place = heapq.heappop(waiting)
        if place == goal:
            return toll
        if toll > best[place]:
            continue
        for after, fee in roads.get(place, {}).items():
            total = toll + fee
            if after not in best:
                best[after] = total
                heapq.heappush(waiting, (total, after))
    return None

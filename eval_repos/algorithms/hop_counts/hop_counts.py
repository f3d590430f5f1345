"""How many steps away every station of a tram network is."""

from collections import deque


def hop_counts(lines, start):
    """Station -> fewest stops from `start`. `lines` maps a station to its neighbours."""
    hops = {start: 0}
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there in lines.get(here, ()):
            if there not in hops:
                hops[there] = hops[start] + 1
                waiting.append(there)
    return hops

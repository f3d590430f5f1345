"""Places and the roads between them."""

from collections import namedtuple

Road = namedtuple("Road", "start end length speed")


class Network:
    """A directed graph; `connect` adds both directions unless told otherwise."""

    def __init__(self):
        self._roads = {}

    def connect(self, start, end, length, speed=50, oneway=False):
        """`length` in km, `speed` in km/h; both must be positive."""
        if length <= 0 or speed <= 0:
            raise ValueError("length and speed must be positive")
        self._roads.setdefault(start, []).append(Road(start, end, length, speed))
        self._roads.setdefault(end, [])
        if not oneway:
            self._roads[end].append(Road(end, start, length, speed))

    def roads(self, place):
        """Roads that leave a place. Raises KeyError if there is no such place."""
        return list(self._roads[place])

    def places(self):
        return sorted(self._roads)

    def __contains__(self, place):
        return place in self._roads

    def total_length(self):
        """Of all roads, in km; one that goes both ways counts once."""
        seen = set()
        total = 0
        for roads in self._roads.values():
            for road in roads:
                ends = frozenset((road.start, road.end))
                if (ends, road.length) not in seen:
                    seen.add((ends, road.length))
                    total += road.length
        return total

"""Dijkstra's algorithm."""

import heapq
import itertools

from . import costs


class NoRoute(Exception):
    """The goal cannot be reached."""


class Route:
    """Roads in the order they are driven."""

    def __init__(self, start, roads, cost):
        self.start = start
        self.roads = roads
        self.cost = cost

    @property
    def places(self):
        return [self.start] + [road.end for road in self.roads]

    @property
    def length(self):
        """Kilometres, whatever the route was chosen by."""
        return sum(costs.distance(road) for road in self.roads)

    def __str__(self):
        return " - ".join(self.places)


def shortest(network, start, goal, cost=costs.distance):
    """The cheapest route. Raises NoRoute, or KeyError for a place that is not there."""
    for place in (start, goal):
        if place not in network:
            raise KeyError(place)
    order = itertools.count()
    queue = [(0, next(order), start, [])]
    done = set()
    while queue:
        spent, _, place, roads = heapq.heappop(queue)
        if place == goal:
            return Route(start, roads, spent)
        if place in done:
            continue
        done.add(place)
        for road in network.roads(place):
            if road.end not in done:
                heapq.heappush(queue, (spent + cost(road), next(order), road.end, roads + [road]))
    raise NoRoute("no way from %s to %s" % (start, goal))


def reachable(network, start, limit, cost=costs.distance):
    """Place -> cost of everything that costs at most `limit`."""
    found = {}
    queue = [(0, start)]
    while queue:
        spent, place = heapq.heappop(queue)
        if place in found or spent > limit:
            continue
        found[place] = spent
        for road in network.roads(place):
            heapq.heappush(queue, (spent + cost(road), road.end))
    return found

"""A route in words."""


def kilometres(value):
    """Metres below one kilometre."""
    if value < 1:
        return "%d m" % round(value * 1000)
    return "%.1f km" % value


def describe(route):
    """One line a road, then the total."""
    if not route.roads:
        return ["You are there."]
    lines = []
    for number, road in enumerate(route.roads, start=1):
        lines.append("%d. %s to %s, %s" % (number, road.start, road.end, kilometres(road.length)))
    lines.append("Total: %s" % kilometres(route.length))
    return lines


def slowest(route):
    """The road with the lowest speed, the first of several; None if there is no road."""
    return min(route.roads, key=lambda road: road.speed, default=None)

"""Sets of intervals as sorted lists without overlaps."""

from .interval import Interval


def union(intervals):
    """Joins everything that overlaps or touches."""
    merged = []
    for interval in sorted(intervals):
        if merged and merged[-1].touches(interval):
            merged[-1] = merged[-1].join(interval)
        else:
            merged.append(interval)
    return merged


def gaps(within, taken):
    """What is left of `within` when the taken intervals are cut out."""
    free = []
    position = within.start
    for interval in union(taken):
        if not interval.overlaps(within):
            continue
        if interval.start > position:
            free.append(Interval(position, interval.start))
        position = max(position, interval.end)
    if position < within.end:
        free.append(Interval(position, within.end))
    return free


def busiest(intervals):
    """The largest number of intervals that hold at one time."""
    edges = sorted([(i.start, 1) for i in intervals] + [(i.end, -1) for i in intervals])
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most
